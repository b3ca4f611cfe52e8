//! What a person chose when the sandbox was started.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How the requests for a tool's page find its pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Routing {
    /// `HTTPRoute` objects of the Gateway API; Ingress objects work as well.
    #[default]
    Gateway,
    /// Ingress objects only: the Gateway API is not installed.
    Ingress,
}

impl fmt::Display for Routing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Gateway => "gateway",
            Self::Ingress => "ingress",
        })
    }
}

/// What a person chose when the sandbox was started, kept for its life and known inside it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// How pages are routed.
    pub(crate) routing: Routing,
}
