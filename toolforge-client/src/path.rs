//! Paths of the API, built from names and never from text that was put together elsewhere.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use toolforge_model::Untrusted;

use crate::Error;

/// What stays as it is in a path or a query: RFC 3986's unreserved characters.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A kind of object as the API's paths name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ResourceType {
    /// The API group; empty for Kubernetes' core.
    pub group: &'static str,
    /// The version, like `v1`.
    pub version: &'static str,
    /// The plural, like `deployments`.
    pub plural: &'static str,
}

impl ResourceType {
    /// The Gateway API's HTTPRoutes.
    pub const HTTP_ROUTES: Self =
        Self { group: "gateway.networking.k8s.io", version: "v1", plural: "httproutes" };

    /// Returns the kind of a type of k8s-openapi.
    #[must_use]
    pub const fn of<T: k8s_openapi::Resource>() -> Self {
        Self { group: T::GROUP, version: T::VERSION, plural: T::URL_PATH_SEGMENT }
    }

    /// Returns the objects of this kind in a namespace.
    #[must_use]
    pub fn in_namespace(self, namespace: impl Into<String>) -> Collection {
        Collection { resource: self, namespace: Some(namespace.into()) }
    }

    /// Returns the objects of this kind in all namespaces, or those of a kind that knows no namespaces.
    #[must_use]
    pub fn everywhere(self) -> Collection {
        Collection { resource: self, namespace: None }
    }
}

/// The objects of one kind, in one namespace or everywhere.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Collection {
    resource: ResourceType,
    namespace: Option<String>,
}

impl Collection {
    /// Returns one object of the collection.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> ObjectPath {
        ObjectPath { collection: self, name: name.into() }
    }

    /// Returns the kind of the objects.
    #[must_use]
    pub fn resource(&self) -> ResourceType {
        self.resource
    }

    /// Returns the collection's path.
    ///
    /// # Errors
    /// When the namespace cannot stand in a path.
    pub(crate) fn path(&self) -> Result<String, Error> {
        let ResourceType { group, version, plural } = self.resource;
        let root =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        match &self.namespace {
            Some(namespace) => Ok(format!("{root}/namespaces/{}/{plural}", segment(namespace)?)),
            None => Ok(format!("{root}/{plural}")),
        }
    }
}

/// One object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectPath {
    collection: Collection,
    name: String,
}

impl ObjectPath {
    /// Returns the kind of the object.
    #[must_use]
    pub fn resource(&self) -> ResourceType {
        self.collection.resource
    }

    pub(crate) fn collection(&self) -> &Collection {
        &self.collection
    }

    /// Returns the object's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn path(&self) -> Result<String, Error> {
        Ok(format!("{}/{}", self.collection.path()?, segment(&self.name)?))
    }
}

/// Encodes a name for a path; the API server's own rule forbids what would leave the segment
/// (`IsValidPathSegmentName`).
fn segment(name: &str) -> Result<String, Error> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '%', '\0']) {
        return Err(Error::InvalidName { name: Untrusted::new(name) });
    }
    Ok(encoded(name))
}

/// Encodes a value for a path or a query.
fn encoded(value: &str) -> String {
    utf8_percent_encode(value, ENCODED).to_string()
}

/// Appends the parameters that have a value to a path.
pub(crate) fn with_query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let mut text = path.to_owned();
    for (name, value) in parameters {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            text.push(if text.contains('?') { '&' } else { '?' });
            text.push_str(name);
            text.push('=');
            text.push_str(&encoded(value));
        }
    }
    text
}

/// Which objects of a collection are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    labels: Vec<(String, String)>,
    fields: Vec<(String, String)>,
}

impl Selector {
    /// Returns the selector of all objects.
    #[must_use]
    pub fn all() -> Self {
        Self::default()
    }

    /// Returns the selector with a label that the objects must carry.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.labels.push((name.into(), value.into()));
        self
    }

    /// Returns the selector with a field that the objects must have, like `metadata.name`.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    pub(crate) fn label_query(&self) -> String {
        joined(&self.labels)
    }

    pub(crate) fn field_query(&self) -> String {
        joined(&self.fields)
    }
}

fn joined(pairs: &[(String, String)]) -> String {
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;
    use k8s_openapi::api::core::v1::Pod;

    use super::*;

    #[test]
    fn a_path_names_group_version_namespace_and_object() {
        let pods = ResourceType::of::<Pod>().in_namespace("tool-x");
        assert_eq!(pods.path().unwrap(), "/api/v1/namespaces/tool-x/pods");
        let deployment = ResourceType::of::<Deployment>().in_namespace("tool-x").named("x");
        assert_eq!(deployment.path().unwrap(), "/apis/apps/v1/namespaces/tool-x/deployments/x");
        assert_eq!(ResourceType::of::<Pod>().everywhere().path().unwrap(), "/api/v1/pods");
    }

    #[test]
    fn a_name_cannot_leave_its_place_in_the_path() {
        for name in ["", ".", "..", "a/b", "../x", "a%2fb", "a\0b"] {
            let object = ResourceType::of::<Pod>().in_namespace("tool-x").named(name);
            assert!(matches!(object.path(), Err(Error::InvalidName { .. })), "{name:?}");
            assert!(ResourceType::of::<Pod>().in_namespace(name).path().is_err(), "{name:?}");
        }
        let object = ResourceType::of::<Pod>().in_namespace("tool-x").named("a?b#c é");
        assert_eq!(object.path().unwrap(), "/api/v1/namespaces/tool-x/pods/a%3Fb%23c%20%C3%A9");
    }

    #[test]
    fn a_selector_is_encoded_in_the_query() {
        let selector = Selector::all().label("app.kubernetes.io/component", "web").label("name", "x");
        let query = with_query("/p", &[("labelSelector", Some(&selector.label_query())), ("continue", None)]);
        assert_eq!(query, "/p?labelSelector=app.kubernetes.io%2Fcomponent%3Dweb%2Cname%3Dx");
    }
}
