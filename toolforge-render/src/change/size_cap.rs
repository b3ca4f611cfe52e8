//! The most that each of several workloads may have.

use toolforge_quota::{SizeBounds, WorkloadSize};

use crate::change::{Adjustment, ChangeSet, Sized};

/// The most that each pod of several workloads may have, and the most pods of each; what has less stays as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeCap {
    pub(crate) most: WorkloadSize,
    /// Whether less memory than a LimitRange allows, or none where a limit is required, is raised.
    pub(crate) raises_memory: bool,
    /// The same of CPU.
    pub(crate) raises_cpu: bool,
}

impl SizeCap {
    /// Returns what becomes of a size; an amount does not become less than the lowest.
    pub(crate) fn apply(&self, own: WorkloadSize, lowest: WorkloadSize) -> WorkloadSize {
        let amount = |own: u64, most: u64, lowest: u64, raises: bool| {
            own.min(most.max(lowest)).max(if raises { lowest } else { 0 })
        };
        WorkloadSize {
            memory: amount(own.memory, self.most.memory, lowest.memory, self.raises_memory),
            cpu: amount(own.cpu, self.most.cpu, lowest.cpu, self.raises_cpu),
            replicas: own.replicas.min(self.most.replicas),
        }
    }
}

/// Returns the largest sizes that all workloads may have so that everything is as wanted. `evaluate` returns the change set with
/// a cap, and what that changes.
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
        let memory_steps = [bounds.memory_steps, of_other.memory_steps].concat();
        let cpu_steps = [bounds.cpu_steps, of_other.cpu_steps].concat();
        // All of them have the lowest size of their namespace.
        (size, SizeBounds { memory_steps, cpu_steps, ..bounds })
    };
    let all = workloads.into_iter().map(|sized| (sized.size, sized.bounds.clone())).reduce(joined);
    let Some((size, mut bounds)) = all else { return Vec::new() };
    for steps in [&mut bounds.memory_steps, &mut bounds.cpu_steps] {
        steps.sort_unstable();
        steps.dedup();
    }
    for (raises_memory, raises_cpu) in [(false, false), (true, false), (false, true), (true, true)] {
        let with = |most| evaluate(&SizeCap { most, raises_memory, raises_cpu });
        if raises_memory || raises_cpu {
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
