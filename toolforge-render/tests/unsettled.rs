//! Pods that are about to be created, and pods that terminate.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::{JobsFile, ToolName};
use toolforge_quota::{Resource, ResourceQuota};
use toolforge_render::change::ChangeSet;
use toolforge_render::job::{JobFacts, LoadOptions, plan_load};
use toolforge_render::namespace::Namespace;
use toolforge_render::pod::with_unsettled_pods;

/// Returns the facts of a namespace with 8Gi, of which some are used, and with one job.
fn facts(job: &str, used: u64) -> JobFacts {
    let tool: ToolName = "x".parse().unwrap();
    let mut facts = JobFacts::new(Namespace::new(&tool, Catalog::bundled()).with_uid(52503));
    let set = load(&facts, job);
    facts.live.extend(set.objects().cloned());
    for job in &mut facts.live.jobs {
        job.metadata.uid = Some("uid".to_owned());
    }
    facts.namespace.limits.quotas = vec![ResourceQuota {
        hard: [(Resource::LimitsMemory, 8 << 30)].into(),
        used: [(Resource::LimitsMemory, used << 30)].into(),
        ..ResourceQuota::default()
    }];
    settled(facts)
}

fn settled(mut facts: JobFacts) -> JobFacts {
    let live = &facts.live;
    facts.namespace.limits =
        with_unsettled_pods(facts.namespace.limits, &live.deployments, &live.jobs, &live.pods);
    facts
}

fn load(facts: &JobFacts, job: &str) -> ChangeSet {
    let file = format!("- {{command: x, image: bookworm, {job}}}\n");
    let request = JobsFile::parse(&file, &facts.namespace.tool).unwrap().jobs.remove(0).request;
    plan_load(&[request], facts, &LoadOptions::default()).set
}

/// Returns a pod of 3Gi that a Job owns.
fn pod(status: &Value, deleted: Option<&str>) -> Pod {
    serde_json::from_value(json!({
        "metadata": {
            "name": "a-1", "deletionTimestamp": deleted,
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "Job", "name": "a", "uid": "uid"}],
        },
        "spec": {"containers": [{"name": "job", "resources": {"limits": {"memory": "3Gi"}}}]},
        "status": status,
    }))
    .unwrap()
}

#[test]
fn the_missing_pods_of_jobs_count() {
    let once = "name: a, mem: 3Gi";
    assert!(!load(&facts(once, 3), "name: b, mem: 3Gi").fits());
    assert!(load(&facts(once, 2), "name: b, mem: 3Gi").fits());
    let two = "name: a, mem: 2Gi, continuous: true, replicas: 2";
    assert!(!load(&facts(two, 2), "name: b, mem: 3Gi").fits());
    // The second pod of the two has no room, and stays refused.
    assert!(load(&facts(two, 5), "name: b, mem: 1Gi").fits());
    assert!(!load(&facts(two, 5), "name: b, mem: 2Gi").fits());
}

#[test]
fn jobs_with_a_pod_or_an_end_miss_none() {
    let changed = |change: &dyn Fn(&mut JobFacts)| {
        let mut facts = facts("name: a, mem: 3Gi", 3);
        change(&mut facts);
        load(&settled(facts), "name: b, mem: 3Gi").fits()
    };
    let with_job = |json: Value| {
        changed(&move |facts| {
            let mut job = serde_json::to_value(&facts.live.jobs[0]).unwrap();
            for (key, value) in json.as_object().unwrap() {
                job[key.as_str()] = value.clone();
            }
            facts.live.jobs = vec![serde_json::from_value::<Job>(job).unwrap()];
        })
    };
    assert!(with_job(json!({"status": {"conditions": [{"type": "Complete", "status": "True"}]}})));
    assert!(with_job(json!({"spec": {"suspend": true, "template": {}}})));
    assert!(!with_job(json!({})));
    for phase in ["Pending", "Running", "Succeeded"] {
        assert!(changed(&|facts| facts.live.pods = vec![pod(&json!({"phase": phase}), None)]), "{phase}");
    }
}

#[test]
fn terminating_pods_are_named_where_they_make_room() {
    let mut facts = facts("name: other, mem: 1Gi, schedule: '@daily'", 7);
    facts.live.pods = vec![pod(&json!({"phase": "Running"}), Some("1970-01-01T00:00:30Z"))];
    let set = load(&settled(facts.clone()), "name: b, mem: 3Gi");
    assert!(!set.fits());
    let found = set.terminating().first().map(|pod| (pod.name.as_str(), pod.until));
    assert_eq!(found, Some(("Pod a-1", 30)));
    assert!(load(&settled(facts), "name: b, mem: 5Gi").terminating().is_empty());
}
