//! Limits once waiting pods exist, or terminating pods are gone.

use crate::demand::Demand;
use crate::object_name::ObjectName;
use crate::quota_check::Limits;
use crate::resource::Resource;
use crate::resource_check::ResourceCheck;
use crate::resource_quota::ResourceQuota;
use crate::scopes::PodTraits;
use crate::unsettled::{FinitePod, KeptJobs, TerminatingPod, WaitingPods, admitted};

impl Limits {
    /// Returns the limits once nothing is terminating or waiting: terminating pods are gone, except those that others may
    /// replace, and waiting pods exist as far as the quotas then admit them.
    ///
    /// Objects that `is_other` does not select are not changed.
    #[must_use]
    pub fn settled(&self, is_other: impl Fn(&ObjectName) -> bool) -> Self {
        let mut limits = Self { waiting: Vec::new(), terminating: Vec::new(), ..self.clone() };
        for pod in self.terminating.iter().filter(|pod| is_other(&pod.object()) && !pod.may_be_replaced) {
            limits.free_quota(&pod.demand, &pod.traits);
        }
        for pods in admitted(&limits.quotas, self.waiting.iter().filter(|pods| is_other(&pods.owner))) {
            limits.use_quota(&pods.each.times(pods.count), &pods.traits);
        }
        limits
    }

    /// Returns the terminating pods that the quotas no longer count: together with the pods that stay, all terminating pods
    /// request more than the quotas' usage. The ones that were due to terminate first are not counted.
    #[must_use]
    pub fn uncounted_pods(
        &self,
        staying: &[(Demand, PodTraits)],
        terminating: &[TerminatingPod],
    ) -> Vec<TerminatingPod> {
        let mut counted: Vec<TerminatingPod> =
            terminating.iter().cloned().map(TerminatingPod::without_object).collect();
        counted.sort_by_key(|pod| pod.until);
        let is_exceeded = |quota: &ResourceQuota, counted: &[TerminatingPod], resource: &Resource| {
            let staying = staying.iter().map(|(demand, traits)| (demand, traits));
            let all = staying.chain(counted.iter().map(|pod| (&pod.demand, &pod.traits)));
            let all = all.filter(|(_, traits)| quota.counts(resource, traits));
            let sum = all.fold(0, |sum: u64, (demand, _)| sum.saturating_add(demand.get(resource)));
            sum > quota.used(resource)
        };
        let mut uncounted = Vec::new();
        for quota in &self.quotas {
            // If the usage is not counted yet, it is unknown which pods are.
            for resource in quota.hard.keys().filter(|resource| quota.used.contains(resource)) {
                let is_of = |pod: &TerminatingPod| {
                    pod.demand.get(resource) > 0 && quota.counts(resource, &pod.traits)
                };
                while is_exceeded(quota, &counted, resource)
                    && let Some(first) = counted.iter().position(is_of)
                {
                    uncounted.push(counted.remove(first));
                }
            }
        }
        uncounted
    }

    /// Adds a demand of pods with these traits, or of other objects, to the usage.
    pub(crate) fn use_quota(&mut self, demand: &Demand, traits: &PodTraits) {
        for quota in &mut self.quotas {
            quota.used.add_all(&quota.counted(demand, traits));
        }
    }

    /// Subtracts a pod from the usage, as far as the quotas count it.
    pub fn free_pod(&mut self, pod: &ObjectName, mut demand: Demand, traits: &PodTraits) {
        let own = self.uncounted.iter().filter(|uncounted| uncounted.object() == *pod);
        own.for_each(|uncounted| demand.subtract(&uncounted.demand));
        self.free_quota(&demand, traits);
    }

    /// Subtracts a demand of pods with these traits, or of other objects, from the usage.
    pub fn free_quota(&mut self, demand: &Demand, traits: &PodTraits) {
        for quota in &mut self.quotas {
            quota.used.subtract(&quota.counted(demand, traits));
        }
    }

    /// Records how much of each resource is used by pods that are terminating or run to completion.
    pub(crate) fn note_finite(&self, resources: &mut [ResourceCheck]) {
        let terminating = self.terminating.iter().filter(|pod| !pod.may_be_replaced);
        let terminating = terminating.map(|pod| (&pod.demand, &pod.traits));
        for (demand, traits) in
            terminating.chain(self.finite_pods.iter().map(|pod| (&pod.demand, &pod.traits)))
        {
            for row in &mut *resources {
                let quota = self.quotas.iter().find(|quota| quota.name == row.quota);
                let counted = quota.map_or(0, |quota| quota.counted(demand, traits).get(&row.resource));
                row.finite = row.finite.saturating_add(counted);
            }
        }
    }

    /// Returns the limits once the Jobs that run now have finished. Objects that `is_other` does not select are not
    /// changed.
    #[must_use]
    pub fn without_jobs(&self, is_other: impl Fn(&ObjectName) -> bool) -> Self {
        self.without_pods(|pod| !pod.is_unowned && is_other(&pod.owner) && is_other(&pod.object()), &is_other)
    }

    /// Returns the limits once all pods that run to completion or terminate are gone: those of Jobs, and those without a
    /// controller.
    #[must_use]
    pub fn without_finite_pods(&self, is_other: impl Fn(&ObjectName) -> bool) -> Self {
        let limits = self.without_pods(|pod| is_other(&pod.owner) && is_other(&pod.object()), &is_other);
        limits.without_terminating_pods()
    }

    fn without_pods(
        &self,
        is_ending: impl Fn(&FinitePod) -> bool,
        is_other: impl Fn(&ObjectName) -> bool,
    ) -> Self {
        let mut limits = self.clone();
        for pod in self.finite_pods.iter().filter(|pod| is_ending(pod)) {
            limits.free_pod(&pod.object(), pod.demand.clone(), &pod.traits);
        }
        limits.finite_pods.retain(|pod| !is_ending(pod));
        limits.waiting.retain(|pods| !pods.run_to_completion || !is_other(&pods.owner));
        limits
    }

    /// Returns the limits once these CronJobs have run so often that each keeps as many Jobs as its history limit, even if they
    /// exceed the quotas.
    #[must_use]
    pub fn with_jobs_kept<'a>(mut self, kept: impl IntoIterator<Item = &'a KeptJobs>) -> Self {
        for kept in kept {
            self.use_quota(&kept.each.times(kept.later()), &kept.traits);
        }
        self
    }

    /// Returns the limits once these CronJobs have no more Jobs than their history limits allow, and none that expire.
    #[must_use]
    pub fn without_surplus_jobs<'a>(mut self, kept: impl IntoIterator<Item = &'a KeptJobs>) -> Self {
        for kept in kept {
            self.free_quota(&kept.each.times(kept.surplus()), &kept.traits);
        }
        self
    }

    /// Returns the limits without the Jobs that these CronJobs keep for good.
    #[must_use]
    pub fn without_staying_jobs<'a>(mut self, kept: impl IntoIterator<Item = &'a KeptJobs>) -> Self {
        for kept in kept {
            self.free_quota(&kept.each.times(kept.staying()), &kept.traits);
        }
        self
    }

    /// Returns the limits once all waiting pods exist, even if they exceed the quotas.
    #[must_use]
    pub fn with_waiting_pods_used(mut self) -> Self {
        for WaitingPods { count, each, traits, .. } in std::mem::take(&mut self.waiting) {
            self.use_quota(&each.times(count), &traits);
        }
        self
    }

    /// Returns the limits once all terminating pods are gone, except those that others may replace.
    #[must_use]
    pub fn without_terminating_pods(mut self) -> Self {
        let (replaced, gone): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.terminating).into_iter().partition(|pod| pod.may_be_replaced);
        for TerminatingPod { demand, traits, .. } in gone {
            self.free_quota(&demand, &traits);
        }
        self.terminating = replaced;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    #[test]
    fn terminated_pods_use_nothing() {
        let quota = ResourceQuota {
            hard: [(Resource::Pods, 9), (Resource::LimitsMemory, 9)].into(),
            used: [(Resource::Pods, 3), (Resource::LimitsMemory, 1)].into(),
            ..ResourceQuota::default()
        };
        let scoped = ResourceQuota { scopes: [Scope::Terminating].into_iter().collect(), ..quota.clone() };
        let mut limits = Limits { quotas: vec![quota, scoped], ..Limits::default() };
        limits.terminating = vec![TerminatingPod {
            demand: [(Resource::Pods, 1), (Resource::LimitsMemory, 2)].into_iter().collect(),
            ..TerminatingPod::default()
        }];
        let limits = limits.without_terminating_pods();
        let used = |quota: &ResourceQuota| (quota.used(&Resource::Pods), quota.used(&Resource::LimitsMemory));
        assert_eq!(limits.quotas.iter().map(used).collect::<Vec<_>>(), [(2, 0), (3, 1)]);
        assert_eq!(limits.terminating, []);
    }

    #[test]
    fn jobs_above_the_history_limits_are_freed() {
        let jobs = Resource::Count("jobs.batch".to_owned());
        let quota = ResourceQuota {
            hard: [(jobs.clone(), 9)].into(),
            used: [(jobs.clone(), 9)].into(),
            ..ResourceQuota::default()
        };
        let limits = Limits { quotas: vec![quota], ..Limits::default() };
        let used = |limits: Limits| limits.quotas[0].used(&jobs);
        let kept = KeptJobs {
            limit: 3,
            failed_limit: 1,
            keeps_later_runs: true,
            each: [(jobs.clone(), 1)].into(),
            ..KeptJobs::default()
        };
        for (succeeded, failed, running, expiring, later, surplus, staying) in [
            (0, 0, 0, 0, 3, 0, 0),
            (2, 1, 0, 0, 1, 0, 3),
            (3, 1, 0, 0, 0, 0, 4),
            (4, 1, 0, 0, 0, 1, 4),
            (0, 3, 0, 0, 3, 2, 1),
            (1, 0, 0, 2, 2, 2, 1),
            (2, 0, 2, 0, 0, 1, 3),
        ] {
            let kept = [KeptJobs { succeeded, failed, running, expiring, ..kept.clone() }];
            assert_eq!(used(limits.clone().with_jobs_kept(&kept)), 9 + later);
            assert_eq!(used(limits.clone().without_surplus_jobs(&kept)), 9 - surplus);
            assert_eq!(used(limits.clone().without_staying_jobs(&kept)), 9 - staying);
        }
        // Without later runs, none are added, and the limits apply to the existing ones.
        let ended = KeptJobs { succeeded: 1, keeps_later_runs: false, ..kept };
        assert_eq!((ended.later(), ended.surplus(), ended.staying()), (0, 0, 1));
    }

    #[test]
    fn finished_jobs_free_their_usage() {
        let quota = ResourceQuota {
            hard: [(Resource::Pods, 9)].into(),
            used: [(Resource::Pods, 3)].into(),
            ..ResourceQuota::default()
        };
        let each: Demand = [(Resource::Pods, 1)].into();
        let pod = |name: &str| FinitePod {
            owner: ObjectName::new("Job", name),
            name: format!("{name}-1"),
            demand: each.clone(),
            ..FinitePod::default()
        };
        let waiting = |kind: &str| WaitingPods {
            owner: ObjectName::new(kind, "a"),
            run_to_completion: kind == "Job",
            count: 1,
            each: each.clone(),
            ..WaitingPods::default()
        };
        let limits = Limits {
            quotas: vec![quota],
            waiting: vec![waiting("Job"), waiting("Deployment")],
            finite_pods: vec![pod("a"), pod("b")],
            ..Limits::default()
        };
        let used = |limits: &Limits| limits.quotas[0].used(&Resource::Pods);
        let after = limits.without_jobs(|_| true);
        assert_eq!(
            (used(&after), after.waiting, after.finite_pods),
            (1, vec![waiting("Deployment")], vec![])
        );
        let after = limits.without_jobs(|object| *object != ObjectName::new("Job", "a"));
        assert_eq!((used(&after), after.waiting.len(), after.finite_pods), (2, 2, vec![pod("a")]));
    }

    #[test]
    fn pods_beyond_the_usage_are_not_counted() {
        let each: Demand = [(Resource::Pods, 1), (Resource::from("count/pods"), 1)].into();
        let pod = |name: &str, until| TerminatingPod {
            name: name.to_owned(),
            until,
            demand: each.clone(),
            ..TerminatingPod::default()
        };
        let uncounted = |used: &[(Resource, u64)]| {
            let quota = ResourceQuota {
                hard: [(Resource::Pods, 9), (Resource::from("count/pods"), 9)].into(),
                used: used.iter().cloned().collect(),
                ..ResourceQuota::default()
            };
            let limits = Limits { quotas: vec![quota], ..Limits::default() };
            let staying = [(each.clone(), PodTraits::default())];
            let found = limits.uncounted_pods(&staying, &[pod("b", 2), pod("a", 1)]);
            assert!(found.iter().all(|pod| !pod.demand.contains(&Resource::from("count/pods"))));
            found.into_iter().map(|pod| pod.name).collect::<Vec<_>>()
        };
        assert_eq!(uncounted(&[]), [""; 0]);
        assert_eq!(uncounted(&[(Resource::Pods, 3)]), [""; 0]);
        assert_eq!(uncounted(&[(Resource::Pods, 2)]), ["a"]);
        assert_eq!(uncounted(&[(Resource::Pods, 1)]), ["a", "b"]);
        assert_eq!(uncounted(&[(Resource::Pods, 0)]), ["a", "b"]);
        // The objects are kept.
        assert_eq!(uncounted(&[(Resource::from("count/pods"), 1)]), [""; 0]);
    }

    #[test]
    fn waiting_pods_are_admitted_once_others_are_gone() {
        let quota = ResourceQuota {
            hard: [(Resource::Pods, 2)].into(),
            used: [(Resource::Pods, 2)].into(),
            ..ResourceQuota::default()
        };
        let each: Demand = [(Resource::Pods, 1)].into();
        let terminating = |name: &str, may_be_replaced| TerminatingPod {
            name: name.to_owned(),
            demand: each.clone(),
            may_be_replaced,
            ..TerminatingPod::default()
        };
        let waiting = WaitingPods {
            owner: ObjectName::new("Job", "a"),
            count: 3,
            each: each.clone(),
            ..WaitingPods::default()
        };
        let limits = Limits {
            quotas: vec![quota],
            waiting: vec![waiting],
            terminating: vec![terminating("a", false), terminating("b", false)],
            ..Limits::default()
        };
        let used = |limits: &Limits, is_other: fn(&ObjectName) -> bool| {
            limits.settled(is_other).quotas[0].used(&Resource::Pods)
        };
        assert_eq!(used(&limits, |_| true), 2);
        assert_eq!(used(&limits, |object| object.kind != "Job"), 0);
        assert_eq!(used(&limits, |_| false), 2);
        let without = Limits { waiting: Vec::new(), ..limits.clone() };
        assert_eq!(used(&without, |object| object.name != "b"), 1);
        let replaced = Limits { terminating: vec![terminating("a", true)], ..without };
        assert_eq!(used(&replaced, |_| true), 2);
    }
}
