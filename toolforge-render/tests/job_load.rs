//! What a load does to jobs that stand, and in which order.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::collections::{BTreeMap, BTreeSet};

use toolforge_images::Catalog;
use toolforge_model::{JobField, JobRequest, JobsFile, ToolName};
use toolforge_quota::{Resource, ResourceQuota};
use toolforge_render::change::Action;
use toolforge_render::job::{JobFacts, LoadOptions, LoadPlan, RecordedJob, plan_load};
use toolforge_render::namespace::Platform;
use toolforge_render::object::Object;

fn tool() -> ToolName {
    "x".parse().unwrap()
}

fn requests(yaml: &str) -> Vec<JobRequest> {
    let file = JobsFile::parse(yaml, &tool()).unwrap();
    file.jobs.into_iter().map(|job| job.request).collect()
}

/// Returns the facts of a cluster in which the jobs of a file stand.
fn standing(yaml: &str) -> JobFacts {
    let mut facts = JobFacts::new(tool(), 52503, Catalog::bundled(), Platform::default());
    if yaml.is_empty() {
        return facts;
    }
    let options = LoadOptions { file: Some("/a.yaml"), ..LoadOptions::default() };
    let load = plan_load(&requests(yaml), &facts, &options);
    facts.live.extend(load.set.objects().cloned());
    facts
}

fn loaded(yaml: &str, facts: &JobFacts) -> LoadPlan {
    plan_load(&requests(yaml), facts, &LoadOptions { file: Some("/a.yaml"), ..LoadOptions::default() })
}

/// Returns the steps in words: what, which job, and the keys that differ.
fn told(plan: &LoadPlan) -> Vec<String> {
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
fn what_frees_room_comes_first_then_changes_then_what_is_new() {
    let facts = standing(
        &[
            job("grows", "continuous: true"),
            job("shrinks", "continuous: true\n  mem: 2Gi"),
            job("goes", "continuous: true"),
        ]
        .concat(),
    );
    let file = [
        job("new", "continuous: true"),
        job("grows", "continuous: true\n  mem: 1Gi"),
        job("shrinks", "continuous: true\n  mem: 1Gi"),
    ]
    .concat();
    let options = LoadOptions { file: Some("/a.yaml"), prunes: true, ..LoadOptions::default() };
    let plan = plan_load(&requests(&file), &facts, &options);
    // Without pods nothing is released yet, so a update that shrinks is known only by what it takes.
    assert_eq!(told(&plan), ["goes delete", "grows update mem", "shrinks update mem", "new create"]);
}

#[test]
fn differences_are_those_of_meaning() {
    for (before, after, expected) in [
        ("mem: 1Gi", "mem: 1024Mi", "a keep"),
        ("mem: 512Mi", "retry: 0", "a keep"),
        ("env: {A: '1', B: '2'}", "env: {A: '1 B=2'}", "a update env"),
        ("env: {A: ''}", "env: {A: ''}", "a keep"),
        ("emails: none", "emails: all", "a update emails"),
    ] {
        let with = |rest: &str| job("a", &format!("schedule: '@daily'\n  {rest}"));
        assert_eq!(told(&loaded(&with(after), &standing(&with(before)))), [expected], "{before} -> {after}");
    }
    let built = |command: &str, check: &str| {
        format!(
            "- name: a\n  command: {command}\n  image: tool-x/x:latest\n  continuous: true\n  health-check-script: {check}\n"
        )
    };
    let facts = standing(&built("run it 'x y'", "check \"a b\""));
    for (command, check, expected) in [
        ("launcher run it \"x y\"", "check 'a b'", "a keep"),
        ("run it 'x  y'", "check 'a b'", "a update command"),
        ("run it 'x y'", "check a b", "a update health-check-script"),
    ] {
        assert_eq!(told(&loaded(&built(command, check), &facts)), [expected]);
    }
}

#[test]
fn a_kind_that_changes_makes_the_job_anew_and_a_one_off_under_way_is_not_ended() {
    let scheduled = job("a", "schedule: '@daily'");
    assert_eq!(
        told(&loaded(&job("a", "continuous: true"), &standing(&scheduled))),
        ["a recreate schedule,continuous"]
    );
    let facts = standing(&job("a", "mem: 1Gi"));
    assert_eq!(
        told(&loaded(&job("a", "mem: 2Gi"), &facts)),
        ["! one-off job a is running and differs from what is wanted: mem"]
    );
    assert_eq!(told(&loaded(&job("a", "mem: 1Gi"), &facts)), ["a keep"]);
}

#[test]
fn the_domain_leads_to_one_job_which_another_may_take_over() {
    let public = |name: &str| job(name, "continuous: true\n  port: 8000\n  publish: /");
    let private = |name: &str| job(name, "continuous: true\n  port: 8000");
    let both = told(&loaded(&[public("a"), public("b")].concat(), &standing("")));
    assert_eq!(
        both.last().unwrap(),
        "! the tool's domain leads to one job only, and these are published: a, b"
    );
    let facts = standing(&[public("a"), private("b")].concat());
    let moved = told(&loaded(&[private("a"), public("b")].concat(), &facts));
    assert_eq!(moved, ["a update publish", "b update publish"]);
}

#[test]
fn a_job_that_the_platform_keeps_is_changed_only_when_it_is_taken_over() {
    let mut facts = standing(&job("a", "schedule: '@daily'"));
    facts.live.recorded = BTreeMap::from([("a".parse().unwrap(), RecordedJob::Scheduled)]);
    let same = requests(&job("a", "schedule: '@daily'"));
    let other = requests(&job("a", "schedule: '@daily'\n  mem: 1Gi"));
    let plan = |requests: &[JobRequest], adopts| {
        told(&plan_load(requests, &facts, &LoadOptions { adopts, ..LoadOptions::default() }))
    };
    assert_eq!(plan(&same, false), ["a keep"]);
    assert!(plan(&other, false)[1].starts_with("! job a is kept by the platform's jobs service"));
    // Taking over is a change, whether anything else is or not.
    assert_eq!(plan(&same, true), ["a update "]);
    assert_eq!(plan(&other, true), ["a update mem"]);
}

#[test]
fn a_rollout_for_which_there_is_no_room_goes_pod_by_pod_and_a_run_that_never_fits_is_told() {
    let bot = |memory: &str| job("bot", &format!("continuous: true\n  replicas: 2\n  mem: {memory}"));
    let mut facts = standing(&bot("1Gi"));
    let hard = |bytes: u64| ResourceQuota {
        name: "tool-x".to_owned(),
        hard: [(Resource::LimitsMemory, bytes)].into(),
        ..ResourceQuota::default()
    };
    facts.limits.quotas = vec![hard(3 << 30)];
    let plan = loaded(&bot("1536Mi"), &facts);
    assert!(plan.fits(), "{:?}", plan.set.at_peak);
    let Some(Object::Deployment(deployment)) = plan.set.objects().next() else { panic!("no Deployment") };
    let spec = deployment.spec.as_ref().unwrap();
    let strategy = spec.strategy.as_ref().unwrap().rolling_update.as_ref().unwrap();
    assert_eq!(
        serde_json::to_value(strategy).unwrap(),
        serde_json::json!({"maxSurge": 0, "maxUnavailable": 1})
    );
    assert!(!loaded(&bot("2Gi"), &facts).fits());
    let never = told(&loaded(&job("a", "schedule: '@daily'\n  mem: 4Gi"), &facts));
    assert_eq!(
        never[1],
        "! a run of job a never fits: limits.memory: 4Gi of 3Gi, 1Gi too much (quota tool-x)"
    );
}
