//! The request to a webhook and its response.

use serde_json::Value;

/// The response of a webhook.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// The object may be stored.
    Allowed,
    /// The object may be stored with this spec instead of its own.
    Changed(Value),
    /// The object must not be stored; the message says why.
    Denied(String),
}

/// The request to a webhook.
pub(super) struct Review<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) kind: &'a str,
    pub(super) object: &'a Value,
}

impl Review<'_> {
    /// Returns the tool that the namespace belongs to.
    pub(super) fn tool(&self) -> Option<&str> {
        self.namespace.strip_prefix("tool-")
    }

    /// Returns the spec of the reviewed pod, or of the pods that the reviewed Deployment would create.
    pub(super) fn pod_spec(&self) -> &Value {
        if self.kind == "Deployment" {
            &self.object["spec"]["template"]["spec"]
        } else {
            &self.object["spec"]
        }
    }
}
