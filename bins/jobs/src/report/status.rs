//! The state of a job in words.

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{duration, restarts_text};
use toolforge_render::job::{FailureReason, JobReplicas, JobState, JobStatus};

/// Returns the state of a job in one line: the platform's word, its duration, and the details.
pub(crate) fn status_sentence(status: &JobStatus, now: Timestamp) -> String {
    let word = match (&status.state, status.state.short()) {
        // For both, the platform's word is the one for a job that cannot start.
        (JobState::Waiting { .. }, _) => "Waiting",
        (JobState::Suspended, _) => "Suspended",
        (_, "running") => "Running",
        (_, "succeeded") => "Succeeded",
        (_, "failed") => "Failed",
        _ => "Pending",
    };
    let ago = |moment: Timestamp| duration(now.as_second() - moment.as_second());
    let since = status.since.map(|since| format!(" for {}", ago(since))).unwrap_or_default();
    let behind = behind(status, now);
    let behind = if behind.is_empty() { behind } else { format!(": {behind}") };
    format!("{word}{since}{behind}")
}

/// Returns the details of the platform's word.
fn behind(status: &JobStatus, now: Timestamp) -> String {
    let cause = status.evidence.first().map(|evidence| evidence.cause.to_string());
    let end = status.last_termination.as_ref().map(ToString::to_string);
    // A container that was not restarted yet has terminated just now.
    let is_first = status.replicas.is_some() && status.restarts == 0;
    let exited = end.as_ref().filter(|_| is_first).map(|end| format!("{end}; will be restarted"));
    let of_pods = status
        .replicas
        .map(|JobReplicas { desired, ready }| format!("{ready} of {desired} pods ready"))
        .unwrap_or_default();
    match &status.state {
        JobState::Running if status.restarts > 0 => {
            restarts_text(status.restarts, status.last_termination.as_ref())
        }
        JobState::Running => cause.unwrap_or_default(),
        JobState::Updating => match cause.or(exited) {
            Some(cause) => format!("being updated, {of_pods}; {cause}"),
            None => format!("being updated, {of_pods}"),
        },
        JobState::Degraded => match cause.or(exited) {
            Some(cause) => format!("{of_pods}; {cause}"),
            None => of_pods,
        },
        JobState::Starting => cause.or(exited).unwrap_or_else(|| "starting".to_owned()),
        JobState::Retrying { failures } => {
            let times = if *failures == 1 { "once".to_owned() } else { format!("{failures} times") };
            let end = end.map(|end| format!(", last {end}")).unwrap_or_default();
            format!("failed {times}{end}; will be retried")
        }
        JobState::Waiting { last_succeeded } => {
            let next = status.next_run.map_or_else(
                || "no next run".to_owned(),
                |next| format!("next run in {}", duration(next.as_second() - now.as_second())),
            );
            let last = if *last_succeeded == Some(false) { "; the last run failed" } else { "" };
            let missed = status.missed.as_ref().map(|missed| match missed.count {
                1 => format!("; 1 run was missed: {}", missed.reason.short()),
                count => format!("; {count} runs were missed: {}", missed.reason.short()),
            });
            format!("{next}{last}{}", missed.unwrap_or_default())
        }
        JobState::Failing | JobState::Blocked => cause.unwrap_or_else(|| "it cannot start".to_owned()),
        JobState::Failed { reason: FailureReason::DeadlineExceeded } => "timed out".to_owned(),
        JobState::Failed { reason } => end.unwrap_or_else(|| reason.to_string()),
        JobState::ScaledToZero => "scaled to zero".to_owned(),
        JobState::Stopping => "being deleted".to_owned(),
        _ => String::new(),
    }
}

/// Returns what a log that is followed waits for; `None` if pods run that have written something, or if the job has
/// finished and runs only once.
pub(crate) fn awaited(name: &str, status: &JobStatus, has_printed: bool, now: Timestamp) -> Option<String> {
    let is_over = matches!(status.state, JobState::Succeeded | JobState::Failed { .. });
    if is_over && status.next_run.is_none() {
        return None;
    }
    let waiting = match &status.state {
        JobState::Running | JobState::Updating | JobState::Degraded if has_printed => return None,
        JobState::Running | JobState::Updating | JobState::Degraded => {
            "waiting for the first line".to_owned()
        }
        JobState::Suspended => format!(
            "the schedule is suspended: waiting for a run; `toolforge jobs resume {name}` resumes it, and `toolforge jobs trigger {name}` runs it now"
        ),
        JobState::ScaledToZero => "the job has 0 replicas: waiting for a pod".to_owned(),
        JobState::Retrying { .. } => "waiting for the next attempt".to_owned(),
        JobState::Waiting { .. } | JobState::Succeeded | JobState::Failed { .. } => match status.next_run {
            Some(next) => format!(
                "waiting for the next run, in {}; `toolforge jobs trigger {name}` runs it now",
                duration(next.as_second() - now.as_second())
            ),
            None => format!("waiting for the next run; `toolforge jobs trigger {name}` runs it now"),
        },
        JobState::Stopping => "waiting for the last lines: the job is being deleted".to_owned(),
        _ => "waiting for a pod that runs".to_owned(),
    };
    Some(waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_match_the_platforms_format() {
        let vectors: serde_json::Value =
            serde_json::from_str(&toolforge_fixtures::read("parity/jobs/vectors.json")).unwrap();
        for vector in vectors["durations"].as_array().unwrap() {
            assert_eq!(duration(vector["in"].as_i64().unwrap()), vector["out"].as_str().unwrap());
        }
    }
}
