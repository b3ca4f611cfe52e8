//! Containers that were killed for using more memory than their limit.

use k8s_openapi::api::core::v1::{ContainerState, Pod};
use k8s_openapi::jiff::Timestamp;
use toolforge_model::Untrusted;

use crate::pod::{OUT_OF_MEMORY, container, container_statuses, memory_of};
use crate::usage::consumer::{QuotaConsumer, consumer_of};

/// The last kill of a container that used more memory than its limit.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct OutOfMemoryKill {
    /// The workload.
    pub consumer: QuotaConsumer,
    /// The pod.
    pub pod: Untrusted,
    /// The container's memory limit.
    pub limit: Option<toolforge_model::Memory>,
    /// When it was killed.
    pub at: Option<Timestamp>,
    /// How often the container was restarted since its pod was created, for whatever reason.
    pub restarts: u64,
}

/// Returns the last kill of each container, also of sidecars and init containers, the newest first, as far as the pods' statuses
/// show them.
#[must_use]
pub fn out_of_memory_kills(pods: &[Pod]) -> Vec<OutOfMemoryKill> {
    let mut found = Vec::new();
    for pod in pods {
        for status in container_statuses(pod) {
            let states = [status.state.as_ref(), status.last_state.as_ref()];
            let killed = |state: &ContainerState| {
                let end = state.terminated.clone()?;
                (end.reason.as_deref() == Some(OUT_OF_MEMORY)).then_some(end)
            };
            let Some(end) = states.into_iter().flatten().find_map(killed) else { continue };
            let limits =
                container(pod, &status.name).and_then(|found| found.resources.as_ref()?.limits.as_ref());
            found.push(OutOfMemoryKill {
                consumer: consumer_of(pod),
                pod: Untrusted::new(pod.metadata.name.clone().unwrap_or_default()),
                limit: memory_of(limits),
                at: end.finished_at.as_ref().map(|time| time.0),
                restarts: u64::try_from(status.restart_count).unwrap_or(0),
            });
        }
    }
    found.sort_by_key(|kill| std::cmp::Reverse(kill.at));
    found
}
