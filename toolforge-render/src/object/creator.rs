//! Who created an object.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_model::Untrusted;

/// The field managers of controllers, which change objects and do not create them (Kubernetes 1.33).
const CONTROLLERS: [&str; 2] = ["kube-controller-manager", "kubelet"];

/// The field managers of commands of kubectl that change objects, which exist already (kubectl 1.33).
const EDITORS: [&str; 9] = [
    "kubectl-annotate",
    "kubectl-autoscale",
    "kubectl-edit",
    "kubectl-label",
    "kubectl-patch",
    "kubectl-rollout",
    "kubectl-scale",
    "kubectl-set",
    "kubectl-taint",
];

/// Returns the program that created an object, by its managed fields: the manager of its spec at the time of its creation.
///
/// The API server keeps only the time of the last write of each manager. If none is that of the creation, the creator is the only
/// manager that can create objects; `None` if there are several, or none.
#[must_use]
pub fn created_by(metadata: &ObjectMeta) -> Option<Untrusted> {
    let created = metadata.creation_timestamp.as_ref().map(|time| time.0);
    let entries = metadata.managed_fields.iter().flatten();
    let managers: Vec<_> = entries
        .filter(|entry| entry.subresource.as_deref().unwrap_or_default().is_empty())
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| fields.0.get("f:spec").is_some()))
        .filter_map(|entry| Some((entry.time.as_ref().map(|time| time.0), entry.manager.as_deref()?)))
        .filter(|(_, manager)| !CONTROLLERS.contains(manager) && !EDITORS.contains(manager))
        .collect();
    let first = managers.iter().find(|(time, _)| time.is_some() && *time == created);
    let mut names: Vec<&str> = managers.iter().map(|(_, manager)| *manager).collect();
    names.dedup();
    let only = if let [one] = names.as_slice() { Some(*one) } else { None };
    first.map(|(_, manager)| *manager).or(only).map(Untrusted::new)
}

/// Returns whether a field manager is kubectl: `kubectl`, or `kubectl-` and one of its commands (kubectl 1.33).
#[must_use]
pub fn is_kubectl(manager: &Untrusted) -> bool {
    manager.as_raw().split('-').next() == Some("kubectl")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn found(created: &str, managers: &[(&str, &str)]) -> Option<String> {
        let entry = |(manager, day): &(&str, &str)| json!({"manager": manager, "time": format!("2026-11-{day}T10:00:00Z"), "fieldsV1": {"f:spec": {}}});
        let entries: Vec<_> = managers.iter().map(entry).collect();
        let metadata = json!({
            "creationTimestamp": format!("2026-11-{created}T10:00:00Z"), "managedFields": entries,
        });
        let metadata: ObjectMeta = serde_json::from_value(metadata).unwrap();
        created_by(&metadata).map(|manager| manager.as_raw().to_owned())
    }

    #[test]
    fn creator_is_the_manager_of_the_creation() {
        let apply = "kubectl-client-side-apply";
        assert_eq!(found("01", &[(apply, "20"), ("kubectl-edit", "10")]).as_deref(), Some(apply));
        assert_eq!(found("01", &[(apply, "20"), ("helm", "01")]).as_deref(), Some("helm"));
        assert_eq!(found("01", &[(apply, "20"), ("helm", "10")]), None);
        assert_eq!(found("01", &[("kubectl-edit", "01")]), None);
        assert_eq!(found("01", &[]), None);
    }
}
