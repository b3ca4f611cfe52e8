//! The check of changes in stages, each of which begins when the previous one is complete, and the highest usage of each
//! resource while pods wait until they fit.

use crate::quota_check::{Limits, QuotaCheck};
use crate::resource_check::ResourceCheck;
use crate::unsettled::WaitingPods;

impl QuotaCheck {
    /// Merges the checks of stages: each resource as it is after the last stage or, if it does not fit in a stage, as it is in
    /// that stage.
    #[must_use]
    pub fn after_stages(stages: impl IntoIterator<Item = Self>) -> Self {
        merged(stages, |_, _| false)
    }

    /// Merges the checks of stages: each resource as it is in the stage that uses most of it.
    #[must_use]
    pub fn at_peak_of_stages(stages: impl IntoIterator<Item = Self>) -> Self {
        merged(stages, |known, next| known.after > next.after)
    }
}

/// Merges checks. If a resource has two rows, the one that does not fit is kept; otherwise `is_kept` decides whether
/// the known one is.
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

/// The most combinations of numbers of pods that are tried.
const MOST_COMBINATIONS: u64 = 5000;

impl Limits {
    /// Returns the check if some of the pods that it counts are created only as far as they fit: for each resource, the peak
    /// usage of such pods together with everything else that is counted. For very many kinds of pods, it is an upper bound.
    #[must_use]
    pub fn bounded(&self, mut check: QuotaCheck, queued: &[WaitingPods]) -> QuotaCheck {
        if !check.fits() {
            let rows: Vec<Row> = check.resources.iter().map(|row| self.row(row, queued)).collect();
            let most = most_of(&rows, queued);
            for ((row, Row { base, .. }), most) in check.resources.iter_mut().zip(&rows).zip(most) {
                row.after = base.saturating_add(most).min(row.after);
            }
        }
        check.bounded()
    }

    fn row(&self, check: &ResourceCheck, queued: &[WaitingPods]) -> Row {
        let quota = self.quotas.iter().find(|quota| quota.name == check.quota);
        let each = |pods: &WaitingPods| match quota {
            Some(quota) if quota.counts(&check.resource, &pods.traits) => pods.each.get(&check.resource),
            _ => 0,
        };
        let each: Vec<u64> = queued.iter().map(each).collect();
        let all = queued.iter().zip(&each).map(|(pods, each)| pods.count.saturating_mul(*each));
        let base = check.after.saturating_sub(all.fold(0, u64::saturating_add));
        Row { base, left: check.hard.saturating_sub(base), each }
    }
}

/// One resource of one quota.
struct Row {
    /// The usage without the waiting pods.
    base: u64,
    /// The amount that the waiting pods may use.
    left: u64,
    /// The usage of one pod of each kind.
    each: Vec<u64>,
}

/// Returns, for each row, the peak usage of pods that fit together.
fn most_of(rows: &[Row], queued: &[WaitingPods]) -> Vec<u64> {
    let fitting = |(kind, pods): (usize, &WaitingPods)| {
        rows.iter().filter_map(|row| row.left.checked_div(row.each[kind])).fold(pods.count, u64::min)
    };
    let counts: Vec<u64> = queued.iter().enumerate().map(fitting).collect();
    let combinations = counts.iter().fold(1, |all: u64, count| all.saturating_mul(count.saturating_add(1)));
    let mut most = vec![0; rows.len()];
    if combinations <= MOST_COMBINATIONS {
        add_pods(rows, &counts, 0, &mut vec![0; rows.len()], &mut most);
        return most;
    }
    let all = |row: &Row| {
        let used = row.each.iter().zip(&counts).map(|(each, count)| each.saturating_mul(*count));
        used.fold(0, u64::saturating_add).min(row.left)
    };
    rows.iter().map(all).collect()
}

/// Tries all numbers of pods of a kind and of those after it, in addition to the usage of others, as far as they fit.
fn add_pods(rows: &[Row], counts: &[u64], kind: usize, used: &mut Vec<u64>, most: &mut [u64]) {
    let Some(count) = counts.get(kind) else {
        most.iter_mut().zip(&*used).for_each(|(most, used)| *most = (*most).max(*used));
        return;
    };
    let before = used.clone();
    for _ in 0..=*count {
        add_pods(rows, counts, kind + 1, used, most);
        used.iter_mut().zip(rows).for_each(|(used, row)| *used = used.saturating_add(row.each[kind]));
        if used.iter().zip(rows).any(|(used, row)| *used > row.left) {
            break;
        }
    }
    *used = before;
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
    fn shortfall_of_a_stage_is_kept() {
        let stages = [stage(9, 1), stage(1, 5), stage(1, 1)];
        let check = QuotaCheck::after_stages(stages.clone());
        assert_eq!(after(&check), after(&stage(9, 5)));
        assert_eq!(check.shortfalls().count(), 2);
        assert_eq!(after(&QuotaCheck::at_peak_of_stages(stages)), after(&stage(9, 5)));
    }

    /// Returns the number of pods and the memory at the peak, given the limits, the usage of others, and for each Job its
    /// number of pods and the memory of each.
    fn peak(hard: (u64, u64), others: (u64, u64), jobs: &[(u64, u64)]) -> (u64, u64) {
        let demand = |(pods, memory)| -> Demand {
            [(Resource::Pods, pods), (Resource::LimitsMemory, memory)].into_iter().collect()
        };
        let quota = ResourceQuota {
            hard: [(Resource::Pods, hard.0), (Resource::LimitsMemory, hard.1)].into(),
            used: demand(others),
            ..ResourceQuota::default()
        };
        let limits = Limits { quotas: vec![quota], ..Limits::default() };
        let queued: Vec<WaitingPods> = jobs
            .iter()
            .map(|(count, memory)| WaitingPods {
                count: *count,
                each: demand((1, *memory)),
                ..WaitingPods::default()
            })
            .collect();
        let requested: Demand = queued.iter().map(|pods| pods.each.times(pods.count)).sum();
        let change = DemandChange { created: requested.clone(), requested, ..DemandChange::default() };
        let check = limits.bounded(limits.evaluate_change(&change), &queued);
        let after = |resource: &Resource| {
            check.resources().iter().find(|row| row.resource == *resource).map_or(0, |row| row.after)
        };
        (after(&Resource::Pods), after(&Resource::LimitsMemory))
    }

    #[test]
    fn reported_peak_can_occur() {
        assert_eq!(peak((10, 4), (0, 0), &[(8, 1)]), (4, 4));
        assert_eq!(peak((10, 4), (2, 1), &[(8, 1)]), (5, 4));
        assert_eq!(peak((3, 9), (0, 0), &[(8, 1)]), (3, 3));
        // All of them fit.
        assert_eq!(peak((10, 9), (0, 0), &[(8, 1)]), (8, 8));
        // Each resource has its own peak: two of 4 and one of 3, or two of 3 and one of 4.
        assert_eq!(peak((10, 11), (0, 0), &[(2, 4), (2, 3)]), (3, 11));
        assert_eq!(peak((10, 8), (0, 0), &[(2, 4), (2, 3)]), (2, 8));
        // The usage of others may also exceed the quota.
        assert_eq!(peak((10, 4), (0, 5), &[(8, 1)]), (0, 4));
    }

    #[test]
    fn many_kinds_of_pods_have_a_bound() {
        let jobs: Vec<(u64, u64)> = (1..40).map(|memory| (3, memory)).collect();
        let (pods, memory) = peak((1000, 100), (0, 0), &jobs);
        assert!((13..=117).contains(&pods) && memory == 100, "{pods} {memory}");
        assert_eq!(peak((u64::MAX, u64::MAX), (0, 1), &[(u64::MAX, 1)]).1, u64::MAX);
    }
}
