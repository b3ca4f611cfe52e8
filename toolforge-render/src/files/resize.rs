//! Other sizes of the objects of manifests.

use k8s_openapi::api::core::v1::PodSpec;
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_model::{Cpu, Memory};
use toolforge_quota::{ComputeResource, ContainerResources, LimitRange, PerResource, WorkloadSize};

use crate::change::{Adjustment, PodPart};
use crate::files::pod_part::Part;
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{
    cron_job_spec, cron_job_spec_mut, daemon_set_spec_mut, deployment_spec, deployment_spec_mut,
    replica_set_spec, replica_set_spec_mut, stateful_set_spec, stateful_set_spec_mut,
};

/// What changes with the limits of a part of a manifest's pod.
pub(super) struct Resized {
    /// The requests that change.
    pub(super) requests: PerResource<Option<Cpu>, Option<Memory>>,
    /// The part, for messages.
    pub(super) part: Option<PodPart>,
}

/// Changes the limits of a part of a manifest's pod, and its number of pods. Requests that are stated become at most as large as
/// the limits, and those of a container at least the minimum; others are left to the API server. `new_limits` are stated although
/// they are as before.
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
    /// Returns the number of pods that the object, or a run of it, has at once, where it can be changed.
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
