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

/// The host's ports of a sandbox, both on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    /// Pages: `http://NAME.localhost:PORT/`.
    pub(crate) pages: u16,
    /// The API server: `https://127.0.0.1:PORT`.
    pub(crate) api: u16,
}

/// What is remembered of the last start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
}
