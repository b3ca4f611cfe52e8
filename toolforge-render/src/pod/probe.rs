//! What a probe checks.

use std::fmt;

use k8s_openapi::api::core::v1::{Container, Probe};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use toolforge_model::{Untrusted, platform};

/// What a probe checks.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HealthProbe {
    /// A page answers with a status from 200 to 399.
    Path(Untrusted),
    /// A command exits with 0.
    Script(Untrusted),
    /// A port accepts connections.
    Port(u16),
}

impl fmt::Display for HealthProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(f, "{}", path.escaped()),
            Self::Script(script) => write!(f, "{}", script.quoted()),
            Self::Port(port) => write!(f, "port {port}"),
        }
    }
}

impl HealthProbe {
    pub(super) fn of(probe: &Probe, container: &Container) -> Option<Self> {
        let number = |port: &IntOrString| port_number(port, container);
        if let Some(page) = &probe.http_get {
            return Some(Self::Path(page.path.clone().unwrap_or_else(|| "/".to_owned()).into()));
        }
        if let Some(exec) = &probe.exec {
            let words = exec.command.as_deref().unwrap_or_default();
            let script = match words {
                [_, flag, script] if flag == "-c" => script.clone(),
                [launcher, words @ ..] if launcher == platform::LAUNCHER => words.join(" "),
                words => words.join(" "),
            };
            return Some(Self::Script(script.into()));
        }
        let tcp = probe.tcp_socket.as_ref().and_then(|tcp| number(&tcp.port));
        let grpc = || u16::try_from(probe.grpc.as_ref()?.port).ok();
        tcp.or_else(grpc).map(Self::Port)
    }
}

/// Returns the number of a port that may be written as its name.
pub(super) fn port_number(port: &IntOrString, container: &Container) -> Option<u16> {
    match port {
        IntOrString::Int(number) => u16::try_from(*number).ok(),
        IntOrString::String(name) => {
            let ports = container.ports.iter().flatten();
            let found = ports.into_iter().find(|port| port.name.as_ref() == Some(name))?;
            u16::try_from(found.container_port).ok()
        }
    }
}
