//! Which scheduled runs take place at the same time, and whether they fit the quotas.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::demand::Demand;
use crate::quota_check::check_runs;
use crate::resource::Resource;
use crate::resource_check::ResourceCheck;
use crate::resource_quota::ResourceQuota;
use crate::rollout::Pods;
use crate::scopes::PodTraits;

/// What happens if a run is due while an earlier one of the same job still runs: the `concurrencyPolicy` of a CronJob.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concurrency {
    /// Both run.
    Allow,
    /// The later one starts late, if the earlier one ends within the starting deadline, and otherwise not at all.
    #[default]
    Forbid,
    /// The earlier one is terminated.
    Replace,
}

/// The runs of one job, with the same demand and duration each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScheduledRuns {
    /// The job's name.
    pub name: String,
    /// The requests of one run.
    pub each: Demand,
    /// The pods of a run that can run later than its others: as many of them as fit run at once.
    pub extra_pods: Pods,
    /// The traits that decide which quotas count it.
    pub traits: PodTraits,
    /// When the runs are due, in seconds since any fixed moment.
    pub starts: Vec<i64>,
    /// How long a run takes, in seconds; zero counts as one.
    pub seconds: u32,
    /// What happens to a run that is due during another one.
    pub concurrency: Concurrency,
    /// How late a run may start, in seconds: the `startingDeadlineSeconds` of a CronJob.
    pub starting_deadline: u32,
}

impl ScheduledRuns {
    /// Returns the requests of a run while as many of its pods run as fit in addition to the quotas' usage.
    pub(crate) fn at_once(&self, quotas: &[ResourceQuota]) -> Demand {
        let Pods { count, each: pod } = &self.extra_pods;
        let mut demand = self.each.clone();
        demand.subtract(&pod.times(*count));
        let left = |quota: &ResourceQuota, resource: &Resource, hard: u64| {
            hard.saturating_sub(quota.used(resource)).saturating_sub(demand.get(resource))
        };
        let limits = quotas.iter().flat_map(|quota| {
            let counted = quota.hard.iter().filter(|(resource, _)| quota.counts(resource, &self.traits));
            counted.filter_map(move |(resource, hard)| {
                left(quota, resource, *hard).checked_div(pod.get(resource))
            })
        });
        let fitting = limits.fold(*count, u64::min);
        demand.add_all(&pod.times(fitting));
        demand
    }

    /// Returns the first second of each run, and the second after its last one.
    fn intervals(&self) -> Vec<Range<i64>> {
        let mut due = self.starts.clone();
        due.sort_unstable();
        due.dedup();
        let seconds = i64::from(self.seconds.max(1));
        let run = |start: i64| start..start.saturating_add(seconds);
        match self.concurrency {
            Concurrency::Allow => due.into_iter().map(run).collect(),
            Concurrency::Replace => {
                let next = due.iter().copied().skip(1).chain([i64::MAX]);
                due.iter().zip(next).map(|(start, next)| *start..run(*start).end.min(next)).collect()
            }
            Concurrency::Forbid => self.one_by_one(&due, run),
        }
    }

    /// Returns the runs that are at least partly within a period.
    pub(crate) fn intervals_within(&self, time: &Range<i64>) -> impl Iterator<Item = Range<i64>> {
        let Range { start, end } = *time;
        self.intervals().into_iter().filter(move |run| run.end > start && run.start < end)
    }

    fn one_by_one(&self, due: &[i64], run: impl Fn(i64) -> Range<i64>) -> Vec<Range<i64>> {
        let mut runs: Vec<Range<i64>> = Vec::new();
        let mut missed = None;
        let deadline = i64::from(self.starting_deadline);
        let is_in_time = |missed: &i64, end: i64| end.saturating_sub(*missed) <= deadline;
        for start in due {
            if let Some(end) = runs.last().map(|run| run.end) {
                // The controller starts the run that was due last.
                if let Some(late) = missed.take_if(|_| *start >= end)
                    && *start > end
                    && is_in_time(&late, end)
                {
                    runs.push(run(end));
                }
            }
            match runs.last() {
                Some(last) if *start < last.end => missed = Some(*start),
                _ => runs.push(run(*start)),
            }
        }
        if let (Some(missed), Some(end)) = (missed, runs.last().map(|run| run.end))
            && is_in_time(&missed, end)
        {
            runs.push(run(end));
        }
        runs
    }
}

/// A time during which the same jobs run.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Interval {
    /// The first second.
    pub start: i64,
    /// The second after the last one, in which the next interval starts.
    pub end: i64,
    /// The jobs that run, by name; one with several runs at the same time is repeated.
    pub names: Vec<String>,
    /// When each of these runs started, in the order of `names`.
    pub starts: Vec<i64>,
    /// The requests of all of these runs together.
    pub requested: Demand,
    /// The part of it that each of the quotas counts.
    counted: Vec<Demand>,
    /// The resources that the runs exceed.
    pub shortfalls: Vec<ResourceCheck>,
}

/// Returns the intervals of a period, in order and without gaps. The quotas' usage counts all the time; it does not include the
/// runs.
#[must_use]
pub fn simulate(quotas: &[ResourceQuota], jobs: &[ScheduledRuns], time: Range<i64>) -> Vec<Interval> {
    let mut edges = edges(jobs, &time);
    let mut running: BTreeSet<Run> = BTreeSet::new();
    let each: Vec<Demand> = jobs.iter().map(|job| job.at_once(quotas)).collect();
    // The same jobs often run together many times.
    let mut known: BTreeMap<Vec<usize>, Requested> = BTreeMap::new();
    let mut intervals: Vec<Interval> = Vec::new();
    let moments: Vec<i64> = edges.keys().copied().collect();
    for (index, moment) in moments.iter().enumerate() {
        let Edge { started, ended } = edges.remove(moment).unwrap_or_default();
        // Ends before starts: a job may start in the second in which its last run ends.
        for run in ended {
            running.remove(&run);
        }
        running.extend(started);
        let now: Vec<usize> = running.iter().map(|run| run.job).collect();
        let names = now.iter().map(|job| jobs[*job].name.clone()).collect();
        let starts = running.iter().map(|run| run.start).collect();
        let evaluate = |now: &[usize]| {
            // Most runs are counted by the same traits.
            let mut groups: Vec<(Demand, &PodTraits)> = Vec::new();
            for job in now {
                let traits = &jobs[*job].traits;
                match groups.iter_mut().find(|(_, known)| *known == traits) {
                    Some((sum, _)) => sum.add_all(&each[*job]),
                    None => groups.push((each[*job].clone(), traits)),
                }
            }
            let mut shortfalls = check_runs(quotas, &groups);
            shortfalls.retain(|resource| !resource.fits());
            let of_quota = |quota: &ResourceQuota| {
                groups.iter().map(|(demand, traits)| quota.counted(demand, traits)).sum::<Demand>()
            };
            let counted = quotas.iter().map(of_quota).collect();
            let requested = groups.into_iter().map(|(demand, _)| demand).sum();
            Requested { requested, counted, shortfalls }
        };
        let Requested { requested, counted, shortfalls } = match known.get(&now) {
            Some(known) => known.clone(),
            None => known.entry(now.clone()).or_insert(evaluate(&now)).clone(),
        };
        let end = moments.get(index + 1).copied().unwrap_or(time.end);
        intervals.push(Interval { start: *moment, end, names, starts, requested, counted, shortfalls });
    }
    intervals
}

/// The requests of several runs together.
#[derive(Clone)]
struct Requested {
    requested: Demand,
    /// The part of it that each of the quotas counts.
    counted: Vec<Demand>,
    /// The resources that they exceed.
    shortfalls: Vec<ResourceCheck>,
}

/// A run of a job, by index; two runs of a job never start in the same second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Run {
    job: usize,
    start: i64,
}

/// The runs that start or end at one moment.
#[derive(Default)]
struct Edge {
    started: Vec<Run>,
    ended: Vec<Run>,
}

fn edges(jobs: &[ScheduledRuns], time: &Range<i64>) -> BTreeMap<i64, Edge> {
    let mut edges = BTreeMap::from([(time.start, Edge::default())]);
    for (job, runs) in jobs.iter().enumerate() {
        for Range { start, end } in runs.intervals_within(time) {
            let run = Run { job, start };
            edges.entry(start.max(time.start)).or_default().started.push(run);
            if end < time.end {
                edges.entry(end).or_default().ended.push(run);
            }
        }
    }
    edges
}

/// The usage of one resource of one quota, over a period in equal parts.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeline {
    /// The quota's name.
    pub quota: String,
    /// The resource.
    pub resource: Resource,
    /// The quota's limit.
    pub hard: u64,
    /// The usage by everything except the runs.
    pub other_usage: u64,
    /// The peak usage within each part, by the runs and everything else.
    pub peaks: Vec<u64>,
}

/// Returns a timeline for each resource of the quotas that the runs request.
///
/// The quotas are those that [`simulate`] was called with.
#[must_use]
pub fn timelines(quotas: &[ResourceQuota], intervals: &[Interval], parts: u32) -> Vec<Timeline> {
    let (Some(first), Some(last)) = (intervals.first(), intervals.last()) else { return Vec::new() };
    let length = last.end.saturating_sub(first.start);
    let edge = |part: u32| first.start + length.saturating_mul(i64::from(part)) / i64::from(parts);
    let mut timelines = Vec::new();
    for (index, quota) in quotas.iter().enumerate() {
        for (resource, hard) in &quota.hard {
            let requested =
                |interval: &Interval| interval.counted.get(index).map_or(0, |counted| counted.get(resource));
            if intervals.iter().all(|interval| requested(interval) == 0) {
                continue;
            }
            let other_usage = quota.used(resource);
            let peak = |part: u32| {
                let (start, end) = (edge(part), edge(part + 1));
                let within = intervals.iter().filter(|interval| interval.start < end && interval.end > start);
                within.map(|interval| other_usage.saturating_add(requested(interval))).max()
            };
            timelines.push(Timeline {
                quota: quota.name.clone(),
                resource: resource.clone(),
                hard: *hard,
                other_usage,
                peaks: (0..parts).map(|part| peak(part).unwrap_or(other_usage)).collect(),
            });
        }
    }
    timelines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Scope;

    fn runs(name: &str, memory: u64, starts: &[i64], seconds: u32) -> ScheduledRuns {
        let each = [(Resource::LimitsMemory, memory)].into();
        ScheduledRuns { name: name.to_owned(), each, starts: starts.to_vec(), seconds, ..Default::default() }
    }

    fn quota(hard: u64, used: u64) -> ResourceQuota {
        ResourceQuota {
            name: "tool-x".to_owned(),
            hard: [(Resource::LimitsMemory, hard)].into(),
            used: [(Resource::LimitsMemory, used)].into(),
            ..ResourceQuota::default()
        }
    }

    fn printed(intervals: &[Interval]) -> Vec<String> {
        let line = |interval: &Interval| {
            let word = if interval.shortfalls.is_empty() { "" } else { " too much" };
            format!("{}-{} {}{word}", interval.start, interval.end, interval.names.join("+"))
        };
        intervals.iter().map(line).collect()
    }

    #[test]
    fn simulate_finds_runs_that_exceed_a_quota() {
        let jobs = [runs("a", 3, &[0, 60], 20), runs("b", 3, &[10], 20), runs("c", 1, &[90], 100)];
        assert_eq!(
            printed(&simulate(&[quota(6, 2)], &jobs, 0..100)),
            ["0-10 a", "10-20 a+b too much", "20-30 b", "30-60 ", "60-80 a", "80-90 ", "90-100 c"]
        );
    }

    #[test]
    fn extra_pods_run_as_far_as_they_fit() {
        let extra_pods = Pods { count: 2, each: [(Resource::LimitsMemory, 2)].into() };
        let many = ScheduledRuns { extra_pods, ..runs("a", 6, &[0], 10) };
        let used = |hard: u64, used: u64| {
            let found = simulate(&[quota(hard, used)], std::slice::from_ref(&many), 0..10);
            (found[0].requested.get(&Resource::LimitsMemory), found[0].shortfalls.is_empty())
        };
        assert_eq!(
            [used(6, 0), used(5, 0), used(8, 3), used(2, 0)],
            [(6, true), (4, true), (4, true), (2, true)]
        );
        // Not even one pod fits.
        assert_eq!([used(1, 0), used(4, 3)], [(2, false); 2]);
        // Together with another run, it may have to wait.
        let found = simulate(&[quota(6, 0)], &[many, runs("b", 1, &[5], 5)], 0..10);
        assert_eq!(printed(&found), ["0-5 a", "5-10 a+b too much"]);
    }

    #[test]
    fn each_run_counts_by_its_own_pods() {
        let scoped = ResourceQuota { scopes: [Scope::NotTerminating].into_iter().collect(), ..quota(1, 0) };
        let traits = PodTraits { has_deadline: true, ..PodTraits::default() };
        let jobs = [runs("a", 2, &[0], 10), ScheduledRuns { traits, ..runs("b", 2, &[20], 10) }];
        let quotas = [scoped];
        let found = simulate(&quotas, &jobs, 0..40);
        assert_eq!(printed(&found), ["0-10 a too much", "10-20 ", "20-30 b", "30-40 "]);
        assert_eq!(timelines(&quotas, &found, 4)[0].peaks, [2, 0, 0, 0]);
    }

    #[test]
    fn simulate_skips_overlapping_runs() {
        let jobs = [runs("a", 1, &[0, 10, 20, 30], 15)];
        assert_eq!(printed(&simulate(&[], &jobs, 5..40)), ["5-15 a", "15-20 ", "20-35 a", "35-40 "]);
    }

    #[test]
    fn concurrency_decides_about_runs_during_a_run() {
        let simulated = |concurrency: Concurrency, starting_deadline: u32, seconds: u32| {
            let job = runs("a", 1, &[0, 10, 20, 30], seconds);
            let job = ScheduledRuns { concurrency, starting_deadline, ..job };
            printed(&simulate(&[quota(1, 0)], &[job], 0..60)).join(", ")
        };
        let both = "0-10 a, 10-15 a+a too much, 15-20 a, 20-25 a+a too much, 25-30 a, 30-35 a+a too much, 35-45 a, 45-60 ";
        assert_eq!(simulated(Concurrency::Allow, 0, 15), both);
        assert_eq!(simulated(Concurrency::Replace, 0, 15), "0-10 a, 10-20 a, 20-30 a, 30-45 a, 45-60 ");
        assert_eq!(simulated(Concurrency::Forbid, 4, 15), "0-15 a, 15-20 , 20-35 a, 35-60 ");
        // The run of 10 starts at 15, those of 20 and 30 at 30 and 45.
        assert_eq!(simulated(Concurrency::Forbid, 15, 15), "0-15 a, 15-30 a, 30-45 a, 45-60 ");
        assert_eq!(simulated(Concurrency::Forbid, 5, 16), "0-16 a, 16-20 , 20-36 a, 36-60 ");
        assert_eq!(simulated(Concurrency::Forbid, 6, 16), "0-16 a, 16-32 a, 32-48 a, 48-60 ");
    }

    #[test]
    fn timeline_has_the_peak_of_each_part() {
        let jobs = [runs("a", 3, &[0, 60], 20), runs("b", 3, &[10], 20)];
        let quotas = [quota(6, 1)];
        let intervals = simulate(&quotas, &jobs, 0..100);
        let found = timelines(&quotas, &intervals, 5);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].hard, found[0].other_usage), (6, 1));
        assert_eq!(found[0].peaks, [7, 4, 1, 4, 1]);
        assert_eq!(timelines(&quotas, &simulate(&quotas, &[], 0..9), 3), []);
        assert_eq!(timelines(&quotas, &[], 3), []);
    }
}
