//! Proposals of other minutes for scheduled jobs.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::ops::Range;

use k8s_openapi::api::apps::v1::DeploymentSpec;
use k8s_openapi::api::batch::v1::CronJobSpec;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use toolforge_images::Catalog;
use toolforge_model::JobsFile;
use toolforge_quota::{Resource, ResourceQuota, conflicting_runs, conflicts};
use toolforge_render::job::{
    JobFacts, LoadOptions, LoadPlan, RunsAfterChanges, ScheduledJobLoad, StaggeredJobs,
    conflicts_during_rollout, plan_load, simulate_scheduled_jobs, stagger,
};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::CronJobSchedule;

fn time() -> Range<Timestamp> {
    "2026-11-28T00:00:00Z".parse().unwrap().."2026-11-29T00:00:00Z".parse().unwrap()
}

/// Returns the facts of a cluster with a CPU quota in which the jobs exist. A job without an amount has a limit of 1 CPU.
fn facts(yaml: &str, cpu_millis: u64) -> JobFacts {
    let mut facts = JobFacts::new(Namespace::new(&"x".parse().unwrap(), Catalog::bundled()).with_uid(52503));
    facts.namespace.limits.quotas.push(ResourceQuota {
        name: "tool-x".to_owned(),
        hard: [(Resource::LimitsCpu, cpu_millis)].into(),
        ..ResourceQuota::default()
    });
    let plan = plan_load(&requests(yaml), &facts, &LoadOptions::default());
    facts.live.extend(plan.set.objects().cloned());
    facts
}

fn requests(yaml: &str) -> Vec<toolforge_model::JobRequest> {
    if yaml.is_empty() {
        return Vec::new();
    }
    let file = JobsFile::parse(yaml, &"x".parse().unwrap()).unwrap();
    file.jobs.into_iter().map(|job| job.request).collect()
}

fn jobs(schedules: &[(&str, &str)]) -> String {
    let job = |(name, schedule): &(&str, &str)| {
        format!("- {{name: {name}, command: ./x, image: bookworm, schedule: '{schedule}'}}\n")
    };
    schedules.iter().map(job).collect()
}

fn loads(facts: &JobFacts) -> Vec<ScheduledJobLoad> {
    facts
        .live
        .jobs_of(&facts.namespace.tool)
        .iter()
        .filter_map(|job| ScheduledJobLoad::of(job, facts))
        .collect()
}

/// Returns the numbers of conflicting runs and of conflicts, until the runs of the time have ended.
fn severity(loads: &[ScheduledJobLoad], facts: &JobFacts) -> (usize, usize) {
    let Range { start, end } = time();
    let longest = loads.iter().map(|load| load.seconds).max().unwrap_or_default();
    let until = end + SignedDuration::from_secs(longest.into());
    let intervals = simulate_scheduled_jobs(loads, facts, start..until);
    (conflicting_runs(&intervals, end.as_second()), conflicts(&intervals).len())
}

fn shown(found: &StaggeredJobs) -> Vec<String> {
    let lines = found.proposals.iter();
    let lines = lines.map(|proposal| format!("{}: {} -> {}", proposal.name, proposal.from, proposal.to));
    lines.chain([format!("{} -> {}", found.conflicting_runs, found.remaining_runs)]).collect()
}

fn suggested(schedules: &[(&str, &str)], cpu_millis: u64) -> Vec<String> {
    let facts = facts(&jobs(schedules), cpu_millis);
    shown(&stagger(&loads(&facts), &facts, &time()))
}

#[test]
fn overlap_without_a_common_minute_is_found() {
    let found = suggested(&[("a", "13 * * * *"), ("b", "15 * * * *"), ("c", "17 * * * *")], 2000);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("c: 17 * * * * -> "), "{found:?}");
    assert_eq!(found[1], "72 -> 0");
}

#[test]
fn jobs_that_fit_are_not_moved() {
    assert_eq!(suggested(&[("morning", "0 4 * * *"), ("evening", "0 16 * * *")], 1000), ["0 -> 0"]);
    let together = [
        ("h1", "25 * * * *"),
        ("h2", "29 * * * *"),
        ("upload-plot-fi-hl", "45 22 * * *"),
        ("upload-plot-fi-pln", "45 22 * * *"),
    ];
    assert_eq!(suggested(&together, 2000), ["0 -> 0"]);
    // Without a quota, everything fits.
    let mut facts = facts(&jobs(&together), 2000);
    facts.namespace.limits.quotas.clear();
    assert_eq!(shown(&stagger(&loads(&facts), &facts, &time())), ["0 -> 0"]);
}

#[test]
fn unsolvable_conflict_has_no_proposal() {
    // Each of them alone exceeds the quota; or both run all the time.
    assert_eq!(suggested(&[("a", "0 4 * * *"), ("b", "0 5 * * *")], 500), ["2 -> 2"]);
    let always = suggested(&[("a", "*/5 * * * *"), ("b", "*/5 * * * *")], 1000);
    assert_eq!(always, ["576 -> 576"]);
}

#[test]
fn evenly_spaced_runs_are_moved_together() {
    let quarters = [("p", "*/15 * * * *"), ("q", "*/15 * * * *"), ("r", "*/15 * * * *")];
    let found = suggested(&quarters, 2000);
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].starts_with("r: */15 * * * * -> ") && found[0].ends_with("/15 * * * *"), "{found:?}");
    assert_eq!(found[1], "288 -> 0");
    // The same minutes, written as a list or with an offset, and during some hours only.
    let found = suggested(&[("p", "0,30 4,5 * * *"), ("q", "30,0 4-8 * * *")], 1000);
    assert!(
        found[0].starts_with("q: 30,0 4-8 * * * -> ") && found[0].ends_with("/30 4-8 * * *"),
        "{found:?}"
    );
    assert_eq!(found[1], "8 -> 0");
    let found = suggested(&[("p", "7 * * * *"), ("q", "7-59/20 * * * *")], 1000);
    assert!(found[0].starts_with("q: 7-59/20 * * * * -> "), "{found:?}");
    assert_eq!(found[1], "48 -> 0");
}

#[test]
fn uneven_runs_are_not_moved() {
    let uneven = [("p", "*/7 * * * *"), ("q", "0,20 * * * *"), ("r", "5-30/5 * * * *"), ("s", "* * * * *")];
    let facts = facts(&jobs(&uneven), 500);
    let found = stagger(&loads(&facts), &facts, &time());
    let fixed: Vec<String> = found.unmoved.iter().map(|job| job.name.to_string()).collect();
    assert_eq!((fixed.join(" "), found.is_partial), ("p q r s".to_owned(), false));
    assert!(found.proposals.is_empty());
}

#[test]
fn search_among_many_runs_is_bounded() {
    let name = |index: usize| format!("{}{index}", if index < 25 { "often" } else { "hourly" });
    let schedules: Vec<(String, &str)> =
        (0..50).map(|index| (name(index), if index < 25 { "*/2 * * * *" } else { "0 * * * *" })).collect();
    let schedules: Vec<(&str, &str)> =
        schedules.iter().map(|(name, schedule)| (name.as_str(), *schedule)).collect();
    let facts = facts(&jobs(&schedules), 27000);
    let found = stagger(&loads(&facts), &facts, &time());
    assert!(found.is_partial && found.remaining_runs > 0, "{found:?}");
}

#[test]
fn one_off_job_runs_for_the_assumed_time() {
    let scheduled = jobs(&[("a", "0 12 * * *"), ("b", "0 12 * * *")]);
    let one_off = "- {name: setup, command: ./setup, image: bookworm, wait: true}\n";
    let found = |facts: &JobFacts, yaml: &str| -> Vec<(String, i64, i64)> {
        let plan = plan_load(&requests(yaml), facts, &LoadOptions::default());
        let found = RunsAfterChanges::new(&plan.set, &plan.plans, facts, &time()).conflicts();
        let from = time().start.as_second();
        found.into_iter().map(|found| (found.names.join("+"), found.start - from, found.end - from)).collect()
    };
    let yaml = format!("{one_off}{scheduled}");
    assert_eq!(found(&facts("", 2000), &yaml), []);
    let twelve = 12 * 3600;
    assert_eq!(found(&facts("", 1000), &yaml), [("a+b".to_owned(), twelve, twelve + 300)]);
    // At the start of the period, it does run.
    let early = format!("{one_off}{}", jobs(&[("a", "0 0 * * *"), ("b", "4 * * * *")]));
    assert_eq!(found(&facts("", 2000), &early), [("a+b+setup".to_owned(), 240, 300)]);
}

#[test]
fn new_job_has_no_run_before_its_creation() {
    let time = "2026-11-28T01:19:00Z".parse().unwrap().."2026-11-29T01:19:00Z".parse().unwrap();
    let facts = facts("", 500);
    let plan = plan_load(&requests(&jobs(&[("a", "*/6 * * * *")])), &facts, &LoadOptions::default());
    let found = RunsAfterChanges::new(&plan.set, &plan.plans, &facts, &time).conflicts();
    let first: Timestamp = "2026-11-28T01:24:00Z".parse().unwrap();
    let found: Vec<(i64, u32)> = found.iter().map(|found| (found.start, found.occurrences)).collect();
    assert_eq!(found, [(first.as_second(), 240)]);
}

#[test]
fn runs_may_overlap_after_the_end_of_the_window() {
    // The next runs are a day later: the first one within the period, the second one after it.
    let time = "2026-11-28T07:55:00Z".parse().unwrap().."2026-11-29T07:55:00Z".parse().unwrap();
    let facts = facts("", 1500);
    let load = |second: &str| {
        let yaml = jobs(&[("a", "54 7 * * *"), ("b", second)]);
        plan_load(&requests(&yaml), &facts, &LoadOptions::default())
    };
    let plan = load("57 7 * * *");
    let after = RunsAfterChanges::new(&plan.set, &plan.plans, &facts, &time);
    let found = after.conflicts();
    let found: Vec<(String, String, u32)> = found
        .iter()
        .map(|found| {
            let start = Timestamp::from_second(found.start).unwrap().to_string();
            (found.names.join("+"), start, found.occurrences)
        })
        .collect();
    assert_eq!(found, [("a+b".to_owned(), "2026-11-29T07:57:00Z".to_owned(), 1)]);
    assert_eq!(after.until().to_string(), "2026-11-29T08:00:00Z");
    let schedules: Vec<String> = after
        .schedule_adjustments()
        .iter()
        .map(|found| format!("{} {}", found.name, found.schedule.as_ref().unwrap()))
        .collect();
    assert_eq!(schedules, ["a 52 7 * * *", "b 59 7 * * *"]);
    let mut live = facts.clone();
    live.live.extend(plan.set.objects().cloned());
    let found = stagger(&loads(&live), &live, &time);
    assert_eq!((found.conflicting_runs, found.remaining_runs), (1, 0));
    // The second starts when the first has finished.
    let plan = load("0 8 * * *");
    assert_eq!(RunsAfterChanges::new(&plan.set, &plan.plans, &facts, &time).conflicts(), []);
}

/// Returns a file like that of a bot with 22 jobs: uploads and updates of several wikis, most of them at the same times.
fn many() -> String {
    let wikis = ["fi", "no", "nn", "se", "sv", "da", "is"];
    let line = |(index, wiki): (usize, &&str)| {
        format!(
            "- {{name: update-{wiki}, command: ./u, image: bookworm, schedule: '{} * * * *'}}\n\
             - {{name: upload-{wiki}, command: ./p, image: bookworm, schedule: '45 22 * * *'}}\n\
             - {{name: finish-{wiki}, command: ./f, image: bookworm, schedule: '0 {} * * *'}}\n",
            index * 4,
            index / 2
        )
    };
    let last = "- {name: clean, command: ./c, image: bookworm, schedule: '45 22 * * *'}\n";
    wikis.iter().enumerate().map(line).chain([last.to_owned()]).collect()
}

#[test]
fn proposals_of_a_large_file_lower_its_conflicts() {
    let facts = facts(&many(), 4000);
    let mut loads = loads(&facts);
    assert_eq!(loads.len(), 22);
    let before = severity(&loads, &facts);
    let found = stagger(&loads, &facts, &time());
    assert_eq!(found.conflicting_runs, before.0);
    assert!(before.0 > 0 && !found.proposals.is_empty(), "{before:?}");
    let mut last = before;
    for proposal in &found.proposals {
        let load = loads.iter_mut().find(|load| load.name == proposal.name).unwrap();
        assert_eq!(load.schedule, CronJobSchedule::Expression(proposal.from.clone()));
        load.schedule = CronJobSchedule::Expression(proposal.to.clone());
        last = severity(&loads, &facts);
    }
    assert_eq!((last.0, last.1 <= before.1), (found.remaining_runs, true));
    assert!(last.0 < before.0, "{before:?} {last:?}");
    // No proposal is left that was not found before.
    let again = stagger(&loads, &facts, &time());
    assert!(again.remaining_runs <= found.remaining_runs);
}

#[test]
fn file_conflicts_show_before_load() {
    let yaml = jobs(&[("a", "13 * * * *"), ("b", "15 * * * *"), ("c", "17 * * * *")]);
    let mut facts = facts("", 2000);
    let conflicts = |facts: &JobFacts, yaml: &str| {
        let plan = plan_load(&requests(yaml), facts, &LoadOptions::default());
        assert!(plan.fits());
        let found = RunsAfterChanges::new(&plan.set, &plan.plans, facts, &time()).conflicts();
        found.into_iter().map(|conflict| (conflict.names.join("+"), conflict.occurrences)).collect::<Vec<_>>()
    };
    let together = [("a+b+c".to_owned(), 24)];
    assert_eq!(conflicts(&facts, &yaml), together);
    assert_eq!(conflicts(&facts, &jobs(&[("a", "13 * * * *"), ("b", "15 * * * *")])), []);
    // Existing objects count, with the changes of the file.
    let plan = plan_load(&requests(&jobs(&[("c", "17 * * * *")])), &facts, &LoadOptions::default());
    facts.live.extend(plan.set.objects().cloned());
    assert_eq!(conflicts(&facts, &jobs(&[("a", "13 * * * *"), ("b", "15 * * * *")])), together);
    let moved = jobs(&[("a", "13 * * * *"), ("b", "15 * * * *"), ("c", "37 * * * *")]);
    assert_eq!(conflicts(&facts, &moved), []);
    // So does the usage of the file's other jobs.
    let bot = "- {name: bot, command: x, image: bookworm, continuous: true, cpu: 500m}\n";
    let with_bot = format!("{bot}{}", jobs(&[("a", "13 * * * *"), ("b", "15 * * * *"), ("c", "37 * * * *")]));
    assert_eq!(conflicts(&facts, &with_bot), [("a+b".to_owned(), 24)]);
    // A suspended job does not run.
    let spec: Option<&mut CronJobSpec> = (&mut facts.live.cron_jobs[0].spec).into();
    spec.unwrap().suspend = Some(true);
    assert_eq!(conflicts(&facts, &yaml), []);
}

#[test]
fn changes_without_schedules_count_existing_runs() {
    let live = facts(&jobs(&[("a", "0 3 * * *")]), 2000);
    let bot =
        |cpu: &str| format!("- {{name: bot, command: x, image: bookworm, continuous: true, cpu: {cpu}}}\n");
    let conflicts = |facts: &JobFacts, yaml: &str| {
        let plan = plan_load(&requests(yaml), facts, &LoadOptions::default());
        let found = RunsAfterChanges::new(&plan.set, &plan.plans, facts, &time()).conflicts();
        found.into_iter().map(|conflict| conflict.names.join("+")).collect::<Vec<_>>()
    };
    assert_eq!(conflicts(&live, &bot("1500m")), ["a"]);
    assert_eq!(conflicts(&live, &bot("1000m")), [""; 0]);
    // A one-off job is expected to finish before.
    assert_eq!(conflicts(&live, "- {name: once, command: x, image: bookworm, cpu: 1500m}\n"), [""; 0]);
    // A change that does not fit is reported as such.
    assert_eq!(conflicts(&live, &bot("2500m")), [""; 0]);
    // A change that requests nothing does not cause the existing conflict.
    let mut full = facts(&format!("{}{}", jobs(&[("a", "0 3 * * *")]), bot("1500m")), 2000);
    full.namespace.limits.quotas[0].used = [(Resource::LimitsCpu, 1500)].into();
    assert_eq!(conflicts(&full, &bot("1500m")), [""; 0]);
}

/// Adds running pods of the only Deployment, of 1 CPU each.
fn run_pods(facts: &mut JobFacts, count: u32) {
    let deployment = facts.live.deployments[0].clone();
    let spec: Option<&DeploymentSpec> = (&deployment.spec).into();
    let template = spec.unwrap().template.clone();
    for index in 0..count {
        let mut metadata = template.metadata.clone().unwrap();
        metadata.name = Some(format!("bot-{index}"));
        facts.live.pods.push(Pod { metadata, spec: template.spec.clone(), status: None });
    }
    facts.namespace.limits.quotas[0].used = [(Resource::LimitsCpu, u64::from(count) * 1000)].into();
}

#[test]
fn runs_due_during_a_rollout_are_counted() {
    let bot = |command: &str, replicas: u64| {
        format!(
            "- {{name: bot, command: {command}, image: bookworm, continuous: true, cpu: 1000m, replicas: {replicas}}}\n"
        )
    };
    let crons = jobs(&[("a", "0 3 * * *"), ("b", "2 3 * * *"), ("c", "0 9 * * *")]);
    let mut live = facts(&format!("{crons}{}", bot("x", 2)), 4000);
    run_pods(&mut live, 2);
    let during = |facts: &JobFacts, yaml: &str, now: &str| {
        let plan = plan_load(&requests(yaml), facts, &LoadOptions::default());
        let (found, end) = conflicts_during_rollout(&plan.set, &plan.plans, facts, now.parse().unwrap());
        let shown = |conflict: &toolforge_quota::Conflict| {
            let start = Timestamp::from_second(conflict.start).unwrap();
            format!("{} at {}", conflict.names.join("+"), start.strftime("%H:%M"))
        };
        assert_eq!(RunsAfterChanges::new(&plan.set, &plan.plans, facts, &time()).conflicts(), []);
        assert_eq!(end.as_second() - now.parse::<Timestamp>().unwrap().as_second(), 600);
        found.iter().map(shown).collect::<Vec<_>>()
    };
    // One more pod in addition to both runs is too many.
    assert_eq!(during(&live, &bot("y", 2), "2026-11-28T02:58:30Z"), ["a+b at 03:02"]);
    // In addition to one of them, it fits, and at another time, there is none.
    for now in ["2026-11-28T08:58:30Z", "2026-11-28T02:30:00Z", "2026-11-28T03:05:00Z"] {
        assert_eq!(during(&live, &bot("y", 2), now), [""; 0], "{now}");
    }
    // No pod is replaced, or nothing else runs.
    assert_eq!(during(&live, &bot("x", 2), "2026-11-28T02:58:30Z"), [""; 0]);
    let mut single = facts(&format!("{crons}{}", bot("x", 1)), 3000);
    run_pods(&mut single, 1);
    assert_eq!(during(&single, &bot("y", 1), "2026-11-28T02:58:30Z"), [""; 0]);
}

#[test]
fn awaited_jobs_free_nothing_twice() {
    let live = facts(&jobs(&[("a", "0 3 * * *")]), 2000);
    let yaml = "- {name: setup, command: x, image: bookworm, wait: true}\n\
                - {name: bot, command: x, image: bookworm, continuous: true, cpu: 1500m}\n";
    let mut options = LoadOptions::default();
    options.waits_for = vec!["setup".parse().unwrap()];
    let plan = plan_load(&requests(yaml), &live, &options);
    assert!(plan.fits());
    let found = RunsAfterChanges::new(&plan.set, &plan.plans, &live, &time()).conflicts();
    assert_eq!(found.iter().map(|found| found.names.join("+")).collect::<Vec<_>>(), ["a"]);
}

/// Returns the nearest schedules of the jobs of a file that is loaded into a namespace with live jobs.
fn nearest(live: &[(&str, &str)], file: &[(&str, &str)], cpu_millis: u64) -> Vec<String> {
    let facts = facts(&jobs(live), cpu_millis);
    let plan = plan_load(&requests(&jobs(file)), &facts, &LoadOptions::default());
    let found = RunsAfterChanges::new(&plan.set, &plan.plans, &facts, &time()).schedule_adjustments();
    found.iter().map(|found| format!("{}: {found}", found.workload())).collect()
}

#[test]
fn nearest_schedule_has_no_conflict() {
    // A run takes five minutes.
    let a = [("a", "13 * * * *")];
    assert_eq!(nearest(&a, &[("b", "15 * * * *")], 1000), ["job b: schedule 18 * * * *"]);
    assert_eq!(nearest(&a, &[("b", "11 * * * *")], 1000), ["job b: schedule 8 * * * *"]);
    assert_eq!(nearest(&a, &[("b", "13 4 * * *")], 1000), ["job b: schedule 18 4 * * *"]);
    // The minute before the first one of an hour is in the hour before.
    assert_eq!(nearest(&[("a", "3 * * * *")], &[("b", "1 * * * *")], 1000), ["job b: schedule 58 * * * *"]);
    assert_eq!(
        nearest(&[("a", "3 5 * * *")], &[("b", "1 5,6 * * *")], 1000),
        ["job b: schedule 8 5,6 * * *"]
    );
    assert_eq!(
        nearest(&[("a", "*/15 * * * *")], &[("b", "2-59/15 * * * *")], 1000),
        ["job b: schedule 5/15 * * * *"]
    );
}

#[test]
fn useless_schedules_are_not_proposed() {
    assert_eq!(nearest(&[("a", "13 * * * *")], &[("b", "15 * * * *")], 2000), [""; 0]);
    // One run alone exceeds the quota; a conflict of others; a job that the load does not change.
    assert_eq!(nearest(&[("a", "13 * * * *")], &[("b", "15 * * * *")], 500), [""; 0]);
    assert_eq!(nearest(&[("a", "13 * * * *"), ("c", "13 * * * *")], &[("b", "30 * * * *")], 1000), [""; 0]);
    assert_eq!(nearest(&[("a", "13 * * * *"), ("b", "13 * * * *")], &[("b", "13 * * * *")], 1000), [""; 0]);
    // Without b, the others still exceed it.
    assert_eq!(nearest(&[("a", "13 * * * *"), ("c", "13 * * * *")], &[("b", "13 * * * *")], 1000), [""; 0]);
    // Each minute is taken.
    assert_eq!(nearest(&[("a", "*/5 * * * *")], &[("b", "15 4 * * *")], 1000), [""; 0]);
}

#[test]
fn each_job_of_a_conflict_has_its_nearest_schedule() {
    let both = [("a", "13 * * * *"), ("b", "15 * * * *")];
    assert_eq!(nearest(&[], &both, 1000), ["job a: schedule 10 * * * *", "job b: schedule 18 * * * *"]);
}

#[test]
fn daily_job_moves_to_another_hour() {
    // In hour 4, something always runs.
    let live = [("a", "*/5 4 * * *")];
    assert_eq!(nearest(&live, &[("b", "40 4 * * *")], 1000), ["job b: schedule 0 5 * * *"]);
    assert_eq!(nearest(&live, &[("b", "5 4 * * *")], 1000), ["job b: schedule 55 3 * * *"]);
    assert_eq!(nearest(&live, &[("b", "5 4,8 * * *")], 1000), [""; 0]);
    // The nearest time may be in the next hour.
    assert_eq!(
        nearest(&[("a", "58 10 * * *")], &[("b", "59 10 * * *")], 1000),
        ["job b: schedule 3 11 * * *"]
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// With the nearest schedule, nothing exceeds the quota, and with each nearer one, something does.
    #[test]
    fn nearest_schedule_is_minimal(minutes in prop::collection::vec(0u8..60, 1..8), own in 0u8..60) {
        let schedule = |minute: u8| format!("{minute} * * * *");
        let live: Vec<(String, String)> =
            minutes.iter().enumerate().map(|(index, minute)| (format!("j{index}"), schedule(*minute))).collect();
        let live: Vec<(&str, &str)> =
            live.iter().map(|(name, schedule)| (name.as_str(), schedule.as_str())).collect();
        // Each of the other jobs fits in addition to the others.
        let facts = facts(&jobs(&live), live.len() as u64 * 1000);
        let load = |minute: u8| {
            let yaml = format!("- {{name: own, command: ./x, image: bookworm, cpu: {}, schedule: '{}'}}\n", live.len(), schedule(minute));
            plan_load(&requests(&yaml), &facts, &LoadOptions::default())
        };
        let is_free = |minute: u8| {
            let LoadPlan { set, plans, .. } = load(minute);
            RunsAfterChanges::new(&set, &plans, &facts, &time()).conflicts().is_empty()
        };
        let apart = |minute: u8| { let apart = minute.abs_diff(own); apart.min(60 - apart) };
        let free = (0..60).filter(|minute| is_free(*minute)).map(apart).min();
        let LoadPlan { set, plans, .. } = load(own);
        let found = RunsAfterChanges::new(&set, &plans, &facts, &time()).schedule_adjustments();
        let found = found.first().map(|found| found.schedule.as_ref().unwrap().minutes().next().unwrap());
        match (found, free) {
            (Some(found), Some(free)) => {
                prop_assert!(is_free(found));
                prop_assert_eq!(apart(found), free);
                prop_assert!(free > 0);
            }
            (found, free) => prop_assert!(found.is_none() && (free.is_none() || free == Some(0))),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Applying the proposals lowers the number of runs that exceed the quota, and adds no conflict.
    #[test]
    fn proposals_lower_the_conflicts(
        times in prop::collection::vec((0u8..4, 0u8..3, any::<bool>(), 60u32..1500), 2..7),
        cpus in 1u64..3,
    ) {
        let schedules: Vec<(String, String)> = times.iter().enumerate().map(|(index, (minute, hour, hourly, _))| {
            let hour = if *hourly { "*".to_owned() } else { hour.to_string() };
            (format!("j{index}"), format!("{} {hour} * * *", minute * 3))
        }).collect();
        let schedules: Vec<(&str, &str)> =
            schedules.iter().map(|(name, schedule)| (name.as_str(), schedule.as_str())).collect();
        let facts = facts(&jobs(&schedules), cpus * 1000);
        let mut loads = loads(&facts);
        for (load, (.., seconds)) in loads.iter_mut().zip(&times) {
            load.seconds = *seconds;
        }
        let before = severity(&loads, &facts);
        let found = stagger(&loads, &facts, &time());
        for proposal in &found.proposals {
            loads.iter_mut().find(|load| load.name == proposal.name).unwrap().schedule = CronJobSchedule::Expression(proposal.to.clone());
        }
        let after = severity(&loads, &facts);
        prop_assert_eq!((before.0, after.0), (found.conflicting_runs, found.remaining_runs));
        prop_assert!(after.1 <= before.1);
        prop_assert_eq!(after.0 < before.0, !found.proposals.is_empty());
    }
}
