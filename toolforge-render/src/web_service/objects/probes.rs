//! The probes of a web service, and the pause that keeps a terminating pod from dropping requests.

use k8s_openapi::api::core::v1::{
    HTTPGetAction, Lifecycle, LifecycleHandler, Probe, SleepAction, TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use toolforge_model::{HealthCheck, HealthCheckPath, platform};

/// How long a terminating pod keeps serving, in seconds: until every node and gateway has removed it from its endpoints,
/// which takes about a second.
const PAUSE_SECONDS: i64 = 3;

/// The probes of the web service's container.
pub(super) struct Probes {
    /// The other probes start once it succeeds; a container for which it never succeeds is restarted.
    pub(super) startup: Option<Probe>,
    /// A pod for which it fails receives no requests.
    pub(super) readiness: Probe,
    /// A container for which it fails is restarted.
    pub(super) liveness: Option<Probe>,
}

/// Returns the probes of a health check.
pub(super) fn probes(health_check: &HealthCheck) -> Probes {
    match health_check {
        HealthCheck::Port => Probes {
            startup: None,
            readiness: Probe {
                tcp_socket: Some(TCPSocketAction { port: port(), ..TCPSocketAction::default() }),
                // The API server's default of ten seconds would delay every start until the first probe.
                period_seconds: Some(2),
                ..Probe::default()
            },
            liveness: None,
        },
        // The values that the platform uses for the health checks of jobs (jobs-api, 2026).
        HealthCheck::Path(path) => Probes {
            startup: Some(Probe { failure_threshold: Some(120), ..page(path, 1) }),
            readiness: page(path, 10),
            liveness: Some(Probe { failure_threshold: Some(3), ..page(path, 10) }),
        },
    }
}

fn page(path: &HealthCheckPath, period: i32) -> Probe {
    Probe {
        http_get: Some(HTTPGetAction {
            path: Some(path.to_string()),
            port: port(),
            ..HTTPGetAction::default()
        }),
        period_seconds: Some(period),
        timeout_seconds: Some(5),
        ..Probe::default()
    }
}

fn port() -> IntOrString {
    IntOrString::Int(i32::from(platform::WEB_PORT))
}

/// Returns the hook that delays the termination of a container; it needs no program in the image.
pub(super) fn pause_before_the_end() -> Lifecycle {
    let sleep = Some(SleepAction { seconds: PAUSE_SECONDS });
    Lifecycle {
        pre_stop: Some(LifecycleHandler { sleep, ..LifecycleHandler::default() }),
        ..Lifecycle::default()
    }
}
