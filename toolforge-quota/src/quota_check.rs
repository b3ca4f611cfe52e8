//! Whether a change fits once the pods that it replaces are gone.

use std::collections::BTreeSet;
use std::fmt;

use crate::container_resources::Amounts;
use crate::demand::Demand;
use crate::limit_check::{claim_violations, violations};
use crate::limit_range::LimitRange;
use crate::limit_violation::{LimitViolation, Unspecified};
use crate::object_name::ObjectName;
use crate::pod_demand::PodDemand;
use crate::resource::Resource;
use crate::resource_check::ResourceCheck;
use crate::resource_quota::ResourceQuota;
use crate::scopes::PodTraits;
use crate::unsettled::{FinitePod, KeptJobs, TerminatingPod, WaitingPods, admitted};

/// Whether a change fits a namespace's quotas and limits.
///
/// Only [`Limits::evaluate`] and [`Limits::evaluate_change`] create one, so quotas and limits are always both checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QuotaCheck {
    pub(crate) resources: Vec<ResourceCheck>,
    pub(crate) violations: Vec<LimitViolation>,
    pub(crate) waiting: Vec<WaitingPods>,
    pub(crate) terminating: Vec<TerminatingPod>,
}

impl QuotaCheck {
    /// Returns every resource of every quota that the change touches, whether it fits or not.
    #[must_use]
    pub fn resources(&self) -> &[ResourceCheck] {
        &self.resources
    }

    /// Returns the amounts of a single container or pod that a LimitRange does not allow, or that it does not set although a
    /// quota requires them, regardless of what else runs.
    #[must_use]
    pub fn violations(&self) -> &[LimitViolation] {
        &self.violations
    }

    /// Returns the pods that are about to be created and will use the missing quota; empty if everything fits.
    #[must_use]
    pub fn waiting(&self) -> &[WaitingPods] {
        &self.waiting
    }

    /// Returns the terminating pods after which everything fits; empty if everything fits now, or does not even then.
    #[must_use]
    pub fn terminating(&self) -> &[TerminatingPod] {
        &self.terminating
    }

    /// Returns whether a demand includes a resource that does not fit.
    fn lacks(&self, demand: &Demand) -> bool {
        self.shortfalls().any(|row| demand.get(&row.resource) > 0)
    }

    /// Returns whether everything fits.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.violations.is_empty() && self.resources.iter().all(ResourceCheck::fits)
    }

    /// Returns the check for pods that wait until they fit: usage then reaches the limit of a quota, but does not exceed it.
    #[must_use]
    pub fn bounded(mut self) -> Self {
        for row in self.resources.iter_mut().filter(|row| !row.fits()) {
            row.after = row.hard;
        }
        self.waiting.clear();
        self.terminating.clear();
        self
    }

    /// Returns whether everything fits except missing pods of unchanged objects.
    #[must_use]
    pub fn refuses_missing_pods(&self) -> bool {
        self.fits() && self.resources.iter().any(ResourceCheck::refuses_missing_pods)
    }

    /// Returns the resources that do not fit.
    pub fn shortfalls(&self) -> impl Iterator<Item = &ResourceCheck> {
        self.resources.iter().filter(|resource| !resource.fits())
    }
}

impl fmt::Display for QuotaCheck {
    /// Writes `fits`, or one line for each limit and each quota that the change exceeds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.fits() {
            return f.pad("fits");
        }
        let violations = self.violations.iter().map(ToString::to_string);
        let lines: Vec<String> = violations.chain(self.shortfalls().map(ToString::to_string)).collect();
        f.write_str(&lines.join("\n"))
    }
}

/// The storage that one PersistentVolumeClaim requests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClaimDemand {
    /// The object that it belongs to; `None` if it is the only one.
    pub object: Option<ObjectName>,
    /// The amounts that it requests.
    pub requests: Amounts,
}

/// How a change affects the demand of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DemandChange {
    /// The current usage of the deleted or updated objects.
    pub freed: Demand,
    /// The requests of the created or updated objects.
    pub requested: Demand,
    /// The part of `requested` that created objects request; a pod is never updated, but replaced by a new one.
    pub created: Demand,
    /// The pods that are created, each kind once, with the namespace's defaults applied. A quota with scopes counts the
    /// requests of pods if one of these matches; if there are none, as if they were those of a pod with resources and without a
    /// deadline.
    pub pods: Vec<PodDemand>,
    /// The PersistentVolumeClaims that are created or enlarged.
    pub claims: Vec<ClaimDemand>,
    /// The objects whose usage is `freed`: workloads and pods.
    pub freed_objects: BTreeSet<ObjectName>,
    /// The Deployments and similar objects that are not changed. Their waiting pods that do not fit are also checked.
    pub kept_objects: BTreeSet<ObjectName>,
}

/// Everything that limits the pods and objects of a namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// The ResourceQuotas, with their usage.
    pub quotas: Vec<ResourceQuota>,
    /// The LimitRanges.
    pub limit_ranges: Vec<LimitRange>,
    /// Pods that are about to be created. They count as used, unless the change frees them.
    pub waiting: Vec<WaitingPods>,
    /// Terminating pods.
    pub terminating: Vec<TerminatingPod>,
    /// Terminating pods that are past their grace period by another grace period, with the amounts that the quotas no longer
    /// count for them: a change that deletes such a pod does not free these amounts.
    pub uncounted: Vec<TerminatingPod>,
    /// Running pods that run to completion, such as those of Jobs.
    pub finite_pods: Vec<FinitePod>,
    /// The finished Jobs that CronJobs keep.
    pub kept_jobs: Vec<KeptJobs>,
    /// The kinds that the cluster did not let the user read; nothing is checked against them.
    pub unread: BTreeSet<LimitsKind>,
}

/// The kind of an object that limits a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LimitsKind {
    /// A ResourceQuota.
    ResourceQuota,
    /// A LimitRange.
    LimitRange,
}

impl LimitsKind {
    /// Returns the kind as the API spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ResourceQuota => "ResourceQuota",
            Self::LimitRange => "LimitRange",
        }
    }
}

impl fmt::Display for LimitsKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Limits {
    /// Returns whether objects can be created once the objects that they replace are gone: whether the current usage,
    /// without the amounts that the deleted objects free and with the requests of the new ones, fits the quotas; and
    /// whether each of the new pods is within the limits.
    ///
    /// [`evaluate_change`](Self::evaluate_change) also takes updated objects.
    #[must_use]
    pub fn evaluate(&self, freed: &Demand, requested: &Demand, pods: &[PodDemand]) -> QuotaCheck {
        self.evaluate_change(&DemandChange {
            freed: freed.clone(),
            requested: requested.clone(),
            created: requested.clone(),
            pods: pods.to_vec(),
            ..DemandChange::default()
        })
    }

    /// Returns whether a change fits.
    ///
    /// [`evaluate_changes`](Self::evaluate_changes) takes several.
    #[must_use]
    pub fn evaluate_change(&self, change: &DemandChange) -> QuotaCheck {
        self.evaluate_changes(std::slice::from_ref(change))
    }

    /// Returns whether several changes fit together. A quota with scopes counts each change by the traits of its own pods.
    #[must_use]
    pub fn evaluate_changes(&self, changes: &[DemandChange]) -> QuotaCheck {
        let violations = changes.iter().flat_map(|change| &change.pods).flat_map(|pod| {
            let unspecified = self.unspecified(pod);
            let unspecified: Vec<_> = unspecified.iter().flat_map(Unspecified::violations).collect();
            violations(&self.limit_ranges, pod).into_iter().chain(unspecified)
        });
        let mut violations: Vec<LimitViolation> = violations.collect();
        for ClaimDemand { object, requests } in changes.iter().flat_map(|change| &change.claims) {
            violations.extend(claim_violations(&self.limit_ranges, object.as_ref(), requests));
        }
        let is_other =
            |object: &ObjectName| !changes.iter().any(|change| change.freed_objects.contains(object));
        let waiting = self.waiting.iter().filter(|pods| is_other(&pods.owner));
        let mut waiting = admitted(&self.quotas, waiting);
        let missing = self.missing_pods(&waiting, |object| {
            changes.iter().any(|change| change.kept_objects.contains(object))
        });
        let mut parts: Vec<CountedChange> = changes.iter().map(CountedChange::from).collect();
        for (part, change) in parts.iter_mut().zip(changes) {
            let is_own = |pod: &&TerminatingPod| change.freed_objects.contains(&pod.object());
            self.uncounted.iter().filter(is_own).for_each(|pod| part.freed.subtract(&pod.demand));
        }
        parts.extend(waiting.iter().map(CountedChange::of_waiting));
        parts.extend(missing.iter().map(CountedChange::of_missing));
        let mut resources = check_changes(&self.quotas, &parts);
        self.note_finite(&mut resources);
        let mut check = QuotaCheck { resources, violations, waiting: Vec::new(), terminating: Vec::new() };
        waiting.retain(|pods| check.lacks(&pods.each));
        check.waiting = waiting;
        if !check.fits() && check.violations.is_empty() {
            let is_gone = |pod: &&TerminatingPod| is_other(&pod.object()) && !pod.may_be_replaced;
            let others = self.terminating.iter().filter(is_gone);
            check.terminating = others.filter(|pod| check.lacks(&pod.demand)).cloned().collect();
            parts.extend(check.terminating.iter().map(CountedChange::of_terminating));
            if !check_changes(&self.quotas, &parts).iter().all(ResourceCheck::fits) {
                check.terminating.clear();
            }
        }
        check
    }

    /// Returns the waiting pods of some objects that the quotas do not admit.
    fn missing_pods(
        &self,
        admitted: &[WaitingPods],
        is_kept: impl Fn(&ObjectName) -> bool,
    ) -> Vec<WaitingPods> {
        let missing = self.waiting.iter().filter(|pods| is_kept(&pods.owner)).map(|pods| {
            let same = admitted.iter().find(|admitted| admitted.owner == pods.owner);
            let count = pods.count.saturating_sub(same.map_or(0, |admitted| admitted.count));
            WaitingPods { count, ..pods.clone() }
        });
        missing.filter(|pods| pods.count > 0).collect()
    }

    /// Returns the amounts that a pod must state for each of the quotas that count it.
    pub(crate) fn unspecified(&self, pod: &PodDemand) -> Vec<Unspecified> {
        let traits = pod.traits();
        let of = |quota: &ResourceQuota| {
            let resources = pod.unspecified(quota.hard.keys().filter(|key| quota.counts(key, &traits)));
            let (quota, object) = (quota.name.clone(), pod.object.clone());
            (!resources.is_empty()).then_some(Unspecified { quota, object, resources })
        };
        self.quotas.iter().filter_map(of).collect()
    }
}

/// Returns how created runs of Jobs affect the resources of quotas, without checking the limits of a single container. Which
/// runs a quota counts depends on the traits of their pods.
#[must_use]
pub(crate) fn check_runs(quotas: &[ResourceQuota], runs: &[(Demand, &PodTraits)]) -> Vec<ResourceCheck> {
    let change = |(requested, traits): &(Demand, &PodTraits)| CountedChange {
        freed: Demand::default(),
        requested: requested.clone(),
        created: requested.clone(),
        traits: vec![(*traits).clone()],
        origin: Origin::Command,
    };
    check_changes(quotas, &runs.iter().map(change).collect::<Vec<_>>())
}

/// A change of usage, with the traits that decide which quotas count it.
struct CountedChange {
    freed: Demand,
    requested: Demand,
    created: Demand,
    traits: Vec<PodTraits>,
    origin: Origin,
}

/// The origin of a change of usage.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// The command that is checked.
    Command,
    /// Objects of the command that are not changed, whose missing pods are refused.
    Kept,
    /// Others; they do not add rows.
    Others,
}

impl From<&DemandChange> for CountedChange {
    fn from(change: &DemandChange) -> Self {
        let mut traits: Vec<PodTraits> = change.pods.iter().map(PodDemand::traits).collect();
        if traits.is_empty() {
            traits.push(PodTraits::default());
        }
        let DemandChange { freed, requested, created, .. } = change.clone();
        Self { freed, requested, created, traits, origin: Origin::Command }
    }
}

impl CountedChange {
    fn of_waiting(pods: &WaitingPods) -> Self {
        let requested = pods.each.times(pods.count);
        let traits = vec![pods.traits.clone()];
        let (freed, created) = (Demand::default(), Demand::default());
        Self { freed, requested, created, traits, origin: Origin::Others }
    }

    fn of_missing(pods: &WaitingPods) -> Self {
        Self { origin: Origin::Kept, ..Self::of_waiting(pods) }
    }

    fn of_terminating(pod: &TerminatingPod) -> Self {
        let (freed, traits) = (pod.demand.clone(), vec![pod.traits.clone()]);
        let (requested, created) = (Demand::default(), Demand::default());
        Self { freed, requested, created, traits, origin: Origin::Others }
    }

    fn is_counted_by(&self, quota: &ResourceQuota, resource: &Resource) -> bool {
        self.traits.iter().any(|pod| quota.counts(resource, pod))
    }
}

fn check_changes(quotas: &[ResourceQuota], changes: &[CountedChange]) -> Vec<ResourceCheck> {
    let mut checks = Vec::new();
    for quota in quotas {
        for (resource, hard) in &quota.hard {
            let counted = || changes.iter().filter(|change| change.is_counted_by(quota, resource));
            let of = |origin: Origin| counted().filter(move |change| change.origin == origin);
            let own = || of(Origin::Command);
            let sum = |amounts: &mut dyn Iterator<Item = u64>| amounts.fold(0, u64::saturating_add);
            let requested = sum(&mut own().map(|change| change.requested.get(resource)));
            let missing = sum(&mut of(Origin::Kept).map(|change| change.requested.get(resource)));
            if requested == 0 && missing == 0 && own().all(|change| change.freed.get(resource) == 0) {
                continue;
            }
            let freed = sum(&mut counted().map(|change| change.freed.get(resource)));
            let used = quota.used(resource);
            checks.push(ResourceCheck {
                quota: quota.name.clone(),
                resource: resource.clone(),
                hard: *hard,
                used,
                after: used
                    .saturating_sub(freed)
                    .saturating_add(sum(&mut counted().map(|change| change.requested.get(resource)))),
                requested,
                // A saturated sum exceeds everything that it is compared with.
                creates: requested == u64::MAX || own().any(|change| change.created.get(resource) > 0),
                mark: quota.mark(resource),
                finite: 0,
                missing,
            });
        }
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Amounts, ContainerResources, Scope, profiles};

    fn limits() -> Limits {
        profiles::by_name("tools-2023").unwrap().into()
    }

    fn pod(memory: &str) -> PodDemand {
        let amounts = Amounts::new(Some("100m".parse().unwrap()), Some(memory.parse().unwrap()));
        let container = ContainerResources { limits: amounts.clone(), requests: amounts };
        PodDemand {
            object: Some(ObjectName::new("job", "daily")),
            containers: vec![container],
            ..PodDemand::default()
        }
    }

    #[test]
    fn printed_as_one_line_for_each_limit_and_quota() {
        let pods: Demand = [(Resource::Pods, 12)].into();
        let check = limits().evaluate(&Demand::default(), &pods, &[pod("6Gi")]);
        assert_eq!(
            check.to_string(),
            "job daily: memory: 6Gi is more than the maximum of 4Gi for one container\n\
             pods: 12 of 10, 2 pods too many (quota tools-2023)"
        );
        assert!(!check.fits());
        let fits = limits().evaluate(&Demand::default(), &[(Resource::Pods, 1)].into(), &[pod("4Gi")]);
        assert_eq!(fits.to_string(), "fits");
        assert_eq!(fits.resources().len(), 1);
    }

    #[test]
    fn limits_apply_without_quotas() {
        let limits = Limits { quotas: Vec::new(), ..limits() };
        let check = limits.evaluate(&Demand::default(), &Demand::default(), &[pod("6Gi")]);
        assert!(!check.fits());
        assert_eq!(check.shortfalls().count(), 0);
    }

    #[test]
    fn quotas_count_only_pods_in_their_scopes() {
        let mut limits = limits();
        limits.quotas[0].scopes = [Scope::NotTerminating].into_iter().collect();
        let pods: Demand = [(Resource::Pods, 12)].into();
        assert!(!limits.evaluate(&Demand::default(), &pods, &[]).fits());
        let with_deadline = PodDemand { has_deadline: true, ..pod("1Gi") };
        assert!(limits.evaluate(&Demand::default(), &pods, &[with_deadline]).fits());
    }

    #[test]
    fn each_change_counts_by_its_own_pods() {
        let mut limits = of_pods(1, 0);
        limits.quotas[0].scopes = [Scope::Terminating].into_iter().collect();
        let change = |has_deadline| DemandChange {
            requested: one(),
            created: one(),
            pods: vec![PodDemand { has_deadline, ..pod("1Gi") }],
            ..DemandChange::default()
        };
        assert!(limits.evaluate_changes(&[change(true), change(false)]).fits());
        assert!(!limits.evaluate_changes(&[change(true), change(true)]).fits());
        // Whether a waiting pod counts depends on its own scope.
        for (has_deadline, fits) in [(false, true), (true, false)] {
            let traits = PodTraits { has_deadline, ..PodTraits::default() };
            let owner = ObjectName::new("Job", "a");
            let waiting = WaitingPods { owner, count: 1, each: one(), traits, ..WaitingPods::default() };
            let limits = Limits { waiting: vec![waiting], ..limits.clone() };
            assert_eq!(limits.evaluate_change(&change(true)).fits(), fits);
        }
    }

    #[test]
    fn quotas_with_scopes_count_no_other_objects() {
        let mut limits = limits();
        let jobs = Resource::Count("jobs.batch".to_owned());
        limits.quotas[0].hard.insert(jobs.clone(), 0);
        let requested: Demand = [(jobs, 1)].into();
        assert!(!limits.evaluate(&Demand::default(), &requested, &[]).fits());
        limits.quotas[0].scopes = [Scope::NotTerminating].into_iter().collect();
        assert!(limits.evaluate(&Demand::default(), &requested, &[]).fits());
    }

    #[test]
    fn pods_must_state_what_a_quota_limits() {
        let limits = Limits { limit_ranges: Vec::new(), ..limits() };
        let mut pod = pod("1Gi");
        assert!(limits.evaluate(&Demand::default(), &pod.demand(), &[pod.clone()]).fits());
        pod.containers[0].limits = Amounts::default();
        let check = limits.evaluate(&Demand::default(), &pod.demand(), &[pod]);
        assert_eq!(
            check.to_string(),
            "job daily: CPU: no limit is set; quota tools-2023 requires one\n\
             job daily: memory: no limit is set; quota tools-2023 requires one"
        );
    }

    #[test]
    fn creation_fails_in_exceeded_quota() {
        let mut limits = limits();
        limits.quotas[0].used = [(Resource::Pods, 12)].into();
        let (old, new): (Demand, Demand) = ([(Resource::Pods, 2)].into(), [(Resource::Pods, 1)].into());
        let check = limits.evaluate(&old, &new, &[]);
        assert_eq!(check.to_string(), "pods: 11 of 10, 1 pod too many (quota tools-2023)");
        let kept = DemandChange { freed: old, requested: new, ..DemandChange::default() };
        assert!(limits.evaluate_change(&kept).fits());
    }

    fn of_pods(hard: u64, used: u64) -> Limits {
        let quota = ResourceQuota {
            hard: [(Resource::Pods, hard)].into(),
            used: [(Resource::Pods, used)].into(),
            ..ResourceQuota::default()
        };
        Limits { quotas: vec![quota], ..Limits::default() }
    }

    fn one() -> Demand {
        [(Resource::Pods, 1)].into()
    }

    #[test]
    fn pods_that_are_about_to_be_created_count() {
        let waiting = vec![WaitingPods {
            owner: ObjectName::new("Job", "a"),
            count: 2,
            each: one(),
            ..WaitingPods::default()
        }];
        let limits = Limits { waiting, ..of_pods(3, 0) };
        assert!(limits.evaluate(&Demand::default(), &one(), &[]).fits());
        let limits = Limits { waiting: limits.waiting, ..of_pods(2, 0) };
        let check = limits.evaluate(&Demand::default(), &one(), &[]);
        assert_eq!(check.to_string(), "pods: 3 of 2, 1 pod too many (quota )");
        assert_eq!(check.waiting(), limits.waiting);
        let of_itself = DemandChange {
            requested: one(),
            created: one(),
            freed_objects: [ObjectName::new("Job", "a")].into(),
            ..DemandChange::default()
        };
        assert!(limits.evaluate_change(&of_itself).fits());
    }

    #[test]
    fn check_of_billions_is_fast() {
        let waiting = WaitingPods {
            owner: ObjectName::new("Job", "a"),
            count: u64::MAX,
            each: one(),
            ..WaitingPods::default()
        };
        let limits = Limits { waiting: vec![waiting], ..of_pods(u64::MAX - 1, 0) };
        assert_eq!(limits.evaluate(&Demand::default(), &one(), &[]).waiting()[0].count, u64::MAX - 1);
    }

    #[test]
    fn pods_that_cannot_be_created_use_no_quota() {
        let each: Demand = [(Resource::Pods, 3)].into();
        let waiting = vec![WaitingPods {
            owner: ObjectName::new("Job", "a"),
            count: 1,
            each,
            ..WaitingPods::default()
        }];
        assert!(Limits { waiting, ..of_pods(2, 0) }.evaluate(&Demand::default(), &one(), &[]).fits());
    }

    #[test]
    fn uncounted_pods_free_nothing() {
        let fits = |name: &str, requested: u64| {
            let change = DemandChange {
                freed: one().times(2),
                requested: one().times(requested),
                created: one().times(requested),
                freed_objects: [ObjectName::of_pod("a"), ObjectName::of_pod("b")].into(),
                ..DemandChange::default()
            };
            let stuck = TerminatingPod { name: name.to_owned(), demand: one(), ..TerminatingPod::default() };
            Limits { uncounted: vec![stuck], ..of_pods(3, 2) }.evaluate_change(&change).fits()
        };
        assert!(fits("a", 2) && !fits("a", 3) && fits("c", 3));
    }

    #[test]
    fn shortfall_names_terminating_pods() {
        let pod = |name: &str, until| TerminatingPod {
            name: name.to_owned(),
            until,
            demand: one(),
            ..TerminatingPod::default()
        };
        let terminating = vec![pod("a", 7)];
        let limits = Limits { terminating, ..of_pods(2, 2) };
        let check = limits.evaluate(&Demand::default(), &one(), &[]);
        assert!(!check.fits());
        assert_eq!(check.terminating(), [pod("a", 7)]);
        // Two more pods do not fit even then.
        assert_eq!(limits.evaluate(&Demand::default(), &one().times(2), &[]).terminating(), []);
        let limits = Limits { terminating: limits.terminating, ..of_pods(3, 2) };
        assert_eq!(limits.evaluate(&Demand::default(), &one(), &[]).terminating(), []);
        // Another pod takes its place.
        let terminating = vec![TerminatingPod { may_be_replaced: true, ..pod("a", 7) }];
        let limits = Limits { terminating, ..of_pods(2, 2) };
        assert_eq!(limits.evaluate(&Demand::default(), &one(), &[]).terminating(), []);
    }
}
