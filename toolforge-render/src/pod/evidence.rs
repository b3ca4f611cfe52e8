//! Reads why something does not run from the statuses of its objects and from events.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Event, Pod};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_model::Untrusted;
use toolforge_quota::ObjectName;

use crate::object::{condition_text, deployment_spec};
use crate::pod::cause::{Cause, Evidence, of_refusal};
use crate::pod::containers::{ContainerRole, container, container_statuses, is_about, role};
use crate::pod::demand::has_ended;
use crate::pod::event::{event_time, first_time};
use crate::pod::health::{self, FailedProbe, RESTART_MATTERS};
use crate::pod::last_termination::{NOT_STARTED, OUT_OF_MEMORY};
use crate::pod::start_error;

/// Returns why the containers of a pod do not run, by its status and by the events about it.
pub(crate) fn of_pod(pod: &Pod, events: &[Event]) -> Vec<Evidence> {
    let object = object(pod);
    let Some(status) = &pod.status else { return Vec::new() };
    let mut found = Vec::new();
    for container in container_statuses(pod) {
        if let Some(FailedProbe { cause, message, since }) = of_container(pod, container, events) {
            found.push(Evidence { cause, object: object.clone(), message, since });
        }
    }
    let unschedulable = status.conditions.iter().flatten().find(|condition| {
        condition.type_ == "PodScheduled" && condition.reason.as_deref() == Some("Unschedulable")
    });
    if let Some(condition) = unschedulable {
        let message = Untrusted::new(condition.message.clone().unwrap_or_default());
        let since = condition.last_transition_time.as_ref().map(|time| time.0);
        found.push(Evidence { cause: Cause::Unschedulable, object, message, since });
    }
    found
}

/// Returns the probes that fail in the running containers of a pod, by the events about it, at `now`.
pub(crate) fn of_probes(pod: &Pod, events: &[Event], now: Timestamp) -> Vec<Evidence> {
    let found = container_statuses(pod).filter_map(|status| {
        let FailedProbe { cause, message, since } =
            health::of_running(pod, container(pod, &status.name)?, status, events, now)?;
        Some(Evidence { cause, object: object(pod), message, since })
    });
    found.collect()
}

fn object(pod: &Pod) -> ObjectName {
    ObjectName::of_pod(pod.metadata.name.as_deref().unwrap_or_default())
}

fn deployment_name(deployment: &Deployment) -> ObjectName {
    ObjectName::new("Deployment", deployment.metadata.name.as_deref().unwrap_or_default())
}

fn of_container(pod: &Pod, status: &ContainerStatus, events: &[Event]) -> Option<FailedProbe> {
    let state = status.state.clone().unwrap_or_default();
    // A running container may still become ready, regardless of what terminated it before.
    if status.ready || state.running.is_some() {
        return None;
    }
    let own = || events.iter().filter(|event| is_about(event, pod, &status.name));
    let waiting = state.waiting.unwrap_or_default();
    let message = Untrusted::new(waiting.message.unwrap_or_default());
    let found = |cause, message| Some(FailedProbe { cause, message, since: failing_since(own()) });
    match waiting.reason.as_deref().unwrap_or_default() {
        "ErrImagePull"
        | "ImagePullBackOff"
        | "InvalidImageName"
        | "ErrImageNeverPull"
        | "RegistryUnavailable" => {
            return found(Cause::ImagePull { image: Untrusted::new(status.image.clone()) }, message);
        }
        "CreateContainerConfigError"
        | "CreateContainerError"
        | "RunContainerError"
        | "PostStartHookError" => return found(not_started(&message, own()), message),
        // A container that waits for its volumes or its network has no message of its own.
        "ContainerCreating" | "PodInitializing" => {
            if let Some((cause, failure)) = failed_preparation(pod, events) {
                let message = Untrusted::new(failure.message.clone().unwrap_or_default());
                return Some(FailedProbe { cause, message, since: first_time(failure) });
            }
        }
        _ => {}
    }
    let is_backing_off = waiting.reason.as_deref() == Some("CrashLoopBackOff");
    let between_runs = state.terminated.is_some();
    let last = state.terminated.or_else(|| status.last_state.as_ref()?.terminated.clone())?;
    let role = role(pod, &status.name);
    let stays_ended = match role {
        ContainerRole::Init => true,
        ContainerRole::Main => pod.spec.as_ref().is_some_and(|spec| {
            spec.restart_policy.as_deref().is_some_and(|restart_policy| restart_policy != "Always")
        }),
        ContainerRole::Sidecar => false,
    };
    if between_runs && stays_ended && last.exit_code == 0 {
        return None;
    }
    let message = Untrusted::new(last.message.clone().unwrap_or_default());
    match last.reason.as_deref() {
        Some(OUT_OF_MEMORY) => found(Cause::OutOfMemory, message),
        Some(reason) if NOT_STARTED.contains(&reason) => found(not_started(&message, own()), message),
        // The reason that containerd reports if the node restarted: the exit code of the command is unknown.
        Some("Unknown" | "ContainerStatusUnknown") => None,
        // One termination may be an exception; the kubelet's back-off or a second termination shows a loop.
        _ if is_backing_off || (between_runs && status.restart_count > 0 && !is_long(&last)) => {
            let killed = container(pod, &status.name)
                .and_then(|container| health::killed_by_probe(pod, container, &last, events));
            let exit_code = last.exit_code;
            let cause = match role {
                ContainerRole::Main => Cause::CrashLoop { exit_code },
                ContainerRole::Init | ContainerRole::Sidecar => {
                    Cause::InitCrashLoop { container: Untrusted::new(status.name.clone()), exit_code }
                }
            };
            killed.or_else(|| found(cause, message))
        }
        _ => None,
    }
}

/// Returns whether a run was so long that the restarts before it no longer matter.
fn is_long(run: &ContainerStateTerminated) -> bool {
    let (start, end) = (run.started_at.as_ref(), run.finished_at.as_ref());
    start.zip(end).is_some_and(|(start, end)| end.0.duration_since(start.0) >= RESTART_MATTERS)
}

/// Returns the last failed preparation that a container waits for while none is created: a volume, or the pod's network.
fn failed_preparation<'a>(pod: &Pod, events: &'a [Event]) -> Option<(Cause, &'a Event)> {
    let step = |event: &'a Event| match event.reason.as_deref()? {
        "FailedMount" | "FailedAttachVolume" => Some((Some(Cause::VolumeMount), event)),
        "FailedCreatePodSandBox" => Some((Some(Cause::PodSandbox), event)),
        // These come after both.
        "Pulling" | "Pulled" | "Created" | "Started" => Some((None, event)),
        _ => None,
    };
    // Also events of init containers, which start first.
    let uid = pod.metadata.uid.as_deref()?;
    let own = events.iter().filter(|event| event.involved_object.uid.as_deref() == Some(uid));
    let (cause, event) = own.filter_map(step).max_by_key(|(_, event)| event_time(event))?;
    Some((cause?, event))
}

/// Returns evidence that a container cannot be started; if its status has no message, it has that of the last event about it.
fn not_started<'a>(message: &Untrusted, own: impl Iterator<Item = &'a Event>) -> Cause {
    let failed = own.filter(|event| event.reason.as_deref() == Some("Failed"));
    let of_event = || failed.max_by_key(|event| event_time(event))?.message.as_deref();
    let message = if message.is_empty() { of_event().unwrap_or_default() } else { message.as_raw() };
    // The kubelet writes the prefix in events.
    Cause::ContainerStart { reason: start_error::reason(message.strip_prefix("Error: ").unwrap_or(message)) }
}

/// Returns the time of the first failure of a container: that of the kubelet's first pause before it tried again.
fn failing_since<'a>(own: impl Iterator<Item = &'a Event>) -> Option<Timestamp> {
    let pauses = own.filter(|event| matches!(event.reason.as_deref(), Some("BackOff" | "Failed")));
    pauses.filter_map(first_time).min()
}

/// Returns why a Deployment does not progress: it is paused, its ReplicaSet cannot be created, or it takes too long.
pub(crate) fn of_deployment(deployment: &Deployment) -> Option<Evidence> {
    of_pause(deployment).or_else(|| of_progress(deployment))
}

/// Returns evidence that a Deployment is paused, if pods of its newest revision are missing.
fn of_pause(deployment: &Deployment) -> Option<Evidence> {
    let spec = deployment_spec(deployment).filter(|spec| spec.paused == Some(true))?;
    let updated = deployment.status.as_ref().and_then(|status| status.updated_replicas).unwrap_or(0);
    (updated < spec.replicas.unwrap_or(1)).then(|| Evidence {
        cause: Cause::Paused,
        object: deployment_name(deployment),
        message: Untrusted::default(),
        since: None,
    })
}

/// Returns the terminating old pod, if a Deployment has no other and starts new pods only after it.
pub(crate) fn of_terminating<'a>(
    deployment: &Deployment,
    pods: impl Iterator<Item = &'a Pod> + Clone,
) -> Option<Evidence> {
    let spec = deployment_spec(deployment).filter(|spec| spec.replicas != Some(0))?;
    let is_recreated =
        spec.strategy.as_ref().and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate");
    let until = |pod: &Pod| pod.metadata.deletion_timestamp.as_ref().map(|time| time.0);
    let used = pods.filter(|pod| !has_ended(pod));
    if !is_recreated || used.clone().any(|pod| until(pod).is_none()) {
        return None;
    }
    let last = used.max_by_key(|pod| until(pod))?;
    let until = until(last)?;
    let grace = last.metadata.deletion_grace_period_seconds.map(SignedDuration::from_secs);
    Some(Evidence {
        cause: Cause::Terminating { until },
        object: object(last),
        message: Untrusted::default(),
        since: grace.and_then(|grace| until.checked_sub(grace).ok()),
    })
}

fn of_progress(deployment: &Deployment) -> Option<Evidence> {
    let condition = deployment.status.as_ref()?.conditions.iter().flatten().find(|condition| {
        condition_text(&condition.type_) == Some("Progressing")
            && condition_text(&condition.status) == Some("False")
    })?;
    let message = condition.message.clone().unwrap_or_default();
    let cause = match condition.reason.as_deref() {
        Some("ReplicaSetCreateError") => of_refusal(&message),
        _ => Cause::DeadlineExceeded,
    };
    Some(Evidence {
        cause,
        object: deployment_name(deployment),
        message: Untrusted::new(message),
        since: condition.last_transition_time.as_ref().map(|time| time.0),
    })
}
