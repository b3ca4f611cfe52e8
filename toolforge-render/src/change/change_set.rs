//! All changes of a command to a namespace, and whether they fit.

use std::collections::BTreeSet;

use toolforge_quota::{
    Demand, LimitViolation, Limits, ObjectName, QuotaCheck, QuotaMark, Resource, ResourceCheck,
    TerminatingPod, Verdict, WaitingPods,
};

use crate::change::stages::{check, check_all, freed_objects};
use crate::change::{Change, ChangeDemand, Downtime, Rollout, Workload, WorkloadKind};
use crate::object::Object;

/// The resource that a quota counts pods by in its generic form, `count/pods`.
const PODS: &str = "pods";

/// All changes of a command to a namespace, in order, and whether they fit the quotas and limits.
///
/// It is returned by [`web_service_changes`](crate::web_service::web_service_changes), [`plan_load`](crate::job::plan_load)
/// and similar functions.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ChangeSet {
    /// The changes, one for each web service or job.
    pub changes: Vec<Change>,
    /// Whether everything fits after the changes.
    pub at_rest: QuotaCheck,
    /// Whether every new pod can be created, while old and new pods run at the same time.
    pub at_peak: QuotaCheck,
    /// Why new pods are not ready before old ones terminate; `None` if they are, or if no pods are replaced.
    pub refused_surge: Option<QuotaCheck>,
    /// The usage while pods of Jobs fail and are retried as often as allowed; `None` if none are retried.
    pub(crate) with_retries: Option<QuotaCheck>,
    /// Whether a quota counts more objects than exist.
    pub(crate) counts_deleted: bool,
    /// Whether a new pod may have to wait until an old one has terminated; the quotas count the old one until then.
    pub(crate) waits: bool,
    /// Whether something is created or enlarged where no quota is known.
    pub(crate) lacks_quota: bool,
    /// The scheduled jobs and CronJobs that can never start, because workloads that keep running use the quota.
    pub(crate) blocked_runs: Vec<BlockedRun>,
    /// The pods without a controller that do not fit together with the Jobs before them, but would fit before those.
    pub(crate) late_pods: Vec<String>,
    /// Whether some pods wait for pods of Jobs because not all fit at once.
    pub(crate) queues_runs: bool,
    /// Whether some parallel pods of a run of a CronJob wait for the others because not all fit at once.
    pub(crate) splits_runs: bool,
    /// The usage while pods of runs of CronJobs fail and are retried as often as allowed; `None` if none are retried.
    pub(crate) runs_with_retries: Option<QuotaCheck>,
}

impl AsRef<Self> for ChangeSet {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// One resource of a quota, at rest and at the peak.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ResourceForecast<'a> {
    /// The resource after the changes.
    pub at_rest: &'a ResourceCheck,
    /// The highest usage from now until the changes are applied and Jobs have retried their pods.
    pub peak: u64,
    /// The resource right after the last new pod that the quota has to admit.
    at_peak: Option<&'a ResourceCheck>,
    /// The resource while Jobs retry pods that have failed.
    with_retries: Option<&'a ResourceCheck>,
}

impl ResourceForecast<'_> {
    /// Returns whether the quota allows it, at rest and at the peak.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.at_rest.fits() && self.at_peak.is_none_or(ResourceCheck::fits)
    }

    /// Returns whether the quota allows it even if Jobs retry pods as often as allowed.
    #[must_use]
    pub fn fits_with_retries(&self) -> bool {
        self.fits() && self.with_retries.is_none_or(ResourceCheck::fits)
    }
}

/// A scheduled job or CronJob that can never start, because workloads that keep running use the quota.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockedRun {
    /// Name of the job or the CronJob.
    pub name: String,
    /// Name of its change.
    pub(super) change: String,
    /// The job or the CronJob.
    pub workload: Workload,
    /// The resources that one pod of a run exceeds together with the workloads that keep running.
    pub shortfalls: Vec<ResourceCheck>,
    /// Whether the cause is the finished Jobs that CronJobs keep: runs start until there are as many as the history limits allow.
    pub when_history_is_full: bool,
    /// Whether that many exist now.
    pub is_history_full: bool,
}

impl ChangeSet {
    /// Orders changes by what they free and request, and checks them against the limits of the namespace.
    ///
    /// If everything fits at rest but not at the peak, pods are replaced one after the other, or, if that does not fit either,
    /// all at once. If not all pods fit at once, those of Jobs are created one after the other.
    pub(crate) fn new(mut changes: Vec<Change>, limits: &Limits) -> Self {
        changes.sort_by_cached_key(Change::order);
        let creates = |change: &Change| change.demand.created != Demand::default();
        let lacks_quota = limits.quotas.is_empty() && changes.iter().any(creates);
        let set = Self::at_once(changes.clone(), limits);
        let set = if set.fits() { set } else { Self::queued(&changes, limits, set) };
        Self { lacks_quota, ..set }.with_scheduled_runs(limits)
    }

    /// Checks changes in their order; all of their pods must fit at the same time.
    pub(crate) fn at_once(changes: Vec<Change>, limits: &Limits) -> Self {
        let at_rest =
            QuotaCheck::after_stages(check(&changes, limits, |change| change.demand.requested.clone()));
        let at_peak = QuotaCheck::at_peak_of_stages(check(&changes, limits, Change::requested_at_peak));
        let mut set = Self {
            changes,
            at_rest,
            at_peak,
            refused_surge: None,
            with_retries: None,
            counts_deleted: false,
            waits: false,
            lacks_quota: false,
            blocked_runs: Vec::new(),
            late_pods: Vec::new(),
            queues_runs: false,
            splits_runs: false,
            runs_with_retries: None,
        };
        let mut is_bounded = false;
        if set.at_rest.fits() && !set.at_peak.fits() {
            let given = set.clone();
            // More and smaller pods may not even fit one after the other.
            let mut candidates = Vec::new();
            for replace in [Change::replace_in_place, Change::replace_at_once] {
                set.changes.iter_mut().for_each(replace);
                set.at_peak =
                    QuotaCheck::at_peak_of_stages(check(&set.changes, limits, Change::requested_at_peak));
                set.refused_surge = Some(given.at_peak.clone());
                candidates.push(set.clone());
                if set.at_peak.fits() {
                    break;
                }
            }
            if !set.at_peak.fits() {
                let mut candidates = std::iter::once(given).chain(candidates);
                let bounded = candidates.find_map(|set| Some((set.peak_under_quota(limits)?, set)));
                if let Some((at_peak, candidate)) = bounded {
                    set = Self { at_peak, ..candidate };
                    is_bounded = true;
                }
            }
        }
        set.waits = is_bounded || set.fits() && set.may_wait(limits);
        let has_retries = set.changes.iter().any(|change| change.demand.retries != Demand::default());
        set.with_retries = has_retries.then(|| {
            // Pods that wait for each other do not run together with retried ones.
            let requested = if is_bounded { Change::requested_at_rest } else { Change::requested_at_peak };
            let with_retries = |change: &Change| {
                let mut requested = requested(change);
                requested.add_all(&change.demand.retries);
                requested
            };
            QuotaCheck::at_peak_of_stages(check(&set.changes, limits, with_retries))
        });
        set
    }

    /// Returns whether a new pod may have to wait until an old one has terminated.
    fn may_wait(&self, limits: &Limits) -> bool {
        if QuotaCheck::after_stages(check(&self.changes, limits, Change::requested_at_worst)).fits() {
            return false;
        }
        self.changes.iter().any(|change| {
            let fits = |pods: &Demand| {
                let requested = |other: &Change| {
                    if std::ptr::eq(other, change) {
                        other.requested_with(pods)
                    } else {
                        other.requested_at_peak()
                    }
                };
                QuotaCheck::after_stages(check(&self.changes, limits, requested)).fits()
            };
            change.forecast(fits).is_some_and(|forecast| forecast.verdict == Verdict::FitsAfterTermination)
        })
    }

    /// Returns the check at the peak if every rollout completes although the quotas do not admit all of its pods at once;
    /// `None` if one may get stuck.
    ///
    /// A refused pod is created as soon as it fits. Rollouts that wait for each other keep the pods that they do not delete
    /// before new ones are ready, so one completes if it can alongside those. It then uses its amount at rest, which helps others.
    fn peak_under_quota(&self, limits: &Limits) -> Option<QuotaCheck> {
        // If replicas and template change together, old pods are scaled first and use quota that others wait for, unless all of
        // them are deleted then.
        let grows = |change: &Change| {
            let pods = change.demand.replacement.as_ref();
            !change.is_replaced_as(Rollout::Recreate)
                && pods.is_some_and(|pods| pods.old.count > 0 && pods.new.count > pods.old.count)
        };
        let with_pods = self.pending().filter(|change| change.requests_pods()).count();
        if with_pods > 1 && self.changes.iter().any(grows) {
            return None;
        }
        let mut peaks: Vec<Demand> = self.changes.iter().map(Change::requested_at_peak).collect();
        let mut is_complete: Vec<bool> = self.changes.iter().map(|change| !change.replaces_pods()).collect();
        let changes = || self.changes.iter().enumerate();
        // A pod without a controller is created immediately or never.
        let are_created =
            changes().all(|(index, change)| !change.is_pod() || self.admits(index, &peaks, limits));
        let is_alone = changes().filter(|(_, change)| change.replaces_pods()).count() == 1;
        while is_complete.contains(&false) {
            let kept = self.kept_while_waiting(&is_complete);
            let fits = |index: usize, pods: &Demand| {
                let mut requested = kept.clone();
                requested[index] = self.changes[index].requested_with(pods);
                self.admits(index, &requested, limits)
            };
            let waiting = changes().filter(|(index, _)| !is_complete[*index]);
            let found = waiting
                .filter_map(|(index, change)| Some((index, change.peak_where(|pods| fits(index, pods))?)));
            let found: Vec<(usize, Demand)> = found.collect();
            if found.is_empty() {
                return None;
            }
            for (index, peak) in found {
                is_complete[index] = true;
                if is_alone {
                    peaks[index] = self.changes[index].requested_with(&peak);
                }
            }
        }
        let peak = check_all(&self.changes, limits, &peaks, |_| true);
        are_created.then(|| QuotaCheck::at_peak_of_stages(peak).bounded())
    }

    /// Returns what each change requests while it waits for quota, or once its rollout is complete.
    fn kept_while_waiting(&self, is_complete: &[bool]) -> Vec<Demand> {
        let changes = self.changes.iter().zip(is_complete);
        let kept = changes.map(|(change, is_complete)| {
            if *is_complete { change.requested_at_rest() } else { change.requested_while_waiting() }
        });
        kept.collect()
    }

    /// Returns whether the quotas admit new pods of a change while the changes request these demands.
    fn admits(&self, index: usize, requested: &[Demand], limits: &Limits) -> bool {
        let checks = check_all(&self.changes, limits, requested, |other| other == index);
        QuotaCheck::after_stages(checks).fits()
    }

    /// Returns the changes of several sets as one: they are ordered and checked together.
    pub(crate) fn of_all(sets: impl IntoIterator<Item = Self>, limits: &Limits) -> Self {
        let mut changes: Vec<Change> = sets.into_iter().flat_map(|set| set.changes).collect();
        for change in &mut changes {
            let replicas = change.demand.replacement.as_ref().map_or(0, |pods| pods.new.count);
            // The choice for a single set is repeated for all of them.
            if change.rollout.is_none() {
                continue;
            }
            match change.kind {
                WorkloadKind::WebService => change.set_rollout(Rollout::Surge),
                WorkloadKind::Continuous => change.set_rollout(Rollout::of_replicas(replicas)),
                WorkloadKind::OneOff
                | WorkloadKind::Scheduled
                | WorkloadKind::Recorded
                | WorkloadKind::Manifest
                | WorkloadKind::Pod => {}
            }
        }
        Self::new(changes, limits)
    }

    /// Returns the set with other rollouts of some changes.
    pub(crate) fn with_rollouts(
        &self,
        rollout: impl Fn(&Change) -> Option<Rollout>,
        limits: &Limits,
    ) -> Self {
        let mut changes = self.changes.clone();
        for change in &mut changes {
            if let Some(rollout) = rollout(change) {
                change.replace_by(rollout);
            }
        }
        Self::new(changes, limits)
    }

    /// Returns limits as they will be after the changes, when nothing waits or terminates anymore.
    pub(crate) fn settled_limits(&self, limits: &Limits) -> Limits {
        let freed = self.freed_objects();
        let limits = limits.settled(|object| !freed.contains(object));
        let rows = self.rows_after(&limits, |change| change.demand.requested.clone());
        with_rows(limits, &rows)
    }

    /// Returns the resources after the changes; nothing waits, and only what the changes free terminates.
    pub(crate) fn rows_after(
        &self,
        settled: &Limits,
        requested: impl Fn(&Change) -> Demand,
    ) -> Vec<ResourceCheck> {
        let last = check(&self.changes, settled, requested).pop();
        last.map(|check| check.resources().to_vec()).unwrap_or_default()
    }

    /// Returns the objects that the changes free, such as `Job daily` and `Pod daily-1`.
    pub(crate) fn freed_objects(&self) -> BTreeSet<ObjectName> {
        self.changes.iter().flat_map(freed_objects).collect()
    }

    /// Returns whether everything fits, including missing pods of unchanged objects; `None` if no quota is known to check
    /// against.
    #[must_use]
    pub fn fits_if_known(&self) -> Option<bool> {
        match self.verdict() {
            Verdict::NotChecked | Verdict::NotCounted => None,
            Verdict::MissingPods => Some(false),
            _ => Some(self.fits()),
        }
    }

    /// Returns whether everything fits, including missing pods of unchanged objects.
    #[must_use]
    pub fn fits_with_missing_pods(&self) -> bool {
        self.fits() && self.verdict() != Verdict::MissingPods
    }

    /// Returns the verdict: whether everything fits, when, and if not, why.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match Verdict::new(&self.at_rest, &self.at_peak) {
            Verdict::Fits if self.lacks_quota => Verdict::NotChecked,
            Verdict::Fits if self.is_uncounted() => Verdict::NotCounted,
            Verdict::Fits if self.queues_runs || self.splits_runs => Verdict::FitsOneAfterAnother,
            Verdict::Fits if self.refused_retries().is_some() => Verdict::FitsWithoutRetries,
            Verdict::Fits if self.waits => Verdict::FitsAfterTermination,
            Verdict::Fits if self.at_rest.refuses_missing_pods() => Verdict::MissingPods,
            // In another order, it fits.
            Verdict::Never if !self.late_pods.is_empty() => Verdict::QuotaExceeded,
            verdict => verdict,
        }
    }

    /// Returns the first downtime of the changes; `None` if there is none.
    #[must_use]
    pub fn downtime(&self) -> Option<Downtime> {
        self.changes.iter().find_map(|change| change.downtime)
    }

    /// Returns the change that a limit refuses; `None` if the violation is not in one of these changes.
    #[must_use]
    pub fn change_of(&self, violation: &LimitViolation) -> Option<&Change> {
        let is_of = |change: &&Change| {
            let ChangeDemand { pods, claims, .. } = &change.demand;
            let objects = pods.iter().map(|pod| &pod.object).chain(claims.iter().map(|claim| &claim.object));
            objects.into_iter().any(|object| *object == violation.object)
        };
        self.changes.iter().find(is_of)
    }

    /// Returns whether something is created that a quota without a status counts. The API server refuses it until the quota
    /// controller has counted the usage.
    #[must_use]
    fn is_uncounted(&self) -> bool {
        let mut created = self.at_rest.resources().iter().filter(|row| row.creates);
        created.any(|row| row.mark == Some(QuotaMark::NotCountedYet))
    }

    /// Returns whether everything fits, and no running pods stop before the new ones are ready.
    #[must_use]
    pub fn fits_without_downtime(&self) -> bool {
        self.fits() && self.downtime().is_none()
    }

    /// Returns whether everything fits, at rest and at the peak.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.at_rest.fits() && self.at_peak.fits()
    }

    /// Returns why not all retries of failed pods, including those of CronJobs, would be created although everything else fits.
    #[must_use]
    pub fn refused_retries(&self) -> Option<&QuotaCheck> {
        let mut retries = self.with_retries.iter().chain(&self.runs_with_retries);
        retries.find(|retries| self.fits() && !retries.fits())
    }

    /// Returns the pods that others are about to create and that use the missing quota; none if everything fits.
    #[must_use]
    pub fn waiting(&self) -> &[WaitingPods] {
        self.exceeded().waiting()
    }

    /// Returns the terminating pods after which everything fits; none if it fits now, or does not fit then either.
    #[must_use]
    pub fn terminating(&self) -> &[TerminatingPod] {
        self.exceeded().terminating()
    }

    /// Returns whether it does not fit while a quota counts more Deployments, CronJobs or Jobs than exist, or more of the
    /// Services or HTTPRoutes that exceed the quota: the quota controller takes some seconds to notice a deletion.
    #[must_use]
    pub fn counts_deleted(&self) -> bool {
        self.counts_deleted && !self.fits()
    }

    /// Returns whether it lacks quota for objects other than pods. The quota may count some that were created after the
    /// objects were read.
    #[must_use]
    pub fn lacks_objects(&self) -> bool {
        self.at_rest.shortfalls().any(|check| match &check.resource {
            Resource::Services => true,
            Resource::Count(counted) => counted != PODS,
            _ => false,
        })
    }

    /// Returns the check that does not fit, if any does not.
    fn exceeded(&self) -> &QuotaCheck {
        if self.at_rest.fits() { &self.at_peak } else { &self.at_rest }
    }

    /// Returns whether the pods of a change have finished before others are applied.
    pub(crate) fn ends_before_others(&self, change: &Change) -> bool {
        change.is_awaited && self.changes.iter().any(|other| other.stage > change.stage)
    }

    /// Returns the names of the scheduled jobs and CronJobs whose runs a limit refuses.
    pub(crate) fn refused_runs(&self) -> impl Iterator<Item = &str> {
        let is_refused = |change: &&Change| {
            let pods = change.demand.pods.first().map(|pod| &pod.object);
            change.is_of_schedule()
                && self.at_rest.violations().iter().any(|violation| Some(&violation.object) == pods)
        };
        self.changes.iter().filter(is_refused).map(Change::run_name)
    }

    /// Returns the changes that are not [`Action::Keep`](crate::change::Action::Keep).
    pub fn pending(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| !change.is_keep())
    }

    /// Returns the changes of workloads whose sizes decide whether everything fits: those that are not kept or, if pods of kept
    /// ones are missing, all of them.
    pub(crate) fn sizable(&self) -> impl Iterator<Item = &Change> {
        let has_missing = self.verdict() == Verdict::MissingPods;
        self.changes.iter().filter(move |change| has_missing || !change.is_keep())
    }

    /// Returns the wanted objects, in apply order.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.changes.iter().flat_map(Change::objects)
    }

    /// Returns the resources that the changes affect, at rest and at the peak.
    pub fn forecast(&self) -> impl Iterator<Item = ResourceForecast<'_>> {
        self.at_rest.resources().iter().map(|at_rest| {
            let same =
                |peak: &&ResourceCheck| peak.quota == at_rest.quota && peak.resource == at_rest.resource;
            let at_peak = self.at_peak.resources().iter().find(same);
            let with_retries = self.with_retries.iter().flat_map(QuotaCheck::resources).find(same);
            let peaks = [at_peak, with_retries].into_iter().flatten().map(|peak| peak.after);
            let peak = peaks.fold(at_rest.after.max(at_rest.used), u64::max);
            ResourceForecast { at_rest, peak, at_peak, with_retries }
        })
    }
}

/// Returns limits with the usage of these rows.
pub(crate) fn with_rows(mut limits: Limits, rows: &[ResourceCheck]) -> Limits {
    for row in rows {
        for quota in limits.quotas.iter_mut().filter(|quota| quota.name == row.quota) {
            let others = quota.used.iter().filter(|(resource, _)| **resource != row.resource);
            let others = others.map(|(resource, amount)| (resource.clone(), amount));
            quota.used = others.chain([(row.resource.clone(), row.after)]).collect();
        }
    }
    limits
}
