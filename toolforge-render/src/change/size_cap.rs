//! The most that each of several workloads may have.

use toolforge_quota::{PerResource, SizeBounds, WorkloadSize};

use crate::change::{Adjustment, ChangeSet, Sized};

/// Neither, one or both of memory and CPU; the smallest choices first.
pub(crate) const CHOICES: [PerResource<bool>; 4] = [
    PerResource { memory: false, cpu: false },
    PerResource { memory: true, cpu: false },
    PerResource { memory: false, cpu: true },
    PerResource { memory: true, cpu: true },
];

/// Returns whether each of two that is chosen is also chosen in another choice.
pub(crate) fn is_within(chosen: PerResource<bool>, other: PerResource<bool>) -> bool {
    (other.memory || !chosen.memory) && (other.cpu || !chosen.cpu)
}

/// The most that each pod of several workloads may have, and the most pods of each; what has less stays as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SizeCap {
    pub(crate) most: WorkloadSize,
    /// Whether an amount that is less than a LimitRange allows, or none where a limit is required, is raised.
    pub(crate) raises: PerResource<bool>,
}

impl SizeCap {
    /// Returns what becomes of a size; an amount does not become less than the lowest.
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
