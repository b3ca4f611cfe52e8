use std::collections::BTreeMap;

use serde::Serialize;

use crate::{
    Emails, FileLog, JobHealthCheck, JobKind, JobPort, JobRequest, LogPath, Memory, MountStorage, Retry,
    Schedule,
};

/// A job of a file, without the fields that have their default.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Written<'a> {
    name: &'a str,
    command: &'a str,
    image: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    schedule: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continuous: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mem: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replicas: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    port: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    publish: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health_check_script: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health_check_http: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    emails: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mount: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filelog: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    no_filelog: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filelog_stdout: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filelog_stderr: Option<&'a str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    env: BTreeMap<&'a str, &'a str>,
}

/// Returns the text of a jobs file with these jobs.
///
/// # Panics
/// Never: strings and numbers can be written as YAML.
#[must_use]
pub fn write_jobs<'a>(jobs: impl IntoIterator<Item = &'a JobRequest>) -> String {
    let jobs: Vec<Written<'_>> = jobs.into_iter().map(written).collect();
    crate::yaml::to_text(&jobs).expect("strings and numbers can be written as YAML")
}

fn written(job: &JobRequest) -> Written<'_> {
    let is_build_service = job.image.is_build_service();
    let (replicas, port, health_check) = match &job.kind {
        JobKind::Continuous { replicas, port, health_check } => {
            (Some(replicas.count()).filter(|count| *count != 1), *port, health_check.as_ref())
        }
        JobKind::OneOff { .. } | JobKind::Scheduled { .. } => (None, None, None),
    };
    let timeout = match &job.kind {
        JobKind::Scheduled { timeout, .. } => timeout.map(std::num::NonZeroU32::get),
        JobKind::OneOff { .. } | JobKind::Continuous { .. } => None,
    };
    let by_default = if is_build_service { MountStorage::None } else { MountStorage::All };
    let (stdout, stderr) = (job.file_log.stdout(), job.file_log.stderr());
    Written {
        name: job.name.as_str(),
        command: &job.command,
        image: job.image.as_str(),
        schedule: job.kind.schedule().map(Schedule::written),
        continuous: matches!(job.kind, JobKind::Continuous { .. }).then_some(true),
        cpu: job.cpu.map(|cpu| cpu.to_string()),
        mem: job.memory.as_ref().map(Memory::to_string),
        replicas,
        port: port.map(|port| match port {
            JobPort::Tcp { number, .. } => number.to_string(),
            JobPort::Udp { .. } => port.to_string(),
        }),
        publish: port.filter(|port| port.is_public()).map(|_| "/"),
        health_check_script: match health_check {
            Some(JobHealthCheck::Script(script)) => Some(script),
            Some(JobHealthCheck::Http(_)) | None => None,
        },
        health_check_http: match health_check {
            Some(JobHealthCheck::Http(path)) => Some(path.as_str()),
            Some(JobHealthCheck::Script(_)) | None => None,
        },
        retry: job.kind.retry().map(Retry::count).filter(|count| *count > 0),
        timeout,
        emails: Some(job.emails).filter(|emails| *emails != Emails::None).map(Emails::as_str),
        mount: Some(job.mount).filter(|mount| *mount != by_default).map(MountStorage::as_str),
        filelog: (job.file_log.is_on() && is_build_service).then_some(true),
        no_filelog: (!job.file_log.is_on() && !is_build_service).then_some(true),
        filelog_stdout: log_path(job, stdout, "out"),
        filelog_stderr: log_path(job, stderr, "err"),
        env: job.environment.iter().collect(),
    }
}

/// Returns the path of a log file, unless it is the default.
fn log_path<'a>(job: &JobRequest, path: Option<&'a LogPath>, ending: &str) -> Option<&'a str> {
    let path = path?;
    let by_default = LogPath::default_for(&job.tool, &job.name, ending);
    let is_default = matches!(job.file_log, FileLog::On { .. }) && *path == by_default;
    (!is_default).then_some(path.as_str())
}
