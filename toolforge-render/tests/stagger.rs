//! Proposals of other minutes for scheduled jobs.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::ops::Range;

use k8s_openapi::jiff::Timestamp;
use proptest::prelude::*;
use toolforge_images::Catalog;
use toolforge_model::JobsFile;
use toolforge_quota::{Resource, ResourceQuota, conflicting_runs, conflicts};
use toolforge_render::job::{
    JobFacts, LoadOptions, ScheduledJobLoad, StaggeredJobs, conflicts_after_load, plan_load,
    simulate_scheduled_jobs, stagger,
};
use toolforge_render::namespace::Namespace;

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

/// Returns the numbers of conflicting runs and of conflicts.
fn severity(loads: &[ScheduledJobLoad], facts: &JobFacts) -> (usize, usize) {
    let intervals = simulate_scheduled_jobs(loads, facts, time());
    (conflicting_runs(&intervals), conflicts(&intervals).len())
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
fn conflict_that_no_minute_solves_has_no_proposal() {
    // Each of them alone exceeds the quota; or both run all the time.
    assert_eq!(suggested(&[("a", "0 4 * * *"), ("b", "0 5 * * *")], 500), ["2 -> 2"]);
    let always = suggested(&[("a", "*/5 * * * *"), ("b", "*/5 * * * *")], 1000);
    assert_eq!(always, ["2 -> 2"]);
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
        assert_eq!(load.expression, proposal.from);
        load.expression = proposal.to.clone();
        last = severity(&loads, &facts);
    }
    assert_eq!((last.0, last.1 <= before.1), (found.remaining_runs, true));
    assert!(last.0 < before.0, "{before:?} {last:?}");
    // There is nothing left to propose that was not found before.
    let again = stagger(&loads, &facts, &time());
    assert!(again.remaining_runs <= found.remaining_runs);
}

#[test]
fn conflicts_of_a_file_are_known_before_it_is_loaded() {
    let yaml = jobs(&[("a", "13 * * * *"), ("b", "15 * * * *"), ("c", "17 * * * *")]);
    let mut facts = facts("", 2000);
    let conflicts = |facts: &JobFacts, yaml: &str| {
        let plan = plan_load(&requests(yaml), facts, &LoadOptions::default());
        assert!(plan.fits());
        let found = conflicts_after_load(&plan, facts, &time());
        found.into_iter().map(|conflict| (conflict.names.join("+"), conflict.occurrences)).collect::<Vec<_>>()
    };
    let together = [("a+b+c".to_owned(), 24)];
    assert_eq!(conflicts(&facts, &yaml), together);
    assert_eq!(conflicts(&facts, &jobs(&[("a", "13 * * * *"), ("b", "15 * * * *")])), []);
    // What exists already counts, with what the file changes.
    let plan = plan_load(&requests(&jobs(&[("c", "17 * * * *")])), &facts, &LoadOptions::default());
    facts.live.extend(plan.set.objects().cloned());
    assert_eq!(conflicts(&facts, &jobs(&[("a", "13 * * * *"), ("b", "15 * * * *")])), together);
    let moved = jobs(&[("a", "13 * * * *"), ("b", "15 * * * *"), ("c", "37 * * * *")]);
    assert_eq!(conflicts(&facts, &moved), []);
    // So does what the file's other jobs use.
    let bot = "- {name: bot, command: x, image: bookworm, continuous: true, cpu: 500m}\n";
    let with_bot = format!("{bot}{}", jobs(&[("a", "13 * * * *"), ("b", "15 * * * *"), ("c", "37 * * * *")]));
    assert_eq!(conflicts(&facts, &with_bot), [("a+b".to_owned(), 24)]);
    // A suspended job does not run.
    facts.live.cron_jobs[0].spec.as_mut().unwrap().suspend = Some(true);
    assert_eq!(conflicts(&facts, &yaml), []);
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
            loads.iter_mut().find(|load| load.name == proposal.name).unwrap().expression = proposal.to.clone();
        }
        let after = severity(&loads, &facts);
        prop_assert_eq!((before.0, after.0), (found.conflicting_runs, found.remaining_runs));
        prop_assert!(after.1 <= before.1);
        prop_assert_eq!(after.0 < before.0, !found.proposals.is_empty());
    }
}
