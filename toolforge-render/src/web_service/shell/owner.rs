use std::fmt;
use std::str::FromStr;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::platform;

use crate::object::is_shell;

/// The user and the process that opened a shell.
///
/// As text, `tools.x@bastion process 42 started 1234 boot 0a1b namespace 4026531836`. A process id alone does not
/// identify a process: the kernel reuses it, after a reboot and in another container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellOwner {
    user: String,
    host: ShellHost,
    process: ShellProcess,
}

/// A machine between two boots, and a PID namespace on it: where a process id means the same process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShellHost {
    /// The host name.
    pub name: String,
    /// The boot id of the kernel, which changes with every boot.
    pub boot_id: String,
    /// The PID namespace, which differs between containers.
    pub pid_namespace: String,
}

/// A process on a [`ShellHost`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShellProcess {
    /// The process id.
    pub pid: u32,
    /// The start time, in clock ticks since the boot (proc(5), `starttime`).
    pub start_time: u64,
}

/// A text that is not a [`ShellOwner`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid owner of a shell; expected USER@HOST process PID started TICKS boot ID namespace ID")]
pub struct ParseShellOwnerError;

impl ShellOwner {
    /// Returns the owner for a user's process. Characters that the text cannot contain are replaced with `_`.
    #[must_use]
    pub fn new(user: &str, host: &ShellHost, process: ShellProcess) -> Self {
        let ShellHost { name, boot_id, pid_namespace } = host;
        let host = ShellHost { name: word(name), boot_id: word(boot_id), pid_namespace: word(pid_namespace) };
        Self { user: word(user), host, process }
    }

    /// Returns the process that opened the shell.
    #[must_use]
    pub fn process(&self) -> ShellProcess {
        self.process
    }

    /// Returns whether the other owner is the same user on the same host, so its process can be looked up here.
    #[must_use]
    pub(super) fn is_same_host(&self, other: &Self) -> bool {
        self.user == other.user && self.host == other.host
    }
}

/// Returns a text as one word that can be parsed again.
fn word(text: &str) -> String {
    let safe = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    let word: String = text.chars().map(safe).take(64).collect();
    if word.is_empty() { "unknown".to_owned() } else { word }
}

impl fmt::Display for ShellOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, process } = self;
        let ShellHost { name, boot_id, pid_namespace } = host;
        let ShellProcess { pid, start_time } = process;
        write!(f, "{user}@{name} process {pid} started {start_time} boot {boot_id} namespace {pid_namespace}")
    }
}

impl FromStr for ShellOwner {
    type Err = ParseShellOwnerError;

    fn from_str(text: &str) -> Result<Self, ParseShellOwnerError> {
        let words: Vec<&str> = text.split(' ').collect();
        let [
            user_at_host,
            "process",
            pid,
            "started",
            start_time,
            "boot",
            boot_id,
            "namespace",
            pid_namespace,
        ] = words[..]
        else {
            return Err(ParseShellOwnerError);
        };
        let (user, name) = user_at_host.split_once('@').ok_or(ParseShellOwnerError)?;
        let host = ShellHost {
            name: name.to_owned(),
            boot_id: boot_id.to_owned(),
            pid_namespace: pid_namespace.to_owned(),
        };
        let process = ShellProcess {
            pid: pid.parse().map_err(|_| ParseShellOwnerError)?,
            start_time: start_time.parse().map_err(|_| ParseShellOwnerError)?,
        };
        let owner = Self::new(user, &host, process);
        // A text that `Display` would not write is rejected.
        if owner.to_string() == text { Ok(owner) } else { Err(ParseShellOwnerError) }
    }
}

/// The pod of a shell whose process no longer runs, or whose deadline has passed.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OrphanedShell {
    /// The pod's name.
    pub name: String,
    /// The pod's uid.
    pub uid: String,
    /// The pod.
    pub pod: Pod,
}

/// Returns the orphaned shells: those whose deadline has passed, and those of the same user on the same host whose
/// process no longer runs, for example because it was killed. `is_running` returns whether a process of this host runs.
///
/// A shell without an owner is never orphaned.
#[must_use]
pub fn orphaned_shells(
    pods: &[Pod],
    mine: &ShellOwner,
    now: &Timestamp,
    is_running: impl Fn(ShellProcess) -> bool,
) -> Vec<OrphanedShell> {
    let is_orphaned = |pod: &&Pod| {
        let owner = owner(pod);
        owner.is_some_and(|owner| {
            is_past(pod, now) || (owner.is_same_host(mine) && !is_running(owner.process()))
        })
    };
    let named = |pod: &Pod| {
        let (name, uid) = (pod.metadata.name.clone()?, pod.metadata.uid.clone()?);
        Some(OrphanedShell { name, uid, pod: pod.clone() })
    };
    pods.iter().filter(is_orphaned).filter_map(named).collect()
}

/// Returns the owner of a pod, if it is one of our shells and not terminating.
fn owner(pod: &Pod) -> Option<ShellOwner> {
    if !is_shell(pod.metadata.labels.as_ref()) || pod.metadata.deletion_timestamp.is_some() {
        return None;
    }
    pod.metadata.annotations.as_ref()?.get(platform::ANNOTATION_SHELL_OWNER)?.parse().ok()
}

fn is_past(pod: &Pod, now: &Timestamp) -> bool {
    let deadline = pod.spec.as_ref().and_then(|spec| spec.active_deadline_seconds);
    // The kubelet counts from the moment it accepted the pod; nothing runs before.
    let start = pod.status.as_ref().and_then(|status| status.start_time.as_ref());
    let (Some(deadline), Some(start)) = (deadline, start) else { return false };
    start.0.as_second().saturating_add(deadline) < now.as_second()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::web_service::shell::ShellHost;

    fn host(name: &str, boot_id: &str, pid_namespace: &str) -> ShellHost {
        ShellHost {
            name: name.to_owned(),
            boot_id: boot_id.to_owned(),
            pid_namespace: pid_namespace.to_owned(),
        }
    }

    #[test]
    fn owner_survives_a_round_trip() {
        let process = ShellProcess { pid: 42, start_time: 99 };
        let owner = ShellOwner::new("tools.x", &host("bastion 1", "0a-1b", "pid:[4026531836]"), process);
        let text = owner.to_string();
        assert_eq!(text, "tools.x@bastion_1 process 42 started 99 boot 0a-1b namespace pid__4026531836_");
        assert_eq!(text.parse(), Ok(owner));
    }

    #[test]
    fn owner_rejects_other_texts() {
        for text in [
            "",
            "x",
            "a@b process 1",
            "a@b process -1 started 1 boot c namespace d",
            "a@b process 1 started 1 boot c namespace d ",
        ] {
            assert_eq!(text.parse::<ShellOwner>(), Err(ParseShellOwnerError), "{text:?}");
        }
    }

    #[test]
    fn same_host_requires_same_user_and_boot() {
        let owner = |user: &str, name: &str, boot_id: &str, pid_namespace: &str| {
            ShellOwner::new(user, &host(name, boot_id, pid_namespace), ShellProcess { pid: 1, start_time: 1 })
        };
        let mine = ShellOwner::new("u", &host("h", "b", "n"), ShellProcess { pid: 2, start_time: 2 });
        assert!(mine.is_same_host(&owner("u", "h", "b", "n")));
        for other in [
            owner("v", "h", "b", "n"),
            owner("u", "i", "b", "n"),
            owner("u", "h", "c", "n"),
            owner("u", "h", "b", "m"),
        ] {
            assert!(!mine.is_same_host(&other), "{other}");
        }
    }

    fn pod(name: &str, labels: (&str, &str), owner: Option<&ShellOwner>, is_terminating: bool) -> Pod {
        let annotations = owner.map(|owner| json!({platform::ANNOTATION_SHELL_OWNER: owner.to_string()}));
        serde_json::from_value(json!({
            "metadata": {
                "name": name, "uid": format!("uid-{name}"), "annotations": annotations,
                "labels": {"app.kubernetes.io/component": labels.0, "app.kubernetes.io/managed-by": labels.1},
                "deletionTimestamp": is_terminating.then_some("1970-01-01T00:16:40Z"),
            },
            "spec": {"containers": [], "activeDeadlineSeconds": 100},
            "status": {"startTime": "1970-01-01T00:15:00Z"},
        }))
        .unwrap()
    }

    fn owner_on(host: &str, process: ShellProcess) -> ShellOwner {
        let host =
            ShellHost { name: host.to_owned(), boot_id: "b".to_owned(), pid_namespace: "n".to_owned() };
        ShellOwner::new("u", &host, process)
    }

    fn found(now: i64, pods: &[Pod]) -> Vec<String> {
        // Only the process 1 runs, and it started at 1.
        let running = ShellProcess { pid: 1, start_time: 1 };
        let mine = owner_on("h", running);
        let left =
            orphaned_shells(pods, &mine, &Timestamp::from_second(now).unwrap(), |process| process == running);
        left.into_iter().map(|left| left.name).collect()
    }

    #[test]
    fn orphaned_shells_are_found() {
        let ours = ("webservice-interactive", "webservice");
        let owner = |host, (pid, start_time)| owner_on(host, ShellProcess { pid, start_time });
        let pods = [
            pod("mine-runs", ours, Some(&owner("h", (1, 1))), false),
            pod("mine-has-exited", ours, Some(&owner("h", (2, 1))), false),
            pod("pid-reused", ours, Some(&owner("h", (1, 2))), false),
            pod("elsewhere", ours, Some(&owner("i", (2, 1))), false),
            pod("terminating", ours, Some(&owner("h", (2, 1))), true),
            pod("without-owner", ours, None, false),
            pod("a-job", ("jobs", "toolforge-jobs-framework"), Some(&owner("h", (2, 1))), false),
            pod("the-web-service", ("web", "webservice"), Some(&owner("h", (2, 1))), false),
        ];
        // The pods started at second 900 and may last for 100.
        assert_eq!(found(1000, &pods), ["mine-has-exited", "pid-reused"]);
        assert_eq!(found(1001, &pods), ["mine-runs", "mine-has-exited", "pid-reused", "elsewhere"]);
    }
}
