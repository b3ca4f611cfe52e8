use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, RemoteContainer, Session, interrupted, run_remote};
use toolforge_client::{JobFetchOptions, LogOwner, LogTarget};
use toolforge_render::job::{FoundWorkload, JobFacts, WorkloadRef, job_status, pod_status, pods_of_job};
use toolforge_render::pod::{container_runs, main_container};
use toolforge_render::web_service::shell_command;

use super::facts;
use crate::arguments::ExecArguments;
use crate::report::status_sentence;

/// Opens a shell in a running pod of a job or of an object that no tool manages, or runs a command there, and returns its exit
/// code.
pub(super) fn run(session: &Session, options: &ExecArguments) -> Result<ExitCode, Failure> {
    let ExecArguments { name, command } = options;
    let (runtime, client) = session.cluster()?;
    let (mut pods, mut failure) = (Vec::new(), None);
    if name.kind.is_none() {
        // The owner of the pods does not matter here.
        let subject = LogTarget::job(&session.tool, name.name.as_str(), LogOwner::Job);
        pods = runtime.block_on(client.list::<Pod>(&subject.collection(), &subject.list_params()))?.items;
        pods.retain(|pod| subject.includes(pod));
    }
    if newest_running(&pods).is_none() {
        let mut wanted = JobFetchOptions::for_names();
        wanted.events = true;
        let facts = facts::facts(session, wanted)?;
        let found = facts::find(&facts, name)?;
        pods = match &found {
            FoundWorkload::Job(job) => pods_of_job(job, &facts.live).into_iter().cloned().collect(),
            FoundWorkload::Pod(pod) => vec![(**pod).clone()],
        };
        failure = Some(no_pod_runs(&found, &facts, name));
    }
    let Some((pod, container)) = newest_running(&pods) else {
        let none = || Failure::new(ExitCode::Failed, format!("{name} has no running pod"));
        return Err(failure.unwrap_or_else(none));
    };
    let namespace = session.tool.namespace();
    let container = RemoteContainer { namespace: &namespace, pod, container };
    let (command, status_command) = (shell_command(command), format!("toolforge jobs show {name}"));
    runtime.block_on(async {
        tokio::select! {
            ended = run_remote(client, container, &command, &status_command) => ended,
            signal = interrupted() => signal,
        }
    })
}

/// Returns the newest running pod and its container, preferring ready ones.
fn newest_running(pods: &[Pod]) -> Option<(&str, &str)> {
    let runs = |pod: &&Pod| {
        pod.metadata.deletion_timestamp.is_none()
            && container_runs(pod).iter().any(|run| run.termination.is_none())
    };
    let started = |pod: &Pod| pod.status.as_ref()?.start_time.as_ref().map(|time| time.0);
    let newest = pods.iter().filter(runs).max_by_key(|pod| (is_ready(pod), started(pod)))?;
    Some((newest.metadata.name.as_deref()?, main_container(newest)?))
}

fn is_ready(pod: &Pod) -> bool {
    let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

/// Returns the failure of a job or an object without a running pod, with its state.
fn no_pod_runs(found: &FoundWorkload, facts: &JobFacts, name: &WorkloadRef) -> Failure {
    let now = Timestamp::now();
    let (message, status) = match found {
        FoundWorkload::Job(job) => {
            let name = facts::reference(job);
            let quoted = if job.is_managed() { format!("job '{name}'") } else { name };
            (format!("{quoted} has no running pod"), job_status(job, &facts.live, now))
        }
        FoundWorkload::Pod(pod) => {
            (format!("pod/{} does not run", name.name), pod_status(pod, &facts.live, now))
        }
    };
    Failure::new(ExitCode::Failed, message)
        .detail(status_sentence(&status, now))
        .hint(format!("`toolforge jobs show {name}` shows the details."))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(name: &str, started: &str, is_ready: bool, state: &Value) -> Pod {
        let status = json!({
            "startTime": format!("2026-11-25T10:{started}:00Z"),
            "conditions": [{"type": "Ready", "status": if is_ready { "True" } else { "False" }}],
            "containerStatuses": [{
                "name": "job", "image": "", "imageID": "", "ready": is_ready, "restartCount": 0,
                "containerID": "containerd://1", "state": state,
            }],
        });
        let spec = json!({"containers": [{"name": "sidecar"}, {"name": "job"}]});
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec, "status": status})).unwrap()
    }

    #[test]
    fn newest_running_pod_is_preferred_if_ready() {
        let running = json!({"running": {}});
        let waiting = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let ended = json!({"terminated": {"containerID": "containerd://1", "exitCode": 0}});
        let mut terminating = pod("terminating", "09", true, &running);
        terminating.metadata.deletion_timestamp = terminating.status.as_ref().unwrap().start_time.clone();
        let (older, newer) = (pod("older", "01", true, &running), pod("newer", "02", true, &running));
        let unready = pod("unready", "03", false, &running);
        let rest = [terminating, pod("waiting", "08", true, &waiting), pod("ended", "07", true, &ended)];
        assert_eq!(newest_running(&rest), None);
        let with = |pods: &[&Pod]| -> Option<String> {
            let pods: Vec<Pod> = pods.iter().copied().chain(&rest).cloned().collect();
            newest_running(&pods).map(|(pod, container)| format!("{pod}/{container}"))
        };
        assert_eq!(with(&[&newer, &unready, &older]).as_deref(), Some("newer/job"));
        assert_eq!(with(&[&unready]).as_deref(), Some("unready/job"));
    }
}
