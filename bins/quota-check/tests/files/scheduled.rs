//! Runs of CronJobs of files, and Jobs that wait for each other.

use std::path::PathBuf;

use insta::assert_snapshot;
use k8s_openapi::jiff::{SignedDuration, Timestamp};

use crate::{quota_check, said, web};

/// A file with an unused quota with these limits and scopes.
struct Facts(PathBuf);

impl Facts {
    fn new(name: &str, (resource, hard): (&str, &str), scopes: &str) -> Self {
        let file = std::env::temp_dir().join(format!("quota-check-{name}-{}.yaml", std::process::id()));
        let hard = format!("hard: {{{resource}: {hard}}}");
        let text = format!(
            "---\n{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: q}}, spec: {{{hard}, scopes: [{scopes}]}}, status: {{{hard}, \
             used: {{{resource}: '0'}}}}}}\n"
        );
        std::fs::write(&file, text).unwrap();
        Self(file)
    }

    fn said(&self, input: &str) -> String {
        said(&format!("--from {} -", self.0.display()), input)
    }
}

impl Drop for Facts {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A CronJob whose runs have pods of this memory at the same time, with more fields of the pods.
fn cron_job(parallelism: u32, memory: &str, pod: &str) -> String {
    format!(
        "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: c}}, spec: {{schedule: '0 * * * *', jobTemplate: {{spec: \
         {{parallelism: {parallelism}, template: {{spec: {{{pod} restartPolicy: Never, containers: [{{name: a, image: i, \
         resources: {{limits: {{memory: {memory}}}}}}}]}}}}}}}}}}}}\n"
    )
}

#[test]
fn pods_of_a_run_wait_for_each_other() {
    for (hard, fits) in
        [(("pods", "'4'"), true), (("limits.memory", "8Gi"), true), (("limits.memory", "3Gi"), false)]
    {
        let found = Facts::new("parallel", hard, "").said(&cron_job(5, "4Gi", ""));
        assert_eq!(found.starts_with("[exit 0]"), fits, "{found}");
        assert!(!found.contains("warning"), "{found}");
        assert_eq!(found.contains("it fits the quota, but not all at once"), fits, "{found}");
    }
}

#[test]
fn jobs_that_a_cron_job_keeps_are_a_warning() {
    let facts = Facts::new("history", ("count/jobs.batch", "'3'"), "");
    let file = cron_job(1, "1Gi", "");
    let warning = "warning: these jobs will stop starting after a few runs, because the finished Jobs that CronJobs keep use up the quota:\n  \
                   c: count/jobs.batch: 4 of 3, 1 object too many (quota q)\n\n\
                   hint: Lower `successfulJobsHistoryLimit`, or set `ttlSecondsAfterFinished` in the `jobTemplate` of CronJobs.\n";
    let found = facts.said(&file);
    assert!(found.starts_with("[exit 0]") && found.contains(warning), "{found}");
    let output = quota_check(&format!("--from {} - --output json", facts.0.display()), &file);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["blockedRuns"][0]["whenHistoryIsFull"], true, "{document:#}");
    let found = facts.said(&file.replace("{parallelism", "{ttlSecondsAfterFinished: 60, parallelism"));
    assert!(!found.contains("warning"), "{found}");
}

/// Returns facts with a quota of three Jobs, all of them finished runs of this CronJob.
fn with_full_history(name: &str, live: &str) -> Facts {
    let facts = Facts::new(name, ("count/jobs.batch", "'3'"), "");
    let text =
        std::fs::read_to_string(&facts.0).unwrap().replace("count/jobs.batch: '0'", "count/jobs.batch: '3'");
    let live = live.replace("name: c", "name: c, uid: u");
    let run = |number: u32| {
        format!(
            "---\n{{apiVersion: batch/v1, kind: Job, metadata: {{name: c-{number}, uid: r{number}, ownerReferences: [{{apiVersion: batch/v1, \
             kind: CronJob, name: c, uid: u, controller: true}}]}}, spec: {{template: {{spec: {{containers: [{{name: a, image: i}}]}}}}}}, \
             status: {{conditions: [{{type: Complete, status: 'True'}}]}}}}\n"
        )
    };
    let runs: String = (0..3).map(run).collect();
    std::fs::write(&facts.0, [text.as_str(), "---\n", &live, &runs].concat()).unwrap();
    facts
}

#[test]
fn jobs_that_a_cron_job_keeps_already_are_the_reason() {
    let facts = with_full_history("kept", &cron_job(1, "1Gi", ""));
    let changed = cron_job(1, "2Gi", "");
    let warning = "warning: these jobs cannot start, because the finished Jobs that CronJobs keep use up the quota:\n  \
                   c: count/jobs.batch: 4 of 3, 1 object too many (quota q)\n\n\
                   hint: Delete finished Jobs with `kubectl delete job`, and lower `successfulJobsHistoryLimit` and `failedJobsHistoryLimit` of CronJobs.\n";
    let found = facts.said(&changed);
    assert!(found.starts_with("[exit 0]") && found.contains(warning) && !found.contains("hours:"), "{found}");
    // The file does that.
    for limit in [2, 0] {
        let fewer = changed.replace("{schedule", &format!("{{successfulJobsHistoryLimit: {limit}, schedule"));
        let found = facts.said(&fewer);
        assert!(found.starts_with("[exit 0]") && !found.contains("warning"), "{found}");
    }
    // Nothing changes, and no run can start.
    let found = facts.said(&cron_job(1, "1Gi", ""));
    assert!(
        found.contains("CronJobs keep as many finished Jobs as `successfulJobsHistoryLimit` says"),
        "{found}"
    );
}

#[test]
fn suspended_cron_jobs_free_finished_jobs() {
    let with = |fields: &str| cron_job(1, "1Gi", "").replace("{schedule", &format!("{{{fields}, schedule"));
    let suspended = with("suspend: true, successfulJobsHistoryLimit: 0");
    let other =
        with("successfulJobsHistoryLimit: 1, failedJobsHistoryLimit: 0").replace("name: c", "name: b");
    let both = [&suspended, "---\n", &other].concat();
    for (live, file) in [(&cron_job(1, "1Gi", ""), &both), (&suspended, &other)] {
        let found = with_full_history("suspended", live).said(file);
        assert!(found.starts_with("[exit 0]") && !found.contains("warning"), "{found}");
    }
    // With the default limit, none are deleted.
    let found = with_full_history("suspended", &with("suspend: true")).said(&other);
    assert!(found.contains("these jobs cannot start"), "{found}");
}

#[test]
fn jobs_that_cannot_start_conflict_with_none() {
    let facts = Facts::new("blocked", ("limits.memory", "8Gi"), "");
    let job = |name: &str, memory: &str| {
        format!("- {{name: {name}, command: x, image: bookworm, mem: {memory}, schedule: '0 3 * * *'}}\n")
    };
    let bot = "- {name: bot, command: x, image: bookworm, mem: 4Gi, continuous: true}\n";
    let blocked = [bot, &job("b1", "5Gi"), &job("b2", "5Gi"), &job("c", "3Gi")].concat();
    let said = |input: &str| said(&format!("--from {} --from catalog.yaml -", facts.0.display()), input);
    let found = said(&blocked);
    assert!(found.starts_with("[exit 0]") && found.contains("these jobs can never start"), "{found}");
    assert!(!found.contains("hours:"), "{found}");
    // The others may still conflict with each other.
    let found = said(&[blocked, job("d", "3Gi")].concat());
    assert!(found.contains("hours:\n  c, d, "), "{found}");
}

#[test]
fn last_line_repeats_that_jobs_cannot_start() {
    let facts = Facts::new("repeated", ("limits.memory", "8Gi"), "");
    let last = "\nit fits now, but CronJob c can never start: see the warning above\n";
    let found = facts.said(&[&web("4Gi", ""), "---\n", &cron_job(1, "5Gi", "")].concat());
    assert!(found.starts_with("[exit 0]") && found.contains(last), "{found}");
    // Nothing keeps these from starting.
    let found = facts.said(&[&web("4Gi", ""), "---\n", &cron_job(1, "4Gi", "")].concat());
    assert!(found.contains("\nit fits the quota; "), "{found}");
}

#[test]
fn retries_of_a_run_cause_no_warning() {
    let facts = Facts::new("retries", ("count/pods", "'3'"), "");
    let file = cron_job(1, "1Gi", "").replace("{parallelism", "{ttlSecondsAfterFinished: 60, parallelism");
    let found = facts.said(&file);
    assert!(found.starts_with("[exit 0]") && !found.contains("warning"), "{found}");
    assert!(found.contains("not all retries fit if pods fail: count/pods: 7 of 3"), "{found}");
}

#[test]
fn runs_count_by_the_scopes_of_quotas() {
    let facts = Facts::new("scopes", ("limits.memory", "1Gi"), "NotTerminating");
    for memory in ["512Mi", "2Gi"] {
        let found = facts.said(&cron_job(3, memory, "activeDeadlineSeconds: 60,"));
        assert!(found.starts_with("[exit 0]") && !found.contains("warning"), "{found}");
    }
    let found = facts.said(&cron_job(1, "2Gi", ""));
    assert!(found.contains("a run of CronJob c never fits"), "{found}");
}

#[test]
fn pods_come_before_jobs() {
    let container = "containers: [{name: a, image: i, resources: {limits: {memory: 4Gi}}}]";
    let pod = format!("{{apiVersion: v1, kind: Pod, metadata: {{name: p}}, spec: {{{container}}}}}\n---\n");
    let job = |name: &str| {
        format!(
            "{{apiVersion: batch/v1, kind: Job, metadata: {{name: {name}}}, spec: {{template: {{spec: {{{container}}}}}}}}}\n---\n"
        )
    };
    let facts = Facts::new("order", ("limits.memory", "8Gi"), "");
    let found = facts.said(&[&pod, &job("a"), &job("b")].map(String::as_str).concat());
    assert!(found.contains("it fits the quota, but not all at once"), "{found}");
    let found = facts.said(&[&job("a"), &job("b"), &pod].map(String::as_str).concat());
    assert!(found.starts_with("[exit 3]"), "{found}");
    assert!(found.contains("it does not fit in this order: create Pod p before the Jobs\n"), "{found}");
}

#[test]
fn runs_of_a_file_wait_for_each_other() {
    let once =
        |name: &str, cpu: &str| format!("- {{name: {name}, command: echo 1, image: bookworm, cpu: {cpu}}}\n");
    let three = ["a", "b", "c"].map(|name| once(name, "1")).concat();
    assert_snapshot!(said("--quota toolforge-2023 -", &three), @"
    [exit 0]
    create job a
    create job b
    create job c

    RESOURCE          LIMIT  USED  AFTER  PEAK  VERDICT
    pods              10     0     1      2     fits
    requests.cpu      2      0     1      2     fits
    requests.memory   6Gi    0     512Mi  1Gi   fits
    limits.cpu        2      0     1      2     fits
    limits.memory     8Gi    0     512Mi  1Gi   fits
    count/jobs.batch  15     0     3      3     fits

    it fits the quota, but not all at once: some pods wait until pods of jobs have terminated; whether a node has enough free resources is not checked
    ");
    // The permanent workloads leave no headroom for one of them.
    let [bot, bots] = ["bot", "other"].map(|name| once(name, "1").replace('}', ", continuous: true}"));
    let kept = format!("{three}{bot}{bots}");
    assert_eq!(quota_check("--quota toolforge-2023 -", &kept).status.code(), Some(3));
    // An object counts as long as it exists, whether or not its pod runs.
    let objects: String = (0..16).map(|index| once(&format!("j{index}"), "100m")).collect();
    assert_eq!(quota_check("--quota toolforge-2023 -", &objects).status.code(), Some(3));
}

#[test]
fn runs_with_a_shell_need_no_other_minute() {
    let file = std::env::temp_dir().join(format!("quota-check-shell-{}.yaml", std::process::id()));
    let start = Timestamp::now().checked_sub(SignedDuration::from_mins(5)).unwrap();
    let facts = |name: &str, memory: &str, used: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: q}}, spec: {{hard: {{limits.memory: 8Gi}}}}, \
             status: {{hard: {{limits.memory: 8Gi}}, used: {{limits.memory: {used}}}}}}}\n---\n\
             {{apiVersion: v1, kind: Pod, metadata: {{name: {name}, uid: p}}, spec: {{restartPolicy: Never, containers: \
             [{{name: a, image: i, resources: {{limits: {{memory: {memory}}}}}}}]}}, status: {{phase: Running, \
             startTime: '{start}'}}}}\n"
        )
    };
    let job = |name: &str| {
        format!("- {{name: {name}, command: x, image: bookworm, mem: 4Gi, schedule: '*/20 * * * *'}}\n")
    };
    let found = |facts: &str, input: &str| {
        std::fs::write(&file, facts).unwrap();
        said(&format!("--from {} -", file.display()), input)
    };
    let shell = facts("shell-1", "6Gi", "6Gi");
    let alone = found(&shell, &job("soon"));
    let three = found(&shell, &[job("soon"), job("also"), job("too")].concat());
    let once = found(
        &shell.replace("6Gi", "1Gi"),
        &format!(
            "{}- {{name: import, command: x, image: bookworm, mem: 4Gi}}\n",
            job("soon").replace("20", "2")
        ),
    );
    std::fs::remove_file(&file).unwrap();
    assert!(alone.contains("\n  shell-1, soon, "), "{alone}");
    assert!(alone.contains("\n  shell-1 runs now, and is assumed to run until "), "{alone}");
    assert!(alone.contains(". They fit once shell-1 has terminated.\n"), "{alone}");
    assert!(!alone.contains("--suggest"), "{alone}");
    assert!(once.contains("\n  import is assumed to run from "), "{once}");
    assert!(once.contains(". They fit once import and shell-1 have terminated.\n"), "{once}");
    assert!(three.contains("`toolforge jobs cron --suggest` looks for better minutes."), "{three}");
}

#[test]
fn pods_may_have_the_name_of_a_job_that_never_starts() {
    let spec = |cpu: &str| {
        format!(
            "{{restartPolicy: Never, containers: [{{name: c, image: x, resources: {{requests: {{cpu: {cpu}}}}}}}]}}"
        )
    };
    let cron_job = |name: &str, schedule: &str, cpu: &str| {
        format!(
            "---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {{name: {name}}}\nspec: {{schedule: '{schedule}', jobTemplate: \
             {{spec: {{backoffLimit: 0, template: {{spec: {}}}}}}}}}\n",
            spec(cpu)
        )
    };
    let file = cron_job("s", "@daily", "1500m") + &cron_job("t", "*/10 * * * *", "500m");
    for name in ["s", "z"] {
        let live = format!(
            "apiVersion: v1\nkind: ResourceQuota\nmetadata: {{name: q}}\nspec: {{hard: {{requests.cpu: '2'}}}}\nstatus: {{used: \
             {{requests.cpu: 1600m}}}}\n---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, uid: p}}\nspec: {}\nstatus: \
             {{phase: Running}}\n",
            spec("600m")
        );
        let path = std::env::temp_dir().join(format!("quota-check-pod-{name}-{}.yaml", std::process::id()));
        std::fs::write(&path, live).unwrap();
        let found = said(&format!("--from {} -", path.display()), &file);
        std::fs::remove_file(&path).unwrap();
        let runs = if name == "s" { "s, t, " } else { "t, z, " };
        assert!(found.contains("these jobs can never start") && found.contains(runs), "{found}");
    }
}
