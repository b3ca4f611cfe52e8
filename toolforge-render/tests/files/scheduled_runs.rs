//! Runs of CronJobs in addition to the kept Jobs of earlier ones.

use toolforge_quota::Verdict;
use toolforge_render::change::BlockedRun;

use crate::support::{planned, verdict_of};

/// Returns a partly used quota of a number of objects.
fn quota(resource: &str, hard: u64, used: u64) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: q}}, spec: {{hard: {{{resource}: {hard}}}}}, status: \
         {{hard: {{{resource}: {hard}}}, used: {{{resource}: {used}}}}}}}\n---\n"
    )
}

/// Returns a CronJob as `kubectl create cronjob` creates it, with further fields of its own and of its Jobs.
fn cron_job(name: &str, rest: &str, job: &str) -> String {
    format!(
        "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: {name}, uid: u-{name}}}, spec: {{schedule: '@hourly', {rest}jobTemplate: \
         {{spec: {{{job}template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: x}}]}}}}}}}}}}}}\n---\n"
    )
}

/// Returns a Job of a CronJob with a condition.
fn run(cron_job: &str, number: u64, condition: &str) -> String {
    format!(
        "{{apiVersion: batch/v1, kind: Job, metadata: {{name: {cron_job}-{number}, ownerReferences: [{{apiVersion: batch/v1, kind: CronJob, \
         name: {cron_job}, uid: u-{cron_job}, controller: true}}]}}, spec: {{template: {{spec: {{restartPolicy: Never, containers: \
         [{{name: a, image: x}}]}}}}}}, status: {{conditions: [{{type: {condition}, status: 'True'}}]}}}}\n---\n"
    )
}

/// Returns the CronJobs whose runs can never start once finished Jobs are kept, with the missing amounts.
fn blocked(live: &str, file: &str) -> String {
    let plan = planned(live, file);
    let line = |run: &BlockedRun| {
        let missing: Vec<String> = run.shortfalls.iter().map(ToString::to_string).collect();
        let when = match (run.when_history_is_full, run.is_history_full) {
            (true, true) => "full",
            (true, false) => "later",
            (false, _) => "now",
        };
        format!("{} {when}: {}", run.name, missing.join(", "))
    };
    plan.set.blocked_runs().iter().map(line).collect::<Vec<_>>().join("; ")
}

#[test]
fn kept_jobs_of_cron_jobs_count_for_later_runs() {
    const JOBS: &str = "count/jobs.batch";
    let hourly = cron_job("a", "", "");
    let found = "a later: count/jobs.batch: 4 of 3, 1 object too many (quota q)";
    assert_eq!(blocked(&quota(JOBS, 3, 0), &hourly), found);
    assert_eq!(blocked(&quota(JOBS, 4, 0), &hourly), "");
    assert_eq!(verdict_of(&quota(JOBS, 3, 0), &hourly), Verdict::Fits);
    // Their pods are also kept.
    let pods = "a later: count/pods: 4 of 3, 1 pod too many (quota q)";
    let once = cron_job("a", "", "backoffLimit: 0, ");
    assert_eq!(blocked(&quota("count/pods", 3, 0), &once), pods);
    assert_eq!(blocked(&quota("count/pods", 4, 0), &once), "");
    assert_eq!(blocked(&quota("pods", 1, 0), &once), "");
    // Fewer or none are kept.
    assert_eq!(blocked(&quota(JOBS, 3, 0), &cron_job("a", "successfulJobsHistoryLimit: 2, ", "")), "");
    assert_eq!(blocked(&quota(JOBS, 1, 0), &cron_job("a", "successfulJobsHistoryLimit: 0, ", "")), "");
    assert_eq!(blocked(&quota(JOBS, 1, 0), &cron_job("a", "", "ttlSecondsAfterFinished: 30, ")), "");
    assert_eq!(blocked(&quota(JOBS, 1, 0), &cron_job("a", "suspend: true, ", "")), "");
    // Those of several CronJobs.
    let two = [hourly.as_str(), &cron_job("b", "", "")].concat();
    assert_eq!(blocked(&quota(JOBS, 7, 0), &two), "");
    let missing = "count/jobs.batch: 7 of 6, 1 object too many (quota q)";
    assert_eq!(blocked(&quota(JOBS, 6, 0), &two), format!("a later: {missing}; b later: {missing}"));
}

#[test]
fn kept_jobs_that_exist_count_once() {
    const JOBS: &str = "count/jobs.batch";
    let with_runs = |name: &str, conditions: &[&str]| {
        let runs = conditions.iter().zip(0..).map(|(condition, number)| run(name, number, condition));
        format!("{}{}", cron_job(name, "", ""), runs.collect::<String>())
    };
    let changed = cron_job("a", "concurrencyPolicy: Forbid, ", "");
    let live = |hard, used, objects: &str| [quota(JOBS, hard, used).as_str(), objects].concat();
    let succeeded = with_runs("a", &["Complete", "Complete"]);
    assert_eq!(blocked(&live(4, 2, &succeeded), &changed), "");
    assert_ne!(blocked(&live(3, 2, &succeeded), &changed), "");
    // A failed one has another limit.
    for condition in ["Failed", "FailureTarget"] {
        let failed = with_runs("a", &["Complete", condition]);
        assert_eq!(blocked(&live(5, 2, &failed), &changed), "", "{condition}");
        assert_ne!(blocked(&live(4, 2, &failed), &changed), "", "{condition}");
    }
    // Those of a CronJob that is not in the file.
    let other = with_runs("b", &["Complete"]);
    assert_eq!(blocked(&live(7, 1, &other), &cron_job("a", "", "")), "");
    assert_ne!(blocked(&live(6, 1, &other), &cron_job("a", "", "")), "");
}

#[test]
fn lower_limits_of_the_file_free_kept_jobs() {
    const JOBS: &str = "count/jobs.batch";
    let runs = |conditions: &[&str]| {
        let runs = conditions.iter().zip(0..).map(|(condition, number)| run("a", number, condition));
        runs.collect::<String>()
    };
    let live = |hard, conditions: &[&str]| {
        let used = u64::try_from(conditions.len()).unwrap();
        [quota(JOBS, hard, used).as_str(), &cron_job("a", "", ""), &runs(conditions)].concat()
    };
    let changed = |rest: &str, job: &str| cron_job("a", &format!("concurrencyPolicy: Forbid, {rest}"), job);
    let complete = ["Complete"; 3];
    let full = "a full: count/jobs.batch: 4 of 3, 1 object too many (quota q)";
    assert_eq!(blocked(&live(3, &complete), &changed("", "")), full);
    for limit in [2, 1, 0] {
        let file = changed(&format!("successfulJobsHistoryLimit: {limit}, "), "");
        assert_eq!(blocked(&live(3, &complete), &file), "", "{limit}");
    }
    // A lifetime is one of later runs.
    let expiring = "ttlSecondsAfterFinished: 30, ";
    assert_eq!(blocked(&live(3, &complete), &changed("", expiring)), full);
    assert_eq!(blocked(&live(3, &complete), &changed("successfulJobsHistoryLimit: 1, ", expiring)), "");
    // Once the last one ends, the first one is deleted.
    let running = ["Complete", "Complete", "Complete", "Suspended"];
    assert_eq!(blocked(&live(4, &running), &changed("", "")), "");
    assert_eq!(blocked(&live(3, &running), &changed("", "")), full);
    // One that runs is not finished, and is kept afterwards.
    assert_eq!(
        blocked(&live(1, &["Suspended"]), &changed("", "")),
        "a later: count/jobs.batch: 2 of 1, 1 object too many (quota q)"
    );
    let both = ["Complete", "Suspended"];
    assert_eq!(blocked(&live(2, &both), &changed("", "")).split(':').next(), Some("a full"));
    assert_eq!(blocked(&live(2, &both), &changed("successfulJobsHistoryLimit: 1, ", "")), "");
    // Those that failed have their own limit.
    let failed = ["Complete", "Failed", "Failed"];
    assert_eq!(blocked(&live(3, &failed), &changed("successfulJobsHistoryLimit: 1, ", "")), "");
    assert_eq!(
        blocked(&live(2, &failed), &changed("successfulJobsHistoryLimit: 1, ", "")).split(':').next(),
        Some("a full")
    );
    let none = "successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0, ";
    assert_eq!(blocked(&live(2, &failed), &changed(none, "")), "");
    // Those with a lifetime are deleted by themselves, and so are those of another CronJob.
    let with_lifetime = live(3, &complete).replace(
        "spec: {template: {spec: {restartPolicy",
        "spec: {ttlSecondsAfterFinished: 30, template: {spec: {restartPolicy",
    );
    assert_eq!(blocked(&with_lifetime, &changed("successfulJobsHistoryLimit: 2, ", "")), "");
    let other = cron_job("b", "successfulJobsHistoryLimit: 0, ", "");
    assert_eq!(blocked(&live(3, &complete), &other).split(':').next(), Some("b full"));
    // A suspended one keeps its Jobs, and lower limits free them.
    let suspended = |rest: &str| {
        let suspended = changed(&format!("suspend: true, {rest}"), "");
        [suspended.as_str(), &cron_job("b", "", "")].concat()
    };
    assert_eq!(blocked(&live(3, &complete), &suspended("")).split(':').next(), Some("b full"));
    let fewer = suspended("successfulJobsHistoryLimit: 0, ");
    assert_eq!(blocked(&live(3, &complete), &fewer).split(':').next(), Some("b later"));
    // What else exists is not kept by CronJobs.
    assert_eq!(blocked(&quota(JOBS, 3, 3), &changed("", "")).split(':').next(), Some("a now"));
}

#[test]
fn cron_job_retries_match_a_job() {
    let cron_job = cron_job("a", "", "ttlSecondsAfterFinished: 30, ");
    let job = "{apiVersion: batch/v1, kind: Job, metadata: {name: j}, spec: {template: {spec: {restartPolicy: Never, containers: \
               [{name: a, image: x}]}}}}\n---\n";
    for (hard, expected) in [(7, Verdict::Fits), (3, Verdict::FitsWithoutRetries)] {
        let verdict = |file: &str| verdict_of(&quota("count/pods", hard, 0), file);
        assert_eq!((verdict(&cron_job), verdict(job)), (expected, expected));
    }
}
