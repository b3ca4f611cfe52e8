//! Other sizes of the objects of manifests.

use std::cmp::Reverse;

use k8s_openapi::api::core::v1::{PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_model::{Cpu, Memory};
use toolforge_quota::{
    ComputeResource, ContainerResources, LimitRange, PerResource, SizeBounds, WorkloadSize, apply_defaults,
};

use crate::change::{Adjustment, PodPart, Sized, WorkloadKind, lowest_size};
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{
    cron_job_spec, cron_job_spec_mut, daemon_set_spec_mut, deployment_spec, deployment_spec_mut,
    replica_set_spec, replica_set_spec_mut, stateful_set_spec, stateful_set_spec_mut,
};
use crate::pod::stated_pod;

/// What changes with the limits of a part of a manifest's pod.
pub(super) struct Resized {
    /// The requests that change.
    pub(super) requests: PerResource<Option<Cpu>, Option<Memory>>,
    /// The part, for messages.
    pub(super) part: Option<PodPart>,
}

/// Returns a manifest whose pods have a size each, as a workload whose size can be changed.
pub(super) fn sized_as(manifest: &Manifest, each: WorkloadSize, limit_ranges: &[LimitRange]) -> Sized {
    Sized {
        kind: WorkloadKind::Manifest,
        name: manifest.to_string(),
        object: Some(manifest.object_name()),
        size: WorkloadSize { replicas: manifest.object.replicas().unwrap_or(1), ..each },
        bounds: SizeBounds { lowest: lowest_size(limit_ranges), steps: PerResource::default() },
    }
}

/// Changes the limits of a part of a manifest's pod, and its number of pods. Stated requests become at most as large as the
/// limits, and those of a container at least the minimum; others are left to the API server. `new_limits` are stated even if
/// they are unchanged.
pub(super) fn resize(
    manifest: &mut Manifest,
    part: Part,
    (before, wanted): (WorkloadSize, WorkloadSize),
    new_limits: PerResource<bool>,
    limit_ranges: &[LimitRange],
) -> Option<Resized> {
    if wanted.replicas != before.replicas {
        manifest.object.set_replicas(i32::try_from(wanted.replicas).ok()?)?;
    }
    let pod = manifest.object.pod_spec_mut()?;
    let ContainerResources { limits, .. } = part.resources(pod, limit_ranges)?;
    let stated = part.stated(pod)?;
    let mut change = |resource: ComputeResource, new_limit: Option<u64>| {
        let quantity = |amount| Quantity(resource.amount(amount));
        if let Some(limit) = new_limit {
            let amounts = part.resources_mut(pod)?;
            amounts.limits.get_or_insert_default().insert(resource.key(), quantity(limit));
        }
        let least = limit_ranges.iter().filter_map(|range| range.container.min.get(&resource)).max();
        let least = least.filter(|_| part != Part::Pod).unwrap_or(0);
        let most = new_limit.or_else(|| limits.get(&resource)).unwrap_or(u64::MAX);
        let request = stated.requests.get(&resource)?;
        let wanted = request.max(least).min(most);
        if wanted == request {
            return None;
        }
        let amounts = part.resources_mut(pod)?;
        amounts.requests.get_or_insert_default().insert(resource.key(), quantity(wanted));
        Some(wanted)
    };
    let new_limit = |before: u64, wanted: u64, is_new: bool| (wanted != before || is_new).then_some(wanted);
    let memory = change(ComputeResource::Memory, new_limit(before.memory, wanted.memory, new_limits.memory));
    let cpu = change(ComputeResource::Cpu, new_limit(before.cpu, wanted.cpu, new_limits.cpu));
    let requests = PerResource { cpu: cpu.map(Cpu::from_millis), memory: memory.map(Memory::from_bytes) };
    Some(Resized { requests, part: part.named(pod) })
}

impl ManifestObject {
    /// Returns the number of pods that the object, or a run of it, has at once, if it can be changed.
    pub(super) fn replicas(&self) -> Option<u64> {
        let replicas = match self {
            Self::Deployment(found) => deployment_spec(found)?.replicas,
            Self::ReplicaSet(found) => replica_set_spec(found)?.replicas,
            Self::StatefulSet(found) => stateful_set_spec(found)?.replicas,
            Self::ReplicationController(found) => found.spec.as_ref()?.replicas,
            Self::Job(found) => found.spec.as_ref()?.parallelism,
            Self::CronJob(found) => cron_job_spec(found)?.job_template.spec.as_ref()?.parallelism,
            Self::DaemonSet(_)
            | Self::Pod(_)
            | Self::Service(_)
            | Self::PersistentVolumeClaim(_)
            | Self::Other => return None,
        };
        u64::try_from(replicas.unwrap_or(1)).ok()
    }

    pub(super) fn set_replicas(&mut self, count: i32) -> Option<()> {
        let replicas = match self {
            Self::Deployment(found) => &mut deployment_spec_mut(found)?.replicas,
            Self::ReplicaSet(found) => &mut replica_set_spec_mut(found)?.replicas,
            Self::StatefulSet(found) => &mut stateful_set_spec_mut(found)?.replicas,
            Self::ReplicationController(found) => &mut found.spec.as_mut()?.replicas,
            Self::Job(found) => &mut found.spec.as_mut()?.parallelism,
            Self::CronJob(found) => &mut cron_job_spec_mut(found)?.job_template.spec.as_mut()?.parallelism,
            Self::DaemonSet(_)
            | Self::Pod(_)
            | Self::Service(_)
            | Self::PersistentVolumeClaim(_)
            | Self::Other => return None,
        };
        *replicas = Some(count);
        Some(())
    }

    /// Writes another number of pods into an adjustment of the object.
    pub(super) fn state_replicas(&self, found: &mut Adjustment, count: u64) {
        let is_parallel = matches!(self, Self::Job(_) | Self::CronJob(_));
        let stated = if is_parallel { &mut found.parallelism } else { &mut found.replicas };
        *stated = Some(count);
    }

    fn pod_spec_mut(&mut self) -> Option<&mut PodSpec> {
        match self {
            Self::Deployment(found) => deployment_spec_mut(found)?.template.spec.as_mut(),
            Self::ReplicaSet(found) => replica_set_spec_mut(found)?.template.as_mut()?.spec.as_mut(),
            Self::StatefulSet(found) => stateful_set_spec_mut(found)?.template.spec.as_mut(),
            Self::DaemonSet(found) => daemon_set_spec_mut(found)?.template.spec.as_mut(),
            Self::ReplicationController(found) => found.spec.as_mut()?.template.as_mut()?.spec.as_mut(),
            Self::Job(found) => found.spec.as_mut()?.template.spec.as_mut(),
            Self::CronJob(found) => {
                let spec = cron_job_spec_mut(found)?;
                spec.job_template.spec.as_mut()?.template.spec.as_mut()
            }
            Self::Pod(found) => found.spec.as_mut(),
            Self::Service(_) | Self::PersistentVolumeClaim(_) | Self::Other => None,
        }
    }
}

/// A part of a pod, by its index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Container(usize),
    InitContainer(usize),
    /// The pod's own `resources`.
    Pod,
}

impl Part {
    /// Returns the parts of a pod: first the container with the largest memory limit, then the others by their limits.
    pub(super) fn all(pod: &PodSpec, limit_ranges: &[LimitRange]) -> Vec<Self> {
        let init_containers = pod.init_containers.iter().flatten().count();
        let stated = stated_pod(pod).resources;
        let has_own = stated != ContainerResources::default();
        let containers = (0..pod.containers.len()).map(Self::Container);
        let others = (0..init_containers).map(Self::InitContainer).chain(has_own.then_some(Self::Pod));
        let mut parts: Vec<Self> = containers.chain(others).collect();
        let memory = |part: &Self| part.size(pod, limit_ranges).map_or(0, |size| size.memory);
        parts.sort_by_key(|part| (!matches!(part, Self::Container(_)), Reverse(memory(part))));
        if let Some((_, others)) = parts.split_first_mut() {
            others.sort_by_key(|part| Reverse(memory(part)));
        }
        parts
    }

    /// Returns the amounts that it states.
    pub(super) fn stated(self, pod: &PodSpec) -> Option<ContainerResources> {
        let mut stated = stated_pod(pod);
        match self {
            Self::Container(index) => stated.containers.into_iter().nth(index),
            Self::InitContainer(index) => Some(stated.init_containers.into_iter().nth(index)?.resources),
            Self::Pod => Some(std::mem::take(&mut stated.resources)),
        }
    }

    /// Returns its amounts with the LimitRanges' defaults, which the pod's own do not have.
    pub(super) fn resources(self, pod: &PodSpec, limit_ranges: &[LimitRange]) -> Option<ContainerResources> {
        let stated = self.stated(pod)?;
        Some(if self == Self::Pod { stated } else { apply_defaults(limit_ranges, stated) })
    }

    /// Returns its limits, or its requests if it has none, as the size of a single pod.
    pub(super) fn size(self, pod: &PodSpec, limit_ranges: &[LimitRange]) -> Option<WorkloadSize> {
        let ContainerResources { limits, requests } = self.resources(pod, limit_ranges)?;
        let amount =
            |resource: &ComputeResource| limits.get(resource).or_else(|| requests.get(resource)).unwrap_or(0);
        let (memory, cpu) = (amount(&ComputeResource::Memory), amount(&ComputeResource::Cpu));
        Some(WorkloadSize { memory, cpu, replicas: 1 })
    }

    /// Returns the smallest size that the API server accepts. The pod's own amounts are at least those of each container, and
    /// the requests of all of them; what it does not state remains unset.
    pub(super) fn lowest(self, pod: &PodSpec, limit_ranges: &[LimitRange]) -> WorkloadSize {
        let lowest = lowest_size(limit_ranges);
        let Some(size) = self.size(pod, limit_ranges).filter(|_| self == Self::Pod) else { return lowest };
        let mut containers = stated_pod(pod).with_defaults(limit_ranges);
        containers.resources = ContainerResources::default();
        let sums = containers.sums().requests;
        let least = |resource: &ComputeResource, stated: u64, lowest: u64| {
            let limits = containers.all_containers().filter_map(|found| found.limits.get(resource));
            let least = limits.chain(sums.get(resource)).fold(lowest, u64::max);
            if stated == 0 { 0 } else { least }
        };
        WorkloadSize {
            memory: least(&ComputeResource::Memory, size.memory, lowest.memory),
            cpu: least(&ComputeResource::Cpu, size.cpu, lowest.cpu),
            ..lowest
        }
    }

    /// Returns its amounts, to be changed.
    pub(super) fn resources_mut(self, pod: &mut PodSpec) -> Option<&mut ResourceRequirements> {
        let resources = match self {
            Self::Container(index) => &mut pod.containers.get_mut(index)?.resources,
            Self::InitContainer(index) => &mut pod.init_containers.as_mut()?.get_mut(index)?.resources,
            Self::Pod => &mut pod.resources,
        };
        Some(resources.get_or_insert_default())
    }

    /// Returns the part for messages; `None` for the only container of a pod.
    pub(super) fn named(self, pod: &PodSpec) -> Option<PodPart> {
        let is_only = matches!(self, Self::Container(_)) && pod.containers.len() < 2;
        if is_only { None } else { self.stated_name(pod) }
    }

    /// Returns the part for messages, including the only container of a pod.
    pub(super) fn stated_name(self, pod: &PodSpec) -> Option<PodPart> {
        match self {
            Self::Container(index) => Some(PodPart::Container(pod.containers.get(index)?.name.clone())),
            Self::InitContainer(index) => {
                let container = pod.init_containers.as_ref()?.get(index)?;
                Some(PodPart::InitContainer(container.name.clone()))
            }
            Self::Pod => Some(PodPart::Pod),
        }
    }
}
