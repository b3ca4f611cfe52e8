//! Whether scheduled jobs and CronJobs can start while the workloads that keep running use the quota.

use toolforge_quota::{Demand, KeptJobs, Limits, ObjectName, QuotaCheck, ResourceCheck};

use crate::change::queued_runs::own_objects;
use crate::change::stages::check;
use crate::change::{Action, BlockedRun, Change, ChangeSet};

impl ChangeSet {
    /// Returns the set with the runs of scheduled jobs and CronJobs that can never start: not even one pod of a run fits alongside
    /// the workloads that remain when all Jobs have finished, or next to those and the finished Jobs that CronJobs keep. A run that
    /// exceeds a whole quota is reported separately.
    pub(super) fn with_scheduled_runs(mut self, limits: &Limits) -> Self {
        if !self.fits() || self.changes.iter().all(|change| change.demand.run.is_none()) {
            return self;
        }
        let own: Vec<ObjectName> = self.changes.iter().flat_map(own_objects).collect();
        let later = limits.without_finite_pods(|object| !own.contains(object));
        let live = self.live_kept_jobs(limits);
        let later = later.without_surplus_jobs(&live);
        let without_history = later.clone().without_staying_jobs(&live);
        let finished = live.into_iter().map(|kept| KeptJobs { running: 0, ..kept });
        let without_finished = later.clone().without_staying_jobs(&finished.collect::<Vec<_>>());
        let with_history = later.clone().with_jobs_kept(&self.kept_jobs(limits));
        let ended: Vec<Change> = self.changes.iter().map(Change::ended).collect();
        let mut with_retries = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            let Some(run) = &change.demand.run else { continue };
            let check_run = |limits: &Limits, run: &Demand| {
                let mut changes = ended.clone();
                changes[index].demand.requested.add_all(run);
                changes[index].demand.created.add_all(run);
                QuotaCheck::after_stages(check(&changes, limits, Change::requested_at_rest))
            };
            let shortfalls = |limits: &Limits| -> Vec<ResourceCheck> {
                check_run(limits, &run.least).shortfalls().cloned().collect()
            };
            let now = shortfalls(&later);
            let fits_now = now.is_empty();
            let shortfalls = if fits_now { shortfalls(&with_history) } else { now };
            let exceeds_quota = shortfalls.iter().any(|row| run.least.get(&row.resource) > row.hard);
            if !shortfalls.is_empty() && !exceeds_quota {
                let fits_within = |limits: &Limits| check_run(limits, &run.least).fits();
                self.blocked_runs.push(BlockedRun {
                    name: change.run_name().to_owned(),
                    change: change.name.clone(),
                    workload: change.workload(),
                    shortfalls,
                    when_history_is_full: fits_now || fits_within(&without_history),
                    is_history_full: !fits_now && fits_within(&without_finished),
                });
            }
            if !fits_now {
                continue;
            }
            let is_split = run.whole != run.least && !check_run(&later, &run.whole).fits();
            self.splits_runs |= is_split;
            if run.retries != Demand::default() {
                let mut with_failed = if is_split { run.least.clone() } else { run.whole.clone() };
                with_failed.add_all(&run.retries);
                with_retries.push(check_run(&later, &with_failed));
            }
        }
        self.runs_with_retries =
            (!with_retries.is_empty()).then(|| QuotaCheck::at_peak_of_stages(with_retries));
        self
    }

    /// Returns the existing finished Jobs that CronJobs keep or delete after the changes, except those that the changes delete.
    fn live_kept_jobs(&self, limits: &Limits) -> Vec<KeptJobs> {
        let after = |kept: &KeptJobs| {
            let mut own =
                self.pending().filter(|change| own_objects(change).any(|object| object == kept.owner));
            let Some(change) = own.next() else { return Some(kept.clone()) };
            // Those of a CronJob that is created again are deleted with it.
            let planned = change.demand.kept.as_ref().filter(|_| change.action == Action::Update)?;
            Some(KeptJobs { limit: planned.limit, failed_limit: planned.failed_limit, ..kept.clone() })
        };
        limits.kept_jobs.iter().filter_map(after).collect()
    }

    /// Returns the finished Jobs that CronJobs keep after the changes, with those of later runs.
    fn kept_jobs(&self, limits: &Limits) -> Vec<KeptJobs> {
        let is_own = |kept: &KeptJobs| {
            self.pending().any(|change| own_objects(change).any(|object| object == kept.owner))
        };
        let planned = self.changes.iter().filter_map(|change| {
            let kept = change.demand.kept.clone()?;
            // The runs of a re-created CronJob are deleted with it.
            let mut live = limits.kept_jobs.iter().filter(|_| change.action == Action::Update);
            let live = live.find(|live| live.owner == kept.owner).cloned().unwrap_or_default();
            Some(KeptJobs { succeeded: live.succeeded, running: live.running, ..kept })
        });
        limits.kept_jobs.iter().filter(|kept| !is_own(kept)).cloned().chain(planned).collect()
    }

    /// Returns the scheduled jobs and CronJobs that can never start, because workloads that keep running use
    /// the quota. They do not prevent a set from fitting, as those workloads may be changed before the next run.
    #[must_use]
    pub fn blocked_runs(&self) -> &[BlockedRun] {
        &self.blocked_runs
    }

    /// Returns the [blocked runs](Self::blocked_runs) except those that still start until the history is full.
    pub fn runs_that_cannot_start(&self) -> impl Iterator<Item = &BlockedRun> {
        self.blocked_runs.iter().filter(|run| !run.when_history_is_full || run.is_history_full)
    }

    /// Returns whether runs of a change, if it has any, can start alongside the workloads that keep running; runs that are blocked
    /// by a full history are not checked, because other sizes do not change that.
    pub(crate) fn starts_runs_of(&self, change: &str) -> bool {
        self.blocked_runs.iter().all(|run| run.change != change || run.when_history_is_full)
    }
}
