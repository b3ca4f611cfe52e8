//! Names of objects, with their kinds.

use std::fmt;

use toolforge_model::Untrusted;

/// The kind and the name of an object, with the group if the kind is a custom one. Displayed as `Job daily`, with the name escaped.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectName {
    /// The kind, such as `Job`.
    pub kind: String,
    /// The name.
    pub name: String,
    /// The API group of a custom kind, which may have the name of one of Kubernetes; empty for the kinds of Kubernetes.
    pub group: String,
}

impl ObjectName {
    /// Returns the name of an object of one of Kubernetes' kinds.
    #[must_use]
    pub fn new(kind: impl Into<String>, name: impl Into<String>) -> Self {
        Self { kind: kind.into(), name: name.into(), group: String::new() }
    }

    /// Returns the kind and the name as text, which must be escaped before it is printed.
    #[must_use]
    pub fn text(&self) -> Untrusted {
        Untrusted::new(format!("{} {}", self.kind, self.name))
    }

    /// Returns the name of a pod.
    #[must_use]
    pub fn of_pod(name: impl Into<String>) -> Self {
        Self::new("Pod", name)
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text().escaped().fmt(f)
    }
}
