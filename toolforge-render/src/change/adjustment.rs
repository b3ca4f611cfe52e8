//! The smallest change of one workload, or of several together, that makes a change set or its runs fit.

use std::fmt;

use toolforge_model::{Cpu, CronExpression, Memory, Replicas, Untrusted};
use toolforge_quota::{
    ComputeResource, LargestSize, LimitRange, Limits, MEMORY_STEP, ObjectName, PerResource, Resource,
    SizeBounds, WorkloadSize,
};

use crate::change::{Change, ChangeSet, Downtime, Rollout, Workload, WorkloadKind};

/// The most workloads with the same change that a description names.
const MOST_NAMED: usize = 10;

/// A smaller size or another rollout of one workload that makes everything fit, or another schedule that makes its runs fit.
/// For each amount, one mebibyte, one milli of CPU or one pod more would not fit, and neither would a nearer schedule.
///
/// If no change of a single workload is enough, [`also`](Self::also) lists what must change in others, too.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adjustment {
    /// The kind of the workload.
    pub kind: WorkloadKind,
    /// Its name, as in its change.
    pub name: String,
    /// The object of a manifest.
    pub object: Option<ObjectName>,
    /// The new limits of each pod.
    pub limits: PerResource<Option<Cpu>, Option<Memory>>,
    /// The new requests of each pod, where a stated request is above its limit or below the minimum.
    pub requests: PerResource<Option<Cpu>, Option<Memory>>,
    /// The part of the pod whose amounts these are; `None` for the only container.
    pub part: Option<PodPart>,
    /// The new number of pods.
    pub replicas: Option<u64>,
    /// The new number of pods that a Job or a run of a CronJob runs at once (`parallelism`).
    pub parallelism: Option<u64>,
    /// The new rollout.
    pub rollout: Option<Rollout>,
    /// The new schedule of a scheduled job.
    pub schedule: Option<CronExpression>,
    /// The downtime of the adjusted changes; `None` if there is none.
    pub downtime: Option<Downtime>,
    /// The changes that other workloads need at the same time, usually the same one. If all have the same amount or count, one
    /// step more would not fit.
    pub also: Vec<Adjustment>,
}

/// A part of a pod that states amounts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PodPart {
    /// A container, by its name.
    Container(String),
    /// An init container, by its name.
    InitContainer(String),
    /// The pod as a whole (`spec.resources`).
    Pod,
    /// Each container and init container: the amounts are the maximum for each, and containers with less keep theirs.
    EachContainer,
}

impl fmt::Display for PodPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(name) => write!(f, "container {}", Untrusted::new(name.as_str()).escaped()),
            Self::InitContainer(name) => {
                write!(f, "init container {}", Untrusted::new(name.as_str()).escaped())
            }
            Self::Pod => f.write_str("the pod as a whole"),
            Self::EachContainer => f.write_str("each container"),
        }
    }
}

impl fmt::Display for Adjustment {
    /// Writes what changes in this workload: `memory 3584Mi`, `memory request 1Gi of container bot`, `memory 2Gi at most in each container`,
    /// `2 replicas`, `parallelism 2`, `rollout recreate`, `schedule 20 * * * *`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amounts = [
            self.limits.memory.map(|memory| format!("memory {memory}")),
            self.requests.memory.map(|memory| format!("memory request {memory}")),
            self.limits.cpu.map(|cpu| format!("CPU {cpu}")),
            self.requests.cpu.map(|cpu| format!("CPU request {cpu}")),
        ];
        let mut parts: Vec<String> = amounts.into_iter().flatten().collect();
        if let (Some(last), Some(part)) = (parts.last_mut(), &self.part) {
            let relation = if *part == PodPart::EachContainer { "at most in" } else { "of" };
            last.push_str(&format!(" {relation} {part}"));
        }
        let others = [
            self.replicas.map(|count| format!("{count} {}", if count == 1 { "replica" } else { "replicas" })),
            self.parallelism.map(|count| format!("parallelism {count}")),
            self.rollout.map(|rollout| format!("rollout {}", rollout.as_str())),
            self.schedule.as_ref().map(|schedule| format!("schedule {schedule}")),
        ];
        parts.extend(others.into_iter().flatten());
        f.write_str(&parts.join(" and "))
    }
}

impl Adjustment {
    /// Returns whether a limit or a request changes.
    pub(crate) fn has_amount(&self) -> bool {
        [self.limits, self.requests].iter().any(|amounts| amounts.cpu.is_some() || amounts.memory.is_some())
    }

    /// Returns the workload.
    #[must_use]
    pub fn workload(&self) -> Workload {
        Workload::new(self.kind, &self.name, self.object.as_ref())
    }

    /// Returns the changes of all workloads: this one and those that must change at the same time.
    pub fn all(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.also)
    }

    /// Returns what changes in which workload: `job daily: memory 1Gi`, `job daily and job other: each memory 1Gi`. Changes that
    /// differ are separated by semicolons; if there are many workloads, only the first are named.
    #[must_use]
    pub fn description(&self) -> String {
        let mut changes: Vec<(&Self, String)> = Vec::new();
        for found in self.all() {
            match changes.last_mut().filter(|(last, _)| last.is_of_same_workload(found)) {
                // Parts of one pod.
                Some((_, text)) => text.push_str(&format!(" and {found}")),
                None => changes.push((found, found.to_string())),
            }
        }
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for (found, change) in changes {
            let workload = found.workload().to_string();
            match groups.iter_mut().find(|(known, _)| *known == change) {
                Some((_, workloads)) => workloads.push(workload),
                None => groups.push((change, vec![workload])),
            }
        }
        let group = |(change, workloads): &(String, Vec<String>)| match workloads.as_slice() {
            [one] => format!("{one}: {change}"),
            workloads if workloads.len() > MOST_NAMED => {
                let (named, others) = workloads.split_at(MOST_NAMED);
                format!("{} and {} others: each {change}", named.join(", "), others.len())
            }
            [others @ .., last] => format!("{} and {last}: each {change}", others.join(", ")),
            [] => String::new(),
        };
        groups.iter().map(group).collect::<Vec<_>>().join("; ")
    }

    /// Combines changes into one adjustment that leads to a change set; `None` if there are none.
    pub(crate) fn together(changes: Vec<Self>, set: &ChangeSet) -> Option<Self> {
        let mut changes = changes.into_iter();
        let first = changes.next()?.with_downtime_of(set);
        Some(Self { also: changes.map(|change| change.with_downtime_of(set)).collect(), ..first })
    }

    /// Returns the adjustment with the downtime of the resulting change set.
    pub(crate) fn with_downtime_of(self, set: &ChangeSet) -> Self {
        Self { downtime: set.downtime(), ..self }
    }

    /// Returns whether another adjustment is one of the same workload.
    pub(crate) fn is_of_same_workload(&self, other: &Self) -> bool {
        (self.kind, &self.name, &self.object) == (other.kind, &other.name, &other.object)
    }

    /// Returns an adjustment of the workload of a change, without what it changes.
    pub(crate) fn of(change: &Change) -> Self {
        Self::new(change.kind, change.name.as_str(), change.object.clone())
    }

    fn new(kind: WorkloadKind, name: impl Into<String>, object: Option<ObjectName>) -> Self {
        Self {
            kind,
            name: name.into(),
            object,
            limits: PerResource::default(),
            requests: PerResource::default(),
            part: None,
            replicas: None,
            parallelism: None,
            rollout: None,
            schedule: None,
            downtime: None,
            also: Vec::new(),
        }
    }
}

/// A workload whose size can be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sized {
    pub(crate) kind: WorkloadKind,
    /// Its name, as in its change.
    pub(crate) name: String,
    /// The object of a manifest.
    pub(crate) object: Option<ObjectName>,
    /// Its current size.
    pub(crate) size: WorkloadSize,
    /// The sizes that are tried.
    pub(crate) bounds: SizeBounds,
}

impl Sized {
    /// Returns an adjustment of the workload, without what it changes.
    pub(crate) fn unchanged(&self) -> Adjustment {
        Adjustment::new(self.kind, self.name.as_str(), self.object.clone())
    }

    /// Returns the change to another size.
    pub(crate) fn changed_to(&self, wanted: WorkloadSize) -> Adjustment {
        Adjustment {
            limits: PerResource {
                cpu: (wanted.cpu != self.size.cpu).then(|| Cpu::from_millis(wanted.cpu)),
                memory: (wanted.memory != self.size.memory).then(|| Memory::from_bytes(wanted.memory)),
            },
            replicas: (wanted.replicas != self.size.replicas).then_some(wanted.replicas),
            ..self.unchanged()
        }
    }

    /// Returns the nearest sizes that lead to a wanted change set; `evaluate` returns the change set with a size.
    pub(crate) fn adjustments(
        &self,
        is_wanted: fn(&ChangeSet) -> bool,
        evaluate: impl Fn(WorkloadSize) -> Option<ChangeSet>,
    ) -> Vec<Adjustment> {
        let fits = |size| evaluate(size).is_some_and(|set| is_wanted(&set));
        let adjusted = |found: WorkloadSize| {
            let change = self.changed_to(found);
            match evaluate(found) {
                Some(set) => change.with_downtime_of(&set),
                None => change,
            }
        };
        self.size.nearest_that_fit(&self.bounds, fits).into_iter().map(adjusted).collect()
    }
}

/// The largest value of one part of a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Largest<T> {
    /// Not even the smallest fits.
    Nothing,
    /// The largest that fits.
    UpTo(T),
    /// Neither a quota nor a limit bounds it.
    Unlimited,
}

impl<T> Largest<T> {
    /// Returns the largest that fits; `None` if nothing does, or if it is not bounded.
    pub fn amount(self) -> Option<T> {
        match self {
            Self::UpTo(amount) => Some(amount),
            Self::Nothing | Self::Unlimited => None,
        }
    }

    fn map<U>(self, of: impl FnOnce(T) -> U) -> Largest<U> {
        match self {
            Self::Nothing => Largest::Nothing,
            Self::UpTo(amount) => Largest::UpTo(of(amount)),
            Self::Unlimited => Largest::Unlimited,
        }
    }
}

/// The largest size of one workload: the largest memory limit, CPU limit and number of pods, each with the others
/// unchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LargestSizes {
    /// The largest memory limit of each pod.
    pub memory: Largest<Memory>,
    /// The largest CPU limit of each pod.
    pub cpu: Largest<Cpu>,
    /// The largest number of pods.
    pub replicas: Largest<u64>,
}

impl Sized {
    /// Returns the largest sizes that fit; `fits` returns whether a size does.
    pub(crate) fn largest(&self, limits: &Limits, fits: impl Fn(WorkloadSize) -> bool) -> LargestSizes {
        let highest = highest_size(limits);
        let largest = |found: Option<u64>, resource: Resource, highest: u64| match found {
            None => Largest::Nothing,
            // The search stops there, although nothing limits the size.
            Some(found) if found >= highest && quota_of(limits, &resource).is_none() => Largest::Unlimited,
            Some(found) => Largest::UpTo(found),
        };
        let LargestSize { memory, cpu, replicas } = self.size.largest_that_fit(&self.bounds, highest, fits);
        LargestSizes {
            memory: largest(memory, Resource::LimitsMemory, HIGHEST.memory).map(Memory::from_bytes),
            cpu: largest(cpu, Resource::LimitsCpu, HIGHEST.cpu).map(Cpu::from_millis),
            replicas: largest(replicas, Resource::Pods, HIGHEST.replicas),
        }
    }
}

/// The upper end of the search where nothing limits the size: 1 TiB, 1000 CPUs, 1000 pods.
const HIGHEST: WorkloadSize = WorkloadSize { memory: 1 << 40, cpu: 1_000_000, replicas: 1000 };

/// Returns the smallest limit that a quota sets for a resource.
fn quota_of(limits: &Limits, resource: &Resource) -> Option<u64> {
    limits.quotas.iter().filter_map(|quota| quota.hard.get(resource).copied()).min()
}

/// Returns the largest size that quotas allow.
fn highest_size(limits: &Limits) -> WorkloadSize {
    let hard = |resource: Resource, highest: u64| quota_of(limits, &resource).unwrap_or(highest);
    WorkloadSize {
        memory: hard(Resource::LimitsMemory, HIGHEST.memory),
        cpu: hard(Resource::LimitsCpu, HIGHEST.cpu),
        replicas: hard(Resource::Pods, HIGHEST.replicas),
    }
}

/// Sets the memory, CPU and replicas of a request that differ from its previous size; the others stay as requested.
/// Returns `None` if it has no replicas to set, or cannot have that many.
pub(crate) fn set_size(
    (before, wanted): (WorkloadSize, WorkloadSize),
    memory: &mut Option<Memory>,
    cpu: &mut Option<Cpu>,
    replicas: Option<&mut Replicas>,
) -> Option<()> {
    if wanted.memory != before.memory {
        *memory = Some(Memory::from_bytes(wanted.memory));
    }
    if wanted.cpu != before.cpu {
        *cpu = Some(Cpu::from_millis(wanted.cpu));
    }
    if wanted.replicas != before.replicas {
        *replicas? = Replicas::try_from(u32::try_from(wanted.replicas).ok()?).ok()?;
    }
    Some(())
}

/// Returns the smallest pod that LimitRanges allow, with one replica.
pub(crate) fn lowest_size(limit_ranges: &[LimitRange]) -> WorkloadSize {
    let lowest = |resource: &ComputeResource| {
        let bounds = limit_ranges.iter().flat_map(|range| [&range.container, &range.pod]);
        bounds.filter_map(|bounds| bounds.min.get(resource)).max()
    };
    WorkloadSize {
        memory: lowest(&ComputeResource::Memory).unwrap_or(MEMORY_STEP),
        cpu: lowest(&ComputeResource::Cpu).unwrap_or(1),
        replicas: 1,
    }
}

/// Neither, one or both of memory and CPU; the smallest choices first.
pub(crate) const CHOICES: [PerResource<bool>; 4] = [
    PerResource { memory: false, cpu: false },
    PerResource { memory: true, cpu: false },
    PerResource { memory: false, cpu: true },
    PerResource { memory: true, cpu: true },
];

/// Returns whether everything in a choice is also in another choice.
pub(crate) fn is_within(chosen: PerResource<bool>, other: PerResource<bool>) -> bool {
    (other.memory || !chosen.memory) && (other.cpu || !chosen.cpu)
}

/// The maximum size of each pod of several workloads, and the maximum number of pods of each; smaller ones are unchanged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeCap {
    pub(crate) most: WorkloadSize,
    /// Whether an amount below the minimum of a LimitRange, or a missing one where a limit is required, is raised.
    pub(crate) raises: PerResource<bool>,
}

impl SizeCap {
    /// Returns the capped size; an amount does not go below the lowest.
    pub(crate) fn apply(&self, own: WorkloadSize, lowest: WorkloadSize) -> WorkloadSize {
        let amount = |own: u64, most: u64, lowest: u64, raises: bool| {
            own.min(most.max(lowest)).max(if raises { lowest } else { 0 })
        };
        WorkloadSize {
            memory: amount(own.memory, self.most.memory, lowest.memory, self.raises.memory),
            cpu: amount(own.cpu, self.most.cpu, lowest.cpu, self.raises.cpu),
            replicas: own.replicas.min(self.most.replicas),
        }
    }
}

/// Returns the largest sizes of all workloads that lead to a wanted change set. `evaluate` returns the change set with a cap,
/// and the adjustments that the cap makes.
pub(crate) fn cap_adjustments<'a>(
    workloads: impl IntoIterator<Item = &'a Sized>,
    is_wanted: fn(&ChangeSet) -> bool,
    evaluate: impl Fn(&SizeCap) -> Option<(ChangeSet, Vec<Adjustment>)>,
) -> Vec<Adjustment> {
    let joined = |(size, bounds): (WorkloadSize, SizeBounds), other: (WorkloadSize, SizeBounds)| {
        let (other, of_other) = other;
        let size = WorkloadSize {
            memory: size.memory.max(other.memory),
            cpu: size.cpu.max(other.cpu),
            replicas: size.replicas.max(other.replicas),
        };
        let steps = PerResource {
            cpu: [bounds.steps.cpu, of_other.steps.cpu].concat(),
            memory: [bounds.steps.memory, of_other.steps.memory].concat(),
        };
        // All of them have the lowest size of their namespace.
        (size, SizeBounds { steps, ..bounds })
    };
    let all = workloads.into_iter().map(|sized| (sized.size, sized.bounds.clone())).reduce(joined);
    let Some((size, mut bounds)) = all else { return Vec::new() };
    for steps in [&mut bounds.steps.cpu, &mut bounds.steps.memory] {
        steps.sort_unstable();
        steps.dedup();
    }
    for raises in CHOICES {
        let with = |most| evaluate(&SizeCap { most, raises });
        if raises.memory || raises.cpu {
            match with(size) {
                Some((set, changed)) if is_wanted(&set) => {
                    return Adjustment::together(changed, &set).into_iter().collect();
                }
                Some((_, changed)) if changed.is_empty() => continue,
                _ => {}
            }
        }
        let found = size.nearest_that_fit(&bounds, |most| with(most).is_some_and(|(set, _)| is_wanted(&set)));
        let found: Vec<Adjustment> = found
            .into_iter()
            .filter_map(|most| {
                let (set, changed) = with(most)?;
                Adjustment::together(changed, &set)
            })
            .collect();
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}
