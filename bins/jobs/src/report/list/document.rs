//! A job for programs.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use toolforge_cli::CauseDocument;
use toolforge_images::State;
use toolforge_model::{JobHealthCheck, JobKind, JobName, JobRequest, LogPath, Untrusted};
use toolforge_render::job::{JobStatus, MissedRuns};
use toolforge_render::pod::LastEnd;

use super::ListedJob;

/// A job for programs; `null` where it asks for nothing, and the platform's default holds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobDocument<'a> {
    name: &'a JobName,
    r#type: &'static str,
    schedule: Option<&'a str>,
    cron_expression: Option<String>,
    image: &'a str,
    image_state: &'static str,
    command: &'a str,
    cpu: Option<String>,
    memory: Option<String>,
    replicas: Option<u32>,
    port: Option<String>,
    public_url: Option<&'a str>,
    mount: &'static str,
    emails: &'static str,
    retry: Option<u8>,
    timeout: Option<u32>,
    file_log: FileLogDocument<'a>,
    environment: BTreeMap<&'a str, &'a str>,
    health_check: Option<HealthCheckDocument<'a>>,
    status: StatusDocument<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FileLogDocument<'a> {
    enabled: bool,
    stdout: Option<&'a str>,
    stderr: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum HealthCheckDocument<'a> {
    Script(&'a str),
    Http(&'a str),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct StatusDocument<'a> {
    state: &'static str,
    short: &'static str,
    since: Option<String>,
    ready: Option<u32>,
    restarts: u32,
    last_end: Option<LastEndDocument<'a>>,
    causes: Vec<CauseDocument<'a>>,
    previous_run: Option<String>,
    next_run: Option<String>,
    missed: Option<MissedDocument>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LastEndDocument<'a> {
    pod: &'a Untrusted,
    exit_code: i32,
    reason: &'a Untrusted,
    finished: Option<String>,
    text: String,
}

#[derive(Serialize)]
struct MissedDocument {
    count: usize,
    last: String,
    reason: String,
}

impl<'a> From<&'a ListedJob> for JobDocument<'a> {
    fn from(job: &'a ListedJob) -> Self {
        let ListedJob { request, status, image_state, public_url } = job;
        let JobRequest {
            tool: _,
            name,
            image,
            command,
            kind,
            cpu,
            memory,
            mount,
            file_log,
            emails,
            environment,
        } = request;
        let (timeout, replicas, health_check) = match kind {
            JobKind::OneOff { .. } => (None, None, None),
            JobKind::Scheduled { timeout, .. } => (*timeout, None, None),
            JobKind::Continuous { replicas, health_check, .. } => {
                (None, Some(replicas.count()), health_check.as_ref())
            }
        };
        let (stdout, stderr) = file_log.paths();
        Self {
            name,
            r#type: kind.as_str(),
            schedule: kind.schedule().map(toolforge_model::Schedule::written),
            cron_expression: kind.schedule().map(|schedule| schedule.expression().to_string()),
            image: image.as_str(),
            image_state: image_state.map_or("unknown", State::as_str),
            command,
            cpu: cpu.map(|cpu| cpu.to_string()),
            memory: memory.map(|memory| memory.to_string()),
            replicas,
            port: kind.port().map(ToString::to_string),
            public_url: public_url.as_deref(),
            mount: mount.as_str(),
            emails: emails.as_str(),
            retry: kind.retry().map(toolforge_model::Retry::count),
            timeout: timeout.map(std::num::NonZeroU32::get),
            file_log: FileLogDocument {
                enabled: file_log.is_on(),
                stdout: stdout.map(LogPath::as_str),
                stderr: stderr.map(LogPath::as_str),
            },
            environment: environment.iter().collect(),
            health_check: health_check.map(|check| match check {
                JobHealthCheck::Script(script) => HealthCheckDocument::Script(script),
                JobHealthCheck::Http(path) => HealthCheckDocument::Http(path.as_str()),
            }),
            status: StatusDocument::from(status),
        }
    }
}

impl<'a> From<&'a JobStatus> for StatusDocument<'a> {
    fn from(status: &'a JobStatus) -> Self {
        let JobStatus {
            state,
            since,
            replicas,
            restarts,
            last_end,
            evidence,
            previous_run,
            next_run,
            missed,
        } = status;
        let moment = |moment: &Option<Timestamp>| moment.map(|moment| moment.to_string());
        Self {
            state: state.as_str(),
            short: state.short(),
            since: moment(since),
            ready: replicas.map(|(_, ready)| ready),
            restarts: *restarts,
            last_end: last_end.as_ref().map(|end| {
                let LastEnd { pod, exit_code, reason, finished } = end;
                LastEndDocument {
                    pod,
                    exit_code: *exit_code,
                    reason,
                    finished: moment(finished),
                    text: end.to_string(),
                }
            }),
            causes: evidence.iter().map(CauseDocument::from).collect(),
            previous_run: moment(previous_run),
            next_run: moment(next_run),
            missed: missed.as_ref().map(|MissedRuns { count, last, reason }| MissedDocument {
                count: *count,
                last: last.to_string(),
                reason: reason.to_string(),
            }),
        }
    }
}
