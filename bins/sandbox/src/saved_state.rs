//! The state that a sandbox keeps on disk: its settings and its ports.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How requests for a tool's page are routed to its pods.
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

/// The settings that `up` was run with. They apply until `down`, on the host and inside the sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// How requests are routed.
    pub(crate) routing: Routing,
}

/// The ports of a sandbox on the host, both on 127.0.0.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    /// Port for pages: `http://NAME.localhost:PORT/`.
    pub(crate) pages: u16,
    /// Port of the API server: `https://127.0.0.1:PORT`.
    pub(crate) api: u16,
}

impl Ports {
    /// Returns the address of a tool's pages.
    pub(crate) fn page_of(self, tool: &str) -> String {
        format!("http://{tool}.localhost:{}/", self.pages)
    }
}

/// The ports and settings of the last start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) ports: Ports,
    pub(crate) settings: Settings,
}
