//! The usage other than the runs of scheduled jobs, for each command that simulates them.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::ops::Range;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_model::{JobsFile, ToolName};
use toolforge_quota::conflicts;
use toolforge_render::job::{
    JobFacts, LoadOptions, RunsAfterChanges, ScheduledJobLoad, plan_load, quotas_without_runs,
    simulate_scheduled_jobs, stagger,
};
use toolforge_render::namespace::Documents;

const DAY: &str = "2026-11-28T00:00:00Z";

fn day() -> Range<Timestamp> {
    DAY.parse().unwrap().."2026-11-29T00:00:00Z".parse().unwrap()
}

fn tool() -> ToolName {
    "x".parse().unwrap()
}

/// Returns a container of a job with a memory limit.
fn container(memory: &str) -> Value {
    json!({"name": "job", "image": "i", "resources": {"limits": {"memory": memory, "cpu": "1"}}})
}

/// Returns a pod of 2Gi of a controller.
fn pod(name: &str, kind: &str, is_terminating: bool) -> Value {
    let mut metadata = json!({
        "name": name, "uid": name, "labels": {"app": "web"},
        "ownerReferences": [{"apiVersion": "x", "kind": kind, "name": "web", "uid": "owner", "controller": true}],
    });
    if is_terminating {
        metadata["deletionTimestamp"] = json!("2026-11-28T00:00:20Z");
        metadata["deletionGracePeriodSeconds"] = json!(30);
    }
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": metadata,
        "spec": {"containers": [container("2Gi")]}, "status": {"phase": "Running"},
    })
}

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "uid": "web", "annotations": {"deployment.kubernetes.io/revision": "1"}},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}}, "strategy": {"type": "Recreate"},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container("2Gi")]}},
        },
    })
}

/// Returns a CronJob whose runs need 7Gi each.
fn cron_job() -> Value {
    let pod = json!({"restartPolicy": "Never", "containers": [container("7Gi")]});
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "big", "uid": "big"},
        "spec": {"schedule": "7 3 * * *", "jobTemplate": {"spec": {"template": {"spec": pod}}}},
    })
}

/// Returns facts with a partly used quota of 8Gi.
fn facts(used: u64, objects: &[Value]) -> JobFacts {
    let amounts = |memory: u64| json!({"limits.memory": format!("{memory}Gi")});
    let quota = json!({
        "apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "tool-x"},
        "spec": {"hard": amounts(8)}, "status": {"hard": amounts(8), "used": amounts(used)},
    });
    let mut items = objects.to_vec();
    items.push(quota);
    let mut documents = Documents::default();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    documents.read("facts.json", &list.to_string()).unwrap();
    documents.job_facts(documents.namespace(&tool()).unwrap()).unwrap()
}

fn loads(facts: &JobFacts) -> Vec<ScheduledJobLoad> {
    facts.live.all_scheduled(&tool()).iter().filter_map(|job| ScheduledJobLoad::of(job, facts)).collect()
}

/// Returns the usage in GiB other than the runs of scheduled jobs, after comparing it with the simulations.
fn used_without_runs(facts: &JobFacts) -> u64 {
    let loads = loads(facts);
    let used = quotas_without_runs(&loads, facts)[0].used(&"limits.memory".into()) >> 30;
    let fits = used <= 1;
    assert_eq!(conflicts(&simulate_scheduled_jobs(&loads, facts, day())).is_empty(), fits);
    assert_eq!(stagger(&loads, facts, &day()).conflicting_runs == 0, fits);
    used
}

#[test]
fn terminating_pods_have_successors() {
    let old = pod("web-0", "ReplicaSet", true);
    let new = pod("web-1", "ReplicaSet", false);
    for (used, pods, expected) in
        [(2, vec![new.clone()], 2), (2, vec![old.clone()], 2), (4, vec![old.clone(), new], 2)]
    {
        let objects = [vec![deployment(), cron_job()], pods].concat();
        assert_eq!(used_without_runs(&facts(used, &objects)), expected, "{used}");
    }
    // Its Deployment is not in the files, but may exist.
    let mut other = deployment();
    other["spec"]["selector"]["matchLabels"]["app"] = json!("other");
    other["spec"]["replicas"] = json!(0);
    assert_eq!(used_without_runs(&facts(2, &[other, cron_job(), old])), 2);
}

#[test]
fn pods_of_unknown_controllers_are_replaced() {
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "other"},
        "spec": {"suspend": true, "template": {"spec": {"containers": [container("1Gi")]}}},
    });
    for (kind, expected) in [("StatefulSet", 2), ("DaemonSet", 2), ("Node", 2), ("Job", 2)] {
        let objects = [deployment(), cron_job(), pod("db-0", kind, true), job.clone()];
        let mut objects = objects.to_vec();
        objects[0]["spec"]["replicas"] = json!(0);
        objects[2]["metadata"]["labels"] = json!({});
        assert_eq!(used_without_runs(&facts(2, &objects)), expected, "{kind}");
        if kind == "Job" {
            // This one is known, and suspended.
            objects[3]["metadata"]["uid"] = objects[2]["metadata"]["ownerReferences"][0]["uid"].clone();
            assert_eq!(used_without_runs(&facts(2, &objects)), 0);
        }
    }
}

#[test]
fn files_may_lack_the_controllers_of_pods() {
    for kind in ["ReplicaSet", "Job"] {
        assert_eq!(used_without_runs(&facts(2, &[cron_job(), pod("web-0", kind, true)])), 2, "{kind}");
    }
}

#[test]
fn pods_that_files_do_not_count_free_nothing() {
    // The quota's usage includes only one of the two.
    let objects =
        [deployment(), cron_job(), pod("web-0", "ReplicaSet", true), pod("web-1", "ReplicaSet", false)];
    assert_eq!(used_without_runs(&facts(2, &objects)), 2);
    assert_eq!(used_without_runs(&facts(4, &objects)), 2);
}

/// Returns the jobs that exceed the quota together once a job of a file is loaded.
fn after_load(facts: &JobFacts, job: &str) -> Vec<String> {
    let file = format!("- {{image: bookworm, command: ./x, {job}}}\n");
    let request = JobsFile::parse(&file, &tool()).unwrap().jobs.remove(0).request;
    let plan = plan_load(&[request], facts, &LoadOptions::default());
    assert!(plan.fits());
    let found = RunsAfterChanges::new(&plan.set, &plan.plans, facts, &day()).conflicts();
    found.into_iter().map(|conflict| conflict.names.join("+")).collect()
}

/// Returns facts with a continuous job of 2Gi, whose first pod terminates, and `cron_job`.
fn facts_of_replaced_job(is_terminating: bool) -> JobFacts {
    let request = "- {name: web, image: bookworm, command: ./old, mem: 2Gi, continuous: true}\n";
    let request = JobsFile::parse(request, &tool()).unwrap().jobs.remove(0).request;
    let plan = plan_load(&[request], &facts(0, &[]), &LoadOptions::default());
    let web = plan.set.objects().next().unwrap();
    let mut web = serde_json::to_value(web).unwrap();
    web["metadata"]["uid"] = json!("web");
    let labels = web["spec"]["template"]["metadata"]["labels"].clone();
    let of_web = |name: &str, is_terminating| {
        let mut pod = pod(name, "ReplicaSet", is_terminating);
        pod["metadata"]["labels"] = labels.clone();
        pod
    };
    let mut objects = vec![cron_job(), of_web("web-1", false)];
    objects.extend(is_terminating.then(|| of_web("web-0", true)));
    objects.push(web);
    facts(if is_terminating { 4 } else { 2 }, &objects)
}

#[test]
fn changes_free_terminating_pods_once() {
    let job = "name: web, mem: 2Gi, continuous: true";
    for is_terminating in [false, true] {
        let facts = facts_of_replaced_job(is_terminating);
        assert_eq!(after_load(&facts, &format!("{job}, cpu: 900m")), [""; 0], "nothing is caused");
        // The usage is higher afterwards.
        assert_eq!(after_load(&facts, &job.replace("2Gi", "3Gi")), ["big"], "{is_terminating}");
        assert_eq!(
            after_load(&facts, "name: new, mem: 1Gi, schedule: '7 3 * * *'"),
            ["big+new"],
            "{is_terminating}"
        );
    }
}

#[test]
fn pods_of_deleted_runs_are_not_awaited() {
    // The run of the job has no pod yet. Its CronJob is replaced, and the run is deleted with it.
    let request = |job: &str| {
        let file = format!("- {{name: daily, image: bookworm, command: ./x, {job}}}\n");
        JobsFile::parse(&file, &tool()).unwrap().jobs.remove(0).request
    };
    let plan = plan_load(&[request("mem: 6Gi, schedule: '@daily'")], &facts(0, &[]), &LoadOptions::default());
    let mut daily = serde_json::to_value(plan.set.objects().next().unwrap()).unwrap();
    daily["metadata"]["uid"] = json!("daily");
    let run = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": {
            "name": "daily-1", "uid": "run", "labels": daily["metadata"]["labels"],
            "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "daily", "uid": "daily", "controller": true}],
        },
        "spec": daily["spec"]["jobTemplate"]["spec"],
    });
    let other = pod("other", "Job", false);
    let facts = facts(2, &[daily, run, other]);
    let waiting = &facts.namespace.limits.waiting;
    assert_eq!(waiting.iter().map(|pods| pods.owner.to_string()).collect::<Vec<_>>(), ["Job daily-1"]);
    let continuous = [request("mem: 3Gi, continuous: true")];
    assert!(plan_load(&continuous, &facts, &LoadOptions::default()).fits());
    // The pod is one of the run, which is simulated.
    assert_eq!(quotas_without_runs(&loads(&facts), &facts)[0].used(&"limits.memory".into()), 2 << 30);
}

#[test]
fn current_run_is_not_counted_twice() {
    let mut run =
        json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "big-1", "uid": "run"}});
    run["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "batch/v1", "kind": "CronJob", "name": "big", "uid": "big", "controller": true,
    }]);
    run["spec"] = json!({"template": {"spec": {"containers": [container("7Gi")]}}});
    let of_run = |is_terminating| {
        let mut pod = pod("big-1-x", "Job", is_terminating);
        pod["metadata"]["labels"] = json!({"job-name": "big-1"});
        pod["metadata"]["ownerReferences"][0]["uid"] = json!("run");
        pod["metadata"]["ownerReferences"][0]["name"] = json!("big-1");
        pod["spec"]["containers"] = json!([container("7Gi")]);
        pod
    };
    for is_terminating in [false, true] {
        let facts = facts(7, &[cron_job(), run.clone(), of_run(is_terminating)]);
        assert_eq!(used_without_runs(&facts), 0, "{is_terminating}");
        // If the job is not simulated, its runs count, except terminating pods.
        let others = quotas_without_runs(&[], &facts)[0].used(&"limits.memory".into()) >> 30;
        assert_eq!(others, 7, "{is_terminating}");
    }
}

#[test]
fn waiting_one_off_jobs_are_not_scheduled_runs() {
    let facts = facts(0, &[]);
    let text = "- {name: a, command: x, image: bookworm, mem: 3Gi}\n- {name: b, command: x, image: bookworm, mem: 3Gi}\n\
                - {name: c, command: x, image: bookworm, mem: 3Gi}\n- {name: d, command: x, image: bookworm, schedule: '7 3 * * *'}\n";
    let file = JobsFile::parse(text, &tool()).unwrap();
    let requests: Vec<_> = file.jobs.into_iter().map(|job| job.request).collect();
    let plan = plan_load(&requests, &facts, &LoadOptions::default());
    assert_eq!(plan.verdict().as_str(), "fits-one-after-another");
    assert_eq!(RunsAfterChanges::new(&plan.set, &plan.plans, &facts, &day()).conflicts(), []);
}

#[test]
fn finite_pods_delay_only_early_runs() {
    let shell = |started: &str| {
        json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "shell-1", "uid": "shell-1"},
            "spec": {"restartPolicy": "Never", "containers": [container("6Gi")]},
            "status": {"phase": "Running", "startTime": started},
        })
    };
    let after = |started: &str, schedule: &str| {
        let mut found = facts(6, &[shell(started)]);
        let job = format!("name: new, mem: 4Gi, schedule: '{schedule}'");
        let conflicts = after_load(&found, &job);
        // Without the shell, there is no conflict.
        found.namespace.limits = found.namespace.limits.without_finite_pods(|_| true);
        assert_eq!(after_load(&found, &job), [""; 0]);
        conflicts
    };
    assert_eq!(after("2026-11-27T23:50:00Z", "30 0 * * *"), ["new+shell-1"]);
    assert_eq!(after("2026-11-27T23:50:00Z", "7 3 * * *"), [""; 0]);
    // One that has run for four hours may run for another four.
    assert_eq!(after("2026-11-27T20:00:00Z", "7 3 * * *"), ["new+shell-1"]);
    // Suggestions are for every day.
    let found = facts(
        2,
        &[cron_job(), {
            let mut shell = shell(DAY);
            shell["spec"]["containers"] = json!([container("2Gi")]);
            shell
        }],
    );
    assert_eq!(stagger(&loads(&found), &found, &day()).conflicting_runs, 0);
}
