use std::num::NonZeroU32;

use serde::Serialize;

use crate::platform::after_launcher;
use crate::{
    Cpu, Emails, Environment, FileLog, JobDiagnostic, JobDiagnostics, JobField, JobHealthCheck, JobImage,
    JobKind, JobName, JobPort, JobRequest, LogPath, Memory, MountStorage, Replicas, Retry, Schedule,
    ToolName, split_words,
};

/// The options of a job on a command line or in a file; omitted ones are `None`.
///
/// ```
/// use toolforge_model::JobOptions;
///
/// let options = JobOptions {
///     name: Some("daily".parse()?),
///     image: Some("python3.11".parse()?),
///     command: Some("./daily.py".into()),
///     schedule: Some("@daily".into()),
///     ..Default::default()
/// };
/// let request = options.into_request(&"stashbot".parse()?)?;
/// assert_eq!(request.kind.to_string(), "scheduled");
///
/// let errors = JobOptions::default().into_request(&"stashbot".parse()?).unwrap_err();
/// assert_eq!(errors.iter().count(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct JobOptions {
    /// The job's name; required.
    pub name: Option<JobName>,
    /// The command; required.
    pub command: Option<String>,
    /// The image in which it runs; required.
    pub image: Option<JobImage>,
    /// Whether it writes log files; by default it does, unless its image is one of the build service.
    pub file_log: Option<bool>,
    /// The file of standard output.
    pub file_log_stdout: Option<LogPath>,
    /// The file of standard error.
    pub file_log_stderr: Option<LogPath>,
    /// How often a failed run is retried.
    pub retry: Option<Retry>,
    /// The memory limit.
    pub memory: Option<Memory>,
    /// The CPU request.
    pub cpu: Option<Cpu>,
    /// When the tool's maintainers get mail.
    pub emails: Option<Emails>,
    /// Which shared storage the pods see.
    pub mount: Option<MountStorage>,
    /// The seconds after which a run of a scheduled job is terminated; 0 is never.
    pub timeout: Option<u32>,
    /// The times of its runs: five fields of cron, or a macro like `@daily`.
    pub schedule: Option<String>,
    /// Whether it always runs.
    pub is_continuous: bool,
    /// How the cluster checks whether a continuous job is healthy.
    pub health_check: Option<JobHealthCheck>,
    /// The port on which other pods reach a continuous job.
    pub port: Option<JobPort>,
    /// The number of pods of a continuous job, which may be 0.
    pub replicas: Option<Replicas>,
    /// Whether the tool's domain leads to it.
    pub is_published: bool,
    /// Environment variables.
    pub environment: Environment,
}

impl JobOptions {
    /// Returns the request of a tool for these options, with the platform's defaults where they depend on the image.
    ///
    /// # Errors
    /// When a required field is missing, or fields contradict each other: all errors at once.
    pub fn into_request(self, tool: &ToolName) -> Result<JobRequest, JobDiagnostics> {
        let mut errors = Vec::new();
        let kind = self.kind(tool, &mut errors);
        self.check_storage(&mut errors);
        self.check_command(&mut errors);
        let (Some(name), Some(image), Some(command), Some(kind), true) =
            (self.name, self.image, self.command, kind, errors.is_empty())
        else {
            return Err(JobDiagnostics::new(errors));
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

    /// Returns the kind, or adds its errors.
    fn kind(&self, tool: &ToolName, errors: &mut Vec<JobDiagnostic>) -> Option<JobKind> {
        let mut refuse = |key, message: &str| errors.push(JobDiagnostic::new(key, message));
        if !self.is_continuous {
            const CONTINUOUS: &str = "is only for continuous jobs; make the job continuous, or remove this";
            if self.port.is_some() {
                refuse(JobField::Port, &format!("a port {CONTINUOUS}"));
            }
            // The platform ignores 0.
            if self.replicas.is_some_and(|replicas| replicas.count() > 0) {
                refuse(JobField::Replicas, &format!("a number of replicas {CONTINUOUS}"));
            }
            match &self.health_check {
                Some(JobHealthCheck::Script(_)) => {
                    refuse(JobField::HealthCheckScript, &format!("a health check {CONTINUOUS}"));
                }
                Some(JobHealthCheck::Http(_)) => {
                    refuse(JobField::HealthCheckHttp, &format!("a health check {CONTINUOUS}"));
                }
                None => {}
            }
            if self.is_published {
                refuse(JobField::Publish, &format!("publishing {CONTINUOUS}"));
            }
        }
        if self.schedule.is_none() && self.timeout.is_some_and(|seconds| seconds > 0) {
            refuse(
                JobField::Timeout,
                "a timeout is only for scheduled jobs; give a schedule, or leave this out",
            );
        }
        if self.is_continuous {
            if self.schedule.is_some() {
                refuse(JobField::Schedule, "a job is either scheduled or continuous, not both");
            }
            if self.retry.is_some() {
                refuse(
                    JobField::Retry,
                    "retries are only for one-off and scheduled jobs; a continuous job is always restarted",
                );
            }
            return self.continuous(errors);
        }
        let retry = self.retry.unwrap_or_default();
        let Some(written) = &self.schedule else { return Some(JobKind::OneOff { retry }) };
        // The minute of `@daily` depends on the job's name, so without one only the spelling can be checked.
        let placeholder = || "x".parse().ok();
        let schedule = Schedule::parse(written, tool, self.name.clone().or_else(placeholder).as_ref()?);
        let timeout = self.timeout.and_then(NonZeroU32::new);
        match schedule {
            Ok(schedule) => Some(JobKind::Scheduled { schedule, retry, timeout }),
            Err(error) => {
                errors.push(JobDiagnostic::new(JobField::Schedule, error));
                None
            }
        }
    }

    fn continuous(&self, errors: &mut Vec<JobDiagnostic>) -> Option<JobKind> {
        let port = match (self.port, self.is_published) {
            (Some(JobPort::Tcp { number, .. }), is_public) => Some(JobPort::Tcp { number, is_public }),
            (port, false) => port,
            (_, true) => {
                let message =
                    "publishing needs the TCP port on which the job listens; give it a port like 8000";
                errors.push(JobDiagnostic::new(JobField::Publish, message));
                None
            }
        };
        if matches!(self.health_check, Some(JobHealthCheck::Http(_)))
            && !matches!(self.port, Some(JobPort::Tcp { .. }))
        {
            let message = "an HTTP health check needs a TCP port; give the job a port like 8000";
            errors.push(JobDiagnostic::new(JobField::HealthCheckHttp, message));
        }
        // A port needs a Service, and a Service's name is stricter than a job's.
        if let (Some(name), Some(_)) = (&self.name, self.port)
            && !name.is_service_name()
        {
            let message = format!(
                "a job with a port needs a name that begins with a letter and has no dots, unlike {name}; other pods reach it by its name"
            );
            errors.push(JobDiagnostic::new(JobField::Name, message));
        }
        let (replicas, health_check) = (self.replicas.unwrap_or(Replicas::ONE), self.health_check.clone());
        Some(JobKind::Continuous { replicas, port, health_check })
    }

    fn check_storage(&self, errors: &mut Vec<JobDiagnostic>) {
        let is_build_service = self.image.as_ref().is_some_and(JobImage::is_build_service);
        let mounts = match self.mount {
            Some(mount) => mount,
            None if is_build_service => MountStorage::None,
            None => MountStorage::All,
        };
        let is_logged = self.file_log == Some(true);
        if is_logged && mounts == MountStorage::None {
            let message =
                "log files are in the tool's home, which this job does not mount; set `mount` to `all`";
            errors.push(JobDiagnostic::new(JobField::FileLog, message));
        } else if self.mount == Some(MountStorage::None) && self.image.is_some() && !is_build_service {
            let message = "only images of the build service run without the tool's home; set `mount` to `all`, or remove it";
            errors.push(JobDiagnostic::new(JobField::Mount, message));
        }
    }

    fn check_command(&self, errors: &mut Vec<JobDiagnostic>) {
        if self.name.is_none() {
            errors.push(JobDiagnostic::new(JobField::Name, "a job needs a name"));
        }
        if self.image.is_none() {
            errors.push(JobDiagnostic::new(JobField::Image, "a job needs an image, like python3.13"));
        }
        // The platform's tool also reads a number without a suffix as bytes.
        if let Some(Err(error)) = self.memory.map(Memory::check_probable) {
            errors.push(JobDiagnostic::new(JobField::Memory, error));
        }
        if let Some(Err(error)) = self.cpu.map(Cpu::check_probable) {
            errors.push(JobDiagnostic::new(JobField::Cpu, error));
        }
        let Some(command) = self.command.as_deref().filter(|command| !command.is_empty()) else {
            errors.push(JobDiagnostic::new(JobField::Command, "a job needs a command"));
            return;
        };
        if let Some(JobHealthCheck::Script(script)) = &self.health_check
            && (script.trim().is_empty() || script.contains('\0'))
        {
            errors.push(JobDiagnostic::new(
                JobField::HealthCheckScript,
                "a health check script needs a command",
            ));
        }
        if command.contains('\0') {
            errors.push(JobDiagnostic::new(JobField::Command, "a command cannot contain a NUL character"));
        }
        if !self.image.as_ref().is_some_and(JobImage::is_build_service) {
            return;
        }
        let is_line =
            self.file_log == Some(true) || self.file_log_stdout.is_some() || self.file_log_stderr.is_some();
        match split_words(command) {
            Err(error) if !is_line => errors.push(JobDiagnostic::new(JobField::Command, error)),
            // The platform adds its launcher only if the command has none.
            Ok(words) if words.len() <= usize::from(after_launcher(command).is_some()) => {
                errors.push(JobDiagnostic::new(JobField::Command, "a job needs a command"));
            }
            _ => {}
        }
        if let Some(JobHealthCheck::Script(script)) = &self.health_check
            && let Err(error) = split_words(script)
        {
            errors.push(JobDiagnostic::new(JobField::HealthCheckScript, error));
        }
    }
}
