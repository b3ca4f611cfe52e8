//! Sizes and rollouts that several workloads of files must have so that all files fit.

use std::collections::{BTreeMap, BTreeSet};

use toolforge_model::{Cpu, JobName, Memory};
use toolforge_quota::{ComputeResource, LimitRange, ObjectName, PerResource, WorkloadSize};

use crate::change::{
    Adjustment, Change, ChangeSet, PodPart, Rollout, SizeCap, Sized, WorkloadKind, cap_adjustments,
};
use crate::files::resize::{Part, resize, sized_as};
use crate::files::{FileContents, FilePlan, FilePlanFacts};
use crate::job;
use crate::manifest::{Manifest, ManifestObject};
use crate::web_service;

/// The most objects for which the search checks whether one can keep its rollout.
const MOST_ROLLOUTS: usize = 50;

/// The workloads of files whose sizes can be lowered.
#[derive(Debug, Default)]
pub(super) struct Workloads<'a> {
    web_service: Option<Sized>,
    jobs: BTreeMap<&'a JobName, Sized>,
    manifests: BTreeMap<ObjectName, Sized>,
    limit_ranges: &'a [LimitRange],
}

impl<'a> Workloads<'a> {
    /// Returns all workloads that are changed or lack pods.
    pub(super) fn of(files: &[FileContents], plan: &'a FilePlan, facts: &'a FilePlanFacts) -> Self {
        let limit_ranges = &facts.jobs.namespace.limits.limit_ranges;
        let changed = |kind| plan.set.sizable().filter(move |change| change.kind == kind);
        let objects: BTreeSet<&ObjectName> =
            changed(WorkloadKind::Manifest).filter_map(|change| change.object.as_ref()).collect();
        let manifests = files.iter().flat_map(|contents| &contents.manifests);
        let manifests = manifests.filter_map(|manifest| {
            let name = manifest.object_name();
            let sized = sized(manifest, limit_ranges).filter(|_| objects.contains(&name))?;
            Some((name, sized))
        });
        let web = plan.web_service.as_ref().filter(|_| changed(WorkloadKind::WebService).next().is_some());
        let jobs = job::changed_jobs(&plan.set, &plan.jobs, &facts.jobs);
        Self {
            web_service: web.map(|web| web_service::sized(web, &facts.for_web_service())),
            jobs: jobs.into_iter().map(|(plan, sized)| (&plan.request().name, sized)).collect(),
            manifests: manifests.collect(),
            limit_ranges,
        }
    }

    /// Returns one manifest, whose number of pods may be lowered or not.
    pub(super) fn of_manifest(
        manifest: &Manifest,
        limit_ranges: &'a [LimitRange],
        lowers_replicas: bool,
    ) -> Self {
        let sized = sized(manifest, limit_ranges).map(|mut sized| {
            if !lowers_replicas {
                sized.bounds.lowest.replicas = sized.size.replicas;
            }
            (manifest.object_name(), sized)
        });
        Self { manifests: sized.into_iter().collect(), limit_ranges, ..Self::default() }
    }

    /// Returns the maximum size of each of them that makes all files as wanted.
    pub(super) fn adjustments(
        &self,
        files: &[FileContents],
        is_wanted: fn(&ChangeSet) -> bool,
        set_of: impl Fn(&[FileContents]) -> Option<ChangeSet>,
    ) -> Vec<Adjustment> {
        self.adjustments_with(files, is_wanted, |files| Some((set_of(files)?, Vec::new())))
    }

    /// Returns the same, also with the other rollouts that `set_of` returns.
    fn adjustments_with(
        &self,
        files: &[FileContents],
        is_wanted: fn(&ChangeSet) -> bool,
        set_of: impl Fn(&[FileContents]) -> Option<(ChangeSet, Vec<Adjustment>)>,
    ) -> Vec<Adjustment> {
        let all = self.web_service.iter().chain(self.jobs.values()).chain(self.manifests.values());
        cap_adjustments(all, is_wanted, |cap| {
            let (files, mut changed) = self.capped(files, cap)?;
            let (set, others) = set_of(&files)?;
            for other in others {
                match changed.iter_mut().find(|found| found.is_of_same_workload(&other)) {
                    Some(found) => found.rollout = other.rollout,
                    None => changed.push(other),
                }
            }
            Some((set, changed))
        })
    }

    /// Returns the files with a cap, and what that changes.
    fn capped(&self, files: &[FileContents], cap: &SizeCap) -> Option<(Vec<FileContents>, Vec<Adjustment>)> {
        let mut files = files.to_vec();
        let mut changed = Vec::new();
        let mut templates = files.iter_mut().flat_map(|contents| &mut contents.templates);
        if let (Some(sized), Some(template)) = (&self.web_service, templates.next()) {
            let wanted = cap.apply(sized.size, sized.bounds.lowest);
            if wanted != sized.size {
                web_service::set_options_size(&mut template.template.options, sized.size, wanted)?;
                changed.push(sized.changed_to(wanted));
            }
        }
        let jobs = files.iter_mut().flat_map(|contents| &mut contents.jobs).flat_map(|list| &mut list.jobs);
        for job in jobs {
            let Some(sized) = self.jobs.get(&job.request.name) else { continue };
            let wanted = cap.apply(sized.size, sized.bounds.lowest);
            if wanted != sized.size {
                job.request = job::with_size(&job.request, sized.size, wanted)?;
                changed.push(sized.changed_to(wanted));
            }
        }
        for manifest in files.iter_mut().flat_map(|contents| &mut contents.manifests) {
            if let Some(sized) = self.manifests.get(&manifest.object_name()) {
                changed.extend(cap_manifest(manifest, sized, cap, self.limit_ranges)?);
            }
        }
        Some((files, changed))
    }
}

/// Returns the largest amounts of the parts of a manifest's pods, and their number; `None` if it creates no pods.
fn sized(manifest: &Manifest, limit_ranges: &[LimitRange]) -> Option<Sized> {
    let pod = manifest.object.pod_spec()?;
    let sizes = Part::all(pod, limit_ranges).into_iter().filter_map(|part| part.size(pod, limit_ranges));
    let largest = sizes.reduce(|one, other| WorkloadSize {
        memory: one.memory.max(other.memory),
        cpu: one.cpu.max(other.cpu),
        replicas: 1,
    })?;
    Some(sized_as(manifest, largest, limit_ranges))
}

/// Applies a cap to each part of a manifest's pods and to their number, and returns what that changes.
fn cap_manifest(
    manifest: &mut Manifest,
    sized: &Sized,
    cap: &SizeCap,
    limit_ranges: &[LimitRange],
) -> Option<Vec<Adjustment>> {
    let (mut changed, mut lowered, mut whole) = (Vec::new(), Vec::new(), None);
    let mut parts = Part::all(manifest.object.pod_spec()?, limit_ranges);
    // The amounts of the whole pod depend on those of its containers.
    parts.sort_by_key(|part| *part == Part::Pod);
    let has_whole = parts.contains(&Part::Pod);
    for part in parts {
        let pod = manifest.object.pod_spec()?;
        let Some(own) = part.size(pod, limit_ranges) else { continue };
        // The number of pods is changed once.
        let wanted =
            WorkloadSize { replicas: own.replicas, ..cap.apply(own, part.lowest(pod, limit_ranges)) };
        let limits = part.resources(pod, limit_ranges)?.limits;
        let is_new =
            |resource, raises: bool, wanted: u64| raises && wanted > 0 && limits.get(resource).is_none();
        let new_limits = PerResource {
            cpu: is_new(&ComputeResource::Cpu, cap.raises.cpu, wanted.cpu),
            memory: is_new(&ComputeResource::Memory, cap.raises.memory, wanted.memory),
        };
        let requests = part.stated(pod)?.requests;
        let other = resize(manifest, part, (own, wanted), new_limits, limit_ranges)?;
        let pod = manifest.object.pod_spec()?;
        let found = Adjustment {
            limits: PerResource {
                cpu: (wanted.cpu != own.cpu || new_limits.cpu).then(|| Cpu::from_millis(wanted.cpu)),
                memory: (wanted.memory != own.memory || new_limits.memory)
                    .then(|| Memory::from_bytes(wanted.memory)),
            },
            requests: other.requests,
            part: if has_whole { part.stated_name(pod) } else { other.part },
            ..sized.unchanged()
        };
        if found == (Adjustment { part: found.part.clone(), ..sized.unchanged() }) {
            continue;
        }
        let is_more = |resource, request: Option<u64>| request > requests.get(resource);
        let is_raised = wanted.memory > own.memory
            || wanted.cpu > own.cpu
            || new_limits.memory
            || new_limits.cpu
            || is_more(&ComputeResource::Memory, found.requests.memory.map(Memory::bytes))
            || is_more(&ComputeResource::Cpu, found.requests.cpu.map(Cpu::millis));
        if part == Part::Pod {
            whole = Some(found);
        } else if is_raised {
            changed.push(found);
        } else {
            lowered.push(found);
        }
    }
    changed.extend(of_each_container(lowered));
    changed.extend(whole);
    if let Some(own) = manifest.object.replicas() {
        let wanted = own.min(cap.most.replicas);
        if wanted != own {
            manifest.object.set_replicas(i32::try_from(wanted).ok()?)?;
            if changed.is_empty() {
                changed.push(sized.unchanged());
            }
            if let Some(first) = changed.first_mut() {
                manifest.object.state_replicas(first, wanted);
            }
        }
    }
    Some(changed)
}

/// Returns the lower amounts of several containers as one change: the most that each may have.
fn of_each_container(lowered: Vec<Adjustment>) -> Option<Adjustment> {
    type Stated = PerResource<Option<Cpu>, Option<Memory>>;
    let most = |one: Stated, other: Stated| PerResource {
        cpu: one.cpu.max(other.cpu),
        memory: one.memory.max(other.memory),
    };
    lowered.into_iter().reduce(|one, other| Adjustment {
        limits: most(one.limits, other.limits),
        requests: most(one.requests, other.requests),
        part: Some(PodPart::EachContainer),
        ..one
    })
}

/// Picks one of the rollouts that an object may have.
type Choice = fn(&[Rollout]) -> Option<&Rollout>;

/// Other rollouts of all Deployments and other objects of files.
pub(super) struct Rollouts<'a> {
    plan: &'a FilePlan,
    facts: &'a FilePlanFacts,
    /// Those that can be re-created.
    deployments: BTreeSet<ObjectName>,
}

impl<'a> Rollouts<'a> {
    pub(super) fn new(files: &[FileContents], plan: &'a FilePlan, facts: &'a FilePlanFacts) -> Self {
        let manifests = files.iter().flat_map(|contents| &contents.manifests);
        let deployments =
            manifests.filter(|manifest| matches!(manifest.object, ManifestObject::Deployment(_)));
        Self { plan, facts, deployments: deployments.map(Manifest::object_name).collect() }
    }

    /// Returns the rollouts that can be stated instead of a change's own, the one with the least downtime first.
    fn choices(&self, change: &Change) -> Vec<Rollout> {
        let Some(object) = change.object.as_ref().filter(|_| !change.is_keep()) else { return Vec::new() };
        let Some(pods) = &change.demand.replacement else { return Vec::new() };
        // For a single pod, both have downtime, and only one of them says so.
        let in_place = (pods.new.count > 1).then_some(Rollout::InPlace);
        let recreate = self.deployments.contains(object).then_some(Rollout::Recreate);
        in_place.into_iter().chain(recreate).collect()
    }

    fn with(&self, set: &ChangeSet, rollout: impl Fn(&Change) -> Option<Rollout>) -> ChangeSet {
        set.with_rollouts(rollout, &self.facts.jobs.namespace.limits)
    }

    fn adjustment(change: &Change, rollout: Rollout) -> Adjustment {
        Adjustment { rollout: Some(rollout), ..Adjustment::of(change) }
    }

    /// Returns other rollouts of single objects that make everything as wanted.
    pub(super) fn of_single(&self, is_wanted: fn(&ChangeSet) -> bool) -> Vec<Adjustment> {
        if !self.exceed_at_peak() {
            return Vec::new();
        }
        let set = &self.plan.set;
        let found = set.pending().filter_map(|change| {
            self.choices(change).into_iter().find_map(|rollout| {
                let other = self.with(set, |found| (found.object == change.object).then_some(rollout));
                is_wanted(&other).then(|| Self::adjustment(change, rollout).with_downtime_of(&other))
            })
        });
        found.collect()
    }

    /// Returns other rollouts of as few objects as possible that make everything as wanted.
    pub(super) fn of_several(&self, is_wanted: fn(&ChangeSet) -> bool) -> Option<Adjustment> {
        if !self.exceed_at_peak() {
            return None;
        }
        let set = &self.plan.set;
        let with = |rollouts: &BTreeMap<&ObjectName, Rollout>| {
            self.with(set, |change| rollouts.get(change.object.as_ref()?).copied())
        };
        let all = |choice: Choice| -> BTreeMap<&ObjectName, Rollout> {
            let chosen = set
                .pending()
                .filter_map(|change| Some((change.object.as_ref()?, *choice(&self.choices(change))?)));
            chosen.collect()
        };
        let mut rollouts = [all(<[Rollout]>::first), all(<[Rollout]>::last)]
            .into_iter()
            .find(|all| is_wanted(&with(all)))?;
        if rollouts.len() <= MOST_ROLLOUTS {
            for name in rollouts.keys().copied().collect::<Vec<_>>() {
                let Some(rollout) = rollouts.remove(name) else { continue };
                if !is_wanted(&with(&rollouts)) {
                    rollouts.insert(name, rollout);
                }
            }
        }
        let changed = set
            .pending()
            .filter_map(|change| Some(Self::adjustment(change, *rollouts.get(change.object.as_ref()?)?)));
        Adjustment::together(changed.collect(), &with(&rollouts))
    }

    /// Returns the maximum size of each workload that makes all files as wanted with other rollouts of all objects.
    pub(super) fn with_sizes(
        &self,
        workloads: &Workloads<'_>,
        files: &[FileContents],
        is_wanted: fn(&ChangeSet) -> bool,
        set_of: impl Fn(&[FileContents]) -> Option<ChangeSet>,
    ) -> Vec<Adjustment> {
        let choices: [Choice; 2] = [<[Rollout]>::first, <[Rollout]>::last];
        let of_choice = |choice: Choice| {
            let rollout = |change: &Change| choice(&self.choices(change)).copied();
            workloads.adjustments_with(files, is_wanted, |files| {
                let set = set_of(files)?;
                let other = |change: &Change| {
                    let rollout = rollout(change).filter(|rollout| !change.is_replaced_as(*rollout))?;
                    Some(Self::adjustment(change, rollout))
                };
                let others = set.pending().filter_map(other).collect();
                Some((self.with(&set, rollout), others))
            })
        };
        choices.into_iter().map(of_choice).find(|found| !found.is_empty()).unwrap_or_default()
    }

    /// Returns whether only the peak of the rollouts does not fit.
    fn exceed_at_peak(&self) -> bool {
        let FilePlan { set, problems, .. } = self.plan;
        problems.is_empty() && set.at_rest.fits() && !set.at_peak.fits()
    }
}
