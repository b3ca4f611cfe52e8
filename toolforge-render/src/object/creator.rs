//! Who created an object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_model::Untrusted;

/// The field managers of controllers, which change objects and do not create them (Kubernetes 1.33).
const CONTROLLERS: [&str; 2] = ["kube-controller-manager", "kubelet"];

/// Returns the program that created an object, by its managed fields: the first manager of its spec.
#[must_use]
pub fn created_by(metadata: &ObjectMeta) -> Option<Untrusted> {
    let entries = metadata.managed_fields.iter().flatten();
    let mut managers: Vec<_> = entries
        .filter(|entry| entry.subresource.as_deref().unwrap_or_default().is_empty())
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| fields.0.get("f:spec").is_some()))
        .filter_map(|entry| Some((entry.time.as_ref().map(|time| time.0), entry.manager.as_deref()?)))
        .filter(|(_, manager)| !CONTROLLERS.contains(manager))
        .collect();
    managers.sort();
    managers.first().map(|(_, manager)| Untrusted::new(*manager))
}

/// Returns whether a field manager is kubectl: `kubectl`, or `kubectl-` and one of its commands (kubectl 1.33).
#[must_use]
pub fn is_kubectl(manager: &Untrusted) -> bool {
    manager.as_raw().split('-').next() == Some("kubectl")
}
