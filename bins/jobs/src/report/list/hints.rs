//! Details of a job's status, with advice.

use k8s_openapi::jiff::Timestamp;
use toolforge_model::Untrusted;
use toolforge_render::job::{JobState, JobStatus, MissedReason, MissedRuns};
use toolforge_render::pod::{Cause, Evidence, LastTermination, TerminationKind};

use crate::advice::{Asked, advice, exit_code_hint};

/// Maximum length of a line (jobs-cli 16).
const COLUMNS: usize = 70;

/// Missed runs are counted up to this number.
const MANY: usize = 1000;

/// Returns the details of a job's status, one per line; `N/A` if there are none.
pub(in crate::report) fn hints(status: &JobStatus, asked: Asked<'_>) -> String {
    let JobStatus { state, last_termination, evidence, previous_run, next_run, missed, .. } = status;
    let mut details = Vec::new();
    for Evidence { cause, object, message, .. } in evidence {
        details.push(sentence(&cause.to_string()));
        if !message.is_empty() {
            details.push(format!("{}: {}", object, message.escaped()));
        }
    }
    if let Some(end) = last_termination {
        let at = end.finished.map(|finished| format!(", {}", moment(finished))).unwrap_or_default();
        details.push(format!("Last termination: {end}{at}."));
    }
    details.extend(previous_run.map(|run| format!("Previous run: {}.", moment(run))));
    details.extend(next_run.map(|run| format!("Next run: {}.", moment(run))));
    if let Some(MissedRuns { count, last, reason, .. }) = missed {
        let runs = match count {
            1 => "1 run".to_owned(),
            0..MANY => format!("{count} runs, the last"),
            _ => format!("{count} runs or more, the last"),
        };
        details.push(format!("Missed: {runs} at {}; {reason}.", moment(*last)));
    }
    details.extend(next_step(status, state, asked));
    if details.is_empty() {
        return "N/A".to_owned();
    }
    details.iter().map(|text| wrapped(text)).collect::<Vec<_>>().join("\n")
}

/// Returns the advice for a status.
fn next_step(status: &JobStatus, state: &JobState, asked: Asked<'_>) -> Option<String> {
    let name = asked.name;
    if let Some(evidence) = status.evidence.first() {
        return Some(advice(&evidence.cause, asked));
    }
    let kind = status.last_termination.as_ref().map(LastTermination::kind);
    if kind == Some(TerminationKind::OutOfMemory) && *state != JobState::Succeeded {
        return Some(advice(&Cause::OutOfMemory, asked));
    }
    if kind == Some(TerminationKind::NotStarted) && *state != JobState::Succeeded {
        return Some(advice(&Cause::ContainerStart { reason: Untrusted::default() }, asked));
    }
    match state {
        JobState::Failed { .. } | JobState::Retrying { .. } => {
            let code = status.last_termination.as_ref().and_then(|end| exit_code_hint(end.exit_code));
            return Some(
                code.map_or_else(|| format!("`{}` shows its output.", asked.log_command()), str::to_owned),
            );
        }
        JobState::Suspended => {
            return Some(format!("Run `toolforge jobs resume {name}` to resume its schedule."));
        }
        _ => {}
    }
    match status.missed.as_ref().map(|missed| &missed.reason) {
        Some(MissedReason::QuotaExceeded { .. }) => Some(advice(&Cause::QuotaExceeded, asked)),
        Some(MissedReason::StillRunning) if *state == JobState::Running => Some(format!(
            "`toolforge jobs logs {name}` shows the output of the current run; `toolforge jobs restart {name}` stops it and starts a new one."
        )),
        None if matches!(state, JobState::Waiting { last_succeeded: Some(false) }) => Some(format!(
            "The pod of the last run, which has the reason, is deleted 30 seconds after it finishes; {}.",
            if asked.log_files.iter().any(Option::is_some) {
                format!("`{}` shows its output", asked.log_command())
            } else {
                format!("`{} --follow` shows the output of the next one", asked.log_command())
            }
        )),
        _ => None,
    }
}

/// Returns a fragment as a sentence.
fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    let first = characters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", characters.as_str())
}

fn moment(moment: Timestamp) -> String {
    moment.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Returns a text wrapped at spaces to the maximum length; longer words are split.
fn wrapped(text: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    let mut length = 0;
    for word in text.split_whitespace() {
        let mut rest: Vec<char> = word.chars().collect();
        if length > 0 && length + 1 + rest.len() > COLUMNS {
            lines.push(std::mem::take(&mut line));
            length = 0;
        }
        if length > 0 {
            line.push(' ');
            length += 1;
        }
        while rest.len() > COLUMNS {
            lines.push(rest.drain(..COLUMNS).collect());
        }
        length += rest.len();
        line.extend(rest);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines.join("\n")
}
