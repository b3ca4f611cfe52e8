//! Why something does not run.

use std::collections::BTreeSet;
use std::fmt;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_model::Untrusted;
use toolforge_quota::ObjectName;

use crate::pod::probe::HealthProbe;
use crate::pod::refusal::AdmissionRefusal;

/// How long a health check may fail while a program starts, before a wait ends.
const UNHEALTHY: SignedDuration = SignedDuration::from_secs(15);

/// How long a program may run without listening before a wait ends: twice as long, because large programs load first.
const NOT_LISTENING: SignedDuration = SignedDuration::from_secs(30);

/// Why the pods of a web service or a job do not run or do not become ready.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// The container used more memory than its limit and was killed.
    OutOfMemory,
    /// The container terminates again and again with this exit code.
    CrashLoop {
        /// The exit code of the last termination.
        exit_code: i32,
    },
    /// An init container or a sidecar terminates again and again with this exit code, so the others do not start.
    InitCrashLoop {
        /// The container's name.
        container: Untrusted,
        /// The exit code of the last termination.
        exit_code: i32,
    },
    /// The image cannot be pulled.
    ImagePull {
        /// The image's reference.
        image: Untrusted,
    },
    /// The container cannot be created or started: a command that does not exist, a missing key.
    ContainerStart {
        /// Why, in the words of the container runtime; empty if it is not known.
        reason: Untrusted,
    },
    /// No pod can be created: a quota is full.
    QuotaExceeded,
    /// No pod can be created: the pod exceeds a limit of the LimitRange.
    LimitRange,
    /// No pod can be created: an admission webhook or a policy refuses it.
    Refused,
    /// No pod could be created for a transient reason: the cluster tries again.
    RefusedForNow,
    /// The container is restarted because its startup or liveness probe fails.
    HealthCheckFails {
        /// What the probe checks.
        check: HealthProbe,
    },
    /// The container runs, and its health check fails.
    NotHealthy {
        /// What the probe checks.
        check: HealthProbe,
    },
    /// No node has enough free resources, or none matches.
    Unschedulable,
    /// The container runs, but nothing accepts connections on its port.
    NotListening {
        /// The port.
        port: u16,
    },
    /// A volume of the pod cannot be mounted.
    VolumeMount,
    /// The node cannot set the pod up, such as its network.
    PodSandbox,
    /// The rollout took longer than the Deployment allows.
    DeadlineExceeded,
    /// The Deployment is paused, and pods of its newest revision are missing.
    Paused,
    /// The old pod terminates, and the new one starts after it.
    Terminating {
        /// The end of its grace period.
        until: Timestamp,
    },
    /// A run of a scheduled job has a previous definition and cannot start; later runs wait for it.
    FormerDefinition,
}

/// A cause, the object that shows it, and the message of the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Evidence {
    /// The cause.
    pub cause: Cause,
    /// The object that shows it.
    pub object: ObjectName,
    /// The cluster's message.
    pub message: Untrusted,
    /// When the cause began, if it is known: the time of the first failure, not of the last.
    pub since: Option<Timestamp>,
}

impl Evidence {
    /// Returns whether waiting any longer does not help at `now`: the cause is terminal, a health check has failed for 15
    /// seconds, or nothing has answered on the port for 30 seconds.
    #[must_use]
    pub fn is_failure(&self, now: Timestamp) -> bool {
        let lasts = |span| self.since.is_some_and(|since| now.duration_since(since) >= span);
        match self.cause {
            Cause::NotHealthy { .. } => lasts(UNHEALTHY),
            Cause::NotListening { .. } => lasts(NOT_LISTENING),
            Cause::OutOfMemory
            | Cause::CrashLoop { .. }
            | Cause::InitCrashLoop { .. }
            | Cause::ImagePull { .. }
            | Cause::ContainerStart { .. }
            | Cause::QuotaExceeded
            | Cause::LimitRange
            | Cause::Refused
            | Cause::RefusedForNow
            | Cause::HealthCheckFails { .. }
            | Cause::Unschedulable
            | Cause::VolumeMount
            | Cause::PodSandbox
            | Cause::DeadlineExceeded
            | Cause::Paused
            | Cause::Terminating { .. }
            | Cause::FormerDefinition => self.cause.is_terminal(),
        }
    }
}

/// Sorts evidence by what has to be changed first, and keeps each cause once: terminal causes, then others, then the exceeded
/// deadline, which explains nothing.
pub(crate) fn sort_evidence(evidence: &mut Vec<Evidence>) {
    evidence.sort_by_key(|evidence| match &evidence.cause {
        Cause::DeadlineExceeded => 2,
        cause if cause.is_terminal() => 0,
        _ => 1,
    });
    let mut codes = BTreeSet::new();
    evidence.retain(|evidence| codes.insert(evidence.cause.code()));
}

impl Cause {
    /// Returns whether waiting cannot help because something has to be changed first.
    #[must_use]
    pub fn is_terminal(&self) -> bool {
        match self {
            Self::OutOfMemory
            | Self::CrashLoop { .. }
            | Self::InitCrashLoop { .. }
            | Self::ImagePull { .. }
            | Self::ContainerStart { .. }
            | Self::QuotaExceeded
            | Self::LimitRange
            | Self::Refused
            | Self::HealthCheckFails { .. }
            | Self::DeadlineExceeded
            | Self::Paused
            | Self::FormerDefinition => true,
            Self::RefusedForNow
            | Self::Terminating { .. }
            | Self::Unschedulable
            | Self::VolumeMount
            | Self::PodSandbox
            | Self::NotListening { .. }
            | Self::NotHealthy { .. } => false,
        }
    }

    /// Returns whether the program ran, so its log may show why.
    #[must_use]
    pub fn has_run(&self) -> bool {
        match self {
            Self::CrashLoop { .. }
            | Self::OutOfMemory
            | Self::HealthCheckFails { .. }
            | Self::NotHealthy { .. }
            | Self::NotListening { .. } => true,
            Self::InitCrashLoop { .. }
            | Self::ImagePull { .. }
            | Self::ContainerStart { .. }
            | Self::QuotaExceeded
            | Self::LimitRange
            | Self::Refused
            | Self::RefusedForNow
            | Self::Unschedulable
            | Self::VolumeMount
            | Self::PodSandbox
            | Self::DeadlineExceeded
            | Self::Paused
            | Self::Terminating { .. }
            | Self::FormerDefinition => false,
        }
    }

    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::OutOfMemory => "out-of-memory",
            Self::CrashLoop { .. } => "crash-loop",
            Self::InitCrashLoop { .. } => "init-crash-loop",
            Self::ImagePull { .. } => "image-pull",
            Self::ContainerStart { .. } => "container-start",
            Self::QuotaExceeded => "quota-exceeded",
            Self::LimitRange => "limit-range",
            Self::Refused => "refused",
            Self::RefusedForNow => "refused-for-now",
            Self::HealthCheckFails { .. } => "health-check-fails",
            Self::NotHealthy { .. } => "not-healthy",
            Self::Unschedulable => "unschedulable",
            Self::VolumeMount => "volume-mount",
            Self::PodSandbox => "pod-sandbox",
            Self::NotListening { .. } => "not-listening",
            Self::DeadlineExceeded => "deadline-exceeded",
            Self::Paused => "paused",
            Self::Terminating { .. } => "terminating",
            Self::FormerDefinition => "former-definition",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OutOfMemory => f.write_str("the container needs more memory than its limit and is killed"),
            Self::CrashLoop { exit_code: 0 } => {
                f.write_str("the command exits at once, without an error, and is restarted again and again")
            }
            Self::CrashLoop { exit_code } => {
                write!(f, "the command exits with code {exit_code} and is restarted again and again")
            }
            Self::InitCrashLoop { container, exit_code } => write!(
                f,
                "container {}, which starts before the program, exits with code {exit_code} and is restarted again and again",
                container.quoted()
            ),
            Self::ImagePull { image } => write!(f, "image {} cannot be pulled", image.quoted()),
            Self::ContainerStart { reason } if reason.is_empty() => {
                f.write_str("the container cannot be started")
            }
            Self::ContainerStart { reason } => {
                write!(f, "the container cannot be started: {}", reason.escaped())
            }
            Self::QuotaExceeded => f.write_str("no pod can be created: the namespace's quota is full"),
            Self::LimitRange => f.write_str("no pod can be created: it exceeds the namespace's limits"),
            Self::Refused => f.write_str("no pod can be created: the cluster refuses it"),
            Self::RefusedForNow => f.write_str("no pod could be created just now; the cluster tries again"),
            Self::HealthCheckFails { check: HealthProbe::Port(port) } => write!(
                f,
                "nothing answers on port {port}, so the container is restarted: listen on 0.0.0.0 and on $PORT"
            ),
            Self::HealthCheckFails { check } => {
                write!(f, "the health check {check} fails, so the container is restarted")
            }
            Self::NotHealthy { check } => write!(f, "your program runs, but its health check {check} fails"),
            Self::Unschedulable => f.write_str("no node has enough free resources for the pod now"),
            Self::VolumeMount => f.write_str("a volume of the pod cannot be mounted"),
            Self::PodSandbox => f.write_str("the node cannot set up the pod or its network"),
            Self::NotListening { port } => write!(
                f,
                "your program runs, but nothing answers on port {port}: listen on 0.0.0.0 and on $PORT"
            ),
            Self::DeadlineExceeded => f.write_str("the rollout took longer than the Deployment allows"),
            Self::Paused => f.write_str("the Deployment is paused, so no new pods start"),
            Self::Terminating { until } => {
                let until = until.strftime("%H:%M:%S UTC");
                write!(
                    f,
                    "the old pod is terminating, until {until} at the latest; the new one starts after it"
                )
            }
            Self::FormerDefinition => f.write_str(
                "a run with the job's previous definition cannot start, and later runs wait for it to finish",
            ),
        }
    }
}

/// Returns the cause of the API server's refusal of a pod.
pub(crate) fn of_refusal(message: &str) -> Cause {
    match AdmissionRefusal::parse(message) {
        Some(AdmissionRefusal::Quota { .. } | AdmissionRefusal::QuotaIncomplete { .. }) => {
            Cause::QuotaExceeded
        }
        Some(AdmissionRefusal::LimitRange { .. }) => Cause::LimitRange,
        // A webhook was unreachable, or a new quota is not counted yet.
        Some(AdmissionRefusal::WebhookUnreachable { .. } | AdmissionRefusal::QuotaUnknown { .. }) => {
            Cause::RefusedForNow
        }
        // Two requests updated one quota at the same moment.
        None if message.contains("Operation cannot be fulfilled on") => Cause::RefusedForNow,
        Some(AdmissionRefusal::Webhook { .. } | AdmissionRefusal::Policy { .. }) | None => Cause::Refused,
    }
}
