//! Why the pods of a web service do not run.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use toolforge_model::Untrusted;

use crate::object::condition_text;
use crate::pod::{Cause, Evidence, cause_of_refusal, causes_of_pod};
use crate::web_service::LiveWebService;

/// Returns why the pods of the Deployment's newest revision do not run, most telling first, each cause once.
#[must_use]
pub fn causes(live: &LiveWebService) -> Vec<Evidence> {
    let newest = newest_replica_set(live);
    let mut found = Vec::new();
    for pod in
        live.pods.iter().filter(|pod| pod.metadata.deletion_timestamp.is_none() && belongs_to(pod, newest))
    {
        found.extend(causes_of_pod(pod));
    }
    found.extend(newest.and_then(of_replica_set));
    found.extend(live.deployment.as_ref().and_then(of_deployment));
    let mut causes: Vec<Evidence> = Vec::new();
    for evidence in found {
        if !causes.iter().any(|known| known.cause.code() == evidence.cause.code()) {
            causes.push(evidence);
        }
    }
    causes.sort_by_key(|evidence| !evidence.cause.is_terminal());
    causes
}

/// Returns the ReplicaSet of the Deployment's newest revision.
pub(crate) fn newest_replica_set(live: &LiveWebService) -> Option<&ReplicaSet> {
    let uid = live.deployment.as_ref()?.metadata.uid.as_deref()?;
    let revision = |set: &ReplicaSet| -> u64 {
        let annotation =
            set.metadata.annotations.as_ref().and_then(|map| map.get("deployment.kubernetes.io/revision"));
        annotation.and_then(|text| text.parse().ok()).unwrap_or(0)
    };
    live.replica_sets
        .iter()
        .filter(|set| set.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid))
        .max_by_key(|set| revision(set))
}

/// Returns whether a pod is of the newest revision; where its ReplicaSet is not known, every pod is.
pub(crate) fn belongs_to(pod: &Pod, newest: Option<&ReplicaSet>) -> bool {
    let Some(uid) = newest.and_then(|set| set.metadata.uid.as_deref()) else { return true };
    pod.metadata.owner_references.iter().flatten().any(|owner| owner.uid == uid)
}

fn of_replica_set(set: &ReplicaSet) -> Option<Evidence> {
    let condition = set.status.as_ref()?.conditions.iter().flatten().find(|condition| {
        condition_text(&condition.type_) == Some("ReplicaFailure")
            && condition_text(&condition.status) == Some("True")
    })?;
    let message = condition.message.clone().unwrap_or_default();
    Some(Evidence {
        cause: cause_of_refusal(&message),
        object: Untrusted::new(format!("ReplicaSet {}", set.metadata.name.as_deref().unwrap_or_default())),
        message: Untrusted::new(message),
    })
}

fn of_deployment(deployment: &Deployment) -> Option<Evidence> {
    let condition = deployment.status.as_ref()?.conditions.iter().flatten().find(|condition| {
        condition_text(&condition.type_) == Some("Progressing")
            && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
    })?;
    Some(Evidence {
        cause: Cause::DeadlineExceeded,
        object: Untrusted::new(format!(
            "Deployment {}",
            deployment.metadata.name.as_deref().unwrap_or_default()
        )),
        message: Untrusted::new(condition.message.clone().unwrap_or_default()),
    })
}
