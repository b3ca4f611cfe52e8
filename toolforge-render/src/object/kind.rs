use std::fmt;

/// A kind of object that a web service consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ObjectKind {
    /// A Deployment of `apps/v1`.
    Deployment,
    /// A Service of `v1`.
    Service,
    /// An Ingress of `networking.k8s.io/v1`.
    Ingress,
    /// An HTTPRoute of `gateway.networking.k8s.io/v1`.
    HttpRoute,
}

impl fmt::Display for ObjectKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Deployment => "Deployment",
            Self::Service => "Service",
            Self::Ingress => "Ingress",
            Self::HttpRoute => "HTTPRoute",
        })
    }
}
