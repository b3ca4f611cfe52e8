//! Paths of the API, built from names. A name cannot leave its place in the path.

use std::fmt;

use kube::api::ListParams;
use kube::core::Request;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use toolforge_model::{ToolName, Untrusted};
use toolforge_render::manifest::ManifestKind;
use toolforge_render::object::{KnownKind, ObjectId, ObjectKind};

use crate::Error;

/// The characters that are not encoded in a path: RFC 3986's unreserved ones.
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
    /// Returns the resource type of a type of k8s-openapi.
    #[must_use]
    pub const fn of<T: k8s_openapi::Resource>() -> Self {
        Self { group: T::GROUP, version: T::VERSION, plural: T::URL_PATH_SEGMENT }
    }

    /// Returns the resource of a kind in a manifest, in the version of the manifest; `None` for one that a tool cannot create.
    #[must_use]
    pub fn of_manifest(kind: &ManifestKind) -> Option<Self> {
        let known = kind.known().filter(|known| known.is_writable())?;
        let version = known.versions().find(|version| *version == kind.version)?;
        Some(Self { version, ..Self::of_known(known) })
    }

    /// Returns the resource of a kind, in its current version.
    pub(crate) fn of_known(kind: &'static KnownKind) -> Self {
        Self { group: kind.group(), version: kind.version(), plural: kind.plural() }
    }

    /// Returns the resource of a kind of object.
    #[must_use]
    pub fn of_kind(kind: ObjectKind) -> Self {
        Self::of_known(kind.known())
    }

    /// Returns the objects of this kind in a namespace.
    #[must_use]
    pub fn in_namespace(self, namespace: impl Into<String>) -> Collection {
        Collection { resource: self, namespace: Some(namespace.into()) }
    }

    /// Returns the objects of this kind in all namespaces, or of a kind that is not namespaced.
    #[must_use]
    pub fn all_namespaces(self) -> Collection {
        Collection { resource: self, namespace: None }
    }
}

/// The objects of one kind, in one namespace or all.
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

    /// Returns kube's builder of requests for the collection.
    ///
    /// # Errors
    /// When the namespace cannot be a segment of a path.
    pub(crate) fn requests(&self) -> Result<Request, Error> {
        Ok(Request::new(self.path()?))
    }

    /// Returns the namespace for messages.
    fn place(&self) -> String {
        match &self.namespace {
            Some(namespace) => Untrusted::new(namespace.as_str()).escaped().to_string(),
            None => "all namespaces".to_owned(),
        }
    }

    fn path(&self) -> Result<String, Error> {
        let ResourceType { group, version, plural } = self.resource;
        let root =
            if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        match &self.namespace {
            Some(namespace) => Ok(format!("{root}/namespaces/{}/{plural}", segment(namespace)?)),
            None => Ok(format!("{root}/{plural}")),
        }
    }
}

/// The path of one object.
///
/// ```
/// use k8s_openapi::api::core::v1::Pod;
/// use toolforge_client::{ObjectPath, ResourceType};
///
/// let pod: ObjectPath = ResourceType::of::<Pod>().in_namespace("tool-stashbot").named("stashbot-0");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectPath {
    collection: Collection,
    name: String,
}

impl ObjectPath {
    /// Returns the path of an object in a tool's namespace.
    #[must_use]
    pub fn of(tool: &ToolName, id: &ObjectId) -> Self {
        ResourceType::of_kind(id.kind).in_namespace(tool.namespace()).named(id.name.as_str())
    }

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

    /// Returns kube's builder of requests for the object's collection, and the object's name as the builder needs it.
    ///
    /// # Errors
    /// When the namespace or the name cannot be a segment of a path.
    pub(crate) fn requests(&self) -> Result<(Request, String), Error> {
        Ok((self.collection.requests()?, segment(&self.name)?))
    }
}

impl fmt::Display for Collection {
    /// Writes `deployments.apps in tool-stashbot`, or `… in all namespaces`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.resource, self.place())
    }
}

impl fmt::Display for ObjectPath {
    /// Writes `deployments.apps/web in tool-stashbot`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { collection, name } = self;
        let name = Untrusted::new(name.as_str());
        write!(f, "{}/{} in {}", collection.resource, name.escaped(), collection.place())
    }
}

impl fmt::Display for ResourceType {
    /// Writes the plural and the group: `deployments.apps`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { group, version: _, plural } = self;
        if group.is_empty() { f.write_str(plural) } else { write!(f, "{plural}.{group}") }
    }
}

/// Encodes a name for a path. Names that the API server forbids are refused (`IsValidPathSegmentName`).
fn segment(name: &str) -> Result<String, Error> {
    if name.is_empty() || name == "." || name == ".." || name.contains(['/', '%', '\0']) {
        return Err(Error::InvalidName { name: Untrusted::new(name) });
    }
    Ok(utf8_percent_encode(name, ENCODED).to_string())
}

/// Returns the parameters that select one object of a collection.
pub(crate) fn named(name: &str) -> ListParams {
    ListParams::default().fields(&format!("metadata.name={name}"))
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::apps::v1::Deployment;
    use k8s_openapi::api::core::v1::Pod;

    use super::*;

    fn path(object: &ObjectPath) -> Result<String, Error> {
        let (requests, name) = object.requests()?;
        Ok(format!("{}/{name}", requests.url_path))
    }

    #[test]
    fn paths_are_shown_with_their_namespace() {
        let path = ResourceType::of::<Deployment>().in_namespace("tool-x").named("web");
        assert_eq!(path.to_string(), "deployments.apps/web in tool-x");
        let all = ResourceType::of::<Pod>().all_namespaces();
        assert_eq!(all.to_string(), "pods in all namespaces");
    }

    #[test]
    fn manifests_keep_their_version() {
        for (api_version, kind, expected) in [
            ("batch/v1", "CronJob", Some("/apis/batch/v1/cronjobs")),
            ("batch/v1beta1", "CronJob", None),
            (
                "gateway.networking.k8s.io/v1",
                "HTTPRoute",
                Some("/apis/gateway.networking.k8s.io/v1/httproutes"),
            ),
            (
                "gateway.networking.k8s.io/v1beta1",
                "HTTPRoute",
                Some("/apis/gateway.networking.k8s.io/v1beta1/httproutes"),
            ),
            ("apps/v1", "DaemonSet", None),
            ("example.com/v1", "Secret", None),
        ] {
            let resource = ResourceType::of_manifest(&ManifestKind::new(api_version, kind));
            let path = resource.map(|resource| resource.all_namespaces().path().unwrap());
            assert_eq!(path.as_deref(), expected, "{api_version} {kind}");
        }
    }

    #[test]
    fn path_has_group_version_namespace_and_name() {
        let pods = ResourceType::of::<Pod>().in_namespace("tool-x");
        assert_eq!(pods.path().unwrap(), "/api/v1/namespaces/tool-x/pods");
        let deployment = ResourceType::of::<Deployment>().in_namespace("tool-x").named("x");
        assert_eq!(path(&deployment).unwrap(), "/apis/apps/v1/namespaces/tool-x/deployments/x");
        assert_eq!(ResourceType::of::<Pod>().all_namespaces().path().unwrap(), "/api/v1/pods");
    }

    #[test]
    fn names_cannot_change_the_path() {
        for name in ["", ".", "..", "a/b", "../x", "a%2fb", "a\0b"] {
            let object = ResourceType::of::<Pod>().in_namespace("tool-x").named(name);
            assert!(matches!(path(&object), Err(Error::InvalidName { .. })), "{name:?}");
            assert!(ResourceType::of::<Pod>().in_namespace(name).path().is_err(), "{name:?}");
        }
        let object = ResourceType::of::<Pod>().in_namespace("tool-x").named("a?b#c é");
        assert_eq!(path(&object).unwrap(), "/api/v1/namespaces/tool-x/pods/a%3Fb%23c%20%C3%A9");
    }
}
