//! The check of changes that are made in stages, each of which begins when the one before has ended.

use crate::quota_check::QuotaCheck;
use crate::resource_check::ResourceCheck;

impl QuotaCheck {
    /// Returns the checks of stages as one: each resource as it is after the last stage, or, where it does not fit in a stage, as
    /// it is then.
    #[must_use]
    pub fn after_stages(stages: impl IntoIterator<Item = Self>) -> Self {
        merged(stages, |_, _| false)
    }

    /// Returns the checks of stages as one: each resource as it is in the stage that uses most of it.
    #[must_use]
    pub fn at_peak_of_stages(stages: impl IntoIterator<Item = Self>) -> Self {
        merged(stages, |known, next| known.after > next.after)
    }
}

/// Merges checks. If a resource has two rows, the one that does not fit stays, or else the known one if it is kept.
fn merged(
    stages: impl IntoIterator<Item = QuotaCheck>,
    is_kept: impl Fn(&ResourceCheck, &ResourceCheck) -> bool,
) -> QuotaCheck {
    let mut merged = QuotaCheck::default();
    let mut ends_by_itself = true;
    for stage in stages {
        ends_by_itself &= stage.fits() || !stage.terminating.is_empty();
        for row in stage.resources {
            let is_same =
                |known: &&mut ResourceCheck| known.quota == row.quota && known.resource == row.resource;
            match merged.resources.iter_mut().find(is_same) {
                None => merged.resources.push(row),
                Some(known) => {
                    let stays = match (known.fits(), row.fits()) {
                        (false, true) => true,
                        (true, false) => false,
                        (false, false) => known.after > row.after,
                        (true, true) => is_kept(known, &row),
                    };
                    if !stays {
                        *known = row;
                    }
                }
            }
        }
        add_new(&mut merged.violations, stage.violations);
        add_new(&mut merged.waiting, stage.waiting);
        add_new(&mut merged.terminating, stage.terminating);
    }
    if !ends_by_itself {
        merged.terminating.clear();
    }
    merged
}

fn add_new<T: PartialEq>(known: &mut Vec<T>, more: Vec<T>) {
    for found in more {
        if !known.contains(&found) {
            known.push(found);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Demand, DemandChange, Limits, Resource, ResourceQuota};

    fn stage(memory: u64, cpu: u64) -> QuotaCheck {
        let quota = ResourceQuota {
            name: "q".to_owned(),
            hard: [(Resource::LimitsMemory, 8), (Resource::LimitsCpu, 4)].into(),
            ..ResourceQuota::default()
        };
        let limits = Limits { quotas: vec![quota], ..Limits::default() };
        let requested: Demand =
            [(Resource::LimitsMemory, memory), (Resource::LimitsCpu, cpu)].into_iter().collect();
        let change = DemandChange { created: requested.clone(), requested, ..DemandChange::default() };
        limits.evaluate_changes(&[change])
    }

    fn after(check: &QuotaCheck) -> Vec<u64> {
        check.resources().iter().map(|row| row.after).collect()
    }

    #[test]
    fn each_resource_has_its_own_peak() {
        let stages = [stage(6, 1), stage(1, 3)];
        assert_eq!(after(&QuotaCheck::at_peak_of_stages(stages.clone())), after(&stage(6, 3)));
        assert_eq!(after(&QuotaCheck::after_stages(stages)), after(&stage(1, 3)));
    }

    #[test]
    fn what_does_not_fit_in_a_stage_stays() {
        let stages = [stage(9, 1), stage(1, 5), stage(1, 1)];
        let check = QuotaCheck::after_stages(stages.clone());
        assert_eq!(after(&check), after(&stage(9, 5)));
        assert_eq!(check.shortfalls().count(), 2);
        assert_eq!(after(&QuotaCheck::at_peak_of_stages(stages)), after(&stage(9, 5)));
    }
}
