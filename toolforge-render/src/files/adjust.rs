//! Smaller sizes and other rollouts with which files fit.

use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_model::{Cpu, Memory};
use toolforge_quota::{
    Amounts, ComputeResource, ContainerResources, LimitRange, SizeBounds, WorkloadSize, apply_defaults,
};

use crate::change::{Action, Adjustment, ChangeSet, Rollout, Sized, WorkloadKind, lowest_size};
use crate::files::{FileContents, FilePlan, FilePlanFacts, plan_files};
use crate::job;
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{
    cron_job_spec_mut, daemon_set_spec_mut, deployment_spec, deployment_spec_mut, replica_set_spec,
    replica_set_spec_mut, stateful_set_spec, stateful_set_spec_mut,
};
use crate::pod::stated_pod;
use crate::web_service;

/// The most objects of which smaller sizes are searched: the largest ones.
const MOST_OBJECTS: usize = 5;

/// The most changes of all objects whose sizes are searched together, so that the search of large files takes seconds.
const MOST_PLANNED: usize = 1000;

/// Returns what of single jobs, objects or the web service can be smaller so that all files together are as wanted: that they
/// [fit](ChangeSet::fits), or do so [without downtime](ChangeSet::fits_without_downtime). Where only the rollout of a
/// Deployment does not fit, another strategy is among the results. Only the largest jobs and objects are tried.
#[must_use]
pub fn file_adjustments(
    files: &[FileContents],
    facts: &FilePlanFacts,
    plan: &FilePlan,
    is_wanted: fn(&ChangeSet) -> bool,
) -> Vec<Adjustment> {
    let is_size = plan.problems.iter().all(|problem| problem.kind.is_size());
    if !is_size || (plan.problems.is_empty() && is_wanted(&plan.set)) {
        return Vec::new();
    }
    let set_of = |files: &[FileContents]| {
        let plan = plan_files(files, facts);
        plan.problems.is_empty().then_some(plan.set)
    };
    // Each size that is tried plans all files again.
    let planned = plan.set.changes.len().max(1);
    let most = (MOST_PLANNED / planned).clamp(1, MOST_OBJECTS);
    let mut found = rollouts(plan, facts, is_wanted);
    if let Some(web) = &plan.web_service {
        let sized = web_service::sized(web, &facts.web_service);
        found.extend(sized.adjustments(is_wanted, |size| {
            let mut files = files.to_vec();
            let template = files.iter_mut().flat_map(|contents| &mut contents.templates).next()?;
            let options = &mut template.template.options;
            let request = web_service::with_size(web.request(), sized.size, size)?;
            (options.memory, options.cpu) = (request.memory, request.cpu);
            options.replicas = Some(request.replicas);
            set_of(&files)
        }));
    }
    for (job, sized) in job::largest_jobs(&plan.set, &plan.jobs, &facts.jobs).into_iter().take(most) {
        let name = &job.request().name;
        found.extend(sized.adjustments(is_wanted, |size| {
            let mut files = files.to_vec();
            let mut jobs =
                files.iter_mut().flat_map(|contents| &mut contents.jobs).flat_map(|list| &mut list.jobs);
            let job = jobs.find(|job| job.request.name == *name)?;
            job.request = job::with_size(&job.request, sized.size, size)?;
            set_of(&files)
        }));
    }
    let limit_ranges = &facts.jobs.namespace.limits.limit_ranges;
    for sized in largest_manifests(files, plan, limit_ranges).into_iter().take(most) {
        found.extend(of_manifest(files, &sized, limit_ranges, is_wanted, set_of));
    }
    found
}

/// Returns the nearest sizes of one manifest. A request that is stated above its limit is lowered to it.
fn of_manifest(
    files: &[FileContents],
    sized: &Sized,
    limit_ranges: &[LimitRange],
    is_wanted: fn(&ChangeSet) -> bool,
    set_of: impl Fn(&[FileContents]) -> Option<ChangeSet>,
) -> Vec<Adjustment> {
    let resized = |size: WorkloadSize, limits: NewLimits| {
        let mut files = files.to_vec();
        let mut manifests = files.iter_mut().flat_map(|contents| &mut contents.manifests);
        let manifest = manifests.find(|manifest| manifest.to_string() == sized.name)?;
        let lowered = resize(manifest, (sized.size, size), limits, limit_ranges)?;
        Some((files, lowered))
    };
    let with_limits = |size, limits| resized(size, limits).and_then(|(files, _)| set_of(&files));
    let mut found = sized.adjustments(is_wanted, |size| with_limits(size, NewLimits::default()));
    if found.is_empty() {
        // Only its requests are too large, or it has requests without limits.
        let stated = NewLimits { memory: sized.size.memory > 0, cpu: sized.size.cpu > 0 };
        let evaluated = |limits| Some((limits, with_limits(sized.size, limits).filter(is_wanted)?));
        let added = NewLimits::ALL.into_iter().filter(|limits| limits.are_within(stated)).find_map(evaluated);
        found.extend(added.map(|(limits, set)| Adjustment {
            memory: limits.memory.then(|| Memory::from_bytes(sized.size.memory)),
            cpu: limits.cpu.then(|| Cpu::from_millis(sized.size.cpu)),
            has_downtime: !set.fits_without_downtime(),
            ..Adjustment::new(sized.kind, sized.name.as_str())
        }));
    }
    for found in &mut found {
        let size = WorkloadSize {
            memory: found.memory.map_or(sized.size.memory, Memory::bytes),
            cpu: found.cpu.map_or(sized.size.cpu, Cpu::millis),
            replicas: found.replicas.unwrap_or(sized.size.replicas),
        };
        let limits = NewLimits {
            memory: found.memory.is_some_and(|memory| memory.bytes() == sized.size.memory),
            cpu: found.cpu.is_some_and(|cpu| cpu.millis() == sized.size.cpu),
        };
        if let Some((_, lowered)) = resized(size, limits) {
            (found.memory_request, found.cpu_request) = (lowered.memory, lowered.cpu);
            let has_amount =
                found.memory.or(found.memory_request).is_some() || found.cpu.or(found.cpu_request).is_some();
            found.container = lowered.container.filter(|_| has_amount);
        }
    }
    found
}

/// Returns other rollouts of single Deployments with which everything is as wanted.
fn rollouts(plan: &FilePlan, facts: &FilePlanFacts, is_wanted: fn(&ChangeSet) -> bool) -> Vec<Adjustment> {
    if !plan.problems.is_empty() || !plan.set.at_rest.fits() || plan.set.at_peak.fits() {
        return Vec::new();
    }
    let limits = &facts.jobs.namespace.limits;
    let mut found = Vec::new();
    for change in plan.set.pending().filter(|change| change.kind == WorkloadKind::Manifest) {
        let other = |rollout| plan.set.with_rollout(&change.name, rollout, limits);
        let rollout = [Rollout::InPlace, Rollout::Recreate].into_iter().find(|rollout| {
            // Of a single pod, both have downtime, and only one of them says so.
            let is_single = change.demand.replacement.as_ref().is_none_or(|pods| pods.new.count < 2);
            !(is_single && *rollout == Rollout::InPlace) && is_wanted(&other(*rollout))
        });
        found.extend(rollout.map(|rollout| Adjustment {
            rollout: Some(rollout),
            has_downtime: !other(rollout).fits_without_downtime(),
            ..Adjustment::new(change.kind, change.name.as_str())
        }));
    }
    found
}

/// Returns the largest objects that create pods.
fn largest_manifests(files: &[FileContents], plan: &FilePlan, limit_ranges: &[LimitRange]) -> Vec<Sized> {
    let is_pending = |manifest: &Manifest| {
        let name = manifest.to_string();
        plan.set.changes.iter().any(|change| {
            change.kind == WorkloadKind::Manifest && change.name == name && change.action != Action::Keep
        })
    };
    let manifests = files.iter().flat_map(|contents| &contents.manifests);
    let mut sized: Vec<Sized> = manifests
        .filter(|manifest| is_pending(manifest))
        .filter_map(|manifest| {
            let size = size_of(manifest, limit_ranges)?;
            let bounds = SizeBounds {
                lowest: lowest_size(limit_ranges),
                memory_steps: Vec::new(),
                cpu_steps: Vec::new(),
            };
            Some(Sized { kind: WorkloadKind::Manifest, name: manifest.to_string(), size, bounds })
        })
        .collect();
    sized.sort_by_key(|Sized { size, .. }| {
        let total = (size.memory.saturating_mul(size.replicas), size.cpu.saturating_mul(size.replicas));
        std::cmp::Reverse(total)
    });
    sized.truncate(MOST_OBJECTS);
    sized
}

/// Returns the index of the container with the largest memory limit, and its resources with the LimitRanges' defaults.
fn main_container(pod: &PodSpec, limit_ranges: &[LimitRange]) -> Option<(usize, ContainerResources)> {
    let containers =
        stated_pod(pod).containers.into_iter().map(|stated| apply_defaults(limit_ranges, stated));
    containers.enumerate().max_by_key(|(index, resources)| {
        (resources.limits.get(&ComputeResource::Memory), std::cmp::Reverse(*index))
    })
}

fn size_of(manifest: &Manifest, limit_ranges: &[LimitRange]) -> Option<WorkloadSize> {
    let (_, resources) = main_container(manifest.object.pod_spec()?, limit_ranges)?;
    let amount = |resource: &ComputeResource| {
        let stated = |amounts: &Amounts| amounts.get(resource);
        stated(&resources.limits).or_else(|| stated(&resources.requests)).unwrap_or(0)
    };
    Some(WorkloadSize {
        memory: amount(&ComputeResource::Memory),
        cpu: amount(&ComputeResource::Cpu),
        replicas: manifest.object.replicas().unwrap_or(1),
    })
}

/// The limits that are set to the requests, where only these are stated.
#[derive(Clone, Copy, Debug, Default)]
struct NewLimits {
    memory: bool,
    cpu: bool,
}

impl NewLimits {
    /// All choices, the smallest ones first.
    const ALL: [Self; 4] = [
        Self { memory: false, cpu: false },
        Self { memory: true, cpu: false },
        Self { memory: false, cpu: true },
        Self { memory: true, cpu: true },
    ];

    fn are_within(self, other: Self) -> bool {
        (other.memory || !self.memory) && (other.cpu || !self.cpu)
    }
}

/// What is lowered besides the limits of a manifest's main container.
struct Lowered {
    memory: Option<Memory>,
    cpu: Option<Cpu>,
    /// The container, if the pod has others.
    container: Option<String>,
}

/// Changes the limits of a manifest's main container, and its number of pods. Requests that are stated become at most as
/// large as the limits; others are left to the API server.
fn resize(
    manifest: &mut Manifest,
    (before, wanted): (WorkloadSize, WorkloadSize),
    new_limits: NewLimits,
    limit_ranges: &[LimitRange],
) -> Option<Lowered> {
    if wanted.replicas != before.replicas {
        manifest.object.set_replicas(i32::try_from(wanted.replicas).ok()?)?;
    }
    let pod = manifest.object.pod_spec_mut()?;
    let (index, ContainerResources { limits, .. }) = main_container(pod, limit_ranges)?;
    let stated = stated_pod(pod).containers.into_iter().nth(index)?;
    let has_others = pod.containers.len() > 1;
    let container = pod.containers.get_mut(index)?;
    let mut lower = |resource: ComputeResource, new_limit: Option<u64>| {
        let (key, text) = (resource.key(), |amount| resource.amount(amount));
        if let Some(limit) = new_limit {
            set(container, Bound::Limit, &key, text(limit));
        }
        let limit = new_limit.or_else(|| limits.get(&resource));
        let limit =
            limit.filter(|limit| stated.requests.get(&resource).is_some_and(|request| request > *limit))?;
        set(container, Bound::Request, &key, text(limit));
        Some(limit)
    };
    let new_limit =
        |before: u64, wanted: u64, is_new: bool| (wanted != before || is_new).then_some(wanted);
    let memory =
        lower(ComputeResource::Memory, new_limit(before.memory, wanted.memory, new_limits.memory));
    let cpu = lower(ComputeResource::Cpu, new_limit(before.cpu, wanted.cpu, new_limits.cpu));
    Some(Lowered {
        memory: memory.map(Memory::from_bytes),
        cpu: cpu.map(Cpu::from_millis),
        container: has_others.then(|| container.name.clone()),
    })
}

/// Which amount of a resource.
#[derive(Clone, Copy)]
enum Bound {
    Limit,
    Request,
}

fn set(container: &mut Container, bound: Bound, key: &str, amount: String) {
    let resources = container.resources.get_or_insert_default();
    let amounts = match bound {
        Bound::Limit => &mut resources.limits,
        Bound::Request => &mut resources.requests,
    };
    amounts.get_or_insert_default().insert(key.to_owned(), Quantity(amount));
}

impl ManifestObject {
    /// Returns the number of pods that the object keeps running, where it can be changed.
    fn replicas(&self) -> Option<u64> {
        let replicas = match self {
            Self::Deployment(found) => deployment_spec(found)?.replicas,
            Self::ReplicaSet(found) => replica_set_spec(found)?.replicas,
            Self::StatefulSet(found) => stateful_set_spec(found)?.replicas,
            Self::ReplicationController(found) => found.spec.as_ref()?.replicas,
            Self::Job(found) => found.spec.as_ref()?.parallelism,
            _ => return None,
        };
        u64::try_from(replicas.unwrap_or(1)).ok()
    }

    fn set_replicas(&mut self, count: i32) -> Option<()> {
        let replicas = match self {
            Self::Deployment(found) => &mut deployment_spec_mut(found)?.replicas,
            Self::ReplicaSet(found) => &mut replica_set_spec_mut(found)?.replicas,
            Self::StatefulSet(found) => &mut stateful_set_spec_mut(found)?.replicas,
            Self::ReplicationController(found) => &mut found.spec.as_mut()?.replicas,
            Self::Job(found) => &mut found.spec.as_mut()?.parallelism,
            _ => return None,
        };
        *replicas = Some(count);
        Some(())
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
