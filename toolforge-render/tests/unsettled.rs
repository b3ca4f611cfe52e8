//! Pods that are about to be created, and pods that terminate.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::{JobsFile, ToolName};
use toolforge_quota::{Amounts, Bounds, Demand, LimitRange, Limits, Resource, ResourceQuota, Verdict};
use toolforge_render::change::ChangeSet;
use toolforge_render::job::{JobFacts, LoadOptions, plan_load};
use toolforge_render::namespace::Namespace;
use toolforge_render::pod::{FetchTime, with_unsettled_pods};

/// Returns the facts of a namespace with a partly used quota of 8Gi, and with one job.
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
    with_unsettled_pods_of(facts)
}

fn with_unsettled_pods_of(facts: JobFacts) -> JobFacts {
    at(0, facts)
}

fn load(facts: &JobFacts, job: &str) -> ChangeSet {
    load_all(facts, &[job])
}

fn load_all(facts: &JobFacts, jobs: &[&str]) -> ChangeSet {
    let file: String = jobs.iter().map(|job| format!("- {{command: x, image: bookworm, {job}}}\n")).collect();
    let jobs = JobsFile::parse(&file, &facts.namespace.tool).unwrap().jobs;
    let requests: Vec<_> = jobs.into_iter().map(|job| job.request).collect();
    plan_load(&requests, facts, &LoadOptions::default()).set
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
fn missing_pods_of_jobs_count() {
    let once = "name: a, mem: 3Gi";
    assert!(!load(&facts(once, 3), "name: b, mem: 3Gi").fits());
    assert!(load(&facts(once, 2), "name: b, mem: 3Gi").fits());
    let two = "name: a, mem: 2Gi, continuous: true, replicas: 2";
    assert!(!load(&facts(two, 2), "name: b, mem: 3Gi").fits());
    // The second of the two pods exceeds the quota, and is still refused.
    assert!(load(&facts(two, 5), "name: b, mem: 1Gi").fits());
    let set = load(&facts(two, 5), "name: b, mem: 2Gi");
    assert!(!set.fits());
    let named: Vec<(String, u64)> =
        set.waiting().iter().map(|pods| (pods.owner.to_string(), pods.count)).collect();
    assert_eq!(named, [("Deployment a".to_owned(), 1)]);
}

#[test]
fn missing_pods_of_kept_jobs_are_checked() {
    let two = "name: a, mem: 2Gi, continuous: true, replicas: 2";
    for (used, verdict) in [(0, Verdict::Fits), (4, Verdict::Fits), (6, Verdict::MissingPods)] {
        assert_eq!(load(&facts(two, used), two).verdict(), verdict, "{used}");
    }
    // One pod is created, and the other is refused as before.
    let set = load_all(&facts(two, 5), &[two, "name: b, mem: 1Gi"]);
    assert!(set.fits());
    assert_eq!(set.verdict(), Verdict::MissingPods);
}

#[test]
fn status_shows_missing_pods_of_files_without_pods() {
    let verdict = |status: Value| {
        let two = "name: a, mem: 2Gi, continuous: true, replicas: 2";
        let mut facts = facts(two, 7);
        facts.live.deployments[0].status = serde_json::from_value(status).unwrap();
        let limits = std::mem::take(&mut facts.namespace.limits);
        facts.namespace.limits = with_unsettled_pods(
            Limits { waiting: Vec::new(), ..limits },
            &facts.live.deployments,
            &[],
            &[],
            FetchTime::Unknown,
        );
        load(&facts, two).verdict()
    };
    assert_eq!(verdict(json!({"observedGeneration": 1})), Verdict::MissingPods);
    assert_eq!(verdict(json!({"observedGeneration": 1, "replicas": 2})), Verdict::Fits);
    assert_eq!(verdict(json!({})), Verdict::Fits);
}

#[test]
fn finished_or_existing_pods_are_not_missing() {
    let changed = |change: &dyn Fn(&mut JobFacts)| {
        let mut facts = facts("name: a, mem: 3Gi", 3);
        change(&mut facts);
        load(&with_unsettled_pods_of(facts), "name: b, mem: 3Gi").fits()
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
    for condition in ["Complete", "Failed", "SuccessCriteriaMet", "FailureTarget"] {
        let status = json!({"conditions": [{"type": condition, "status": "True"}]});
        assert!(with_job(json!({"status": status})), "{condition}");
    }
    assert!(with_job(json!({"spec": {"suspend": true, "template": {}}})));
    assert!(!with_job(json!({})));
    for phase in ["Pending", "Running", "Succeeded"] {
        assert!(changed(&|facts| facts.live.pods = vec![pod(&json!({"phase": phase}), None)]), "{phase}");
    }
}

#[test]
fn failed_pods_are_created_again() {
    let fits = |finalizers: &[&str], backoff_limit: u32| {
        let mut facts = facts("name: a, mem: 3Gi", 3);
        facts.live.jobs[0].spec.as_mut().unwrap().backoff_limit = i32::try_from(backoff_limit).ok();
        let mut failed = pod(&json!({"phase": "Failed"}), None);
        failed.metadata.finalizers = Some(finalizers.iter().map(ToString::to_string).collect());
        facts.live.pods = vec![failed];
        load(&with_unsettled_pods_of(facts), "name: b, mem: 3Gi").fits()
    };
    assert!(!fits(&[], 1));
    // It is not retried.
    assert!(fits(&[], 0));
    // The Job does not know yet that the pod has failed.
    assert!(fits(&["batch.kubernetes.io/job-tracking"], 1));
}

#[test]
fn jobs_create_no_pods_after_a_success_without_completions() {
    let mut facts = facts("name: a, mem: 1Gi", 3);
    let spec = facts.live.jobs[0].spec.as_mut().unwrap();
    (spec.completions, spec.parallelism) = (None, Some(3));
    facts.live.pods = vec![pod(&json!({"phase": "Succeeded"}), None)];
    assert!(load(&with_unsettled_pods_of(facts), "name: b, mem: 4Gi").fits());
}

#[test]
fn ignored_failures_are_not_retries() {
    let fits = |counted: u32| {
        let mut facts = facts("name: a, mem: 3Gi", 3);
        let job = &mut facts.live.jobs[0];
        let spec = job.spec.as_mut().unwrap();
        spec.backoff_limit = Some(0);
        spec.pod_failure_policy = serde_json::from_value(json!({"rules": [{"action": "Ignore"}]})).unwrap();
        job.status = serde_json::from_value(json!({"failed": counted})).unwrap();
        facts.live.pods = vec![pod(&json!({"phase": "Failed"}), None)];
        load(&with_unsettled_pods_of(facts), "name: b, mem: 3Gi").fits()
    };
    assert!(!fits(0));
    assert!(fits(1));
}

#[test]
fn indexes_that_have_failed_are_not_created_again() {
    let fits = |failed_indexes: &str| {
        let mut facts = facts("name: a, mem: 3Gi", 2);
        let job = &mut facts.live.jobs[0];
        let spec = job.spec.as_mut().unwrap();
        (spec.completions, spec.parallelism, spec.backoff_limit) = (Some(2), Some(2), None);
        spec.backoff_limit_per_index = Some(1);
        job.status = serde_json::from_value(json!({"failedIndexes": failed_indexes})).unwrap();
        let mut failed = pod(&json!({"phase": "Failed"}), None);
        let index = ("batch.kubernetes.io/job-completion-index".to_owned(), "1".to_owned());
        failed.metadata.annotations = Some([index].into());
        facts.live.pods = vec![failed];
        load(&with_unsettled_pods_of(facts), "name: b, mem: 3Gi").fits()
    };
    // The pod of index 0 is missing; the other one may be the last pod of its index.
    assert!(fits(""));
    assert!(fits("1"));
    assert!(fits("0-1"));
    let missing = |failed_indexes: &str| {
        let mut facts = facts("name: a, mem: 3Gi", 0);
        let job = &mut facts.live.jobs[0];
        let spec = job.spec.as_mut().unwrap();
        (spec.completions, spec.parallelism) = (Some(5), Some(5));
        job.status = serde_json::from_value(json!({"active": 1, "failedIndexes": failed_indexes})).unwrap();
        facts.live.pods = vec![pod(&json!({"phase": "Running"}), None)];
        let facts = with_unsettled_pods_of(facts);
        facts.namespace.limits.waiting.iter().map(|pods| pods.count).sum::<u64>()
    };
    assert_eq!((missing(""), missing("0"), missing("0,2-3")), (4, 3, 1));
}

/// Returns whether a job of 3Gi fits in addition to a continuous one of 3Gi whose Deployment has these fields, with 3 of 8Gi used.
fn fits_with(deployment: &Value) -> bool {
    let mut facts = facts("name: a, mem: 3Gi, continuous: true", 3);
    let mut changed = serde_json::to_value(&facts.live.deployments[0]).unwrap();
    for (part, fields) in deployment.as_object().unwrap() {
        for (key, value) in fields.as_object().unwrap() {
            changed[part][key] = value.clone();
        }
    }
    facts.live.deployments = vec![serde_json::from_value(changed).unwrap()];
    load(&with_unsettled_pods_of(facts), "name: b, mem: 3Gi").fits()
}

#[test]
fn only_quota_refusals_count_as_waiting() {
    let refused = |kind: &str, reason: &str, message: &str| {
        let status = if kind == "Progressing" { "False" } else { "True" };
        let condition = json!({"type": kind, "status": status, "reason": reason, "message": message});
        json!({"metadata": {"generation": 2}, "status": {"observedGeneration": 2, "conditions": [condition]}})
    };
    let of_pod = |message: &str| {
        refused("ReplicaFailure", "FailedCreate", &format!("pods \"a-1\" is forbidden: {message}"))
    };
    let limit = "maximum memory usage per Container is 2Gi, but limit is 3Gi";
    let quota = "exceeded quota: q, requested: limits.memory=3Gi, used: limits.memory=7Gi, limited: limits.memory=8Gi";
    for (message, is_created) in [
        (limit, false),
        ("failed quota: q: must specify limits.cpu for: job", false),
        (quota, true),
        ("status unknown for quota: q, resources: pods", true),
    ] {
        assert_eq!(fits_with(&of_pod(message)), !is_created, "{message}");
    }
    let denied = refused("ReplicaFailure", "FailedCreate", "admission webhook \"w\" denied the request: no");
    assert!(fits_with(&denied));
    // Without a ReplicaSet there are no pods.
    let set = "replicasets.apps \"a\" is forbidden: exceeded quota: q, requested: count/replicasets.apps=1, used: count/replicasets.apps=9, limited: count/replicasets.apps=9";
    assert!(fits_with(&refused("Progressing", "ReplicaSetCreateError", set)));
    // The condition may be that of an earlier template.
    let mut stale = of_pod(limit);
    stale["metadata"]["generation"] = json!(3);
    assert!(!fits_with(&stale));
}

#[test]
fn paused_deployment_creates_no_pods() {
    let paused = json!({"spec": {"paused": true}});
    assert!(fits_with(&paused));
    let mut scaled = paused.clone();
    scaled["metadata"] = json!({"annotations": {"deployment.kubernetes.io/revision": "1"}});
    assert!(!fits_with(&scaled));
}

#[test]
fn pods_beyond_a_limit_are_not_created() {
    for job in ["name: a, mem: 3Gi", "name: a, mem: 3Gi, continuous: true"] {
        let mut facts = facts(job, 4);
        let max = Amounts::new(None, Some("2Gi".parse().unwrap()));
        let container = Bounds { max, ..Bounds::default() };
        facts.namespace.limits.limit_ranges = vec![LimitRange { container, ..LimitRange::default() }];
        assert!(load(&with_unsettled_pods_of(facts), "name: b, mem: 2Gi").fits(), "{job}");
    }
}

#[test]
fn shortfall_names_terminating_pods() {
    let mut facts = facts("name: other, mem: 1Gi, schedule: '@daily'", 7);
    facts.live.pods = vec![pod(&json!({"phase": "Running"}), Some("1970-01-01T00:00:30Z"))];
    let set = load(&with_unsettled_pods_of(facts.clone()), "name: b, mem: 3Gi");
    assert!(!set.fits());
    let found = set.terminating().first().map(|pod| (pod.name.as_str(), pod.until));
    assert_eq!(found, Some(("a-1", 30)));
    assert!(load(&with_unsettled_pods_of(facts), "name: b, mem: 5Gi").terminating().is_empty());
}

/// Returns the facts of a partly used quota of 3Gi, and of a job with one terminating pod of 3Gi.
fn with_terminating_pod(used: u64) -> JobFacts {
    let mut facts = facts("name: a, mem: 3Gi, continuous: true", used);
    facts.namespace.limits.quotas[0].hard = [(Resource::LimitsMemory, 3 << 30)].into();
    let mut pod = pod(&json!({"phase": "Running"}), Some("1970-01-01T00:00:30Z"));
    pod.metadata.deletion_grace_period_seconds = Some(30);
    let job = facts.live.jobs_of(&facts.namespace.tool).remove(0);
    pod.metadata.labels = job.workload.template().unwrap().metadata.clone().unwrap().labels;
    pod.metadata.owner_references = None;
    facts.live.pods = vec![pod];
    with_unsettled_pods_of(facts)
}

fn at(second: i64, mut facts: JobFacts) -> JobFacts {
    let now = FetchTime::Now(Timestamp::from_second(second).unwrap());
    let live = &facts.live;
    facts.namespace.limits =
        with_unsettled_pods(facts.namespace.limits, &live.deployments, &live.jobs, &live.pods, now);
    facts
}

#[test]
fn pod_past_twice_its_grace_period_frees_nothing() {
    // The job of the pod is replaced. The usage is that of other objects, because the pod is no longer counted.
    let replaced = |second: i64, used: u64| {
        load(&at(second, with_terminating_pod(used)), "name: a, mem: 2Gi, continuous: true")
    };
    assert!(replaced(60, 3).fits());
    assert!(!replaced(61, 3).fits());
    assert!(replaced(61, 1).fits());
}

#[test]
fn does_not_wait_past_twice_the_grace_period() {
    let planned = |second: i64| load(&at(second, with_terminating_pod(3)), "name: b, mem: 2Gi");
    assert_eq!(planned(60).terminating().len(), 1);
    assert!(planned(61).terminating().is_empty());
    assert!(!planned(61).fits());
}

#[test]
fn pods_whose_controller_may_exist_are_replaced() {
    let now = FetchTime::Now(Timestamp::UNIX_EPOCH);
    for (kind, labels, time, expected) in [
        ("StatefulSet", json!({}), now, true),
        // An independent ReplicaSet, whatever Deployments exist.
        ("ReplicaSet", json!({}), now, true),
        ("ReplicaSet", json!({"app": "b"}), FetchTime::Unknown, true),
        // The pods that the Deployment creates are counted by themselves; without it, none are created.
        ("ReplicaSet", json!({"app": "a", "pod-template-hash": "1"}), now, false),
        ("ReplicaSet", json!({"app": "a", "pod-template-hash": "1"}), FetchTime::Unknown, false),
        ("ReplicaSet", json!({"app": "b", "pod-template-hash": "1"}), now, false),
        ("ReplicaSet", json!({"app": "b", "pod-template-hash": "1"}), FetchTime::Unknown, true),
        ("Job", json!({}), now, false),
        ("Job", json!({}), FetchTime::Unknown, true),
    ] {
        let mut pod = pod(&json!({"phase": "Running"}), Some("1970-01-01T00:00:30Z"));
        let owner = json!([{"apiVersion": "v1", "kind": kind, "name": "a", "uid": "u", "controller": true}]);
        pod.metadata.owner_references = serde_json::from_value(owner).unwrap();
        pod.metadata.labels = serde_json::from_value(labels.clone()).unwrap();
        let deployment = json!({
            "metadata": {"name": "a"},
            "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "a"}}, "template": {}},
        });
        let deployments = [serde_json::from_value(deployment).unwrap()];
        let jobs = [serde_json::from_value(json!({"metadata": {"name": "other", "uid": "other"}})).unwrap()];
        let quota = ResourceQuota {
            hard: [(Resource::LimitsMemory, 3 << 30)].into(),
            used: [(Resource::LimitsMemory, 3 << 30)].into(),
            ..ResourceQuota::default()
        };
        let limits = Limits { quotas: vec![quota], ..Limits::default() };
        let limits = with_unsettled_pods(limits, &deployments, &jobs, &[pod], time);
        let case = format!("{kind} {labels} {time:?}");
        assert_eq!(limits.terminating[0].may_be_replaced, expected, "{case}");
        // The program does not wait for such a pod.
        let requested = [(Resource::LimitsMemory, 1 << 30)].into();
        let check = limits.evaluate(&Demand::default(), &requested, &[]);
        assert_eq!(Verdict::new(&check, &check) == Verdict::QuotaExceeded, expected, "{case}");
    }
}

#[test]
fn failed_pods_of_retries_still_count() {
    let verdict = |job: &str, hard: u64| {
        let mut facts = facts("name: other, schedule: '@daily'", 0);
        facts.namespace.limits.quotas[0].hard = [(Resource::from("count/pods"), hard)].into();
        let load = load(&facts, job);
        assert_eq!(load.fits(), load.verdict().completes());
        load.verdict()
    };
    assert_eq!(verdict("name: a", 1), Verdict::Fits);
    assert_eq!(verdict("name: a, retry: 1", 0), Verdict::Never);
    assert_eq!(verdict("name: a, retry: 1", 1), Verdict::FitsWithoutRetries);
    assert_eq!(verdict("name: a, retry: 1", 2), Verdict::Fits);
    // The container of a continuous job is restarted in the same pod.
    assert_eq!(verdict("name: a, continuous: true", 1), Verdict::Fits);
}
