//! Why a job cannot be loaded.

use toolforge_model::{JobField, JobName};
use toolforge_quota::ResourceCheck;

use crate::job::JobPlanError;

/// Why a job cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LoadProblem {
    /// The job cannot be planned.
    #[error("job {name}: {error}")]
    Plan {
        /// The job's name.
        name: JobName,
        /// The reason.
        error: JobPlanError,
    },
    /// The platform's jobs service has a record of the job, and would undo a change.
    #[error("job {name} is managed by the platform's jobs service, which would undo a change")]
    Recorded {
        /// The job's name.
        name: JobName,
    },
    /// The one-off job is running, and differs.
    #[error("one-off job {name} is running and differs from the request: {}", keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", "))]
    UnderWay {
        /// The job's name.
        name: JobName,
        /// The fields that differ.
        keys: Vec<JobField>,
    },
    /// Several jobs are published, and a tool has one domain.
    #[error("only one job can be published on the tool's domain, not several: {}", names.iter().map(JobName::as_str).collect::<Vec<_>>().join(", "))]
    SeveralPublic {
        /// The jobs' names.
        names: Vec<JobName>,
    },
    /// One run requests more than the quota of the empty namespace.
    #[error("a run of job {name} never fits: {}", shortfalls.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    NeverFits {
        /// The job's name.
        name: JobName,
        /// The resources that are exceeded; at least one.
        shortfalls: Vec<ResourceCheck>,
    },
}

impl LoadProblem {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Plan { .. } => "plan",
            Self::Recorded { .. } => "recorded",
            Self::UnderWay { .. } => "running",
            Self::SeveralPublic { .. } => "several-published",
            Self::NeverFits { .. } => "never-fits",
        }
    }

    /// Returns the name of the job that never fits, if that is the problem.
    #[must_use]
    pub fn never_fitting(&self) -> Option<&str> {
        match self {
            Self::NeverFits { name, .. } => Some(name.as_str()),
            Self::Plan { .. }
            | Self::Recorded { .. }
            | Self::UnderWay { .. }
            | Self::SeveralPublic { .. } => None,
        }
    }

    /// Returns the jobs that have the problem.
    #[must_use]
    pub fn jobs(&self) -> &[JobName] {
        match self {
            Self::Plan { name, .. }
            | Self::Recorded { name }
            | Self::UnderWay { name, .. }
            | Self::NeverFits { name, .. } => std::slice::from_ref(name),
            Self::SeveralPublic { names } => names,
        }
    }
}
