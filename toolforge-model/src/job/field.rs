use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use crate::{Diagnostics, JobValueError, Untrusted, suggest};

/// A field of a job: a key of a jobs file, and the option of the same name (jobs-cli 16; `env` is ours).
///
/// Every field can be matched: a new one is a breaking change, so programs that compare or render jobs handle it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum JobField {
    /// The job's name.
    Name,
    /// The command.
    Command,
    /// The image in which it runs.
    Image,
    /// Whether it writes no log files.
    NoFileLog,
    /// Whether it writes log files.
    FileLog,
    /// The file of standard output.
    FileLogStdout,
    /// The file of standard error.
    FileLogStderr,
    /// How often a failed run is retried.
    Retry,
    /// The memory limit.
    Memory,
    /// The CPU limit.
    Cpu,
    /// When the tool's maintainers get mail.
    Emails,
    /// Which storage is mounted.
    Mount,
    /// The seconds after which a run is terminated.
    Timeout,
    /// The times of its runs.
    Schedule,
    /// Whether it always runs.
    Continuous,
    /// Whether, and for how many seconds, the tools wait for it to terminate.
    Wait,
    /// A command that checks whether it is healthy.
    HealthCheckScript,
    /// A page that reports whether it is healthy.
    HealthCheckHttp,
    /// The port on which other pods reach it.
    Port,
    /// The number of pods.
    Replicas,
    /// Whether the tool's domain leads to it.
    Publish,
    /// Whether it is a web service.
    WebService,
    /// Environment variables.
    Environment,
}

impl JobField {
    /// All fields, in the order in which `write_jobs` writes them.
    pub const ALL: &'static [Self] = &[
        Self::Name,
        Self::Command,
        Self::Image,
        Self::Schedule,
        Self::Continuous,
        Self::Cpu,
        Self::Memory,
        Self::Replicas,
        Self::Port,
        Self::Publish,
        Self::HealthCheckScript,
        Self::HealthCheckHttp,
        Self::Retry,
        Self::Timeout,
        Self::Emails,
        Self::Mount,
        Self::FileLog,
        Self::NoFileLog,
        Self::FileLogStdout,
        Self::FileLogStderr,
        Self::Environment,
        Self::Wait,
        Self::WebService,
    ];

    /// Returns the key of a jobs file.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Command => "command",
            Self::Image => "image",
            Self::NoFileLog => "no-filelog",
            Self::FileLog => "filelog",
            Self::FileLogStdout => "filelog-stdout",
            Self::FileLogStderr => "filelog-stderr",
            Self::Retry => "retry",
            Self::Memory => "mem",
            Self::Cpu => "cpu",
            Self::Emails => "emails",
            Self::Mount => "mount",
            Self::Timeout => "timeout",
            Self::Schedule => "schedule",
            Self::Continuous => "continuous",
            Self::Wait => "wait",
            Self::HealthCheckScript => "health-check-script",
            Self::HealthCheckHttp => "health-check-http",
            Self::Port => "port",
            Self::Replicas => "replicas",
            Self::Publish => "publish",
            Self::WebService => "webservice",
            Self::Environment => "env",
        }
    }

    /// Returns the field that a mistyped key most likely stands for.
    #[must_use]
    pub fn suggest(key: &str) -> Option<Self> {
        match key.to_lowercase().as_str() {
            "cmd" | "run" | "exec" | "script" => Some(Self::Command),
            "cron" | "crontab" | "when" | "every" => Some(Self::Schedule),
            "ram" | "limits" => Some(Self::Memory),
            "cores" => Some(Self::Cpu),
            "container" | "type" => Some(Self::Image),
            "title" | "id" => Some(Self::Name),
            _ => suggest(key, Self::ALL.iter().map(|field| field.as_str())).and_then(Self::from_name),
        }
    }

    /// Returns the field with a key, or `None` for an unknown key.
    #[must_use]
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|field| field.as_str() == name)
    }
}

impl fmt::Display for JobField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for JobField {
    type Err = JobValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::from_name(text)
            .ok_or_else(|| JobValueError::new(text, "a key of a job", "a key like name, command or image"))
    }
}

impl Serialize for JobField {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// An error in a job's options, with the field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{field}: {}", message.escaped())]
#[non_exhaustive]
pub struct JobDiagnostic {
    /// The field that is wrong or missing.
    pub field: JobField,
    /// What was found, and what is allowed.
    pub message: Untrusted,
}

impl JobDiagnostic {
    /// Returns a diagnostic with the text of a message.
    #[must_use]
    pub fn new(field: JobField, message: impl fmt::Display) -> Self {
        Self { field, message: Untrusted::new(message.to_string()) }
    }
}

/// All errors in a job's options; at least one.
pub type JobDiagnostics = Diagnostics<JobDiagnostic>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_round_trip() {
        for &field in JobField::ALL {
            assert_eq!(field.to_string().parse(), Ok(field));
        }
    }

    #[test]
    fn suggests_similar_keys() {
        for (key, expected) in [
            ("comand", Some(JobField::Command)),
            ("cmd", Some(JobField::Command)),
            ("memory", Some(JobField::Memory)),
            ("cron", Some(JobField::Schedule)),
            ("Script", Some(JobField::Command)),
            ("imagename", Some(JobField::Image)),
            ("environment", Some(JobField::Environment)),
            ("envvars", Some(JobField::Environment)),
            ("a", None),
        ] {
            assert_eq!(JobField::suggest(key), expected, "{key}");
        }
    }
}
