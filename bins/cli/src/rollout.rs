//! How pods are replaced, how a wait for that ends, and what a restart would do.

use toolforge_client::{ROLLOUT_TIMEOUT, RolloutEvent};
use toolforge_model::Untrusted;
use toolforge_quota::Verdict;
use toolforge_render::change::{ChangeSet, Rollout};
use toolforge_render::pod::{Evidence, ReadyPods, RolloutObjects};
use toolforge_report::{FailureCode, RestartForecast};

use crate::failure::{ExitCode, Failure};
use crate::last_lines::LastLines;
use crate::progress::ProgressLine;
use crate::report;
use crate::verdict::verdict_code;

/// Returns how the pods of the first change are replaced, if the quota does not allow the usual way.
#[must_use]
pub fn rollout_note(set: &ChangeSet) -> Option<String> {
    let refused = set.refused_surge.as_ref()?;
    let missing = refused.shortfalls().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let change = set.changes.first()?;
    match change.rollout? {
        Rollout::InPlace => Some(format!(
            "one more pod exceeds the quota ({missing}), so the pods are replaced one after the other; the others keep running"
        )),
        Rollout::Recreate if change.downtime.is_some() => Some(format!(
            "downtime: the old and the new pod together exceed the quota ({missing}), so the old pod stops before the new one starts"
        )),
        _ => None,
    }
}

/// Returns what a restart would do, as the rest of a sentence: `would replace the pods without downtime`; `is_down` means that
/// none of the pods is ready now.
#[must_use]
pub fn restart_outcome(set: &ChangeSet, is_down: bool) -> String {
    if !set.fits() {
        let check = if set.at_rest.fits() { &set.at_peak } else { &set.at_rest };
        return format!("would not fit, and would change nothing:\n{check}");
    }
    match rollout_note(set) {
        Some(note) => format!("would work, but {note}"),
        None if is_down => "would replace the pods; none of them is ready now".to_owned(),
        None if set.changes.iter().any(|change| change.downtime.is_some()) => {
            "would stop the old pods before the new ones start".to_owned()
        }
        None if matches!(set.verdict(), Verdict::NotChecked | Verdict::NotCounted) => {
            "would replace the pods; whether there would be downtime is not known".to_owned()
        }
        None => "would replace the pods without downtime".to_owned(),
    }
}

/// Returns what a restart would do, for the JSON output.
#[must_use]
pub fn restart_forecast(set: &ChangeSet) -> RestartForecast {
    let change = set.changes.first();
    RestartForecast {
        fits: set.fits_if_known(),
        verdict: verdict_code(set.verdict()),
        adjustments: Vec::new(),
        rollout: change.and_then(report::rollout),
        downtime: change.and_then(report::downtime),
        quotas: report::quota_rows(set),
    }
}

/// The line on which the progress of a rollout is shown.
#[derive(Debug)]
pub struct RolloutLine {
    line: ProgressLine,
    is_changed: bool,
}

impl RolloutLine {
    /// Returns an empty line.
    #[expect(clippy::new_without_default, reason = "the line looks at standard error")]
    #[must_use]
    pub fn new() -> Self {
        Self { line: ProgressLine::new(), is_changed: false }
    }

    /// Shows an event.
    pub fn show(&mut self, event: &RolloutEvent) {
        match event {
            RolloutEvent::Waiting { ready, desired, evidence } => {
                let why = evidence.as_ref().map(|evidence| format!(": {}", evidence.cause));
                self.line.show(&format!("{ready} of {desired} pods ready{}", why.unwrap_or_default()));
            }
            RolloutEvent::WaitingForQuota { terminating } => self.line.show(&match terminating {
                0 => "the quota does not allow the next pod yet".to_owned(),
                1 => "waiting for 1 terminating pod to free its quota".to_owned(),
                count => format!("waiting for {count} terminating pods to free their quota"),
            }),
            RolloutEvent::ChangedMeanwhile => self.is_changed = true,
            _ => {}
        }
    }

    /// Clears the line, and returns whether somebody else changed the workload in the meantime.
    pub fn finish(&mut self) -> bool {
        self.line.clear();
        self.is_changed
    }
}

/// Returns how a rollout failed, as a sentence; `of` names its workload, as in ` of job 'bot'`.
#[must_use]
pub fn failed_rollout(objects: RolloutObjects<'_>, of: &str) -> String {
    match objects.ready_pods() {
        ReadyPods::None => format!("the new pods{of} do not become ready"),
        ReadyPods::Old => format!("the new pods{of} do not become ready, and the old ones keep running"),
        ReadyPods::New => {
            let (ready, desired) = (objects.ready_replicas(), objects.desired_replicas());
            format!("only {ready} of {desired} pods{of} are ready")
        }
    }
}

/// Returns the failure of a rollout, with its causes and the last lines of its log.
#[must_use]
pub fn rollout_failure(what: &str, causes: &[Evidence], log: Option<&Untrusted>) -> Failure {
    let why = causes.first().map(|evidence| format!(": {}", evidence.cause)).unwrap_or_default();
    let failure = causes.iter().fold(Failure::new(ExitCode::Rollout, format!("{what}{why}")), Failure::cause);
    match log {
        Some(lines) => failure.last_lines(&LastLines::of_its_log(lines)),
        None => failure,
    }
}

/// Returns the failure of a rollout that took too long.
#[must_use]
pub fn rollout_timeout(subject: &str, causes: &[Evidence]) -> Failure {
    let what = format!("{subject} was not ready within {} seconds", ROLLOUT_TIMEOUT.as_secs());
    rollout_failure(&what, causes, None).with_code(FailureCode::TimedOut)
}
