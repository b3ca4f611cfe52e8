//! Pods that wait until those of Jobs have ended.

use insta::assert_snapshot;
use toolforge_quota::Verdict;
use toolforge_render::change::BlockedRun;

use crate::support::{deployment, plan, planned, pod, verdict_of};

/// Returns a partly used memory quota in GiB.
fn quota(hard: u64, used: u64) -> String {
    format!(
        "---\n{{apiVersion: v1, kind: ResourceQuota, metadata: {{name: q}}, spec: {{hard: {{limits.memory: {hard}Gi}}}}, status: \
         {{hard: {{limits.memory: {hard}Gi}}, used: {{limits.memory: {used}Gi}}}}}}\n---\n"
    )
}

fn job(memory: &str, rest: &str) -> String {
    format!(
        "{{apiVersion: batch/v1, kind: Job, metadata: {{name: j, namespace: tool-stashbot, uid: u-j}}, spec: {{backoffLimit: 0, {rest}, \
         template: {{spec: {{containers: [{{name: a, image: x, resources: {{limits: {{memory: {memory}}}}}}}]}}}}}}}}\n---\n"
    )
}

/// Returns a pod of a Job whose container was restarted some times.
fn pod_of_job(memory: &str, restarts: u64) -> String {
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: j-1, namespace: tool-stashbot, ownerReferences: [{{apiVersion: batch/v1, kind: \
         Job, name: j, uid: u-j, controller: true}}]}}, spec: {{containers: [{{name: a, image: x, resources: {{limits: {{memory: \
         {memory}}}}}}}]}}, status: {{phase: Running, containerStatuses: [{{name: a, image: x, imageID: x, ready: true, restartCount: \
         {restarts}}}]}}}}\n---\n"
    )
}

#[test]
fn parallel_pods_of_a_job_are_created_as_they_fit() {
    assert_snapshot!(plan("", &quota(4, 1), &[&job("1Gi", "parallelism: 8, completions: 20")]), @"
    create object Job j
      limits.memory 1Gi -> 2Gi, peak 4Gi of 4Gi
    fits-one-after-another
    ");
    let verdict = |quota: &str, rest: &str| verdict_of(quota, &job("1Gi", rest));
    assert_eq!(verdict(&quota(4, 1), "parallelism: 3"), Verdict::Fits);
    assert_eq!(verdict(&quota(4, 1), "parallelism: 4"), Verdict::FitsOneAfterAnother);
    assert_eq!(verdict(&quota(4, 4), "parallelism: 4"), Verdict::QuotaExceeded);
    assert_eq!(verdict(&quota(4, 1).replace("4Gi", "512Mi"), "parallelism: 4"), Verdict::Never);
    // For waiting pods, the time also matters.
    assert_eq!(verdict(&quota(4, 1), "parallelism: 4, activeDeadlineSeconds: 60"), Verdict::QuotaExceeded);
    assert_eq!(verdict(&quota(4, 1), "parallelism: 4, suspend: true"), Verdict::Fits);
}

#[test]
fn larger_parallelism_of_a_job_is_used_as_it_fits() {
    let live = [quota(4, 4), job("1Gi", "parallelism: 1, completions: 20"), pod_of_job("1Gi", 0)].concat();
    let verdict = |rest: &str| verdict_of(&live, &job("1Gi", rest));
    assert_eq!(verdict("parallelism: 6, completions: 20"), Verdict::FitsOneAfterAnother);
}

#[test]
fn runs_of_a_cron_job_are_created_as_they_fit() {
    let cron_job = |memory: &str| {
        format!(
            "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: a}}, spec: {{schedule: '@daily', jobTemplate: {{spec: {{parallelism: \
             8, template: {{spec: {{containers: [{{name: a, image: x, resources: {{limits: {{memory: {memory}}}}}}}]}}}}}}}}}}}}"
        )
    };
    assert_eq!(verdict_of(&quota(9, 1), &cron_job("1Gi")), Verdict::Fits);
    assert_eq!(verdict_of(&quota(4, 1), &cron_job("1Gi")), Verdict::FitsOneAfterAnother);
    // All pods of a run with a deadline must fit at once.
    let with_deadline = cron_job("1Gi").replace("parallelism", "activeDeadlineSeconds: 60, parallelism");
    assert_eq!(verdict_of(&quota(9, 1), &with_deadline), Verdict::Fits);
    assert_eq!(verdict_of(&quota(4, 1), &with_deadline), Verdict::Never);
    assert_eq!(verdict_of(&quota(4, 1), &cron_job("5Gi")), Verdict::Never);
}

#[test]
fn rollouts_wait_for_jobs() {
    let live =
        |quota: &str| [deployment("web", "2Gi", 1, ""), pod("web", "2Gi", ""), quota.to_owned()].concat();
    let changed = deployment("web", "2Gi", 1, "").replace("image: x", "image: new");
    // In addition to the Job, a surge does not fit.
    let file = [changed.clone(), job("1Gi", "parallelism: 1")].concat();
    assert_snapshot!(plan("", &live(&quota(4, 2)), &[&file]), @"
    update object Deployment web, stated
    create object Job j
      limits.memory 2Gi -> 3Gi, peak 4Gi of 4Gi
    fits-one-after-another
    ");
    assert_eq!(verdict_of(&live(&quota(5, 2)), &file), Verdict::Fits);
    assert_eq!(verdict_of(&live(&quota(3, 2)), &file), Verdict::Deadlock);
    // Permanent workloads free nothing for a Job.
    let file = [changed, job("3Gi", "parallelism: 1")].concat();
    assert_eq!(verdict_of(&live(&quota(4, 2)), &file), Verdict::Never);
}

#[test]
fn rollouts_wait_for_running_jobs() {
    let live = |hard: u64, used: u64, restarts: u64| {
        let own = [deployment("web", "2Gi", 1, ""), pod("web", "2Gi", ""), quota(hard, used)].concat();
        [own, job("1Gi", "parallelism: 1"), pod_of_job("1Gi", restarts)].concat()
    };
    let changed = deployment("web", "2Gi", 1, "").replace("image: x", "image: new");
    assert_snapshot!(plan("", &live(4, 3, 0), &[&changed]), @"
    update object Deployment web, stated
      limits.memory 3Gi -> 3Gi, peak 4Gi of 4Gi
    fits-one-after-another
    ");
    assert_eq!(verdict_of(&live(5, 3, 0), &changed), Verdict::Fits);
    assert_eq!(verdict_of(&live(4, 4, 0), &changed), Verdict::Deadlock);
    // A restarted pod is assumed to run forever.
    assert_eq!(verdict_of(&live(4, 3, 1), &changed), Verdict::Deadlock);
    // Another workload does not fit now.
    assert_eq!(verdict_of(&live(4, 3, 0), &deployment("bot", "2Gi", 1, "")), Verdict::QuotaExceeded);
}

#[test]
fn pods_without_a_controller_do_not_wait() {
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: x, resources: {limits: {memory: \
               1Gi}}}]}}\n---\n";
    let job = |parallelism: u64| job("1Gi", &format!("parallelism: {parallelism}"));
    let first = |parallelism: u64| verdict_of(&quota(4, 0), &[pod, &job(parallelism)].concat());
    let last = |parallelism: u64| verdict_of(&quota(4, 0), &[&job(parallelism), pod].concat());
    assert_eq!((first(3), last(3)), (Verdict::Fits, Verdict::Fits));
    assert_eq!((first(4), last(4)), (Verdict::FitsOneAfterAnother, Verdict::QuotaExceeded));
    // No order helps.
    let larger = pod.replace("1Gi", "4Gi");
    assert_eq!(verdict_of(&quota(4, 0), &[larger, job(1)].concat()), Verdict::Never);
}

#[test]
fn runs_that_can_never_start_are_known() {
    let run = "{apiVersion: batch/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '@daily', jobTemplate: {spec: {template: \
               {spec: {containers: [{name: a, image: x, resources: {limits: {memory: 3Gi}}}]}}}}}}\n---\n";
    assert_eq!(blocked_runs(&quota(4, 1), run), "");
    assert_eq!(blocked_runs(&quota(4, 2), run), "a: limits.memory: 5Gi of 4Gi, 1Gi too much (quota q)");
    // Permanent workloads may change before the next run.
    assert_eq!(verdict_of(&quota(4, 2), run), Verdict::Fits);
    // A running Job finishes, and a suspended CronJob has no runs.
    let live = [quota(4, 2), job("2Gi", "parallelism: 1"), pod_of_job("2Gi", 0)].concat();
    assert_eq!(blocked_runs(&live, run), "");
    assert_eq!(blocked_runs(&quota(4, 2), &run.replace("'@daily'", "'@daily', suspend: true")), "");
    // A shell is closed eventually, and a terminating pod is gone soon.
    let shell = "{apiVersion: v1, kind: Pod, metadata: {name: s}, spec: {restartPolicy: Never, containers: [{name: a, image: x, \
                 resources: {limits: {memory: 2Gi}}}]}}\n---\n";
    assert_eq!(blocked_runs(&[&quota(4, 2), shell].concat(), run), "");
    let bot = shell.replace("Never", "Always");
    assert_ne!(blocked_runs(&[&quota(4, 2), bot.as_str()].concat(), run), "");
    let terminating = bot.replace(
        "name: s}",
        "name: s, deletionTimestamp: '2026-01-01T00:00:00Z', deletionGracePeriodSeconds: 30}",
    );
    assert_eq!(blocked_runs(&[&quota(4, 2), terminating.as_str()].concat(), run), "");
    // An object that is created with it is kept.
    let bot = deployment("bot", "2Gi", 1, "");
    assert_eq!(
        blocked_runs(&quota(4, 0), &[run, &bot].concat()),
        "a: limits.memory: 5Gi of 4Gi, 1Gi too much (quota q)"
    );
}

/// Returns the names of the CronJobs whose runs can never start, with the missing amounts.
fn blocked_runs(live: &str, file: &str) -> String {
    let plan = planned(live, file);
    let line = |run: &BlockedRun| {
        let missing: Vec<String> = run.shortfalls.iter().map(ToString::to_string).collect();
        format!("{}: {}", run.name, missing.join(", "))
    };
    plan.set.blocked_runs().iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn largest_amount_uses_the_worst_defaults() {
    let range = |name: &str, memory: &str| {
        format!(
            "---\n{{apiVersion: v1, kind: LimitRange, metadata: {{name: {name}}}, spec: {{limits: [{{type: Container, default: {{memory: \
             {memory}}}}}]}}}}\n---\n"
        )
    };
    let live = [range("a", "100Mi"), range("b", "300Mi"), quota(4, 0).replace("4Gi", "200Mi")].concat();
    let pod = "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: a, image: x}]}}";
    assert_snapshot!(plan("", &live, &[pod]), @"
    create object Pod p
      limits.memory 0 -> 300Mi, peak 300Mi of 200Mi too much
    never
    fits: Pod p: memory 200Mi
    no downtime: Pod p: memory 200Mi
    ");
}
