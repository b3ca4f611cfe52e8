//! What a load does to existing jobs, and in which order.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::DeploymentSpec;
use k8s_openapi::api::batch::v1::{JobCondition, JobStatus};
use k8s_openapi::api::core::v1::Pod;
use toolforge_images::Catalog;
use toolforge_model::{JobField, JobRequest, JobsFile, Memory, ToolName};
use toolforge_quota::{Amounts, Bounds, LimitRange, Resource, ResourceQuota};
use toolforge_render::change::Action;
use toolforge_render::job::{JobFacts, LoadOptions, LoadPlan, RecordedJob, plan_load};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::Object;

fn tool() -> ToolName {
    "x".parse().unwrap()
}

fn requests(yaml: &str) -> Vec<JobRequest> {
    let file = JobsFile::parse(yaml, &tool()).unwrap();
    file.jobs.into_iter().map(|job| job.request).collect()
}

/// Returns the facts of a cluster in which the jobs of a file exist.
fn existing(yaml: &str) -> JobFacts {
    let mut facts = JobFacts::new(Namespace::new(&tool(), Catalog::bundled()).with_uid(52503));
    if yaml.is_empty() {
        return facts;
    }
    let options = LoadOptions::of_file("/a.yaml");
    let load = plan_load(&requests(yaml), &facts, &options);
    facts.live.extend(load.set.objects().cloned());
    facts
}

fn loaded(yaml: &str, facts: &JobFacts) -> LoadPlan {
    plan_load(&requests(yaml), facts, &LoadOptions::of_file("/a.yaml"))
}

/// Returns the changes as text: the job, the action, and the fields that differ.
fn shown(plan: &LoadPlan) -> Vec<String> {
    let steps = plan.set.changes.iter().map(|change| {
        let keys: BTreeSet<JobField> = change.differences().filter_map(|difference| difference.key).collect();
        let keys: Vec<&str> = keys.into_iter().map(JobField::as_str).collect();
        match change.action {
            Action::Update | Action::Recreate => {
                format!("{} {} {}", change.name, change.action, keys.join(","))
            }
            action => format!("{} {action}", change.name),
        }
    });
    steps.chain(plan.problems.iter().map(|problem| format!("! {problem}"))).collect()
}

fn job(name: &str, rest: &str) -> String {
    format!("- name: {name}\n  command: x\n  image: bookworm\n  {rest}\n")
}

#[test]
fn load_deletes_then_updates_then_creates() {
    let facts = existing(
        &[
            job("grows", "continuous: true"),
            job("shrinks", "continuous: true\n  mem: 2Gi"),
            job("removed", "continuous: true"),
        ]
        .concat(),
    );
    let file = [
        job("new", "continuous: true"),
        job("grows", "continuous: true\n  mem: 1Gi"),
        job("shrinks", "continuous: true\n  mem: 1Gi"),
    ]
    .concat();
    let mut options = LoadOptions::of_file("/a.yaml");
    options.prunes = true;
    let plan = plan_load(&requests(&file), &facts, &options);
    // There are no live pods, so both updates only request more.
    assert_eq!(shown(&plan), ["removed delete", "grows update mem", "shrinks update mem", "new create"]);
}

#[test]
fn differences_compare_by_meaning() {
    for (before, after, expected) in [
        ("mem: 1Gi", "mem: 1024Mi", "a keep"),
        ("mem: 512Mi", "retry: 0", "a keep"),
        ("env: {A: '1', B: '2'}", "env: {A: '1 B=2'}", "a update env"),
        ("env: {A: ''}", "env: {A: ''}", "a keep"),
        ("emails: none", "emails: all", "a update emails"),
    ] {
        let with = |rest: &str| job("a", &format!("schedule: '@daily'\n  {rest}"));
        assert_eq!(shown(&loaded(&with(after), &existing(&with(before)))), [expected], "{before} -> {after}");
    }
    let built = |command: &str, check: &str| {
        format!(
            "- name: a\n  command: {command}\n  image: tool-x/x:latest\n  continuous: true\n  health-check-script: {check}\n"
        )
    };
    let facts = existing(&built("run it 'x y'", "check \"a b\""));
    for (command, check, expected) in [
        ("launcher run it \"x y\"", "check 'a b'", "a keep"),
        ("run it 'x  y'", "check 'a b'", "a update command"),
        ("run it 'x y'", "check a b", "a update health-check-script"),
    ] {
        assert_eq!(shown(&loaded(&built(command, check), &facts)), [expected]);
    }
}

#[test]
fn change_of_kind_recreates_the_job() {
    let scheduled = job("a", "schedule: '@daily'");
    assert_eq!(
        shown(&loaded(&job("a", "continuous: true"), &existing(&scheduled))),
        ["a recreate schedule,continuous"]
    );
}

/// Returns the facts of a cluster in which the one-off job of a file has ended or not.
fn one_off(yaml: &str, condition: Option<&str>) -> JobFacts {
    let mut facts = existing(yaml);
    let conditions = condition.map(|kind| {
        vec![JobCondition { type_: kind.to_owned(), status: "True".to_owned(), ..JobCondition::default() }]
    });
    facts.live.jobs[0].status = Some(JobStatus { conditions, ..JobStatus::default() });
    facts
}

#[test]
fn finished_one_off_job_runs_again() {
    let file = job("compile", "wait: true");
    for (condition, expected) in [
        (None, "compile keep"),
        (Some("Complete"), "compile recreate "),
        (Some("Failed"), "compile recreate "),
        (Some("FailureTarget"), "compile recreate "),
    ] {
        assert_eq!(shown(&loaded(&file, &one_off(&file, condition))), [expected], "{condition:?}");
    }
}

#[test]
fn jobs_after_a_wait_keep_their_order() {
    let scheduled = |command: &str| job("update", "schedule: '*/15 * * * *'").replace("command: x", command);
    let file = [job("first", "continuous: true"), job("compile", ""), scheduled("command: y")].concat();
    let mut options = LoadOptions::of_file("/a.yaml");
    options.waits_for = vec!["compile".parse().unwrap()];
    let planned = |facts: &JobFacts| shown(&plan_load(&requests(&file), facts, &options));
    // The one-off job is deleted some time after it finishes. The update comes after it in both cases.
    let changed = existing(&scheduled("command: x"));
    assert_eq!(planned(&changed), ["first create", "compile create", "update update command"]);
    let mut both = one_off(&job("compile", ""), Some("Failed"));
    both.live.cron_jobs = changed.live.cron_jobs.clone();
    assert_eq!(planned(&both), ["compile recreate ", "first create", "update update command"]);
}

#[test]
fn later_jobs_do_not_count_awaited_ones() {
    let file = [job("first", ""), job("second", ""), job("bot", "continuous: true")].concat();
    let mut facts = existing("");
    // A pod of each job has 512Mi.
    let hard = [(Resource::LimitsMemory, 1 << 30), (Resource::Count("jobs.batch".to_owned()), 2)].into();
    facts.namespace.limits.quotas =
        vec![ResourceQuota { name: "tool-x".to_owned(), hard, ..ResourceQuota::default() }];
    let planned = |waits_for: &[&str], jobs: u64| {
        let mut facts = facts.clone();
        facts.namespace.limits.quotas[0].hard.insert(Resource::Count("jobs.batch".to_owned()), jobs);
        let mut options = LoadOptions::default();
        options.waits_for = waits_for.iter().map(|name| name.parse().unwrap()).collect();
        plan_load(&requests(&file), &facts, &options)
    };
    // Without a wait, one of them waits for the other.
    assert!(planned(&[], 2).fits());
    assert!(planned(&["second"], 2).fits());
    let plan = planned(&["first", "second"], 2);
    assert!(plan.fits());
    let memory = plan.set.forecast().find(|row| row.at_rest.resource == Resource::LimitsMemory).unwrap();
    assert_eq!((memory.at_rest.after, memory.peak), (512 << 20, 512 << 20));
    // Their Jobs remain for some time.
    assert!(!planned(&["first", "second"], 1).fits());
}

#[test]
fn running_awaited_job_is_not_counted() {
    let file = [job("first", ""), job("bot", "continuous: true")].concat();
    let mut facts = existing(&job("first", ""));
    let run = facts.live.jobs[0].clone();
    let template = &run.spec.as_ref().unwrap().template;
    let mut pod = Pod { spec: template.spec.clone(), ..Pod::default() };
    pod.metadata.labels = template.metadata.as_ref().and_then(|metadata| metadata.labels.clone());
    facts.live.pods = vec![pod];
    let memory = |bytes: u64| [(Resource::LimitsMemory, bytes)].into_iter();
    facts.namespace.limits.quotas = vec![ResourceQuota {
        name: "tool-x".to_owned(),
        hard: memory(512 << 20).collect(),
        used: memory(512 << 20).collect(),
        ..ResourceQuota::default()
    }];
    let mut options = LoadOptions::default();
    assert!(!plan_load(&requests(&file), &facts, &options).fits());
    options.waits_for = vec!["first".parse().unwrap()];
    assert!(plan_load(&requests(&file), &facts, &options).fits());
}

#[test]
fn running_one_off_job_is_not_replaced() {
    let facts = existing(&job("a", "mem: 1Gi"));
    assert_eq!(
        shown(&loaded(&job("a", "mem: 2Gi"), &facts)),
        ["! one-off job a is running and differs from the request: mem"]
    );
    assert_eq!(shown(&loaded(&job("a", "mem: 1Gi"), &facts)), ["a keep"]);
}

#[test]
fn only_one_job_can_be_published() {
    let public = |name: &str| job(name, "continuous: true\n  port: 8000\n  publish: /");
    let private = |name: &str| job(name, "continuous: true\n  port: 8000");
    let both = shown(&loaded(&[public("a"), public("b")].concat(), &existing("")));
    assert_eq!(
        both.last().unwrap(),
        "! only one job can be published on the tool's domain, not several: a, b"
    );
    let facts = existing(&[public("a"), private("b")].concat());
    let moved = shown(&loaded(&[private("a"), public("b")].concat(), &facts));
    assert_eq!(moved, ["a update publish", "b update publish"]);
}

#[test]
fn recorded_job_changes_only_if_adopted() {
    let mut facts = existing(&job("a", "schedule: '@daily'"));
    facts.live.recorded = BTreeMap::from([("a".parse().unwrap(), RecordedJob::Scheduled)]);
    let same = requests(&job("a", "schedule: '@daily'"));
    let other = requests(&job("a", "schedule: '@daily'\n  mem: 1Gi"));
    let plan = |requests: &[JobRequest], adopts| {
        let mut options = LoadOptions::default();
        options.adopts = adopts;
        shown(&plan_load(requests, &facts, &options))
    };
    assert_eq!(plan(&same, false), ["a keep"]);
    assert!(plan(&other, false)[1].starts_with("! job a is managed by the platform's jobs service"));
    // Adopting a job is a change even if nothing else differs.
    assert_eq!(plan(&same, true), ["a update "]);
    assert_eq!(plan(&other, true), ["a update mem"]);
}

fn bot(memory: &str) -> String {
    job("bot", &format!("continuous: true\n  replicas: 2\n  mem: {memory}"))
}

/// Returns the facts of a cluster with the job `bot`, and a memory quota of 3Gi.
fn existing_bot() -> JobFacts {
    let mut facts = existing(&bot("1Gi"));
    let hard = |bytes: u64| ResourceQuota {
        name: "tool-x".to_owned(),
        hard: [(Resource::LimitsMemory, bytes)].into(),
        ..ResourceQuota::default()
    };
    facts.namespace.limits.quotas = vec![hard(3 << 30)];
    facts
}

#[test]
fn rollout_without_headroom_goes_pod_by_pod() {
    let facts = existing_bot();
    let plan = loaded(&bot("1536Mi"), &facts);
    assert!(plan.fits(), "{:?}", plan.set.at_peak);
    let Some(Object::Deployment(deployment)) = plan.set.objects().next() else { panic!("no Deployment") };
    let spec: Option<&DeploymentSpec> = (&deployment.spec).into();
    let spec = spec.unwrap();
    let strategy = spec.strategy.as_ref().unwrap().rolling_update.as_ref().unwrap();
    assert_eq!(
        serde_json::to_value(strategy).unwrap(),
        serde_json::json!({"maxSurge": 0, "maxUnavailable": 1})
    );
    assert!(!loaded(&bot("2Gi"), &facts).fits());
}

#[test]
fn run_that_never_fits_is_a_problem() {
    let facts = existing_bot();
    let never = shown(&loaded(&job("a", "schedule: '@daily'\n  mem: 4Gi"), &facts));
    assert_eq!(
        never[1],
        "! a run of job a never fits: limits.memory: 4Gi of 3Gi, 1Gi too much (quota tool-x)"
    );
}

#[test]
fn limits_concern_created_pods_only() {
    let mut facts = existing(&job("web", "continuous: true\n  replicas: 3\n  mem: 1Gi\n  port: 8000"));
    let max = Amounts::new(None, Some(Memory::from_bytes(512 << 20)));
    let container = Bounds { max, ..Bounds::default() };
    facts.namespace.limits.limit_ranges = vec![LimitRange { container, ..LimitRange::default() }];
    for (fields, fits) in [
        ("replicas: 3\n  mem: 1Gi\n  port: 8000", true),
        ("replicas: 2\n  mem: 1Gi\n  port: 8000", true),
        ("replicas: 3\n  mem: 1Gi\n  port: 8000\n  publish: true", true),
        ("replicas: 4\n  mem: 1Gi\n  port: 8000", false),
        ("replicas: 3\n  mem: 768Mi\n  port: 8000", false),
        ("replicas: 3\n  mem: 512Mi\n  port: 8000", true),
    ] {
        let plan = loaded(&job("web", &format!("continuous: true\n  {fields}")), &facts);
        assert_eq!((plan.fits(), plan.problems.len()), (fits, 0), "{fields}: {:?}", shown(&plan));
    }
}

#[test]
fn differences_exclude_implied_values() {
    let job = |rest: &str| format!("- name: a\n  command: ls -l\n  schedule: 0 5 1 1 *\n  {rest}\n");
    let built = job("image: tool-x/web:latest");
    let differing = |before: &str, after: &str| shown(&loaded(after, &existing(before))).join(" ");
    assert_eq!(differing(&built, &job("image: bookworm")), "a update image,filelog,mount");
    let without_log = job("image: bookworm\n  no-filelog: true");
    assert_eq!(differing(&without_log, &job("image: bookworm")), "a update filelog");
    let with_path = job("image: bookworm\n  filelog-stdout: logs/a.out");
    assert_eq!(differing(&job("image: bookworm"), &with_path), "a update filelog-stdout");
    let default = job("image: bookworm\n  filelog-stdout: a.out");
    assert_eq!(differing(&job("image: bookworm"), &default), "a keep");
}

#[test]
fn deleted_services_and_workloads_may_still_be_counted() {
    let quota = |resource: Resource, hard, used| ResourceQuota {
        name: "tool-x".to_owned(),
        hard: [(resource.clone(), hard), (Resource::LimitsMemory, 3 << 30)].into(),
        used: [(resource, used)].into_iter().collect(),
        ..Default::default()
    };
    let services = |hard, used| quota(Resource::Services, hard, used);
    let deployments = |hard, used| quota(Resource::Count("deployments.apps".to_owned()), hard, used);
    let file = |memory: &str| job("a", &format!("continuous: true\n  port: 8000\n  mem: {memory}"));
    for (before, quota, memory, expected) in [
        ("", services(1, 1), "1Gi", true),
        ("", services(2, 1), "1Gi", false),
        // No memory is freed with a Service, while a Deployment may have had pods.
        ("", services(2, 1), "4Gi", false),
        ("", deployments(2, 1), "4Gi", true),
        (file("1Gi").replace("name: a", "name: b").as_str(), services(1, 1), "1Gi", false),
    ] {
        let mut facts = existing(before);
        facts.namespace.limits.quotas = vec![quota.clone()];
        let plan = loaded(&file(memory), &facts);
        assert_eq!(plan.set.counts_deleted(), expected, "{before:?}, {quota:?}, {memory}");
    }
}
