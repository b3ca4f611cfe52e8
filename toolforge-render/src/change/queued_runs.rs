//! Changes whose pods do not all fit at once: some wait until the pods of Jobs have terminated.

use std::collections::BTreeSet;

use toolforge_quota::{Demand, Limits, ObjectName, PodDemand, Pods, QuotaCheck, WaitingPods};

use crate::change::stages::{check, check_all, freed_objects};
use crate::change::{Change, ChangeSet};

impl ChangeSet {
    /// Returns the changes with some pods waiting for the pods of Jobs, because not all fit at once, as `at_once` says.
    ///
    /// The Job controller creates as many pods as fit, and the others when those have finished. So a Job completes if one of its
    /// pods fits next to the pods that keep running, and those wait until all Jobs have finished. Only pods that would fit at rest
    /// alongside the Jobs that run now wait for these: nothing says how long they take.
    pub(super) fn queued(changes: &[Change], limits: &Limits, at_once: Self) -> Self {
        // Waiting does not help a pod that exceeds a limit.
        if [&at_once.at_rest, &at_once.at_peak].iter().all(|check| check.shortfalls().next().is_none()) {
            return at_once;
        }
        let has_jobs = changes.iter().any(|change| change.demand.queued.is_some());
        let mut found = if has_jobs { one_job_at_a_time(changes, limits) } else { at_once.clone() };
        if !found.fits() && found.at_rest.fits() && !limits.finite_pods.is_empty() {
            let own: Vec<ObjectName> = changes.iter().flat_map(own_objects).collect();
            let later = one_job_at_a_time(changes, &limits.without_jobs(|object| !own.contains(object)));
            if later.fits() {
                found = Self { at_rest: found.at_rest, ..later };
            }
        }
        if !found.fits() {
            return if has_jobs { found } else { at_once };
        }
        // A pod without a controller is created immediately or never: together with the Jobs before it.
        let all = found.changes.iter().enumerate();
        let late: Vec<usize> = all
            .filter(|(index, change)| change.is_pod() && !found.admits_with_jobs(*index, *index, limits))
            .map(|(index, _)| index)
            .collect();
        if !late.is_empty() {
            let fits_first = late.iter().all(|index| found.admits_with_jobs(*index, 0, limits));
            let name = |index: &usize| found.changes[*index].workload().to_string();
            let late_pods = if fits_first { late.iter().map(name).collect() } else { Vec::new() };
            return Self { late_pods, ..at_once };
        }
        found.at_peak = found.bounded_peak(limits);
        found.queues_runs = true;
        found
    }

    /// Returns whether the quotas admit the pods of a change together with the first changes at their peak and the pods of the
    /// others that do not belong to Jobs.
    fn admits_with_jobs(&self, index: usize, first: usize, limits: &Limits) -> bool {
        let requested = |(other, change): (usize, &Change)| match change.demand.queued {
            Some(_) if other >= first => change.demand.freed.clone(),
            _ => change.requested_at_peak(),
        };
        let requested: Vec<Demand> = self.changes.iter().enumerate().map(requested).collect();
        let checks = check_all(&self.changes, limits, &requested, |other| other == index);
        QuotaCheck::after_stages(checks).fits()
    }

    /// Returns the check at the peak while as many pods of Jobs run at once as fit.
    fn bounded_peak(&self, limits: &Limits) -> QuotaCheck {
        let peaks: Vec<Demand> = self.changes.iter().map(Change::requested_at_peak).collect();
        let stages: BTreeSet<usize> = self.changes.iter().map(|change| change.stage).collect();
        let checks = check_all(&self.changes, limits, &peaks, |_| true);
        let bounded = stages.into_iter().zip(checks).map(|(stage, check)| {
            let running = self
                .changes
                .iter()
                .filter(|change| change.stage == stage || change.stage < stage && !change.is_awaited);
            limits.bounded(check, &running.filter_map(queued_pods).collect::<Vec<_>>())
        });
        QuotaCheck::at_peak_of_stages(bounded)
    }

    /// Returns the pods without a controller that do not fit together with the Jobs before them, but would fit before those.
    pub fn late_pods(&self) -> impl Iterator<Item = &str> {
        self.late_pods.iter().map(String::as_str)
    }
}

/// Returns the pods of a change's Job that are created as they fit.
fn queued_pods(change: &Change) -> Option<WaitingPods> {
    change.demand.queued.as_ref()?;
    let Pods { count, each } = change.demand.queued_pods.clone();
    let traits = change.demand.pods.first().map(PodDemand::traits).unwrap_or_default();
    Some(WaitingPods { count, each, traits, ..WaitingPods::default() })
}

/// Returns the objects of a change, which may include Jobs, with their pods.
pub(super) fn own_objects(change: &Change) -> impl Iterator<Item = ObjectName> {
    let steps = change.steps.iter().map(|step| ObjectName::from(step.id.clone()));
    steps.chain(freed_objects(change)).chain(change.object.clone())
}

/// Returns the changes, checked with at most one pod of each Job at a time. At rest, it runs together with the pods
/// that keep running; at the peak, only those exist.
fn one_job_at_a_time(changes: &[Change], limits: &Limits) -> ChangeSet {
    let mut set = ChangeSet::at_once(changes.iter().map(Change::ended).collect(), limits);
    let jobs = (0..changes.len()).filter(|index| changes[*index].demand.queued.is_some());
    let while_running = |job: usize| {
        let requested = set.changes.iter().enumerate().map(|(index, change)| {
            let queued = changes[index].demand.queued.clone().filter(|_| index == job);
            queued.unwrap_or_else(|| change.requested_at_rest())
        });
        check_all(changes, limits, &requested.collect::<Vec<_>>(), |_| true)
    };
    let mut checks: Vec<QuotaCheck> = jobs.flat_map(while_running).collect();
    if checks.is_empty() {
        checks = check(changes, limits, Change::requested_at_rest);
    }
    set.at_rest = QuotaCheck::at_peak_of_stages(checks);
    for (change, own) in set.changes.iter_mut().zip(changes) {
        change.demand = own.demand.clone();
    }
    set
}
