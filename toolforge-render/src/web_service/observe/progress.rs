//! The progress of a rollout, from the objects alone; a wait computes it after every watch event.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;

use crate::object::deployment_spec;
use crate::pod::{Cause, Evidence};
use crate::web_service::LiveWebService;
use crate::web_service::observe::causes::{newest_replica_set, web_service_causes};

/// The progress of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RolloutProgress {
    /// Every pod is of the newest revision and ready.
    Ready,
    /// The rollout continues.
    Waiting {
        /// The number of ready pods of the newest revision.
        ready: u32,
        /// The desired number of pods.
        desired: u32,
        /// The first cause of the wait, if the objects show one.
        evidence: Option<Evidence>,
    },
    /// It cannot become ready until something is changed.
    Failed(Vec<Evidence>),
}

/// Returns the progress of the rollout of the Deployment's `generation` at `now`; `None` means the current generation.
#[must_use]
pub fn web_service_progress(
    live: &LiveWebService,
    generation: Option<i64>,
    now: Timestamp,
) -> RolloutProgress {
    let desired =
        live.deployment.as_ref().and_then(|deployment| deployment_spec(deployment)?.replicas).unwrap_or(1);
    let waiting = |ready: i32, evidence| RolloutProgress::Waiting {
        ready: u32::try_from(ready).unwrap_or(0),
        desired: u32::try_from(desired).unwrap_or(0),
        evidence,
    };
    let Some((deployment, status)) =
        live.deployment.as_ref().and_then(|deployment| Some((deployment, deployment.status.as_ref()?)))
    else {
        return waiting(0, None);
    };
    let wanted = generation.or(deployment.metadata.generation).unwrap_or(0);
    if status.observed_generation.unwrap_or(0) < wanted {
        return waiting(0, None);
    }
    let updated = status.updated_replicas.unwrap_or(0);
    let ready = newest_replica_set(live)
        .and_then(|set| set.status.as_ref()?.ready_replicas)
        .unwrap_or_else(|| status.ready_replicas.unwrap_or(0).min(updated));
    let only_new = status.replicas.unwrap_or(0) == updated;
    if updated >= desired && ready >= desired && only_new {
        return RolloutProgress::Ready;
    }
    let causes = web_service_causes(live, now);
    let leaving = live.pods.iter().any(is_terminating);
    // An exceeded quota is not final while pods terminate: they free quota.
    let is_final = |evidence: &Evidence| {
        evidence.is_failure(now) && !(leaving && evidence.cause == Cause::QuotaExceeded)
    };
    if causes.iter().any(is_final) {
        return RolloutProgress::Failed(causes);
    }
    waiting(ready, causes.into_iter().next())
}

fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}
