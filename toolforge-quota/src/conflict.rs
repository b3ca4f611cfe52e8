//! Which scheduled runs exceed a quota together, and how many.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::resource::Resource;
use crate::resource_check::ResourceCheck;
use crate::resource_quota::ResourceQuota;
use crate::simulation::{Interval, ScheduledRuns};

/// Jobs whose runs together exceed a quota.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The jobs that run, by name; one with several runs at the same time is repeated.
    pub names: Vec<String>,
    /// When it starts for the first time.
    pub start: i64,
    /// When it ends for the first time: all of the runs have finished, or the remaining ones fit. If runs of the same jobs
    /// follow each other without a pause, it is the end of the last of them.
    pub end: i64,
    /// How often it occurs.
    pub occurrences: u32,
    /// The resources that the runs exceed.
    pub shortfalls: Vec<ResourceCheck>,
}

/// Returns the conflicts, by the time of their first occurrence. A conflict whose runs are part of a larger one is left out.
#[must_use]
pub fn conflicts(intervals: &[Interval]) -> Vec<Conflict> {
    let mut found: Vec<Occurrences> = Vec::new();
    let mut known: BTreeMap<&[String], usize> = BTreeMap::new();
    let is_exceeded = |interval: &Interval| !interval.shortfalls.is_empty();
    let mut offset = 0;
    for adjacent in intervals.chunk_by(|one, next| is_exceeded(one) && is_exceeded(next)) {
        let position = offset;
        offset += adjacent.len();
        if !is_exceeded(&adjacent[0]) {
            continue;
        }
        let sets: Vec<BTreeSet<(&str, i64)>> = adjacent.iter().map(runs).collect();
        let is_within = |one: usize, other: usize| sets[one].is_subset(&sets[other]);
        let mut index = 0;
        while index < adjacent.len() {
            // Jobs start and end one by one, so a largest set is one that is larger than both of its neighbors.
            let is_smaller = |other: usize| is_within(index, other) && !is_within(other, index);
            if index > 0 && is_smaller(index - 1) || index + 1 < adjacent.len() && is_smaller(index + 1) {
                index += 1;
                continue;
            }
            let first =
                (0..index).rev().take_while(|before| is_within(*before, index)).last().unwrap_or(index);
            let last =
                (index..adjacent.len()).take_while(|after| is_within(*after, index)).last().unwrap_or(index);
            let Interval { names, shortfalls, .. } = &adjacent[index];
            match known.get(names.as_slice()) {
                Some(same) => found[*same].add(intervals, position + first..position + last),
                None => {
                    known.insert(names, found.len());
                    found.push(Occurrences {
                        conflict: Conflict {
                            names: names.clone(),
                            start: adjacent[first].start,
                            end: adjacent[last].end,
                            occurrences: 1,
                            shortfalls: shortfalls.clone(),
                        },
                        last: position + last,
                    });
                }
            }
            index = last + 1;
        }
    }
    found.into_iter().map(|found| found.conflict).collect()
}

/// A conflict, and the last interval of its last occurrence.
struct Occurrences {
    conflict: Conflict,
    last: usize,
}

impl Occurrences {
    /// Adds an occurrence from one interval to another, inclusive. If other runs of the same jobs have taken place without a
    /// gap since the last one, it is the same occurrence.
    fn add(&mut self, intervals: &[Interval], Range { start: first, end: last }: Range<usize>) {
        let conflict = &mut self.conflict;
        let between = intervals.get(self.last + 1..first).unwrap_or_default();
        if !between.iter().all(|interval| contains_all(&interval.names, &conflict.names)) {
            conflict.occurrences += 1;
        } else if conflict.occurrences == 1 {
            conflict.end = conflict.end.max(intervals[last].end);
        }
        self.last = self.last.max(last);
    }
}

/// Returns whether names contain others, each at least as often. Both are in the order of the jobs.
fn contains_all(names: &[String], others: &[String]) -> bool {
    let mut names = names.iter();
    others.iter().all(|other| names.any(|name| name == other))
}

/// Returns how many of the runs that start before a time take place, at least in part, while a quota is exceeded.
#[must_use]
pub fn conflicting_runs(intervals: &[Interval], before: i64) -> usize {
    let exceeded = intervals.iter().filter(|interval| !interval.shortfalls.is_empty());
    exceeded.flat_map(runs).filter(|(_, start)| *start < before).collect::<BTreeSet<_>>().len()
}

/// Returns the runs of an interval: the job's name and the start of the run.
fn runs(interval: &Interval) -> BTreeSet<(&str, i64)> {
    interval.names.iter().map(String::as_str).zip(interval.starts.iter().copied()).collect()
}

/// How many runs exceed quotas, and for how long.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct ConflictCount {
    /// The runs that take place, at least in part, while a quota is exceeded.
    pub runs: usize,
    /// How long quotas are exceeded.
    pub seconds: i64,
}

/// Counts the runs that exceed a quota for many schedules of one job, while those of the other jobs stay the same.
///
/// The numbers are those of [`simulate`](crate::simulate) and [`conflicting_runs`], which also return the jobs and amounts.
#[derive(Clone, Debug)]
pub struct ConflictCounter {
    time: Range<i64>,
    /// Runs that start later are not counted.
    before: i64,
    /// How much of each limited resource the runs may use.
    headroom: Vec<u64>,
    /// How much of each limited resource a run of each job requests; the last job is the one that changes.
    requests: Vec<Vec<u64>>,
    /// The starts and ends of the other jobs' runs, in order.
    moments: Vec<Moment>,
}

/// The start or the end of a run. At the same time, ends come first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Moment {
    at: i64,
    is_start: bool,
    job: usize,
    run: usize,
}

impl ConflictCounter {
    /// Prepares the count for the schedules of a job; `own` is any set of its runs, whose times do not matter.
    #[must_use]
    pub fn new<'a>(
        quotas: &[ResourceQuota],
        others: impl IntoIterator<Item = &'a ScheduledRuns>,
        own: &ScheduledRuns,
        time: Range<i64>,
    ) -> Self {
        let limits: Vec<(&ResourceQuota, &Resource, u64)> = quotas
            .iter()
            .flat_map(|quota| {
                let left = |resource, hard: u64| hard.saturating_sub(quota.used(resource));
                quota.hard.iter().map(move |(resource, hard)| (quota, resource, left(resource, *hard)))
            })
            .collect();
        let amounts = |runs: &ScheduledRuns| {
            let each = runs.at_once(quotas);
            let amount = |(quota, resource, _): &(&ResourceQuota, &Resource, u64)| {
                if quota.counts(resource, &runs.traits) { each.get(resource) } else { 0 }
            };
            limits.iter().map(amount).collect()
        };
        let (mut requests, mut moments): (Vec<Vec<u64>>, _) = (Vec::new(), Vec::new());
        for (job, runs) in others.into_iter().enumerate() {
            requests.push(amounts(runs));
            moments.extend(moments_of(job, runs, &time));
        }
        requests.push(amounts(own));
        moments.sort_unstable();
        let before = time.end;
        Self { time, before, headroom: limits.iter().map(|(_, _, left)| *left).collect(), requests, moments }
    }

    /// Counts only runs that start before a time.
    #[must_use]
    pub fn before(self, before: i64) -> Self {
        Self { before, ..self }
    }

    /// Returns the number of starts and ends of the other jobs' runs; the time of each count is proportional to it.
    #[must_use]
    pub fn size(&self) -> usize {
        self.moments.len()
    }

    /// Returns how many of all runs exceed the quotas, and for how long, with these runs of the job.
    #[must_use]
    pub fn count(&self, runs: &ScheduledRuns) -> ConflictCount {
        let mut own: Vec<Moment> = moments_of(self.requests.len() - 1, runs, &self.time).collect();
        own.sort_unstable();
        let (mut own, mut others) = (own.into_iter().peekable(), self.moments.iter().copied().peekable());
        let mut next = || match (own.peek(), others.peek()) {
            (Some(one), Some(other)) if one < other => own.next(),
            (_, Some(_)) => others.next(),
            (_, None) => own.next(),
        };
        let mut count = ConflictCount::default();
        let mut used: Vec<u128> = vec![0; self.headroom.len()];
        let mut uncounted: Vec<(usize, usize)> = Vec::new();
        let mut since = self.time.start;
        let mut add_until = |at: i64, used: &[u128], uncounted: &mut Vec<(usize, usize)>| {
            let mut resources = used.iter().zip(&self.headroom);
            if at > since && resources.any(|(used, left)| *used > 0 && *used > u128::from(*left)) {
                count.seconds += at - since;
                count.runs += uncounted.len();
                uncounted.clear();
            }
            since = at;
        };
        while let Some(Moment { at, is_start, job, run }) = next() {
            add_until(at, &used, &mut uncounted);
            for (used, amount) in used.iter_mut().zip(&self.requests[job]) {
                let amount = u128::from(*amount);
                *used = if is_start { *used + amount } else { *used - amount };
            }
            if is_start {
                if at < self.before {
                    uncounted.push((job, run));
                }
            } else if let Some(index) = uncounted.iter().position(|found| *found == (job, run)) {
                uncounted.swap_remove(index);
            }
        }
        add_until(self.time.end, &used, &mut uncounted);
        count
    }
}

fn moments_of(job: usize, runs: &ScheduledRuns, time: &Range<i64>) -> impl Iterator<Item = Moment> {
    let Range { start: first, end: last } = *time;
    runs.intervals_within(time).enumerate().flat_map(move |(run, Range { start, end })| {
        let moment = |at: i64, is_start| Moment { at, is_start, job, run };
        let end = (end < last).then(|| moment(end, false));
        [Some(moment(start.max(first), true)), end].into_iter().flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulation::simulate;

    fn runs(name: &str, memory: u64, starts: &[i64], seconds: u32) -> ScheduledRuns {
        let each = [(Resource::LimitsMemory, memory)].into();
        ScheduledRuns { name: name.to_owned(), each, starts: starts.to_vec(), seconds, ..Default::default() }
    }

    fn simulated(hard: u64, jobs: &[ScheduledRuns]) -> Vec<Interval> {
        let quota = ResourceQuota {
            name: "tool-x".to_owned(),
            hard: [(Resource::LimitsMemory, hard)].into(),
            ..ResourceQuota::default()
        };
        simulate(&[quota], jobs, 0..100)
    }

    #[test]
    fn conflicting_runs_are_counted_once() {
        let jobs = [runs("a", 3, &[0, 50], 20), runs("b", 3, &[5, 55], 20), runs("c", 1, &[10, 90], 5)];
        assert_eq!(
            [0, 2, 5, 6, 7].map(|hard| conflicting_runs(&simulated(hard, &jobs), 100)),
            [6, 5, 5, 3, 0]
        );
    }

    #[test]
    fn adjacent_runs_of_a_job_count_separately() {
        let jobs = [runs("a", 3, &[0, 20, 40, 60, 80], 20), runs("b", 3, &[30], 20)];
        assert_eq!([2, 5, 6].map(|hard| conflicting_runs(&simulated(hard, &jobs), 100)), [6, 3, 0]);
    }

    #[test]
    fn later_runs_are_not_counted() {
        let jobs = [runs("a", 3, &[0, 50], 20), runs("b", 3, &[5, 55], 20)];
        let counts = |before| {
            let quota =
                ResourceQuota { hard: [(Resource::LimitsMemory, 5)].into(), ..ResourceQuota::default() };
            let counter = ConflictCounter::new(&[quota], &jobs[..1], &jobs[1], 0..100).before(before);
            (conflicting_runs(&simulated(5, &jobs), before), counter.count(&jobs[1]).runs)
        };
        assert_eq!([100, 55, 50, 5].map(counts), [(4, 4), (3, 3), (2, 2), (1, 1)]);
    }

    fn printed_conflicts(hard: u64, jobs: &[ScheduledRuns]) -> Vec<String> {
        let line = |conflict: &Conflict| {
            let Conflict { names, start, end, occurrences, shortfalls } = conflict;
            format!("{start}-{end} {} {occurrences}x {}", names.join("+"), shortfalls[0].after)
        };
        conflicts(&simulated(hard, jobs)).iter().map(line).collect()
    }

    #[test]
    fn conflict_names_all_its_jobs() {
        // The third starts while the first two already exceed the quota; the first two exceed it again later.
        let jobs =
            [runs("a", 3, &[0, 50, 80], 20), runs("b", 3, &[5, 55, 95], 20), runs("c", 1, &[10, 85], 5)];
        assert_eq!(printed_conflicts(5, &jobs), ["5-20 a+b+c 1x 7", "55-70 a+b 2x 6"]);
        assert_eq!(printed_conflicts(6, &jobs), ["10-15 a+b+c 1x 7"]);
        assert_eq!(printed_conflicts(7, &jobs), [""; 0]);
        assert_eq!(printed_conflicts(2, &[runs("a", 3, &[0, 50], 20)]), ["0-20 a 2x 3"]);
    }

    #[test]
    fn adjacent_conflicts_are_separate() {
        let jobs = [runs("a", 3, &[0], 40), runs("b", 3, &[0, 30], 20), runs("c", 3, &[20], 10)];
        assert_eq!(printed_conflicts(5, &jobs), ["0-20 a+b 2x 6", "20-30 a+c 1x 6"]);
    }

    #[test]
    fn conflict_of_adjacent_runs_ends_with_them() {
        let always = [0, 20, 40, 60, 80];
        let pair = [runs("a", 3, &always, 20), runs("b", 3, &always, 20)];
        assert_eq!(printed_conflicts(5, &pair), ["0-100 a+b 1x 6"]);
        // A third job is part of the conflict only during its own run.
        let [a, b] = pair;
        let jobs = [a.clone(), b.clone(), runs("c", 1, &[40], 20)];
        assert_eq!(printed_conflicts(5, &jobs), ["0-100 a+b 1x 6", "40-60 a+b+c 1x 7"]);
        // With a pause between the runs, it is a conflict each time.
        let jobs = [a, ScheduledRuns { seconds: 15, ..b }];
        assert_eq!(printed_conflicts(5, &jobs), ["0-15 a+b 5x 6"]);
    }
}
