//! Labels of objects.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Service;
use toolforge_model::platform;

/// Labels, or annotations.
pub type Labels = BTreeMap<String, String>;

/// Returns whether a label has a value.
pub(crate) fn has_label(labels: Option<&Labels>, key: &str, value: &str) -> bool {
    label(labels, key) == Some(value)
}

/// Returns the value of a label.
#[must_use]
pub fn label<'a>(labels: Option<&'a Labels>, key: &str) -> Option<&'a str> {
    labels?.get(key).map(String::as_str)
}

/// Returns whether an object's labels mark it as part of a web service, including one created before webservice 0.77.
pub(crate) fn is_web_service(labels: Option<&Labels>) -> bool {
    marks_web_service(|key| label(labels, key))
}

/// Returns whether labels, whose values `label` returns, mark an object as part of a web service.
pub(crate) fn marks_web_service<'a>(label: impl Fn(&str) -> Option<&'a str>) -> bool {
    (label(platform::LABEL_COMPONENT) == Some(platform::COMPONENT_WEB)
        && label(platform::LABEL_MANAGED_BY) == Some(platform::MANAGED_BY_WEBSERVICE))
        || label(platform::LABEL_WEBSERVICE_2019) == Some("true")
}

/// Returns whether labels mark a pod as a shell's: one of these programs, or of the platform's tool since webservice 0.77.
pub(crate) fn is_shell(labels: Option<&Labels>) -> bool {
    has_label(labels, platform::LABEL_COMPONENT, platform::COMPONENT_SHELL)
        && has_label(labels, platform::LABEL_MANAGED_BY, platform::MANAGED_BY_WEBSERVICE)
}

/// The annotation of kubectl with the manifest that was applied last (kubectl 1.33).
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Returns whether the Deployment's controller (Kubernetes 1.33) writes an annotation for itself, at any time.
#[must_use]
pub fn is_controller_annotation(key: &str) -> bool {
    key.starts_with("deployment.kubernetes.io/")
}

/// Returns whether kubectl or the Deployment's controller (Kubernetes 1.33) writes an annotation for itself.
pub(crate) fn is_own_annotation(key: &str) -> bool {
    key == LAST_APPLIED || is_controller_annotation(key)
}

/// Returns whether a Service selects pods with these labels; one without a selector selects none.
pub(crate) fn selects_pods(service: &Service, labels: Option<&Labels>) -> bool {
    let selector = service.spec.as_ref().and_then(|spec| spec.selector.as_ref());
    selector.is_some_and(|selector| !selector.is_empty() && has_labels(labels, selector))
}

/// Returns whether all labels of a selector are among the labels of an object.
pub(crate) fn has_labels(labels: Option<&Labels>, selector: &Labels) -> bool {
    selector.iter().all(|(key, value)| has_label(labels, key, value))
}
