//! How the cluster finds out that a pod can serve, and how a pod leaves without dropping a request.

use k8s_openapi::api::core::v1::{
    HTTPGetAction, Lifecycle, LifecycleHandler, Probe, SleepAction, TCPSocketAction,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use toolforge_model::{HealthCheck, HealthCheckPath, platform};

/// How long a pod goes on serving after it was told to end: until every node and gateway has learnt that it leaves,
/// which takes about a second, no request may find it gone.
const PAUSE_SECONDS: i64 = 3;

/// The probes of the container that serves.
pub(super) struct Probes {
    /// Until it succeeds, the others do not begin; a container for which it never does is started anew.
    pub(super) startup: Option<Probe>,
    /// A pod for which it fails gets no requests.
    pub(super) readiness: Probe,
    /// A container for which it fails is started anew.
    pub(super) liveness: Option<Probe>,
}

/// Returns the probes of a health check.
pub(super) fn probes(health_check: &HealthCheck) -> Probes {
    match health_check {
        HealthCheck::Port => Probes {
            startup: None,
            readiness: Probe {
                tcp_socket: Some(TCPSocketAction { port: port(), ..TCPSocketAction::default() }),
                // The API server's default of ten seconds would make every start wait that long for its first look.
                period_seconds: Some(2),
                ..Probe::default()
            },
            liveness: None,
        },
        // The platform's own figures for the health checks of jobs (jobs-api, 2026).
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

/// Returns what the kubelet does between the decision to end a container and its end: it waits, without needing a
/// program in the image.
pub(super) fn pause_before_the_end() -> Lifecycle {
    let sleep = Some(SleepAction { seconds: PAUSE_SECONDS });
    Lifecycle {
        pre_stop: Some(LifecycleHandler { sleep, ..LifecycleHandler::default() }),
        ..Lifecycle::default()
    }
}
