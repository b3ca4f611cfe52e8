use std::fmt;

use crate::job::{
    Environment, FileLog, JobHealthCheck, JobImage, JobKey, JobKind, JobName, JobPort, JobRequest, LogPath,
    Retry, split_words,
};
use crate::{Cpu, Emails, Memory, MountStorage, Replicas, Schedule, ToolName, Untrusted};

/// What is said of a job on a command line or in a file; what is not said is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct JobOptions {
    /// The job's name.
    pub name: Option<JobName>,
    /// What it runs.
    pub command: Option<String>,
    /// What runs it.
    pub image: Option<JobImage>,
    /// Whether it writes log files.
    pub file_log: Option<bool>,
    /// The file of standard output.
    pub file_log_stdout: Option<LogPath>,
    /// The file of standard error.
    pub file_log_stderr: Option<LogPath>,
    /// How often a failed run is tried again.
    pub retry: Option<Retry>,
    /// The memory limit.
    pub memory: Option<Memory>,
    /// The CPU.
    pub cpu: Option<Cpu>,
    /// Which mails are sent.
    pub emails: Option<Emails>,
    /// Which storage is mounted.
    pub mount: Option<MountStorage>,
    /// After how many seconds a run is ended; 0 is never.
    pub timeout: Option<u32>,
    /// When it runs, as it is written.
    pub schedule: Option<String>,
    /// Whether it always runs.
    pub is_continuous: bool,
    /// How the cluster finds out whether it is well.
    pub health_check: Option<JobHealthCheck>,
    /// Where other pods reach it.
    pub port: Option<JobPort>,
    /// How many pods.
    pub replicas: Option<Replicas>,
    /// Whether the tool's domain leads to it.
    pub is_published: bool,
    /// Variables.
    pub environment: Environment,
}

/// What is wrong with what is said of a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobMistake {
    /// What it was said with.
    pub key: JobKey,
    /// What was found, and what is allowed.
    pub message: Untrusted,
}

impl JobMistake {
    pub(crate) fn new(key: JobKey, message: impl fmt::Display) -> Self {
        Self { key, message: Untrusted::new(message.to_string()) }
    }
}

impl JobOptions {
    /// Returns the request that the options make, with the platform's defaults where they depend on the image.
    ///
    /// # Errors
    /// When something is missing, or things do not go together: all mistakes at once.
    pub fn into_request(self, tool: &ToolName) -> Result<JobRequest, Vec<JobMistake>> {
        let mut mistakes = Vec::new();
        let kind = self.kind(tool, &mut mistakes);
        self.check_storage(&mut mistakes);
        self.check_command(&mut mistakes);
        let (Some(name), Some(image), Some(command), Some(kind), true) =
            (self.name, self.image, self.command, kind, mistakes.is_empty())
        else {
            return Err(mistakes);
        };
        let is_build_service = image.is_build_service();
        let file_log = FileLog::of(
            self.file_log.unwrap_or(!is_build_service),
            (self.file_log_stdout, self.file_log_stderr),
            (tool, &name),
        );
        let by_default = if is_build_service { MountStorage::None } else { MountStorage::All };
        Ok(JobRequest {
            tool: tool.clone(),
            name,
            image,
            command,
            kind,
            cpu: self.cpu.filter(|cpu| *cpu != JobRequest::DEFAULT_CPU),
            memory: self.memory.filter(|memory| *memory != JobRequest::DEFAULT_MEMORY),
            mount: self.mount.unwrap_or(by_default),
            file_log,
            emails: self.emails.unwrap_or_default(),
            environment: self.environment,
        })
    }

    /// Returns the kind that the options make, where they make one.
    fn kind(&self, tool: &ToolName, mistakes: &mut Vec<JobMistake>) -> Option<JobKind> {
        let mut refuse = |key, message: &str| mistakes.push(JobMistake::new(key, message));
        if !self.is_continuous {
            const CONTINUOUS: &str = "is only for continuous jobs; make it one, or leave this out";
            if self.port.is_some() {
                refuse(JobKey::Port, &format!("a port {CONTINUOUS}"));
            }
            // The platform takes 0 as if it were not said.
            if self.replicas.is_some_and(|replicas| replicas.count() > 0) {
                refuse(JobKey::Replicas, &format!("a number of replicas {CONTINUOUS}"));
            }
            match &self.health_check {
                Some(JobHealthCheck::Script(_)) => {
                    refuse(JobKey::HealthCheckScript, &format!("a health check {CONTINUOUS}"));
                }
                Some(JobHealthCheck::Http(_)) => {
                    refuse(JobKey::HealthCheckHttp, &format!("a health check {CONTINUOUS}"));
                }
                None => {}
            }
            if self.is_published {
                refuse(JobKey::Publish, &format!("publishing {CONTINUOUS}"));
            }
        }
        if self.schedule.is_none() && self.timeout.is_some_and(|seconds| seconds > 0) {
            refuse(
                JobKey::Timeout,
                "a timeout is only for scheduled jobs; give a schedule, or leave this out",
            );
        }
        if self.is_continuous {
            if self.schedule.is_some() {
                refuse(JobKey::Schedule, "a job is either scheduled or continuous, not both");
            }
            if self.retry.is_some() {
                refuse(
                    JobKey::Retry,
                    "retries are only for one-off and scheduled jobs; a continuous job is always started again",
                );
            }
            return self.continuous(mistakes);
        }
        let retry = self.retry.unwrap_or_default();
        let Some(written) = &self.schedule else { return Some(JobKind::OneOff { retry }) };
        // The minute of `@daily` depends on the job's name, so without one only the spelling can be checked.
        let stand_in = || "x".parse().ok();
        let schedule = Schedule::parse(written, tool, self.name.clone().or_else(stand_in).as_ref()?);
        let timeout = self.timeout.and_then(std::num::NonZeroU32::new);
        match schedule {
            Ok(schedule) => Some(JobKind::Scheduled { schedule, retry, timeout }),
            Err(error) => {
                mistakes.push(JobMistake::new(JobKey::Schedule, error));
                None
            }
        }
    }

    fn continuous(&self, mistakes: &mut Vec<JobMistake>) -> Option<JobKind> {
        let port = match (self.port, self.is_published) {
            (Some(JobPort::Tcp { number, .. }), is_public) => Some(JobPort::Tcp { number, is_public }),
            (port, false) => port,
            (_, true) => {
                let message =
                    "publishing needs a TCP port, on which the job listens; give it a port like 8000";
                mistakes.push(JobMistake::new(JobKey::Publish, message));
                None
            }
        };
        if matches!(self.health_check, Some(JobHealthCheck::Http(_)))
            && !matches!(self.port, Some(JobPort::Tcp { .. }))
        {
            let message = "a health check by HTTP needs a TCP port; give it a port like 8000";
            mistakes.push(JobMistake::new(JobKey::HealthCheckHttp, message));
        }
        // A port needs a Service, and a Service's name is stricter than a job's.
        if let (Some(name), Some(_)) = (&self.name, self.port)
            && !name.is_service_name()
        {
            let message = format!(
                "a job with a port is reached by its name, which then begins with a letter and has no dot; {name} does not"
            );
            mistakes.push(JobMistake::new(JobKey::Name, message));
        }
        let (replicas, health_check) = (self.replicas.unwrap_or(Replicas::ONE), self.health_check.clone());
        Some(JobKind::Continuous { replicas, port, health_check })
    }

    fn check_storage(&self, mistakes: &mut Vec<JobMistake>) {
        let is_build_service = self.image.as_ref().is_some_and(JobImage::is_build_service);
        let mounts = match self.mount {
            Some(mount) => mount,
            None if is_build_service => MountStorage::None,
            None => MountStorage::All,
        };
        let is_logged = self.file_log == Some(true);
        if is_logged && mounts == MountStorage::None {
            let message = "log files stand in the tool's home, which this job does not see; mount `all`";
            mistakes.push(JobMistake::new(JobKey::FileLog, message));
        } else if self.mount == Some(MountStorage::None) && self.image.is_some() && !is_build_service {
            let message = "only an image of the build service can do without the tool's home; mount `all`, or leave this out";
            mistakes.push(JobMistake::new(JobKey::Mount, message));
        }
    }

    fn check_command(&self, mistakes: &mut Vec<JobMistake>) {
        if self.name.is_none() {
            mistakes.push(JobMistake::new(JobKey::Name, "a job needs a name"));
        }
        if self.image.is_none() {
            mistakes.push(JobMistake::new(JobKey::Image, "a job needs an image, like python3.13"));
        }
        // Upstream takes it for nothing at all, and no program runs in it.
        if let Some(memory) = self.memory.filter(|memory| memory.bytes() < 1 << 20) {
            let message = format!(
                "{memory} of memory is less than any program needs; did you mean {}Mi?",
                memory.bytes()
            );
            mistakes.push(JobMistake::new(JobKey::Memory, message));
        }
        let Some(command) = self.command.as_deref().filter(|command| !command.is_empty()) else {
            mistakes.push(JobMistake::new(JobKey::Command, "a job needs a command"));
            return;
        };
        if let Some(JobHealthCheck::Script(script)) = &self.health_check
            && (script.trim().is_empty() || script.contains('\0'))
        {
            mistakes.push(JobMistake::new(
                JobKey::HealthCheckScript,
                "a health check by a script needs a command",
            ));
        }
        if command.contains('\0') {
            mistakes.push(JobMistake::new(JobKey::Command, "a command cannot have a NUL character"));
        }
        if !self.image.as_ref().is_some_and(JobImage::is_build_service) {
            return;
        }
        let is_line =
            self.file_log == Some(true) || self.file_log_stdout.is_some() || self.file_log_stderr.is_some();
        match split_words(command) {
            Err(error) if !is_line => mistakes.push(JobMistake::new(JobKey::Command, error)),
            // The platform does not put its launcher before one that is there.
            Ok(words) if words.len() <= usize::from(command.starts_with("launcher ")) => {
                mistakes.push(JobMistake::new(JobKey::Command, "a job needs a command"));
            }
            _ => {}
        }
        if let Some(JobHealthCheck::Script(script)) = &self.health_check
            && let Err(error) = split_words(script)
        {
            mistakes.push(JobMistake::new(JobKey::HealthCheckScript, error));
        }
    }
}
