use std::fmt;

use k8s_openapi::api::core::v1::{Container, Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{MountStorage, Untrusted, platform};

use crate::pod::{Evidence, causes_of_pod, resources};
use crate::web_service::{ShellOwner, WebServicePlan, environment};

/// The deadline of a shell, in seconds: a working day, so a forgotten shell does not use the quota any longer.
const DEADLINE: u32 = 8 * 60 * 60;

/// The command if none is given, as in the platform's tool (webservice 0.98).
const SHELL: [&str; 2] = ["/bin/bash", "-il"];

/// The characters of a suffix, without vowels and look-alikes, as in Kubernetes' generated names.
const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The name of a shell's pod: the platform's prefix and Unix time (webservice 0.77), and a suffix that distinguishes shells
/// of the same second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellName {
    second: i64,
    suffix: String,
}

impl ShellName {
    /// Returns the name of a shell that is opened at `moment`; the suffix is derived from `random`.
    #[must_use]
    pub fn new(moment: &Timestamp, mut random: u64) -> Self {
        let count = u64::try_from(ALPHABET.len()).unwrap_or(1);
        let mut suffix = String::new();
        for _ in 0..8 {
            let index = usize::try_from(random % count).unwrap_or(0);
            random /= count;
            suffix.push(char::from(ALPHABET[index]));
        }
        Self { second: moment.as_second().max(0), suffix }
    }

    /// Returns the value of the pod's label `name`. It contains a dot, which a tool's name cannot contain, so no web service's
    /// Service selects the pod.
    fn label(&self) -> String {
        let Self { second, suffix } = self;
        format!("shell-{second}.{suffix}")
    }
}

impl fmt::Display for ShellName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { second, suffix } = self;
        write!(f, "shell-{second}-{suffix}")
    }
}

/// Returns the command that runs in a shell's pod: the arguments, or a login shell.
#[must_use]
pub fn shell_command(arguments: &[String]) -> Vec<String> {
    if arguments.is_empty() { SHELL.map(str::to_owned).into() } else { arguments.to_vec() }
}

/// Returns the pod of a shell with a planned web service's image, limits and working directory.
///
/// Its main process only sleeps and reaps orphaned processes; it exits at the deadline.
#[must_use]
pub fn shell_pod(plan: &WebServicePlan, name: &ShellName, owner: &ShellOwner) -> Pod {
    let tool = &plan.request.tool;
    let mut labels = [
        (platform::LABEL_COMPONENT, platform::COMPONENT_SHELL.to_owned()),
        (platform::LABEL_MANAGED_BY, platform::MANAGED_BY_WEBSERVICE.to_owned()),
        (platform::LABEL_NAME, name.label()),
        (platform::LABEL_TOOLFORGE, platform::TOOLFORGE_TOOL.to_owned()),
        (platform::LABEL_VERSION, platform::SHELL_VERSION.to_owned()),
    ]
    .to_vec();
    if plan.request.image.mount() == MountStorage::None {
        labels.push((platform::LABEL_MOUNT_STORAGE, MountStorage::None.to_string()));
    }
    let (env, working_dir) = match plan.runner {
        Some(_) => (None, Some(format!("{}/", tool.home()))),
        None => (Some(environment()), None),
    };
    let wait = format!("trap 'exit 0' TERM; sleep {DEADLINE} & wait");
    Pod {
        metadata: ObjectMeta {
            name: Some(name.to_string()),
            namespace: Some(tool.namespace()),
            labels: Some(labels.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()),
            annotations: Some([(platform::ANNOTATION_SHELL_OWNER.to_owned(), owner.to_string())].into()),
            ..ObjectMeta::default()
        },
        spec: Some(PodSpec {
            active_deadline_seconds: Some(i64::from(DEADLINE)),
            restart_policy: Some("Never".to_owned()),
            containers: vec![Container {
                name: name.to_string(),
                image: Some(plan.image.clone()),
                command: Some(vec!["/bin/sh".to_owned(), "-c".to_owned(), wait]),
                env,
                working_dir,
                resources: Some(resources(plan.resources)),
                ..Container::default()
            }],
            ..PodSpec::default()
        }),
        ..Pod::default()
    }
}

/// The progress of a shell's pod.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ShellProgress {
    /// Commands can be run in it.
    Running,
    /// It does not run yet; with the cause, if the pod shows one.
    Waiting(Option<Evidence>),
    /// It cannot run.
    Failed(Evidence),
    /// It has terminated or is being deleted; with the message of the cluster.
    Terminated(Untrusted),
}

/// Returns the progress of a shell's pod.
#[must_use]
pub fn shell_progress(pod: &Pod) -> ShellProgress {
    let status = pod.status.clone().unwrap_or_default();
    if pod.metadata.deletion_timestamp.is_some() {
        return ShellProgress::Terminated(Untrusted::new("the pod is being deleted"));
    }
    let mut causes = causes_of_pod(pod, &[]);
    causes.sort_by_key(|evidence| !evidence.cause.is_terminal());
    let first = causes.into_iter().next();
    if let Some(evidence) = first.clone().filter(|evidence| evidence.cause.is_terminal()) {
        return ShellProgress::Failed(evidence);
    }
    match status.phase.as_deref() {
        Some("Succeeded" | "Failed") => {
            let message =
                [status.reason, status.message].into_iter().flatten().collect::<Vec<_>>().join(": ");
            ShellProgress::Terminated(Untrusted::new(message))
        }
        _ => {
            let mut containers = status.container_statuses.iter().flatten();
            let runs = containers
                .any(|container| container.state.as_ref().is_some_and(|state| state.running.is_some()));
            if runs { ShellProgress::Running } else { ShellProgress::Waiting(first) }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::pod::Cause;

    #[test]
    fn shell_names_differ_within_a_second() {
        let moment = Timestamp::from_second(1_684_672_496).unwrap();
        assert_eq!(ShellName::new(&moment, 0).to_string(), "shell-1684672496-bbbbbbbb");
        assert_ne!(ShellName::new(&moment, 1), ShellName::new(&moment, 2));
        assert_eq!(ShellName::new(&moment, u64::MAX).to_string().len(), "shell-1684672496-bbbbbbbb".len());
    }

    #[test]
    fn shell_label_is_never_a_tool_name() {
        let name = ShellName::new(&Timestamp::from_second(1_684_672_496).unwrap(), 7);
        // The pod's name can be a tool's name; its label cannot.
        assert!(name.to_string().parse::<toolforge_model::ToolName>().is_ok());
        assert!(name.label().parse::<toolforge_model::ToolName>().is_err());
    }

    fn progress(status: &Value) -> ShellProgress {
        let pod = json!({"metadata": {"name": "shell-1-x"}, "status": status});
        shell_progress(&serde_json::from_value(pod).unwrap())
    }

    fn container(state: &Value) -> Value {
        let status = json!({
            "name": "c", "image": "i", "imageID": "", "ready": false, "restartCount": 0, "state": state,
        });
        json!({"phase": "Pending", "containerStatuses": [status]})
    }

    #[test]
    fn pod_waits_until_its_container_runs() {
        assert_eq!(progress(&json!({})), ShellProgress::Waiting(None));
        let waiting = container(&json!({"waiting": {"reason": "ContainerCreating"}}));
        assert_eq!(progress(&waiting), ShellProgress::Waiting(None));
        let running = container(&json!({"running": {"startedAt": "2026-01-01T00:00:00Z"}}));
        assert_eq!(progress(&running), ShellProgress::Running);
    }

    #[test]
    fn pod_that_cannot_run_has_failed() {
        let words = json!({"waiting": {"reason": "ErrImagePull", "message": "not found"}});
        let ShellProgress::Failed(evidence) = progress(&container(&words)) else { panic!("it waits") };
        assert_eq!(evidence.cause.code(), "image-pull");
        let words = json!({"terminated": {"reason": "StartError", "exitCode": 128, "message": "no /bin/sh"}});
        let ShellProgress::Failed(evidence) = progress(&container(&words)) else { panic!("it waits") };
        assert_eq!(evidence.cause, Cause::ContainerStart { reason: Untrusted::new("no /bin/sh") });
        let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"});
        assert_eq!(progress(&evicted), ShellProgress::Terminated(Untrusted::new("Evicted: low on memory")));
    }

    #[test]
    fn unschedulable_pod_waits() {
        let status = json!({"phase": "Pending", "conditions": [
            {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes"},
        ]});
        let ShellProgress::Waiting(Some(evidence)) = progress(&status) else { panic!("it does not wait") };
        assert_eq!(evidence.cause, Cause::Unschedulable);
    }
}
