//! The few fields of the Gateway API's HTTPRoute that a web service needs; a typed crate for Kubernetes 1.33
//! and this workspace's k8s-openapi does not exist.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::{Deserialize, Serialize};
use toolforge_model::Untrusted;

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
    /// The desired state.
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

    /// Returns whether a gateway accepts the current route. Conditions of an earlier generation do not count.
    #[must_use]
    pub fn acceptance(&self) -> RouteAcceptance {
        let parents = self.status.iter().flat_map(|status| &status.parents);
        let conditions: Vec<&HttpRouteCondition> = parents
            .flat_map(|parent| &parent.conditions)
            .filter(|condition| condition.type_ == "Accepted" && condition.status != "Unknown")
            .collect();
        let current: Vec<&HttpRouteCondition> =
            conditions.iter().copied().filter(|condition| self.is_observed_by(condition)).collect();
        if let Some(refusal) = current.iter().find(|condition| condition.status == "False") {
            return RouteAcceptance::Refused { message: Untrusted::new(refusal.message.as_str()) };
        }
        match (current.as_slice(), conditions.as_slice()) {
            ([_, ..], _) => RouteAcceptance::Accepted,
            ([], [_, ..]) => RouteAcceptance::Outdated,
            ([], []) => RouteAcceptance::NotReported,
        }
    }

    /// Returns whether a condition is about the current generation. One without a generation can only be trusted if there
    /// was no earlier one.
    fn is_observed_by(&self, condition: &HttpRouteCondition) -> bool {
        let generation = self.metadata.generation.unwrap_or(1);
        condition.observed_generation.map_or(generation <= 1, |observed| observed >= generation)
    }
}

/// Whether a gateway accepts a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteAcceptance {
    /// No gateway has reported a status, as in a cluster without a controller.
    NotReported,
    /// The gateway has only reported on an earlier generation of the route.
    Outdated,
    /// It is accepted.
    Accepted,
    /// It is refused.
    Refused {
        /// The gateway's message.
        message: Untrusted,
    },
}

/// The desired state of an HTTPRoute.
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
    /// The Services that receive the requests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backend_refs: Vec<HttpRouteBackendRef>,
}

/// A Service that receives requests.
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
#[serde(rename_all = "camelCase")]
pub struct HttpRouteCondition {
    /// The condition's name, like `Accepted`.
    #[serde(rename = "type", default)]
    pub type_: String,
    /// `True`, `False` or `Unknown`.
    #[serde(default)]
    pub status: String,
    /// The generation of the route that the condition is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The reason, in CamelCase.
    #[serde(default)]
    pub reason: String,
    /// A sentence with the reason.
    #[serde(default)]
    pub message: String,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn route_ignores_outdated_conditions() {
        let refused = RouteAcceptance::Refused { message: Untrusted::new("no") };
        for (generation, status, observed, expected) in [
            (1, "True", Some(1), RouteAcceptance::Accepted),
            (1, "True", None, RouteAcceptance::Accepted),
            (2, "True", Some(2), RouteAcceptance::Accepted),
            (2, "True", Some(1), RouteAcceptance::Outdated),
            (2, "True", None, RouteAcceptance::Outdated),
            (1, "False", Some(1), refused.clone()),
            (2, "False", Some(1), RouteAcceptance::Outdated),
            (2, "False", Some(3), refused),
            (1, "Unknown", Some(1), RouteAcceptance::NotReported),
        ] {
            let mut condition = json!({"type": "Accepted", "status": status, "message": "no"});
            if let Some(observed) = observed {
                condition["observedGeneration"] = json!(observed);
            }
            let route = json!({
                "apiVersion": HttpRoute::API_VERSION, "kind": HttpRoute::KIND,
                "metadata": {"generation": generation}, "status": {"parents": [{"conditions": [condition]}]},
            });
            let route: HttpRoute = serde_json::from_value(route).unwrap();
            assert_eq!(route.acceptance(), expected, "{generation} {status} {observed:?}");
        }
    }
}
