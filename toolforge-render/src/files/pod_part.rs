//! The parts of a pod whose amounts can be changed.

use std::cmp::Reverse;

use k8s_openapi::api::core::v1::{PodSpec, ResourceRequirements};
use toolforge_quota::{ComputeResource, ContainerResources, LimitRange, WorkloadSize, apply_defaults};

use crate::change::{PodPart, lowest_size};
use crate::pod::stated_pod;

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

    /// Returns what it states.
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

    /// Returns its limits, or its requests where it has none, as the size of a single pod.
    pub(super) fn size(self, pod: &PodSpec, limit_ranges: &[LimitRange]) -> Option<WorkloadSize> {
        let ContainerResources { limits, requests } = self.resources(pod, limit_ranges)?;
        let amount =
            |resource: &ComputeResource| limits.get(resource).or_else(|| requests.get(resource)).unwrap_or(0);
        let (memory, cpu) = (amount(&ComputeResource::Memory), amount(&ComputeResource::Cpu));
        Some(WorkloadSize { memory, cpu, replicas: 1 })
    }

    /// Returns the smallest size that the API server accepts. The pod's own amounts are at least those of each container, and
    /// the requests of all of them; what it does not state stays so.
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

    /// Returns the part for messages, also the only container of a pod.
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
