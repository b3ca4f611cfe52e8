//! How pods are replaced, and what a restart would do.

use toolforge_quota::Verdict;
use toolforge_render::change::{ChangeSet, Rollout};
use toolforge_report::RestartForecast;

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

/// Returns what a restart would do, as the rest of a sentence: `would replace the pods without downtime`.
#[must_use]
pub fn restart_outcome(set: &ChangeSet) -> String {
    if !set.fits() {
        let check = if set.at_rest.fits() { &set.at_peak } else { &set.at_rest };
        return format!("would not fit, and would change nothing:\n{check}");
    }
    match rollout_note(set) {
        Some(note) => format!("would work, but {note}"),
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
        fits: set.fits_if_checked(),
        verdict: verdict_code(set.verdict()),
        adjustments: Vec::new(),
        rollout: change.and_then(report::rollout),
        downtime: change.and_then(report::downtime),
        quotas: report::quota_rows(set),
    }
}
