//! What a webhook is asked and what it answers.

use serde_json::Value;

/// What a webhook says of an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Answer {
    /// It may be stored.
    Allowed,
    /// It may be stored with this spec instead of its own.
    Changed(Value),
    /// It may not be stored.
    Denied(String),
}

/// What a webhook is asked.
pub(super) struct Review<'a> {
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) kind: &'a str,
    pub(super) object: &'a Value,
}

impl Review<'_> {
    /// Returns the tool whose namespace it is.
    pub(super) fn tool(&self) -> Option<&str> {
        self.namespace.strip_prefix("tool-")
    }

    /// Returns the spec of the pod that is reviewed, or of the pods that a Deployment would make.
    pub(super) fn pod_spec(&self) -> &Value {
        if self.kind == "Deployment" {
            &self.object["spec"]["template"]["spec"]
        } else {
            &self.object["spec"]
        }
    }
}
