//! How a job or an object that no tool manages is named on a command line: `NAME` or `KIND/NAME`.

use std::fmt;
use std::str::FromStr;

use toolforge_model::{JobName, JobNameError, Untrusted};

use crate::object::ObjectKind;

/// The kinds that run pods, with kubectl's names for them (kubectl 1.33, `kubectl api-resources`).
const KINDS: [(ObjectKind, &[&str]); 4] = [
    (ObjectKind::Deployment, &["deployment", "deployments", "deploy", "deployment.apps", "deployments.apps"]),
    (ObjectKind::CronJob, &["cronjob", "cronjobs", "cj", "cronjob.batch", "cronjobs.batch"]),
    (ObjectKind::Job, &["job", "jobs", "job.batch", "jobs.batch"]),
    (ObjectKind::Pod, &["pod", "pods", "po"]),
];

/// The name of a job or of a workload that no tool manages, and its kind if the name alone is ambiguous.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WorkloadRef {
    /// The kind: Deployment, CronJob, Job or Pod; `None` if it was not given.
    pub kind: Option<ObjectKind>,
    /// The name.
    pub name: JobName,
}

/// Why a text is not a [`WorkloadRef`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkloadRefError {
    /// The kind does not run pods, or is unknown.
    #[error("unknown kind {}; expected NAME, deployment/NAME, cronjob/NAME, job/NAME or pod/NAME", kind.quoted())]
    Kind {
        /// What was found.
        kind: Untrusted,
    },
    /// The name is invalid.
    #[error(transparent)]
    Name(#[from] JobNameError),
}

impl WorkloadRef {
    /// Returns the reference to an object of a kind.
    #[must_use]
    pub fn of_kind(kind: ObjectKind, name: JobName) -> Self {
        Self { kind: Some(kind), name }
    }

    /// Returns kubectl's name of a kind: `cronjob`.
    #[must_use]
    pub fn kind_name(kind: ObjectKind) -> &'static str {
        KINDS
            .iter()
            .find(|(found, _)| *found == kind)
            .and_then(|(_, names)| names.first())
            .unwrap_or(&"object")
    }
}

impl From<JobName> for WorkloadRef {
    fn from(name: JobName) -> Self {
        Self { kind: None, name }
    }
}

impl FromStr for WorkloadRef {
    type Err = WorkloadRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some((kind, name)) = text.split_once('/') else {
            return Ok(Self { kind: None, name: JobName::of_object(text)? });
        };
        let lowercase = kind.to_ascii_lowercase();
        let found = KINDS.iter().find(|(_, names)| names.contains(&lowercase.as_str()));
        let Some((kind, _)) = found else {
            return Err(WorkloadRefError::Kind { kind: Untrusted::new(kind) });
        };
        Ok(Self { kind: Some(*kind), name: JobName::of_object(name)? })
    }
}

impl fmt::Display for WorkloadRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Some(kind) => write!(f, "{}/{}", Self::kind_name(kind), self.name),
            None => f.pad(self.name.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kind_has_the_names_of_kubectl() {
        let parse = |text: &str| text.parse::<WorkloadRef>().map(|found| found.to_string());
        for (text, expected) in [
            ("bot", "bot"),
            ("deploy/bot", "deployment/bot"),
            ("Deployment/bot", "deployment/bot"),
            ("cj/a.b", "cronjob/a.b"),
            ("cronjob.batch/x", "cronjob/x"),
            ("jobs/x", "job/x"),
            ("po/bot-7d9c-abcde", "pod/bot-7d9c-abcde"),
        ] {
            assert_eq!(parse(text).as_deref(), Ok(expected), "{text}");
            assert_eq!(parse(expected).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn other_kinds_are_rejected() {
        for text in ["service/x", "/x", "a/b/c", "pod/", "pod/A", ""] {
            assert!(text.parse::<WorkloadRef>().is_err(), "{text:?}");
        }
        let error = "secret/x".parse::<WorkloadRef>().unwrap_err().to_string();
        assert_eq!(
            error,
            "unknown kind \"secret\"; expected NAME, deployment/NAME, cronjob/NAME, job/NAME or pod/NAME"
        );
    }
}
