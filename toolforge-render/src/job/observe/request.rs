//! Reads a live job as a request.

use std::num::{NonZeroU16, NonZeroU32};

use k8s_openapi::api::core::v1::{Container, Probe};
use toolforge_model::{
    Cpu, Emails, Environment, FileLog, JobHealthCheck, JobKind, JobPort, JobRequest, Memory, MountStorage,
    Replicas, Retry, Schedule, ToolName, platform,
};

use crate::job::objects::{RenderedCommand, health_check_of, health_check_words, read_of_version_1};
use crate::job::{JobFacts, JobObjects, JobWorkload};
use crate::object::{Labels, cron_job_spec, deployment_spec, has_label};
use crate::pod::{cpu_of, memory_of};

/// Returns the request of a live job. It never fails: an invalid value counts as the platform's default.
#[must_use]
pub fn observe_job(job: &JobObjects, facts: &JobFacts) -> JobRequest {
    let container = job.container();
    let reference = container.and_then(|container| container.image.clone()).unwrap_or_default();
    let image =
        facts.namespace.catalog.job_image_of(&reference, &facts.namespace.platform.build_service_repository);
    let (command, file_log) = command(job, container, image.is_build_service(), facts);
    let resources = container.and_then(|container| container.resources.as_ref());
    let limits = resources.and_then(|resources| resources.limits.as_ref());
    let requests = resources.and_then(|resources| resources.requests.as_ref());
    JobRequest {
        tool: facts.namespace.tool.clone(),
        name: job.name.clone(),
        command,
        kind: kind(job, container, facts),
        cpu: cpu(cpu_of(limits), cpu_of(requests), facts.namespace.platform.default_cpu_limit),
        memory: memory_of(limits).filter(|memory: &Memory| *memory != JobRequest::DEFAULT_MEMORY),
        // The volume admission webhook treats a missing label as `all`.
        mount: match job.label(platform::LABEL_MOUNT_STORAGE) {
            Some("none") => MountStorage::None,
            _ => MountStorage::All,
        },
        file_log,
        emails: job.label(platform::LABEL_EMAILS).and_then(|text| text.parse().ok()).unwrap_or(Emails::None),
        environment: container.map(environment).unwrap_or_default(),
        image,
    }
}

/// Returns the CPU of the request. The default is the platform's limit with a request of 100m.
fn cpu(limit: Option<Cpu>, request: Option<Cpu>, default_limit: Cpu) -> Option<Cpu> {
    let is_default = limit == Some(default_limit) && request == Some(JobRequest::DEFAULT_CPU);
    limit.filter(|limit| !is_default && *limit != JobRequest::DEFAULT_CPU)
}

fn command(
    job: &JobObjects,
    container: Option<&Container>,
    is_build_service: bool,
    facts: &JobFacts,
) -> (String, FileLog) {
    let words = container.map(command_words).unwrap_or_default();
    let marks = CommandMarks {
        labels: job.workload.metadata().labels.as_ref(),
        written: job.annotation(platform::ANNOTATION_COMMAND),
        is_managed: job.is_managed(),
    };
    let (text, file_log) = marks.read(&words, &facts.namespace.tool, is_build_service);
    // The platform reports an empty command like this (jobs-api, 2026).
    (if text.is_empty() { "unknown".to_owned() } else { text }, file_log)
}

/// Returns the command and the arguments of a container.
pub(crate) fn command_words(container: &Container) -> Vec<String> {
    container.command.iter().chain(&container.args).flatten().cloned().collect()
}

/// What an object says about how the jobs service wrapped the command of its container.
pub(crate) struct CommandMarks<'a> {
    /// Its labels.
    pub(crate) labels: Option<&'a Labels>,
    /// The command of its annotation.
    pub(crate) written: Option<&'a str>,
    /// Whether these programs or the platform's jobs service manage it.
    pub(crate) is_managed: bool,
}

impl CommandMarks<'_> {
    /// Returns the command and the log files of a container's command and arguments.
    pub(crate) fn read(
        &self,
        words: &[String],
        tool: &ToolName,
        is_build_service: bool,
    ) -> (String, FileLog) {
        let has = |key: &str, value: &str| has_label(self.labels, key, value);
        let is_logged = has(platform::LABEL_FILE_LOG, "yes");
        let is_new = has(platform::LABEL_VERSION, platform::JOBS_VERSION)
            || has(platform::LABEL_COMMAND_NEW_FORMAT, "yes")
            || !self.is_managed;
        if is_new {
            RenderedCommand::observe(words, self.written, is_logged, is_build_service)
        } else {
            read_of_version_1(words, tool, is_logged)
        }
    }
}

fn kind(job: &JobObjects, container: Option<&Container>, facts: &JobFacts) -> JobKind {
    let retry = job
        .workload
        .job_spec()
        .and_then(|spec| spec.backoff_limit)
        .map_or(Retry::default(), Retry::from_i32_saturating);
    match &job.workload {
        JobWorkload::OneOff(_) => JobKind::OneOff { retry },
        JobWorkload::Scheduled(cron_job) => {
            let spec = cron_job_spec(cron_job);
            let written = job.annotation(platform::ANNOTATION_CRON_EXPRESSION);
            let expression = spec.map(|spec| spec.schedule.as_str()).unwrap_or_default();
            let timeout = job.workload.job_spec().and_then(|spec| spec.active_deadline_seconds);
            let timeout = timeout.and_then(|seconds| u32::try_from(seconds).ok()).and_then(NonZeroU32::new);
            match schedule(job, written, expression, facts) {
                Some(schedule) => JobKind::Scheduled { schedule, retry, timeout },
                // The API server rejects an invalid schedule, so only a test can create such an object.
                None => JobKind::OneOff { retry },
            }
        }
        JobWorkload::Continuous(deployment) => {
            let replicas = deployment_spec(deployment).and_then(|spec| spec.replicas).unwrap_or(1);
            JobKind::Continuous {
                replicas: Replicas::from_i32_saturating(replicas),
                port: container.and_then(|container| port(container, job)),
                health_check: container
                    .and_then(|container| health_check(container.startup_probe.as_ref()?, job)),
            }
        }
    }
}

/// Returns the schedule: the written one if it has the same meaning as the spec, otherwise that of the spec.
fn schedule(job: &JobObjects, written: Option<&str>, expression: &str, facts: &JobFacts) -> Option<Schedule> {
    let current = expression.parse().ok()?;
    let kept = written.and_then(|written| Schedule::parse(written, &facts.namespace.tool, &job.name).ok());
    match kept {
        Some(schedule) if *schedule.expression() == current => Some(schedule),
        _ => Some(Schedule::from_parts(expression.to_owned(), current)),
    }
}

fn port(container: &Container, job: &JobObjects) -> Option<JobPort> {
    let port = container.ports.as_ref()?.first()?;
    let number = u16::try_from(port.container_port).ok().and_then(NonZeroU16::new)?;
    Some(if port.protocol.as_deref() == Some("UDP") {
        JobPort::Udp { number }
    } else {
        JobPort::Tcp { number, is_public: job.http_route.is_some() }
    })
}

fn health_check(probe: &Probe, job: &JobObjects) -> Option<JobHealthCheck> {
    if let Some(words) = probe.exec.as_ref().and_then(|exec| exec.command.as_ref()) {
        let written = job.annotation(platform::ANNOTATION_HEALTH_CHECK);
        let is_so =
            |script: &&str| [true, false].iter().any(|built| health_check_words(script, *built) == *words);
        let written = written.filter(is_so).map(|script| JobHealthCheck::Script(script.to_owned()));
        return Some(written.unwrap_or_else(|| health_check_of(words)));
    }
    let http_get = probe.http_get.as_ref()?;
    http_get.path.as_deref().unwrap_or("/").parse().ok().map(JobHealthCheck::Http)
}

/// Returns the variables of the request.
fn environment(container: &Container) -> Environment {
    let mut environment = Environment::default();
    for variable in container.env.iter().flatten().filter(|variable| variable.value_from.is_none()) {
        // The API server omits an empty value. A request cannot set the platform's variables.
        drop(environment.set(&variable.name, variable.value.clone().unwrap_or_default()));
    }
    environment
}

/// Returns the names of variables that no request can set, so they were set manually.
pub(in crate::job) fn variables_set_by_hand(job: &JobObjects) -> Vec<String> {
    const OF_THE_PLATFORM: [&str; 2] = [platform::NO_HOME, "PORT"];
    let is_by_hand = |variable: &&k8s_openapi::api::core::v1::EnvVar| {
        variable.value_from.is_some()
            || (Environment::default().set(&variable.name, "").is_err()
                && !OF_THE_PLATFORM.contains(&variable.name.as_str()))
    };
    let variables = job.container().into_iter().flat_map(|container| container.env.iter().flatten());
    variables.filter(is_by_hand).map(|variable| variable.name.clone()).collect()
}
