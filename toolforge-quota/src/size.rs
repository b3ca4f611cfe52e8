//! The smallest change of a workload's size that makes it fit.

use std::ops::RangeInclusive;

use crate::container_resources::PerResource;

/// The size of a workload: the limits of each of its pods, and the number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkloadSize {
    /// Memory limit of each pod in bytes.
    pub memory: u64,
    /// CPU limit of each pod in millis.
    pub cpu: u64,
    /// Number of pods.
    pub replicas: u64,
}

/// The steps in which memory is searched, in bytes: one mebibyte.
pub const MEMORY_STEP: u64 = 1 << 20;

/// How far each part of a size can be raised alone; `None` if not even the lowest fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LargestSize {
    /// Memory limit of each pod in bytes.
    pub memory: Option<u64>,
    /// CPU limit of each pod in millis.
    pub cpu: Option<u64>,
    /// Number of pods.
    pub replicas: Option<u64>,
}

/// The range of sizes that are searched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SizeBounds {
    /// The smallest size.
    pub lowest: WorkloadSize,
    /// Limits in millis and bytes at which the request changes abruptly; those are tried first, because a larger limit may
    /// request less.
    pub steps: PerResource<Vec<u64>>,
}

impl WorkloadSize {
    /// Returns the sizes nearest to this one that fit, each with less memory, less CPU, or fewer pods; if none of these alone
    /// is enough, one with less memory and less CPU; if that is not enough either, one that also has fewer pods. Memory changes
    /// in steps of [`MEMORY_STEP`], CPU in millis.
    ///
    /// For each size, a step back towards this one does not fit. The list is empty if this size fits, or no smaller one does.
    /// An amount below the lowest is raised to it, the other one only if that is not enough.
    pub fn nearest_that_fit(self, bounds: &SizeBounds, mut fits: impl FnMut(Self) -> bool) -> Vec<Self> {
        if fits(self) {
            return Vec::new();
        }
        let lowest = bounds.lowest;
        let memory = self.memory.max(lowest.memory);
        let cpu = self.cpu.max(lowest.cpu);
        // Not both if one of them is enough.
        for raised in [Self { memory, ..self }, Self { cpu, ..self }, Self { memory, cpu, ..self }] {
            if raised != self && fits(raised) {
                return vec![raised];
            }
        }
        let memory = bounds.memory(self, |memory| fits(Self { memory, ..self }));
        let cpu = bounds.cpu(self, |cpu| fits(Self { cpu, ..self }));
        let mut found: Vec<Self> = memory.map(|memory| Self { memory, ..self }).into_iter().collect();
        found.extend(cpu.map(|cpu| Self { cpu, ..self }));
        let replicas = lowest.replicas..=self.replicas.saturating_sub(1);
        let replicas = largest(replicas, &[], |replicas| fits(Self { replicas, ..self }));
        found.extend(replicas.map(|replicas| Self { replicas, ..self }));
        if found.is_empty() {
            found.extend(self.nearest_with_several(bounds, fits));
        }
        found
    }

    /// Returns the largest memory and then CPU that fit together; if there are none, those with the most pods that fit with the
    /// lowest amounts.
    fn nearest_with_several(self, bounds: &SizeBounds, mut fits: impl FnMut(Self) -> bool) -> Option<Self> {
        let lowest = bounds.lowest;
        // An amount is unchanged if possible, and raised to the minimum if necessary.
        let stated_memory = [self.memory, self.memory.max(lowest.memory)];
        let least_memory = lowest.memory.div_ceil(MEMORY_STEP).max(1) * MEMORY_STEP;
        let stated_cpu = [self.cpu, self.cpu.max(lowest.cpu)];
        let mut has_memory = |replicas: u64| {
            let mut passes = |memory| fits(Self { memory, cpu: lowest.cpu, replicas });
            stated_memory.into_iter().chain([least_memory]).any(&mut passes)
                || bounds.memory(self, passes).is_some()
        };
        let replicas = if has_memory(self.replicas) {
            self.replicas
        } else {
            largest(lowest.replicas..=self.replicas.saturating_sub(1), &[], has_memory)?
        };
        let mut passes = |memory| fits(Self { memory, cpu: lowest.cpu, replicas });
        let memory = stated_memory.into_iter().find(|memory| passes(*memory));
        let memory = memory.or_else(|| bounds.memory(self, passes))?;
        let mut passes = |cpu| fits(Self { memory, cpu, replicas });
        let cpu = stated_cpu.into_iter().find(|cpu| passes(*cpu));
        let cpu = cpu.or_else(|| bounds.cpu(self, passes))?;
        Some(Self { memory, cpu, replicas })
    }

    /// Returns how far each of memory, CPU and the number of pods can be raised alone, up to `highest`.
    pub fn largest_that_fit(
        self,
        bounds: &SizeBounds,
        highest: Self,
        mut fits: impl FnMut(Self) -> bool,
    ) -> LargestSize {
        let up_to = |size: Self| Self {
            memory: size.memory.saturating_add(MEMORY_STEP),
            cpu: size.cpu.saturating_add(1),
            ..size
        };
        let replicas = bounds.lowest.replicas..=highest.replicas;
        LargestSize {
            memory: bounds.memory(up_to(highest), |memory| fits(Self { memory, ..self })),
            cpu: bounds.cpu(up_to(highest), |cpu| fits(Self { cpu, ..self })),
            replicas: largest(replicas, &[], |replicas| fits(Self { replicas, ..self })),
        }
    }
}

impl SizeBounds {
    /// Returns the largest memory below that of a size that passes.
    fn memory(&self, size: WorkloadSize, mut passes: impl FnMut(u64) -> bool) -> Option<u64> {
        let below = size.memory.saturating_sub(1) / MEMORY_STEP;
        let range = self.lowest.memory.div_ceil(MEMORY_STEP).max(1)..=below;
        let steps: Vec<u64> = self.steps.memory.iter().map(|bytes| bytes.div_ceil(MEMORY_STEP)).collect();
        largest(range, &steps, |steps| passes(steps * MEMORY_STEP)).map(|steps| steps * MEMORY_STEP)
    }

    /// Returns the largest CPU below that of a size that passes.
    fn cpu(&self, size: WorkloadSize, passes: impl FnMut(u64) -> bool) -> Option<u64> {
        largest(self.lowest.cpu.max(1)..=size.cpu.saturating_sub(1), &self.steps.cpu, passes)
    }
}

/// Returns a number in a range that passes and is either the end of the range or followed by one that does not; it is the
/// largest if every number below one that passes also passes, at least between two of `steps`. `None` if neither the first
/// number nor any of the steps passes.
fn largest(range: RangeInclusive<u64>, steps: &[u64], mut passes: impl FnMut(u64) -> bool) -> Option<u64> {
    if range.is_empty() {
        return None;
    }
    let (first, last) = range.into_inner();
    if passes(last) {
        return Some(last);
    }
    let mut starts: Vec<u64> = steps.iter().copied().filter(|step| *step > first && *step < last).collect();
    starts.sort_unstable();
    let mut too_large = last;
    while let Some(start) = starts.pop() {
        if passes(start) {
            return Some(bisect(start, too_large, passes));
        }
        // The number before a step may fit, although the step does not.
        if passes(start - 1) {
            return Some(start - 1);
        }
        too_large = start - 1;
    }
    (too_large > first && passes(first)).then(|| bisect(first, too_large, passes))
}

/// Returns a number that passes and is followed by one that does not, between one that passes and one that does not.
fn bisect(mut passing: u64, mut failing: u64, mut passes: impl FnMut(u64) -> bool) -> u64 {
    while failing - passing > 1 {
        let middle = passing + (failing - passing) / 2;
        if passes(middle) {
            passing = middle;
        } else {
            failing = middle;
        }
    }
    passing
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_STEPS: [u64; 0] = [];

    fn bounds<const N: usize>(steps: [u64; N]) -> SizeBounds {
        let lowest = WorkloadSize { memory: 100 << 20, cpu: 50, replicas: 1 };
        SizeBounds { lowest, steps: PerResource { cpu: Vec::new(), memory: steps.into() } }
    }

    fn size(mebibytes: u64, cpu: u64, replicas: u64) -> WorkloadSize {
        WorkloadSize { memory: mebibytes << 20, cpu, replicas }
    }

    #[test]
    fn one_dimension_is_enough() {
        let fits = |size: WorkloadSize| size.memory * size.replicas <= 1000 << 20;
        assert_eq!(
            size(400, 100, 3).nearest_that_fit(&bounds(NO_STEPS), fits),
            [size(333, 100, 3), size(400, 100, 2)]
        );
        assert_eq!(size(300, 100, 3).nearest_that_fit(&bounds(NO_STEPS), fits), []);
    }

    #[test]
    fn two_dimensions_change_if_one_is_not_enough() {
        let fits = |size: WorkloadSize| size.memory <= 200 << 20 && size.cpu <= 70;
        assert_eq!(size(400, 100, 1).nearest_that_fit(&bounds(NO_STEPS), fits), [size(200, 70, 1)]);
        assert_eq!(size(400, 100, 1).nearest_that_fit(&bounds(NO_STEPS), |_| false), []);
    }

    #[test]
    fn pods_and_amounts_change_if_neither_is_enough() {
        // At most 400Mi each, and 3 pods.
        let fits = |size: WorkloadSize| {
            size.memory <= 400 << 20 && size.replicas <= 3 && size.memory * size.replicas <= 1000 << 20
        };
        assert_eq!(size(500, 100, 5).nearest_that_fit(&bounds(NO_STEPS), fits), [size(333, 100, 3)]);
        let fits = |size: WorkloadSize| size.memory <= 400 << 20 && size.replicas <= 3 && size.cpu <= 60;
        assert_eq!(size(500, 100, 5).nearest_that_fit(&bounds(NO_STEPS), fits), [size(400, 60, 3)]);
        let fits = |size: WorkloadSize| size.replicas <= 3 && size.cpu <= 60;
        assert_eq!(size(500, 100, 5).nearest_that_fit(&bounds(NO_STEPS), fits), [size(500, 60, 3)]);
    }

    #[test]
    fn one_amount_is_raised_while_another_is_lowered() {
        let fits = |size: WorkloadSize| size.memory >= 100 << 20 && size.cpu <= 60;
        assert_eq!(size(64, 100, 1).nearest_that_fit(&bounds(NO_STEPS), fits), [size(100, 60, 1)]);
    }

    #[test]
    fn amounts_below_the_lowest_are_raised() {
        let fits = |size: WorkloadSize| size.memory >= 100 << 20;
        assert_eq!(size(64, 100, 1).nearest_that_fit(&bounds(NO_STEPS), fits), [size(100, 100, 1)]);
    }

    #[test]
    fn only_amounts_that_are_too_low_are_raised() {
        let found = |fits: fn(WorkloadSize) -> bool| size(0, 0, 1).nearest_that_fit(&bounds(NO_STEPS), fits);
        assert_eq!(found(|size| size.memory > 0), [size(100, 0, 1)]);
        assert_eq!(found(|size| size.cpu > 0), [size(0, 50, 1)]);
        assert_eq!(found(|size| size.memory > 0 && size.cpu > 0), [size(100, 50, 1)]);
    }

    #[test]
    fn larger_limits_may_request_less() {
        // From 256Mi on, half of the limit is requested; 200Mi are free.
        let request = |mebibytes: u64| if mebibytes < 256 { mebibytes } else { mebibytes / 2 };
        let fits = |size: WorkloadSize| request(size.memory >> 20) <= 200;
        let found = size(600, 100, 1).nearest_that_fit(&bounds([256 << 20]), fits);
        assert_eq!(found, [size(401, 100, 1)]);
    }

    #[test]
    fn largest_sizes_are_found_alone() {
        let fits = |size: WorkloadSize| size.memory * size.replicas <= 1000 << 20 && size.cpu <= 700;
        let found = size(400, 100, 2).largest_that_fit(&bounds(NO_STEPS), size(8192, 2000, 10), fits);
        let largest = LargestSize { memory: Some(500 << 20), cpu: Some(700), replicas: Some(2) };
        assert_eq!(found, largest);
    }
}
