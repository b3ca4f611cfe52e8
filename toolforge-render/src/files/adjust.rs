//! Smaller sizes and other rollouts that make files fit.

use std::collections::BTreeSet;

use toolforge_model::{Cpu, Memory};
use toolforge_quota::{LimitRange, ObjectName, PerResource, SizeBounds, WorkloadSize};

use crate::change::{Adjustment, CHOICES, ChangeSet, Sized, is_within};
use crate::files::adjust_all::{Rollouts, Workloads};
use crate::files::applied::applied;
use crate::files::resize::{Part, resize, sized_as};
use crate::files::{FileContents, FilePlan, FilePlanFacts, plan_files};
use crate::job;
use crate::manifest::Manifest;
use crate::web_service;

/// The most objects for which smaller sizes are searched: the largest ones.
const MOST_OBJECTS: usize = 5;

/// The most parts of a pod whose amounts are searched: its main container, and the largest others.
const MOST_PARTS: usize = 5;

/// The most changes of all objects whose sizes are searched together, so the search of large files takes seconds.
const MOST_PLANNED: usize = 1000;

/// Returns smaller sizes of single jobs, objects or the web service that make all files together as wanted: they
/// [fit](ChangeSet::fits_with_missing_pods), or fit [without downtime](ChangeSet::fits_without_downtime). If only the rollout
/// of a Deployment does not fit, another strategy is among the results. Only the largest jobs and objects are tried. If none
/// of them is enough, the result lists all changes that are needed together.
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
    // Containers without amounts have the defaults of the plan.
    let mut facts = facts.clone();
    facts.jobs.namespace.limits.limit_ranges.clone_from(&plan.limit_ranges);
    let facts = &facts;
    // Fields that only live objects set can also be changed.
    let files = applied_files(files, facts);
    let files = files.as_slice();
    let set_of = |files: &[FileContents]| {
        let plan = plan_files(files, facts);
        plan.problems.is_empty().then_some(plan.set)
    };
    // For each size that is tried, all files are planned again.
    let planned = plan.set.changes.len().max(1);
    let most = (MOST_PLANNED / planned).clamp(1, MOST_OBJECTS);
    let rollouts = Rollouts::new(files, plan, facts);
    let mut found = rollouts.of_single(is_wanted);
    if let Some(web) = &plan.web_service {
        let sized = web_service::sized(web, &facts.for_web_service());
        found.extend(sized.adjustments(is_wanted, |size| {
            let mut files = files.to_vec();
            let template = files.iter_mut().flat_map(|contents| &mut contents.templates).next()?;
            web_service::set_options_size(&mut template.template.options, sized.size, size)?;
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
            set_of(&files).filter(|set| set.starts_runs_of(name.as_str(), None))
        }));
    }
    let limit_ranges = &facts.jobs.namespace.limits.limit_ranges;
    for sized in largest_manifests(files, plan, limit_ranges).into_iter().take(most) {
        found.extend(of_manifest(files, &sized, limit_ranges, is_wanted, set_of));
    }
    if found.is_empty() {
        let workloads = Workloads::of(files, plan, facts);
        found.extend(rollouts.of_several(is_wanted));
        found.extend(workloads.adjustments(files, is_wanted, set_of));
        if found.is_empty() {
            found = rollouts.with_sizes(&workloads, files, is_wanted, set_of);
        }
    }
    found
}

/// Returns files whose manifests are the objects after they are applied.
fn applied_files(files: &[FileContents], facts: &FilePlanFacts) -> Vec<FileContents> {
    let mut files = files.to_vec();
    for manifest in files.iter_mut().flat_map(|contents| &mut contents.manifests) {
        *manifest = applied(manifest, facts.live.of(manifest)).into_owned();
    }
    files
}

/// Returns the nearest sizes of one manifest: of its main container, or, if none of its amounts is enough, of another part
/// of the pod, or otherwise the maximum for each container. A stated request above its limit is lowered to the limit.
fn of_manifest(
    files: &[FileContents],
    sized: &Sized,
    limit_ranges: &[LimitRange],
    is_wanted: fn(&ChangeSet) -> bool,
    set_of: impl Fn(&[FileContents]) -> Option<ChangeSet>,
) -> Vec<Adjustment> {
    let mut manifests = files.iter().flat_map(|contents| &contents.manifests);
    let Some(manifest) = manifests.find(|manifest| is_sized(manifest, sized)) else {
        return Vec::new();
    };
    let Some(pod) = manifest.object.pod_spec() else { return Vec::new() };
    let mut found: Vec<Adjustment> = Vec::new();
    let mut is_enough = false;
    for part in Part::all(pod, limit_ranges).into_iter().take(MOST_PARTS) {
        let Some(size) = part.size(pod, limit_ranges) else { continue };
        let size = WorkloadSize { replicas: sized.size.replicas, ..size };
        let lowest = part.lowest(pod, limit_ranges);
        // The replicas are searched once.
        let replicas = if found.is_empty() { lowest.replicas } else { size.replicas };
        let bounds = SizeBounds { lowest: WorkloadSize { replicas, ..lowest }, ..sized.bounds.clone() };
        let sized = Sized { size, bounds, ..sized.clone() };
        let more = of_part(files, &sized, part, limit_ranges, is_wanted, &set_of);
        is_enough = more.iter().any(|found| found.replicas.is_none());
        found.extend(more);
        if is_enough {
            break;
        }
    }
    let containers = Part::all(pod, limit_ranges).iter().filter(|part| **part != Part::Pod).count();
    if !is_enough && containers > 1 {
        let workload = Workloads::of_manifest(manifest, limit_ranges, found.is_empty());
        found.extend(workload.adjustments(files, is_wanted, set_of));
    }
    for found in &mut found {
        if let Some(count) = found.replicas.take() {
            manifest.object.state_replicas(found, count);
        }
    }
    found
}

/// Returns the nearest sizes of a part of a manifest's pod.
fn of_part(
    files: &[FileContents],
    sized: &Sized,
    part: Part,
    limit_ranges: &[LimitRange],
    is_wanted: fn(&ChangeSet) -> bool,
    set_of: impl Fn(&[FileContents]) -> Option<ChangeSet>,
) -> Vec<Adjustment> {
    let resized = |size: WorkloadSize, new_limits: PerResource<bool>| {
        let mut files = files.to_vec();
        let mut manifests = files.iter_mut().flat_map(|contents| &mut contents.manifests);
        let manifest = manifests.find(|manifest| is_sized(manifest, sized))?;
        let changed = resize(manifest, part, (sized.size, size), new_limits, limit_ranges)?;
        Some((files, changed))
    };
    let with_limits = |size, limits| {
        let set = resized(size, limits).and_then(|(files, _)| set_of(&files))?;
        set.starts_runs_of(&sized.name, sized.object.as_ref()).then_some(set)
    };
    let as_it_is = |limits: PerResource<bool>| {
        let set = with_limits(sized.size, limits).filter(is_wanted)?;
        Some(Adjustment {
            limits: PerResource {
                cpu: limits.cpu.then(|| Cpu::from_millis(sized.size.cpu)),
                memory: limits.memory.then(|| Memory::from_bytes(sized.size.memory)),
            },
            downtime: set.downtime(),
            ..sized.unchanged()
        })
    };
    // Only its requests are too large or too small, or it has requests without limits.
    let stated = PerResource { memory: sized.size.memory > 0, cpu: sized.size.cpu > 0 };
    let added = CHOICES.into_iter().filter(|limits| is_within(*limits, stated)).find_map(as_it_is);
    let mut found = match added {
        Some(added) => vec![added],
        None => sized.adjustments(is_wanted, |size| with_limits(size, PerResource::default())),
    };
    for found in &mut found {
        let size = WorkloadSize {
            memory: found.limits.memory.map_or(sized.size.memory, Memory::bytes),
            cpu: found.limits.cpu.map_or(sized.size.cpu, Cpu::millis),
            replicas: found.replicas.unwrap_or(sized.size.replicas),
        };
        let limits = PerResource {
            memory: found.limits.memory.is_some_and(|memory| memory.bytes() == sized.size.memory),
            cpu: found.limits.cpu.is_some_and(|cpu| cpu.millis() == sized.size.cpu),
        };
        if let Some((_, changed)) = resized(size, limits) {
            found.requests = changed.requests;
            found.part = changed.part.filter(|_| found.has_amount());
        }
    }
    found
}

/// Returns the largest objects that create pods.
fn largest_manifests(files: &[FileContents], plan: &FilePlan, limit_ranges: &[LimitRange]) -> Vec<Sized> {
    let sizable: BTreeSet<&ObjectName> =
        plan.set.sizable().filter_map(|change| change.object.as_ref()).collect();
    let manifests = files.iter().flat_map(|contents| &contents.manifests);
    let mut sized: Vec<Sized> = manifests
        .filter(|manifest| sizable.contains(&manifest.object_name()))
        .filter_map(|manifest| {
            let pod = manifest.object.pod_spec()?;
            let size = Part::all(pod, limit_ranges).first()?.size(pod, limit_ranges)?;
            Some(sized_as(manifest, size, limit_ranges))
        })
        .collect();
    sized.sort_by_key(|Sized { size, .. }| {
        let total = (size.memory.saturating_mul(size.replicas), size.cpu.saturating_mul(size.replicas));
        std::cmp::Reverse(total)
    });
    sized.truncate(MOST_OBJECTS);
    sized
}

/// Returns whether a manifest is the one whose size can be changed.
fn is_sized(manifest: &Manifest, sized: &Sized) -> bool {
    sized.object.as_ref() == Some(&manifest.object_name())
}
