//! What differs between two requests for one job, by meaning.

use toolforge_model::{
    Emails, JobField, JobKind, JobPort, JobRequest, Untrusted, join_words, quote_word, split_words,
};

use crate::job::objects::RenderedCommand;

/// One thing that differs; `None` where it is not said, and the default holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobDifference {
    /// What.
    pub key: JobField,
    /// What stands.
    pub live: Option<Untrusted>,
    /// What shall stand.
    pub wanted: Option<Untrusted>,
}

/// Returns what differs, in the order in which a file is best written. Amounts compare as amounts, images as what they
/// stand for; both requests have to be a plan's or an observation.
#[must_use]
pub fn job_differences(live: &JobRequest, wanted: &JobRequest) -> Vec<JobDifference> {
    let mut differences = Vec::new();
    for &key in JobField::ALL {
        let (before, after) = (value(live, key), value(wanted, key));
        if before != after {
            // Words are told as they are written, where that is not what they have in common.
            let shown = |value: Option<String>, request: &JobRequest| match key {
                JobField::Command => value.map(|_| request.command.clone()),
                _ => value,
            };
            let (before, after) = (shown(before, live), shown(after, wanted));
            let text = |value: Option<String>| value.map(Untrusted::new);
            differences.push(JobDifference { key, live: text(before), wanted: text(after) });
        }
    }
    differences
}

/// Returns the command by its meaning: where it is words and not a line for a shell, quoting is none of it.
fn command(request: &JobRequest) -> String {
    let is_build_service = request.image.is_build_service();
    if is_build_service && request.file_log.paths() == (None, None) {
        return join_words(&RenderedCommand::of(request).words);
    }
    // A launcher that is written is the one that would be put there.
    let launched = request.command.strip_prefix("launcher ").filter(|_| is_build_service);
    launched.unwrap_or(&request.command).to_owned()
}

/// Returns what a request says with a key, or `None` where it is the default.
fn value(request: &JobRequest, key: JobField) -> Option<String> {
    let kind = &request.kind;
    let (replicas, port, health_check) = match kind {
        JobKind::Continuous { replicas, port, health_check } => {
            (Some(*replicas), *port, health_check.as_ref())
        }
        JobKind::OneOff { .. } | JobKind::Scheduled { .. } => (None, None, None),
    };
    let (stdout, stderr) = request.file_log.paths();
    match key {
        JobField::Name => Some(request.name.to_string()),
        JobField::Command => Some(command(request)),
        JobField::Image => Some(request.image.to_string()),
        // Another spelling of the same times is no difference, but a macro's name is, since it is what is listed.
        JobField::Schedule => kind.schedule().map(|schedule| {
            if schedule.written().starts_with('@') {
                format!("{} ({})", schedule.written(), schedule.expression())
            } else {
                schedule.expression().to_string()
            }
        }),
        JobField::Continuous => matches!(kind, JobKind::Continuous { .. }).then(|| "true".to_owned()),
        JobField::Cpu => request.cpu.map(|cpu| cpu.to_string()),
        JobField::Memory => request.memory.map(|memory| memory.to_string()),
        JobField::Replicas => {
            replicas.filter(|replicas| replicas.count() != 1).map(|replicas| replicas.to_string())
        }
        JobField::Port => port.map(|port| port.to_string()),
        JobField::Publish => port.filter(|port: &JobPort| port.is_public()).map(|_| "/".to_owned()),
        JobField::HealthCheckScript => match health_check {
            Some(toolforge_model::JobHealthCheck::Script(script)) => {
                let words = split_words(script).ok().filter(|_| request.image.is_build_service());
                Some(words.map_or_else(|| script.clone(), |words| join_words(&words)))
            }
            Some(toolforge_model::JobHealthCheck::Http(_)) | None => None,
        },
        JobField::HealthCheckHttp => match health_check {
            Some(toolforge_model::JobHealthCheck::Http(path)) => Some(path.to_string()),
            Some(toolforge_model::JobHealthCheck::Script(_)) | None => None,
        },
        JobField::Retry => {
            kind.retry().filter(|retry| retry.count() > 0).map(|retry| retry.count().to_string())
        }
        JobField::Timeout => match kind {
            JobKind::Scheduled { timeout, .. } => timeout.map(|seconds| seconds.to_string()),
            JobKind::OneOff { .. } | JobKind::Continuous { .. } => None,
        },
        JobField::Emails => Some(request.emails)
            .filter(|emails| *emails != Emails::None)
            .map(|emails| emails.as_str().to_owned()),
        JobField::Mount => Some(request.mount.to_string()),
        JobField::FileLog => Some(if request.file_log.is_on() { "true" } else { "false" }.to_owned()),
        JobField::FileLogStdout => stdout.map(ToString::to_string),
        JobField::FileLogStderr => stderr.map(ToString::to_string),
        JobField::Environment => {
            let pairs: Vec<String> = request
                .environment
                .iter()
                .map(|(name, value)| format!("{name}={}", quote_word(value)))
                .collect();
            (!pairs.is_empty()).then(|| pairs.join(" "))
        }
        JobField::NoFileLog | JobField::Wait | JobField::WebService => None,
    }
}
