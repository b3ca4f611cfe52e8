//! Kubernetes objects, rendered or live: their kinds, and the one that k8s-openapi does not have.

mod http_route;
mod kind;

pub use http_route::{
    HttpRoute, HttpRouteBackendRef, HttpRouteCondition, HttpRouteParentRef, HttpRouteParentStatus,
    HttpRouteRule, HttpRouteSpec, HttpRouteStatus,
};
pub use kind::ObjectKind;
