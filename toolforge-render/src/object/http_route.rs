//! The few fields of the Gateway API's HTTPRoute that a web service needs; a typed crate for Kubernetes 1.33
//! and this workspace's k8s-openapi does not exist.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};

/// An HTTPRoute of `gateway.networking.k8s.io/v1`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRoute {
    /// Always [`HttpRoute::API_VERSION`].
    pub api_version: String,
    /// Always [`HttpRoute::KIND`].
    pub kind: String,
    /// The object's metadata.
    pub metadata: ObjectMeta,
    /// What is wanted.
    #[serde(default)]
    pub spec: HttpRouteSpec,
    /// The status that the gateways report.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<HttpRouteStatus>,
}

impl HttpRoute {
    /// The group and version of the API.
    pub const API_VERSION: &str = "gateway.networking.k8s.io/v1";
    /// The kind.
    pub const KIND: &str = "HTTPRoute";
}

/// What an HTTPRoute wants.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteSpec {
    /// The gateways that serve it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parent_refs: Vec<HttpRouteParentRef>,
    /// The host names.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hostnames: Vec<String>,
    /// Where requests go.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<HttpRouteRule>,
}

/// A gateway that serves an HTTPRoute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HttpRouteParentRef {
    /// The gateway's namespace; absent means the route's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The gateway's name.
    pub name: String,
}

/// A rule of an HTTPRoute; without matches, it applies to every request.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpRouteRule {
    /// The Services that answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backend_refs: Vec<HttpRouteBackendRef>,
}

/// A Service that answers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HttpRouteBackendRef {
    /// The Service's name.
    pub name: String,
    /// The Service's port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
}

/// The status of an HTTPRoute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HttpRouteStatus {
    /// One entry for each gateway.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parents: Vec<HttpRouteParentStatus>,
}

/// The status that one gateway reports of an HTTPRoute.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HttpRouteParentStatus {
    /// Whether it is accepted, and why not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<HttpRouteCondition>,
}

/// A condition in the status of a gateway.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HttpRouteCondition {
    /// The condition's name, like `Accepted`.
    #[serde(rename = "type", default)]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    #[serde(default)]
    pub status: String,
    /// The reason, in CamelCase.
    #[serde(default)]
    pub reason: String,
    /// A sentence why.
    #[serde(default)]
    pub message: String,
}
