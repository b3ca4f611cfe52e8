use std::fmt;
use std::num::NonZeroU32;

use serde::Serialize;

use crate::{
    Cpu, Emails, Environment, FileLog, JobHealthCheck, JobImage, JobName, JobPort, Memory, MountStorage,
    Replicas, Retry, Schedule, ToolName,
};

/// A tool owner's request for one job.
///
/// An amount that was not requested is `None`: the platform's default then applies. [`JobOptions`](crate::JobOptions)
/// never sets an amount that is the default. Every field can be set and matched: a new one is a breaking change, so
/// programs that compare or render requests handle it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobRequest {
    /// The tool whose job it is.
    pub tool: ToolName,
    /// The job's name, unique among all jobs of the tool.
    pub name: JobName,
    /// The image in which it runs.
    pub image: JobImage,
    /// The command: a line for a shell, or the arguments of a program if a build service image writes no log files.
    pub command: String,
    /// When it runs.
    #[serde(flatten)]
    pub kind: JobKind,
    /// The CPU of each pod, all of it reserved.
    pub cpu: Option<Cpu>,
    /// The memory limit of each pod.
    pub memory: Option<Memory>,
    /// Which shared storage the pods see.
    pub mount: MountStorage,
    /// The files to which it writes its output.
    pub file_log: FileLog,
    /// When the tool's maintainers get mail.
    pub emails: Emails,
    /// The environment variables that its owner sets.
    pub environment: Environment,
}

impl JobRequest {
    /// The CPU that is requested by default (jobs-api, 2026: `100m`).
    pub const DEFAULT_CPU: Cpu = Cpu::from_millis(100);

    /// The memory limit by default (jobs-api, 2026: `512Mi`).
    pub const DEFAULT_MEMORY: Memory = Memory::from_bytes(512 << 20);

    /// Returns the memory limit of each pod.
    #[must_use]
    pub fn memory_limit(&self) -> Memory {
        self.memory.unwrap_or(Self::DEFAULT_MEMORY)
    }
}

/// When a job runs, with the fields that only jobs of the kind have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum JobKind {
    /// Once, now.
    OneOff {
        /// How often a failed run is retried.
        retry: Retry,
    },
    /// At the times of a schedule.
    Scheduled {
        /// The times of its runs.
        schedule: Schedule,
        /// How often a failed run is retried.
        retry: Retry,
        /// The seconds after which a run is terminated; `None` for never.
        timeout: Option<NonZeroU32>,
    },
    /// Always: when it terminates, it is restarted.
    Continuous {
        /// The number of pods, which may be 0.
        replicas: Replicas,
        /// The port on which other pods reach it.
        port: Option<JobPort>,
        /// How the cluster checks whether it is healthy.
        health_check: Option<JobHealthCheck>,
    },
}

impl JobKind {
    /// Returns the kind's name (jobs-cli 16).
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::OneOff { .. } => "one-off",
            Self::Scheduled { .. } => "scheduled",
            Self::Continuous { .. } => "continuous",
        }
    }

    /// Returns how often a failed run is retried; a continuous job always is.
    #[must_use]
    pub fn retry(&self) -> Option<Retry> {
        match self {
            Self::OneOff { retry } | Self::Scheduled { retry, .. } => Some(*retry),
            Self::Continuous { .. } => None,
        }
    }

    /// Returns the schedule of a scheduled job.
    #[must_use]
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::Scheduled { schedule, .. } => Some(schedule),
            Self::OneOff { .. } | Self::Continuous { .. } => None,
        }
    }

    /// Returns the port of a continuous job.
    #[must_use]
    pub fn port(&self) -> Option<&JobPort> {
        match self {
            Self::Continuous { port, .. } => port.as_ref(),
            Self::OneOff { .. } | Self::Scheduled { .. } => None,
        }
    }
}

impl fmt::Display for JobKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::JobOptions;

    #[test]
    fn json_has_the_fields_of_the_kind() {
        let options = JobOptions {
            name: Some("daily".parse().unwrap()),
            image: Some("python3.11".parse().unwrap()),
            command: Some("./daily.py".to_owned()),
            schedule: Some("5 4 * * *".to_owned()),
            timeout: Some(60),
            ..Default::default()
        };
        let request = options.into_request(&"x".parse().unwrap()).unwrap();
        assert_eq!(
            serde_json::to_value(&request).unwrap(),
            json!({
                "tool": "x",
                "name": "daily",
                "image": "python3.11",
                "command": "./daily.py",
                "kind": "scheduled",
                "schedule": {"written": "5 4 * * *", "expression": "5 4 * * *"},
                "retry": 0,
                "timeout": 60,
                "cpu": null,
                "memory": null,
                "mount": "all",
                "fileLog": {
                    "mode": "on",
                    "stdout": "/data/project/x/daily.out",
                    "stderr": "/data/project/x/daily.err",
                },
                "emails": "none",
                "environment": {},
            })
        );
    }
}
