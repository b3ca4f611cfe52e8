//! What is changed: a web service, a job or an object.

use std::fmt;

use toolforge_model::{JobKind, Untrusted};
use toolforge_quota::ObjectName;

use crate::object::ObjectKind;

/// The kind of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum WorkloadKind {
    /// A web service.
    WebService,
    /// A job that runs once.
    OneOff,
    /// A job that runs on a schedule.
    Scheduled,
    /// A job that is kept running.
    Continuous,
    /// A job that exists only as a record of the platform's jobs service.
    Recorded,
    /// An object of a manifest. These programs only check it: its change has no steps, and its rollout is the manifest's.
    Manifest,
    /// A single pod.
    Pod,
}

impl WorkloadKind {
    /// Returns the kind of a job.
    pub(crate) fn of(job: &JobKind) -> Self {
        match job {
            JobKind::OneOff { .. } => Self::OneOff,
            JobKind::Scheduled { .. } => Self::Scheduled,
            JobKind::Continuous { .. } => Self::Continuous,
        }
    }

    /// Returns a workload of the kind for messages: `the web service`, `job daily`, `Deployment bot`.
    pub(crate) fn named(self, name: &str) -> String {
        let name = Untrusted::new(name);
        match self {
            Self::WebService => "the web service".to_owned(),
            Self::Manifest => name.escaped().to_string(),
            Self::Pod => format!("pod {}", name.escaped()),
            Self::OneOff | Self::Scheduled | Self::Continuous | Self::Recorded => {
                format!("job {}", name.escaped())
            }
        }
    }

    /// Returns the kind of the object that a workload of the kind is named after; `None` if it has none, or may have any kind.
    #[must_use]
    pub fn object_kind(self) -> Option<ObjectKind> {
        match self {
            Self::WebService | Self::Continuous => Some(ObjectKind::Deployment),
            Self::OneOff => Some(ObjectKind::Job),
            Self::Scheduled => Some(ObjectKind::CronJob),
            Self::Pod => Some(ObjectKind::Pod),
            Self::Recorded | Self::Manifest => None,
        }
    }

    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebService => "web-service",
            Self::OneOff => "one-off",
            Self::Scheduled => "scheduled",
            Self::Continuous => "continuous",
            Self::Recorded => "recorded",
            Self::Manifest => "object",
            Self::Pod => "pod",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A workload. Displayed as `the web service`, `job daily` or `Deployment bot`, with the name escaped.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Workload {
    /// The kind of the workload.
    pub kind: WorkloadKind,
    /// The kind of the object that has its name, such as `Deployment`; `None` if there is none.
    pub object_kind: Option<String>,
    /// The name of the job, of the object, or of the tool whose web service it is.
    pub name: String,
}

impl Workload {
    /// Returns a workload; `object` is the manifest's.
    pub(crate) fn new(kind: WorkloadKind, name: &str, object: Option<&ObjectName>) -> Self {
        match object {
            Some(object) => Self { kind, object_kind: Some(object.kind.clone()), name: object.name.clone() },
            None => Self {
                kind,
                object_kind: kind.object_kind().map(|kind| kind.as_str().to_owned()),
                name: name.to_owned(),
            },
        }
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.kind, &self.object_kind) {
            (WorkloadKind::Manifest, Some(kind)) => ObjectName::new(kind.as_str(), self.name.as_str()).fmt(f),
            _ => f.pad(&self.kind.named(&self.name)),
        }
    }
}
