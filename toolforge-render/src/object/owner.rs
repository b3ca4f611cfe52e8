//! Which object belongs to which.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};

use crate::object::label;

/// The label of a Deployment's pods with the hash of their template, which is the suffix of their ReplicaSet's name (Kubernetes
/// 1.33, the Deployment controller).
pub(crate) const POD_TEMPLATE_HASH: &str = "pod-template-hash";

/// The characters of such a hash (Kubernetes 1.33).
const HASH: &str = "bcdfghjklmnpqrstvwxz2456789";

/// Returns the object that controls another one: there is at most one.
pub(crate) fn controller_of(metadata: &ObjectMeta) -> Option<&OwnerReference> {
    metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// Returns whether an object is owned by the one with a uid, whether that controls it or not: a run that was started by hand has
/// its CronJob as an owner only.
#[must_use]
pub fn is_owned_by(metadata: &ObjectMeta, uid: Option<&str>) -> bool {
    let mut owners = metadata.owner_references.iter().flatten();
    uid.is_some_and(|uid| owners.any(|owner| owner.uid == uid))
}

/// Returns whether a pod is owned by a ReplicaSet of the Deployment with a name: the ReplicaSet is named after the Deployment and
/// the hash in the pod's label.
#[must_use]
pub fn is_pod_of_deployment(pod: &Pod, deployment: &str) -> bool {
    let Some(hash) = label(pod.metadata.labels.as_ref(), POD_TEMPLATE_HASH) else { return false };
    let mut owners = pod.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.kind == "ReplicaSet" && generated_suffix(&owner.name, deployment) == Some(hash))
}

/// Returns whether a pod is owned by a run of the CronJob with a name, as its schedule starts them: the Job is named after the
/// CronJob and the minute.
#[must_use]
pub fn is_pod_of_cron_job(pod: &Pod, cron_job: &str) -> bool {
    let is_minute = |suffix: &str| suffix.bytes().all(|byte| byte.is_ascii_digit());
    let mut owners = pod.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.kind == "Job" && generated_suffix(&owner.name, cron_job).is_some_and(is_minute))
}

/// Returns whether a pod belongs to a ReplicaSet that a Deployment controls; the Deployment labels its pods.
pub(crate) fn is_of_deployment(pod: &Pod) -> bool {
    label(pod.metadata.labels.as_ref(), POD_TEMPLATE_HASH).is_some()
}

/// Returns whether a name is that of a Deployment's ReplicaSet, or of a run of a CronJob: `OWNER-SUFFIX`.
pub(crate) fn is_generated(name: &str, owner: &str) -> bool {
    generated_suffix(name, owner).is_some_and(|suffix| !suffix.contains('-'))
}

/// Returns whether a name ends like that of a Deployment's ReplicaSet.
pub(crate) fn has_hash(name: &str) -> bool {
    name.rsplit_once('-')
        .is_some_and(|(_, hash)| hash.len() > 7 && hash.chars().all(|found| HASH.contains(found)))
}

fn generated_suffix<'a>(name: &'a str, owner: &str) -> Option<&'a str> {
    name.strip_prefix(owner)?.strip_prefix('-').filter(|suffix| !suffix.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn owned(kind: &str, name: &str, controller: Option<bool>) -> Pod {
        let owner =
            json!({"apiVersion": "v1", "kind": kind, "name": name, "uid": "u", "controller": controller});
        let labels = json!({POD_TEMPLATE_HASH: "5d8c7f9b6"});
        let metadata = json!({"labels": labels, "ownerReferences": [owner]});
        serde_json::from_value(json!({"metadata": metadata})).unwrap()
    }

    #[test]
    fn owners_are_known_by_uid() {
        let metadata = owned("Job", "a", None).metadata;
        assert!(is_owned_by(&metadata, Some("u")) && !is_owned_by(&metadata, Some("v")));
        assert!(!is_owned_by(&metadata, None) && !is_owned_by(&ObjectMeta::default(), None));
        assert_eq!(controller_of(&metadata), None);
        let controlled = owned("Job", "a", Some(true)).metadata;
        assert_eq!(controller_of(&controlled).map(|owner| owner.name.as_str()), Some("a"));
    }

    #[test]
    fn owners_are_known_by_name() {
        let of_web = |kind: &str, name: &str| is_pod_of_deployment(&owned(kind, name, None), "web");
        assert!(of_web("ReplicaSet", "web-5d8c7f9b6"));
        assert!(!of_web("ReplicaSet", "web-2-5d8c7f9b6") && !of_web("ReplicaSet", "web-"));
        assert!(!of_web("Job", "web-5d8c7f9b6"));
        let of_daily = |name: &str| is_pod_of_cron_job(&owned("Job", name, None), "daily");
        assert!(of_daily("daily-29500000"));
        assert!(!of_daily("daily-") && !of_daily("daily-2-29500000") && !of_daily("dailyx-1"));
        assert!(is_generated("web-5d8c7f9b6", "web") && !is_generated("web-a-5d8c7f9b6", "web"));
        assert!(has_hash("web-5d8c7f9b6") && !has_hash("web-29500000"));
    }
}
