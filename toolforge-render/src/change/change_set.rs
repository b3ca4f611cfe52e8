//! All changes of a command to a namespace, and whether they fit.

use std::collections::BTreeSet;

use toolforge_quota::{
    Demand, DemandChange, Limits, ObjectName, QuotaCheck, Resource, ResourceCheck, TerminatingPod, Verdict,
    WaitingPods,
};

use crate::change::{Change, ChangeDemand, Rollout, WorkloadKind};
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
    /// What is used while pods of Jobs fail and are retried as often as they may be; `None` if none are retried.
    pub(crate) with_retries: Option<QuotaCheck>,
    /// Whether a quota counts more workloads than exist.
    pub(crate) counts_deleted: bool,
    /// Whether a new pod may have to wait until an old one has terminated, which the quotas count until then.
    pub(crate) waits: bool,
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
    /// The most that is used, from now until the changes are made and Jobs have retried their pods.
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

    /// Returns whether the quota allows it also if Jobs retry pods as often as they may.
    #[must_use]
    pub fn fits_with_retries(&self) -> bool {
        self.fits() && self.with_retries.is_none_or(ResourceCheck::fits)
    }
}

impl ChangeSet {
    /// Orders changes by what they free and request, and checks them against the limits of the namespace.
    ///
    /// If everything fits at rest but not at the peak, pods are replaced one after the other, or, if that does not fit either,
    /// all at once.
    pub(crate) fn new(mut changes: Vec<Change>, limits: &Limits) -> Self {
        changes.sort_by_cached_key(Change::order);
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
        };
        if set.at_rest.fits() && !set.at_peak.fits() {
            let refused = set.at_peak.clone();
            // More and smaller pods may not even fit one after the other.
            for replace in [Change::replace_in_place, Change::replace_at_once] {
                set.changes.iter_mut().for_each(replace);
                set.at_peak =
                    QuotaCheck::at_peak_of_stages(check(&set.changes, limits, Change::requested_at_peak));
                if set.at_peak.fits() {
                    break;
                }
            }
            set.refused_surge = Some(refused);
        }
        set.waits = set.fits() && set.may_wait(limits);
        let has_retries = |change: &Change| change.demand.retries != Demand::default();
        set.with_retries = set.changes.iter().any(has_retries).then(|| {
            QuotaCheck::at_peak_of_stages(check(&set.changes, limits, Change::requested_with_retries))
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
            change.rollout_verdict(fits) == Some(Verdict::FitsAfterTermination)
        })
    }

    /// Returns the changes of several sets as one: they are ordered and checked together.
    pub(crate) fn of_all(sets: impl IntoIterator<Item = Self>, limits: &Limits) -> Self {
        let mut changes: Vec<Change> = sets.into_iter().flat_map(|set| set.changes).collect();
        for change in &mut changes {
            let replicas = change.demand.replacement.as_ref().map_or(0, |pods| pods.new.count);
            // What was chosen for one set alone is chosen again for all.
            match (change.kind, change.rollout) {
                (WorkloadKind::WebService, Some(_)) => change.set_rollout(Rollout::Surge),
                (WorkloadKind::Continuous, Some(_)) => change.set_rollout(Rollout::of_replicas(replicas)),
                _ => {}
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

    /// Returns limits as they will be after the changes, when nothing waits or terminates any more.
    pub(crate) fn settled_limits(&self, limits: &Limits) -> Limits {
        let freed = self.freed_objects();
        let limits = limits.settled(|object| !freed.contains(object));
        let rows = self.rows_after(&limits, |change| change.demand.requested.clone());
        with_rows(limits, &rows)
    }

    /// Returns the resources after the changes, where nothing waits or terminates but what the changes free.
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

    /// Returns the verdict: whether everything fits, when, and if not, why.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match Verdict::new(&self.at_rest, &self.at_peak) {
            Verdict::Fits if self.refused_retries().is_some() => Verdict::FitsWithoutRetries,
            Verdict::Fits if self.waits => Verdict::FitsAfterTermination,
            verdict => verdict,
        }
    }

    /// Returns whether everything fits, and no running pods stop before the new ones are ready.
    #[must_use]
    pub fn fits_without_downtime(&self) -> bool {
        self.fits() && self.changes.iter().all(|change| change.downtime.is_none())
    }

    /// Returns whether everything fits, at rest and at the peak.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.at_rest.fits() && self.at_peak.fits()
    }

    /// Returns why not all retries of failed pods would be created, where everything else fits.
    #[must_use]
    pub fn refused_retries(&self) -> Option<&QuotaCheck> {
        self.with_retries.as_ref().filter(|retries| self.fits() && !retries.fits())
    }

    /// Returns the pods that others are about to create and that take what is missing; none where everything fits.
    #[must_use]
    pub fn waiting(&self) -> &[WaitingPods] {
        self.exceeded().waiting()
    }

    /// Returns the pods that terminate and after which everything fits; none where it fits now or does not then.
    #[must_use]
    pub fn terminating(&self) -> &[TerminatingPod] {
        self.exceeded().terminating()
    }

    /// Returns whether it does not fit while a quota counts more Deployments, CronJobs or Jobs than exist: its controller
    /// takes some seconds to notice a deletion.
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

    /// Returns whether the pods of a change have ended before others are applied.
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
        self.changes.iter().filter(is_refused).map(|change| {
            let manifest = change.cron_job.as_ref().and_then(|found| found.metadata.name.as_deref());
            manifest.unwrap_or(change.name.as_str())
        })
    }

    /// Returns the changes that are not [`Action::Keep`](crate::change::Action::Keep).
    pub fn pending(&self) -> impl Iterator<Item = &Change> {
        self.changes.iter().filter(|change| !change.is_keep())
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

/// Checks changes stage by stage: before others are applied, the end of those is waited for that are awaited. There is one check
/// at least.
fn check(changes: &[Change], limits: &Limits, requested: impl Fn(&Change) -> Demand) -> Vec<QuotaCheck> {
    let counted = |change: &Change, has_ended: bool| {
        let ChangeDemand { freed, created, pods, claims, .. } = change.demand.clone();
        let freed_objects = freed_objects(change).collect();
        let (mut requested, mut created) = (requested(change), created);
        let mut freed = freed;
        if has_ended {
            (requested, created) = (objects_of(&requested), objects_of(&created));
            freed.add_all(&change.running);
        }
        DemandChange { freed, requested, created, pods, claims, freed_objects }
    };
    let check_stage = |stage: usize| {
        let started = changes.iter().filter(|change| change.stage <= stage);
        let counted = started.map(|change| counted(change, change.is_awaited && change.stage < stage));
        limits.evaluate_changes(&counted.collect::<Vec<_>>())
    };
    let stages: BTreeSet<usize> = changes.iter().map(|change| change.stage).collect();
    if stages.is_empty() { vec![check_stage(0)] } else { stages.into_iter().map(check_stage).collect() }
}

/// Returns the objects that a change frees.
fn freed_objects(change: &Change) -> impl Iterator<Item = ObjectName> {
    let is_counted = change.demand != ChangeDemand::default();
    let steps = change.steps.iter().filter(move |_| is_counted).map(|step| ObjectName::from(step.id.clone()));
    steps.chain(change.demand.freed_objects.iter().cloned())
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

/// Returns the demand when pods have ended: only the objects stay, and nothing of the other resources is used.
fn objects_of(demand: &Demand) -> Demand {
    let is_object = |resource: &Resource| matches!(resource, Resource::Count(_)) || !resource.is_of_pods();
    demand.iter().map(|(key, amount)| (key.clone(), if is_object(key) { amount } else { 0 })).collect()
}
