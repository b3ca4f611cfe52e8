//! The cells of the tables, in the words of the platform's tool (jobs-cli 16).

use k8s_openapi::jiff::Timestamp;
use toolforge_images::State;
use toolforge_model::{FileLog, JobHealthCheck, JobKind, JobRequest, Untrusted};

use super::ListedJob;
use crate::report::quota::{cores, gibibytes};
use crate::report::status_sentence;

/// The headings of a short list.
pub(super) const NORMAL: [&str; 3] = ["Job name:", "Job type:", "Status:"];

/// The headings of a long list.
pub(super) const LONG: [&str; 17] = [
    "Job name:",
    "Command:",
    "Job type:",
    "Image:",
    "Port:",
    "Public:",
    "File log:",
    "Output log:",
    "Error log:",
    "Emails:",
    "Resources:",
    "Replicas:",
    "Mounts:",
    "Retry:",
    "Timeout:",
    "Health check:",
    "Status:",
];

/// The headings of a wide list.
pub(super) const WIDE: [&str; 9] =
    ["NAME", "TYPE", "IMAGE", "CPU", "MEMORY", "SCHEDULE OR PORT", "RETRY", "LOGS", "STATUS"];

/// A value that a type of job cannot have.
const NOT_APPLICABLE: &str = "N/A";

/// Returns the cells of a short list.
pub(super) fn normal(job: &ListedJob, now: Timestamp) -> [String; 3] {
    [job.request.name.to_string(), job_type(&job.request), status_sentence(&job.status, now)]
}

/// Returns the cells of a long list.
pub(super) fn long(job: &ListedJob, now: Timestamp) -> [String; 17] {
    let ListedJob { request, status, image_state, public_url } = job;
    let path =
        |path: Option<&toolforge_model::LogPath>| path.map(|path| escaped(path.as_str())).unwrap_or_default();
    let (stdout, stderr) = (request.file_log.stdout(), request.file_log.stderr());
    let OfKind { port, replicas, retry, timeout, health_check } = of_kind(&request.kind);
    [
        request.name.to_string(),
        // The lines of a command stay lines.
        Untrusted::new(&*request.command).lines_escaped().to_string(),
        job_type(request),
        image(request, *image_state),
        port,
        public_url.clone().unwrap_or_else(not_applicable),
        if request.file_log.is_on() { "yes" } else { "no" }.to_owned(),
        path(stdout),
        path(stderr),
        request.emails.as_str().to_owned(),
        resources(request),
        replicas,
        request.mount.as_str().to_owned(),
        retry,
        timeout,
        health_check,
        status_sentence(status, now),
    ]
}

/// Returns the cells of a wide list.
pub(super) fn wide(job: &ListedJob, now: Timestamp) -> [String; 9] {
    let ListedJob { request, status, image_state, public_url: _ } = job;
    let when_or_where = match &request.kind {
        JobKind::OneOff { .. } => String::new(),
        JobKind::Scheduled { schedule, .. } => escaped(schedule.written()),
        JobKind::Continuous { port, .. } => port.map(|port| port.to_string()).unwrap_or_default(),
    };
    [
        request.name.to_string(),
        request.kind.as_str().to_owned(),
        image(request, *image_state),
        request.cpu.map_or_else(default, |cpu| cpu.to_string()),
        request.memory.map_or_else(default, |memory| memory.to_string()),
        when_or_where,
        request.kind.retry().map(|retry| retry.count().to_string()).unwrap_or_default(),
        logs(&request.file_log),
        status_sentence(status, now),
    ]
}

/// The cells that depend on the type of the job.
struct OfKind {
    port: String,
    replicas: String,
    retry: String,
    timeout: String,
    health_check: String,
}

fn of_kind(kind: &JobKind) -> OfKind {
    let times = |count: u8| if count == 0 { "no".to_owned() } else { format!("yes: {count} time(s)") };
    match kind {
        JobKind::OneOff { retry } => OfKind {
            port: not_applicable(),
            replicas: not_applicable(),
            retry: times(retry.count()),
            timeout: not_applicable(),
            health_check: not_applicable(),
        },
        JobKind::Scheduled { schedule: _, retry, timeout } => OfKind {
            port: not_applicable(),
            replicas: not_applicable(),
            retry: times(retry.count()),
            timeout: timeout.map_or_else(|| "no".to_owned(), |seconds| format!("yes: {seconds}s")),
            health_check: not_applicable(),
        },
        JobKind::Continuous { replicas, port, health_check } => OfKind {
            port: port.map_or_else(none, |port| port.to_string()),
            replicas: replicas.count().to_string(),
            retry: not_applicable(),
            timeout: not_applicable(),
            health_check: match health_check {
                None => none(),
                Some(JobHealthCheck::Script(script)) => {
                    format!("script: {}", Untrusted::new(&**script).lines_escaped())
                }
                Some(JobHealthCheck::Http(path)) => format!("http: {}", escaped(path.as_str())),
            },
        },
    }
}

fn job_type(request: &JobRequest) -> String {
    match request.kind.schedule() {
        Some(schedule) => format!("{}: {}", request.kind.as_str(), escaped(schedule.written())),
        None => request.kind.as_str().to_owned(),
    }
}

/// Returns the image, with its state unless it is current.
fn image(request: &JobRequest, state: Option<State>) -> String {
    let name = escaped(request.image.as_str());
    match state {
        Some(State::Current) => name,
        Some(state) => format!("{name} ({})", state.as_str()),
        None => format!("{name} (unknown)"),
    }
}

fn resources(request: &JobRequest) -> String {
    if request.memory.is_none() && request.cpu.is_none() {
        return default();
    }
    let memory = request.memory.map_or_else(default, gibibytes);
    let cpu = request.cpu.map_or_else(default, cores);
    format!("mem: {memory}, cpu: {cpu}")
}

/// Returns the log files, or `pod` for the pod's log.
fn logs(file_log: &FileLog) -> String {
    match (file_log.stdout(), file_log.stderr()) {
        (None, None) => "pod".to_owned(),
        (Some(stdout), Some(stderr)) if stdout != stderr => {
            format!("{}, {}", escaped(stdout.as_str()), escaped(stderr.as_str()))
        }
        (Some(path), _) | (None, Some(path)) => escaped(path.as_str()),
    }
}

fn escaped(text: &str) -> String {
    Untrusted::new(text).escaped().to_string()
}

fn default() -> String {
    "default".to_owned()
}

fn none() -> String {
    "none".to_owned()
}

fn not_applicable() -> String {
    NOT_APPLICABLE.to_owned()
}
