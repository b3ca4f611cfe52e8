//! How far a rollout is, from the objects alone: the decision that waiting by watch asks for after every event.

use k8s_openapi::api::core::v1::Pod;

use crate::object::deployment_spec;
use crate::pod::{Cause, Evidence};
use crate::web_service::LiveWebService;
use crate::web_service::observe::causes::{causes, newest_replica_set};

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every pod is of the newest revision and ready.
    Ready,
    /// Not yet; the fields are for a line of progress.
    Waiting {
        /// How many pods of the newest revision are ready.
        ready: u32,
        /// How many are wanted.
        desired: u32,
        /// What it may be waiting for, where that can be seen.
        evidence: Option<Evidence>,
    },
    /// It cannot become ready unless something is changed.
    Failed(Vec<Evidence>),
}

/// Returns how far the rollout of the Deployment's `generation` is; `None` means whatever generation stands.
#[must_use]
pub fn progress(live: &LiveWebService, generation: Option<i64>) -> Progress {
    let desired =
        live.deployment.as_ref().and_then(|deployment| deployment_spec(deployment)?.replicas).unwrap_or(1);
    let waiting = |ready: i32, evidence| Progress::Waiting {
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
        return Progress::Ready;
    }
    let causes = causes(live);
    let leaving = live.pods.iter().any(is_leaving);
    // A full quota is no end while pods are on their way out: their room comes back.
    let is_final = |evidence: &Evidence| {
        evidence.cause.is_terminal() && !(leaving && evidence.cause == Cause::QuotaExceeded)
    };
    if causes.iter().any(is_final) {
        return Progress::Failed(causes);
    }
    waiting(ready, causes.into_iter().next())
}

fn is_leaving(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}
