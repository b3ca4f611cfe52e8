//! What stopping a web service removes.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use crate::facts::{LiveWebService, ObjectKind};
use crate::plan::is_web_service;

/// One object to delete, by the uid that was seen: another object of the same name is not meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The object's kind.
    pub kind: ObjectKind,
    /// The object's name.
    pub name: String,
    /// The object's uid.
    pub uid: String,
}

/// Returns the objects of a web service in the order in which they are deleted: routes, Service, Deployment, so that
/// no request is led to pods that are gone. An object that is not a web service's is left out.
#[must_use]
pub fn removals(live: &LiveWebService) -> Vec<Removal> {
    let found = [
        (ObjectKind::HttpRoute, live.http_route.as_ref().map(|object| &object.metadata)),
        (ObjectKind::Ingress, live.ingress.as_ref().map(|object| &object.metadata)),
        (ObjectKind::Service, live.service.as_ref().map(|object| &object.metadata)),
        (ObjectKind::Deployment, live.deployment.as_ref().map(|object| &object.metadata)),
    ];
    let removal = |(kind, metadata): (ObjectKind, Option<&ObjectMeta>)| {
        let metadata = metadata.filter(|metadata| is_web_service(metadata.labels.as_ref()))?;
        Some(Removal { kind, name: metadata.name.clone()?, uid: metadata.uid.clone()? })
    };
    found.into_iter().filter_map(removal).collect()
}
