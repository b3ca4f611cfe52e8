//! The numbers that a request asks for.

use std::collections::BTreeMap;

use toolforge_model::Untrusted;
use toolforge_quota::{
    ComputeResource, Demand, LimitType, LimitViolationKind, Limits, ObjectName, QuotaCheck, Resource,
    ResourceCheck, WaitingPods,
};
use toolforge_render::change::{Change, WorkloadKind};
use toolforge_render::files::{FilePlan, FileProblemKind};
use toolforge_render::job::LoadProblem;
use toolforge_render::object::ObjectKind;
use toolforge_render::usage::BlockedObject;

/// One gibibyte in bytes, the unit of overrides.
const GIBIBYTE: u64 = 1 << 30;

/// The pods that controllers want and have not created, together.
pub(super) struct MissingPods {
    /// The limits as they are once all of these pods exist and none terminates any longer.
    pub(super) limits: Limits,
    /// What is used then of each resource that they exceed.
    exceeded: BTreeMap<Resource, u64>,
    /// The objects whose number of missing pods is not known; one pod of each is counted.
    guesses: Vec<ObjectName>,
}

impl MissingPods {
    /// Adds the missing pods to limits, except those of objects that a plan changes: it counts all of their pods.
    pub(super) fn new(
        limits: &Limits,
        blocked: &[BlockedObject],
        is_planned: impl Fn(&ObjectName) -> bool,
    ) -> Self {
        let limits = &limits.clone().without_terminating_pods();
        let mut wanted = limits.clone();
        wanted.waiting.retain(|pods| !is_planned(&pods.owner));
        let (mut guesses, mut seen): (Vec<ObjectName>, Vec<ObjectName>) = (Vec::new(), Vec::new());
        // For a resource without a quota here, the API server's message has the numbers.
        let mut by_message: BTreeMap<Resource, (u64, u64)> = BTreeMap::new();
        for found in blocked.iter().filter(|found| found.is_blocked_now && !found.exceeded.is_empty()) {
            let owner = owner_of(found);
            // Two ReplicaSets of one Deployment lack the same pods.
            if is_planned(&owner) || seen.contains(&owner) {
                continue;
            }
            seen.push(owner.clone());
            let mut by_event = Demand::default();
            let mut unlimited = Vec::new();
            for exceeded in &found.exceeded {
                let resource = Resource::from(exceeded.resource.as_raw());
                let parse = |text: &Untrusted| resource.parse_amount(text.as_raw()).ok();
                let Some(requested) = parse(&exceeded.requested) else { continue };
                by_event.add(resource.clone(), requested);
                if !limits.quotas.iter().any(|quota| quota.hard.contains_key(&resource)) {
                    unlimited.push((resource.clone(), parse(&exceeded.used).unwrap_or(0), requested));
                }
            }
            let known = wanted.waiting.iter().find(|pods| pods.owner == owner);
            let known = known.or(found.missing.as_ref()).cloned();
            let pods = known.unwrap_or_else(|| {
                guesses.push(owner.clone());
                WaitingPods { owner: owner.clone(), count: 1, each: by_event, ..WaitingPods::default() }
            });
            for (resource, used, requested) in unlimited {
                let (most, sum) = by_message.entry(resource).or_default();
                *most = (*most).max(used);
                *sum = sum.saturating_add(requested.saturating_mul(pods.count));
            }
            if !wanted.waiting.iter().any(|pods| pods.owner == owner) {
                wanted.waiting.push(pods);
            }
        }
        let wanted = wanted.with_waiting_pods_used();
        let mut exceeded: BTreeMap<Resource, u64> = by_message
            .into_iter()
            .map(|(resource, (used, requested))| (resource, used.saturating_add(requested)))
            .collect();
        for (before, after) in limits.quotas.iter().zip(&wanted.quotas) {
            for (resource, hard) in &after.hard {
                let used = after.used(resource);
                if used > *hard && used > before.used(resource) {
                    let most = exceeded.entry(resource.clone()).or_default();
                    *most = (*most).max(used);
                }
            }
        }
        Self { limits: wanted, exceeded, guesses }
    }
}

/// Returns the object whose pods are missing, as [`WaitingPods`] names it.
fn owner_of(blocked: &BlockedObject) -> ObjectName {
    blocked.missing.as_ref().map_or(&blocked.object, |pods| &pods.owner).clone()
}

/// Returns the object whose pods a change plans, as [`WaitingPods`] names it; none for scheduled runs.
pub(super) fn change_owner(change: &Change) -> Option<ObjectName> {
    let named = |kind: ObjectKind| Some(ObjectName::new(kind.as_str(), change.name.as_str()));
    match change.kind {
        WorkloadKind::WebService | WorkloadKind::Continuous => named(ObjectKind::Deployment),
        WorkloadKind::OneOff => named(ObjectKind::Job),
        WorkloadKind::Scheduled | WorkloadKind::Recorded | WorkloadKind::Manifest | WorkloadKind::Pod => {
            change.object.clone()
        }
        // The library may add kinds.
        _ => None,
    }
}

/// The smallest numbers that admit everything.
#[derive(Clone, Default)]
pub(super) struct Needed {
    /// For each resource of a quota.
    pub(super) quota: BTreeMap<Resource, u64>,
    /// The memory of the largest container, in bytes.
    pub(super) container_memory: Option<u64>,
    /// The CPU of the largest container, in millis.
    pub(super) container_cpu: Option<u64>,
    /// The objects whose number of missing pods is not known; one pod of each is counted.
    pub(super) guesses: Vec<ObjectName>,
}

impl Needed {
    fn raise(&mut self, resource: Resource, amount: u64) {
        let needed = self.quota.entry(resource).or_default();
        *needed = (*needed).max(amount);
    }

    /// Adds what a check does not allow.
    fn add_check(&mut self, check: &QuotaCheck) {
        self.add_rows(check.shortfalls());
        for violation in check.violations() {
            let LimitViolationKind::AboveMax { requested, .. } = violation.kind else { continue };
            if violation.limit_type == LimitType::PersistentVolumeClaim {
                continue;
            }
            let needed = match violation.resource {
                ComputeResource::Memory => &mut self.container_memory,
                ComputeResource::Cpu => &mut self.container_cpu,
                _ => continue,
            };
            *needed = (*needed).max(Some(requested));
        }
    }

    /// Adds rows of a check that do not fit.
    pub(super) fn add_rows<'a>(&mut self, rows: impl IntoIterator<Item = &'a ResourceCheck>) {
        for row in rows {
            self.raise(row.resource.clone(), row.after);
        }
    }

    /// Adds what a plan needs: at rest, at the peak, and for single runs that exceed a whole quota.
    pub(super) fn add_plan(&mut self, plan: &FilePlan, limits: &Limits) {
        let set = &plan.set;
        self.add_check(&set.at_rest);
        self.add_check(set.refused_surge.as_ref().unwrap_or(&set.at_peak));
        set.refused_retries().into_iter().for_each(|retries| self.add_check(retries));
        for problem in &plan.problems {
            let (FileProblemKind::NeverFits { shortfalls, .. }
            | FileProblemKind::Job(LoadProblem::NeverFits { shortfalls, .. })) = &problem.kind
            else {
                continue;
            };
            for run in shortfalls {
                let is_same = |row: &&ResourceCheck| row.quota == run.quota && row.resource == run.resource;
                let quota = limits.quotas.iter().find(|quota| quota.name == run.quota);
                let used = set
                    .at_rest
                    .resources()
                    .iter()
                    .find(is_same)
                    .map_or_else(|| quota.map_or(0, |quota| quota.used(&run.resource)), |row| row.after);
                // Checked as if nothing else were running.
                self.raise(run.resource.clone(), used.saturating_add(run.after));
            }
        }
    }

    /// Lowers the numbers of the quota to the smallest that still give the wanted result, one resource after the other; `limits` are
    /// those of now.
    ///
    /// A rollout may complete although not all of its pods fit at once.
    pub(super) fn minimize(&mut self, limits: &Limits, is_wanted: impl Fn(&BTreeMap<Resource, u64>) -> bool) {
        if !is_wanted(&self.quota) {
            return;
        }
        for resource in self.quota.keys().cloned().collect::<Vec<_>>() {
            let hard = limits.quotas.iter().filter_map(|quota| quota.hard.get(&resource).copied()).min();
            let mut high = self.quota.get(&resource).copied().unwrap_or(0);
            let now = hard.unwrap_or(0).min(high);
            let mut low = now;
            while low < high {
                let middle = low + (high - low) / 2;
                self.quota.insert(resource.clone(), middle);
                if is_wanted(&self.quota) {
                    high = middle;
                } else {
                    low = middle + 1;
                }
            }
            self.quota.insert(resource.clone(), high);
            if high == now {
                self.quota.remove(&resource);
            }
        }
    }

    /// Adds all numbers of others.
    pub(super) fn add(&mut self, other: Self) {
        other.quota.into_iter().for_each(|(resource, amount)| self.raise(resource, amount));
        self.container_memory = self.container_memory.max(other.container_memory);
        self.container_cpu = self.container_cpu.max(other.container_cpu);
    }

    /// Adds the pods that are missing now.
    pub(super) fn add_missing(&mut self, missing: &MissingPods) {
        for (resource, amount) in &missing.exceeded {
            self.raise(resource.clone(), *amount);
        }
        self.guesses.clone_from(&missing.guesses);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.quota.is_empty() && self.container_memory.is_none() && self.container_cpu.is_none()
    }

    /// Returns the lines of an override, as maintain-kubeusers reads them (toolforge-deploy, 2026): whole CPUs and GiB. `memory`
    /// also sets requests, to half of it, and `cpu` sets them to the same.
    pub(super) fn overrides(&self) -> Vec<(&'static str, u64)> {
        let get = |resource: &Resource| self.quota.get(resource).copied();
        let largest = |one: Option<u64>, other: Option<u64>| one.max(other);
        let memory = largest(
            get(&Resource::LimitsMemory).map(|bytes| bytes.div_ceil(GIBIBYTE)),
            get(&Resource::RequestsMemory).map(|bytes| bytes.saturating_mul(2).div_ceil(GIBIBYTE)),
        );
        let cpu = largest(get(&Resource::LimitsCpu), get(&Resource::RequestsCpu))
            .map(|millis| millis.div_ceil(1000));
        let count = |kind: &str| get(&Resource::Count(kind.to_owned()));
        let keys = [
            ("cpu", cpu),
            ("memory", memory),
            ("pods", get(&Resource::Pods)),
            ("pod_cpu", self.container_cpu.map(|millis| millis.div_ceil(1000))),
            ("pod_memory", self.container_memory.map(|bytes| bytes.div_ceil(GIBIBYTE))),
            ("jobs", count("jobs.batch")),
            ("cronjobs", count("cronjobs.batch")),
            ("deployments", count("deployments.apps")),
            ("services", get(&Resource::Services)),
        ];
        keys.into_iter().filter_map(|(key, needed)| Some((key, needed?))).collect()
    }

    /// Returns the resources that no override can change.
    pub(super) fn without_override(&self) -> impl Iterator<Item = (&Resource, u64)> {
        let has_override = |resource: &Resource| {
            matches!(
                resource,
                Resource::LimitsMemory
                    | Resource::RequestsMemory
                    | Resource::LimitsCpu
                    | Resource::RequestsCpu
                    | Resource::Pods
                    | Resource::Services
            ) || matches!(
                resource,
                Resource::Count(kind) if ["jobs.batch", "cronjobs.batch", "deployments.apps"].contains(&kind.as_str())
            )
        };
        self.quota
            .iter()
            .filter(move |(resource, _)| !has_override(resource))
            .map(|(resource, amount)| (resource, *amount))
    }
}
