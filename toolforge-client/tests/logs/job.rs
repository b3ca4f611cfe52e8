//! Logs of jobs.

use super::*;

/// Returns a pod of the job `update`.
fn job_pod(name: &str, container: &str, phase: &str, state: &Value) -> Value {
    let mut pod = pod(name, state, &json!({}));
    pod["metadata"]["labels"] = json!({
        "toolforge": "tool", "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/created-by": "x", "app.kubernetes.io/name": "update",
    });
    pod["spec"]["containers"] = json!([{"name": container}, {"name": "sidecar"}]);
    pod["status"]["phase"] = json!(phase);
    pod["status"]["containerStatuses"][0]["name"] = json!(container);
    pod
}

fn job(condition: &str) -> Value {
    json!({"metadata": {"name": "update"}, "status": {"conditions": [{"type": condition, "status": "True"}]}})
}

fn job_log(client: &Client, owner: LogOwner, pods: &[Value], options: LogOptions) -> LogReader {
    let pods: Vec<Pod> = pods.iter().map(read).collect();
    client.job_log(LogTarget::job(&tool(), "update", owner), &pods, options)
}

#[tokio::test]
async fn job_log_reads_the_job_container() {
    let new = job_pod("a", "job", "Running", &running("1"));
    let old = job_pod("b", "update", "Running", &running("2"));
    let mut other = job_pod("c", "job", "Running", &running("3"));
    other["metadata"]["labels"]["app.kubernetes.io/name"] = json!("other");
    let (client, requests) = Script::new()
        .answer(&log("a"), Answer::text(200, ""))
        .answer(&log("b"), Answer::text(200, ""))
        .client();
    all(job_log(&client, LogOwner::CronJob, &[new, old, other], LogOptions::default())).await.unwrap();
    assert_snapshot!(requests, @"
    GET   /api/v1/namespaces/tool-x/pods/a/log?container=job&timestamps=true
    GET   /api/v1/namespaces/tool-x/pods/b/log?container=update&timestamps=true
    ");
}

#[tokio::test(start_paused = true)]
async fn tail_ends_with_a_finished_job() {
    let before = job_pod("p", "job", "Running", &running("1"));
    let after = [job_pod("p", "job", "Succeeded", &ended("1", 0, "2026-11-25T10:00:03Z"))];
    let whole = lines(&[("01", "a"), ("02", "b")]);
    // The completion of the Job is reported before that of the pod, whether or not the pod was known.
    for (condition, before) in [("Complete", vec![before]), ("Failed", vec![])] {
        let changes = [frame("MODIFIED", &job(condition))];
        let script = made_by(JOBS, (&job("SuccessCriteriaMet"), &changes), (&before, &[]))
            .answer(JOB_PODS, list(&after))
            .answer(&log("p"), Answer::text(200, &whole[..whole.len() / (1 + before.len())]))
            .answer(&log("p"), Answer::text(200, &whole));
        let log = job_log(&script.client().0, LogOwner::Job, &before, LogOptions::following());
        assert_eq!(followed_of(log, 10).await, "p:a p:b p:(terminated with exit code 0) end");
    }
    // A Job that had finished before is read once; the tail only waits for its end.
    let script = made_by(JOBS, (&job("Complete"), &[]), (&after, &[]));
    let (client, requests) = script.answer(&log("p"), Answer::text(200, &whole)).client();
    let log = job_log(&client, LogOwner::Job, &after, LogOptions::following());
    assert_eq!(followed_of(log, 10).await, "p:a p:b p:(terminated with exit code 0) end");
    assert!(requests.to_string().starts_with("GET   /api/v1/namespaces/tool-x/pods/p/log?"));
    assert_eq!(requests.to_string().matches("/log?").count(), 1);
}

#[tokio::test(start_paused = true)]
async fn tail_ends_with_the_owner() {
    use LogOwner::{CronJob, Deployment, Job};
    let pods = [job_pod("p", "job", "Succeeded", &ended("1", 0, "2026-11-25T10:00:03Z"))];
    let (gone, pod_gone) = ([frame("DELETED", &job("Suspended"))], [frame("DELETED", &pods[0])]);
    for (owner, owners) in [(Deployment, DEPLOYMENTS), (CronJob, CRON_JOBS), (Job, JOBS)] {
        let script = made_by(owners, (&job("Suspended"), &gone), (&pods, &pod_gone))
            .answer(&log("p"), Answer::text(200, &lines(&[("01", "a")])));
        let log = job_log(&script.client().0, owner, &pods, LogOptions::following());
        assert_eq!(followed_of(log, 10).await, "p:a p:(terminated with exit code 0) end");
    }
}
