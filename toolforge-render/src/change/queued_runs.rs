//! Jobs that run once and are created together: their pods wait for each other.

use toolforge_quota::{Demand, Limits, QuotaCheck};

use crate::change::Change;
use crate::change::stages::{check_all, objects_of};

/// Returns the checks, at rest and at the peak, of changes that create several Jobs of which each runs alone beside what stays.
/// The Job controller creates a refused pod later, when others have ended. `None` if there is only one.
pub(super) fn one_run_at_a_time(changes: &[Change], limits: &Limits) -> Option<[QuotaCheck; 2]> {
    let runs: Vec<usize> =
        changes.iter().enumerate().filter(|(_, change)| change.is_run()).map(|(index, _)| index).collect();
    if runs.len() < 2 {
        return None;
    }
    let check = |requested: fn(&Change) -> Demand| {
        let while_running = |run: &usize| {
            let requested = changes.iter().enumerate().map(|(index, change)| {
                let requested = requested(change);
                if change.is_run() && index != *run { objects_of(&requested) } else { requested }
            });
            check_all(changes, limits, &requested.collect::<Vec<_>>(), |_| true)
        };
        QuotaCheck::at_peak_of_stages(runs.iter().flat_map(while_running))
    };
    let (at_rest, mut at_peak) = (check(Change::requested_at_rest), check(Change::requested_at_peak));
    if at_rest.fits() && at_peak.fits() {
        // As many run at once as fit.
        let all: Vec<Demand> = changes.iter().map(Change::requested_at_peak).collect();
        at_peak = QuotaCheck::at_peak_of_stages(check_all(changes, limits, &all, |_| true)).bounded();
    }
    Some([at_rest, at_peak])
}
