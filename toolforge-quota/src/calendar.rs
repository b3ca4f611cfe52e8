//! What runs at the same time, and whether that fits.

use std::collections::{BTreeMap, BTreeSet};

use crate::demand::Demand;
use crate::resource::Resource;
use crate::resource_quota::ResourceQuota;
use crate::verdict::{Row, at_rest};

/// Runs of one job, each taking the same for the same time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TimedRuns {
    /// The job's name.
    pub name: String,
    /// What one run takes.
    pub each: Demand,
    /// When the runs begin, in seconds of whatever clock.
    pub starts: Vec<i64>,
    /// How long a run takes, in seconds; at least one.
    pub seconds: u32,
}

/// A time in which the same runs take place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// When it begins.
    pub from: i64,
    /// When the next one begins.
    pub until: i64,
    /// The jobs that run, by name.
    pub names: Vec<String>,
    /// What the runs take together.
    pub takes: Demand,
    /// The quotas' rows that have no room for them.
    pub shortfalls: Vec<Row>,
}

/// Returns the stretches from a moment until another, in order and without gaps. What is used now counts all the time, but
/// for what `releases` says.
///
/// A run of a job never overlaps the one before it: it is left out, as the platform leaves it out.
#[must_use]
pub fn calendar(
    quotas: &[ResourceQuota],
    releases: &Demand,
    jobs: &[TimedRuns],
    (from, until): (i64, i64),
) -> Vec<Stretch> {
    let mut edges: BTreeMap<i64, Vec<(usize, bool)>> = BTreeMap::new();
    edges.entry(from).or_default();
    for (job, runs) in jobs.iter().enumerate() {
        let mut free = i64::MIN;
        let mut starts = runs.starts.clone();
        starts.sort_unstable();
        for start in starts {
            let end = start.saturating_add(i64::from(runs.seconds.max(1)));
            if start < free || end <= from || start >= until {
                continue;
            }
            free = end;
            edges.entry(start.max(from)).or_default().push((job, true));
            if end < until {
                edges.entry(end).or_default().push((job, false));
            }
        }
    }
    let mut running = BTreeSet::new();
    let mut stretches: Vec<Stretch> = Vec::new();
    let moments: Vec<i64> = edges.keys().copied().collect();
    for (index, moment) in moments.iter().enumerate() {
        // An end before a beginning: a job may begin in the second in which it has ended.
        let mut changes = edges.remove(moment).unwrap_or_default();
        changes.sort_by_key(|(_, begins)| *begins);
        for (job, begins) in changes {
            if begins {
                running.insert(job);
            } else {
                running.remove(&job);
            }
        }
        let mut takes = Demand::default();
        for job in &running {
            takes.add_all(&jobs[*job].each);
        }
        let names = running.iter().map(|job| jobs[*job].name.clone()).collect();
        let verdict = at_rest(quotas, releases, &takes);
        stretches.push(Stretch {
            from: *moment,
            until: moments.get(index + 1).copied().unwrap_or(until),
            names,
            takes,
            shortfalls: verdict.shortfalls().cloned().collect(),
        });
    }
    stretches
}

/// What is used of one resource of one quota, over a time in equal parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strip {
    /// The quota's name.
    pub quota: String,
    /// The resource.
    pub resource: Resource,
    /// The most that may be used.
    pub hard: u64,
    /// What is used besides the runs.
    pub besides: u64,
    /// The most that is used within each part.
    pub peaks: Vec<u64>,
}

/// Returns a strip for each resource of the quotas of which the runs of the stretches take something. `releases` is what
/// the stretches were made with.
#[must_use]
pub fn strips(quotas: &[ResourceQuota], releases: &Demand, stretches: &[Stretch], parts: u32) -> Vec<Strip> {
    let (Some(first), Some(last)) = (stretches.first(), stretches.last()) else { return Vec::new() };
    let length = last.until.saturating_sub(first.from);
    let edge = |part: u32| first.from + length.saturating_mul(i64::from(part)) / i64::from(parts);
    let mut strips = Vec::new();
    for quota in quotas.iter().filter(|quota| !quota.only_other_pods) {
        for (resource, hard) in &quota.hard {
            if stretches.iter().all(|stretch| stretch.takes.get(resource) == 0) {
                continue;
            }
            let besides = quota.used(resource).saturating_sub(releases.get(resource));
            let peak = |part: u32| {
                let (from, until) = (edge(part), edge(part + 1));
                let within = stretches.iter().filter(|stretch| stretch.from < until && stretch.until > from);
                within.map(|stretch| besides.saturating_add(stretch.takes.get(resource))).max()
            };
            strips.push(Strip {
                quota: quota.name.clone(),
                resource: resource.clone(),
                hard: *hard,
                besides,
                peaks: (0..parts).map(|part| peak(part).unwrap_or(besides)).collect(),
            });
        }
    }
    strips
}

/// Runs that have no room beside each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The jobs that run, by name.
    pub names: Vec<String>,
    /// When it begins the first time.
    pub from: i64,
    /// When it ends the first time: none of the runs is left, or those that are left fit.
    pub until: i64,
    /// How often it comes.
    pub times: u32,
    /// The quotas' rows that have no room for the runs.
    pub shortfalls: Vec<Row>,
}

/// Returns the overlaps of which no other one has all the jobs at the same time, by the time when each comes first.
#[must_use]
pub fn overlaps(stretches: &[Stretch]) -> Vec<Overlap> {
    let mut found: Vec<Overlap> = Vec::new();
    for together in stretches.chunk_by(|one, next| !one.shortfalls.is_empty() && !next.shortfalls.is_empty())
    {
        if together[0].shortfalls.is_empty() {
            continue;
        }
        let sets: Vec<BTreeSet<&String>> =
            together.iter().map(|stretch| stretch.names.iter().collect()).collect();
        let is_within = |one: usize, other: usize| sets[one].is_subset(&sets[other]);
        let mut index = 0;
        while index < together.len() {
            // Jobs come and go one after the other, so the most that run are those that have more than both neighbours.
            let is_less = |other: usize| is_within(index, other) && !is_within(other, index);
            if index > 0 && is_less(index - 1) || index + 1 < together.len() && is_less(index + 1) {
                index += 1;
                continue;
            }
            let first =
                (0..index).rev().take_while(|before| is_within(*before, index)).last().unwrap_or(index);
            let last =
                (index..together.len()).take_while(|after| is_within(*after, index)).last().unwrap_or(index);
            let Stretch { names, shortfalls, .. } = &together[index];
            match found.iter_mut().find(|overlap| overlap.names == *names) {
                Some(overlap) => overlap.times += 1,
                None => found.push(Overlap {
                    names: names.clone(),
                    from: together[first].from,
                    until: together[last].until,
                    times: 1,
                    shortfalls: shortfalls.clone(),
                }),
            }
            index = last + 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(name: &str, memory: u64, starts: &[i64], seconds: u32) -> TimedRuns {
        let each = [(Resource::LimitsMemory, memory)].into_iter().collect();
        TimedRuns { name: name.to_owned(), each, starts: starts.to_vec(), seconds }
    }

    fn quota(hard: u64, used: u64) -> ResourceQuota {
        ResourceQuota {
            name: "tool-x".to_owned(),
            hard: [(Resource::LimitsMemory, hard)].into(),
            used: [(Resource::LimitsMemory, used)].into(),
            ..ResourceQuota::default()
        }
    }

    fn shown(stretches: &[Stretch]) -> Vec<String> {
        let line = |stretch: &Stretch| {
            let word = if stretch.shortfalls.is_empty() { "" } else { " too much" };
            format!("{}-{} {}{word}", stretch.from, stretch.until, stretch.names.join("+"))
        };
        stretches.iter().map(line).collect()
    }

    #[test]
    fn runs_that_meet_are_found_with_what_has_no_room() {
        let jobs = [runs("a", 3, &[0, 60], 20), runs("b", 3, &[10], 20), runs("c", 1, &[90], 100)];
        assert_eq!(
            shown(&calendar(&[quota(6, 2)], &Demand::default(), &jobs, (0, 100))),
            ["0-10 a", "10-20 a+b too much", "20-30 b", "30-60 ", "60-80 a", "80-90 ", "90-100 c"]
        );
    }

    #[test]
    fn a_run_that_would_overlap_its_own_job_does_not_take_place() {
        let jobs = [runs("a", 1, &[0, 10, 20, 30], 15)];
        assert_eq!(
            shown(&calendar(&[], &Demand::default(), &jobs, (5, 40))),
            ["5-15 a", "15-20 ", "20-35 a", "35-40 "]
        );
    }
    #[test]
    fn a_strip_has_the_most_of_each_part_on_top_of_what_is_used_besides() {
        let jobs = [runs("a", 3, &[0, 60], 20), runs("b", 3, &[10], 20)];
        let quotas = [quota(6, 2)];
        let releases = [(Resource::LimitsMemory, 1)].into_iter().collect();
        let stretches = calendar(&quotas, &releases, &jobs, (0, 100));
        let strips = strips(&quotas, &releases, &stretches, 5);
        assert_eq!(strips.len(), 1);
        assert_eq!((strips[0].hard, strips[0].besides), (6, 1));
        assert_eq!(strips[0].peaks, [7, 4, 1, 4, 1]);
        assert_eq!(super::strips(&quotas, &releases, &calendar(&quotas, &releases, &[], (0, 9)), 3), []);
        assert_eq!(super::strips(&quotas, &releases, &[], 3), []);
    }

    fn shown_overlaps(hard: u64, jobs: &[TimedRuns]) -> Vec<String> {
        let line = |overlap: &Overlap| {
            let Overlap { names, from, until, times, shortfalls } = overlap;
            format!("{from}-{until} {} {times}x {}", names.join("+"), shortfalls[0].after)
        };
        let stretches = calendar(&[quota(hard, 0)], &Demand::default(), jobs, (0, 100));
        overlaps(&stretches).iter().map(line).collect()
    }

    #[test]
    fn an_overlap_is_told_once_with_all_of_its_jobs() {
        // The third comes while the first two are already too much, and the first two are too much once more later.
        let jobs =
            [runs("a", 3, &[0, 50, 80], 20), runs("b", 3, &[5, 55, 95], 20), runs("c", 1, &[10, 85], 5)];
        assert_eq!(shown_overlaps(5, &jobs), ["5-20 a+b+c 1x 7", "55-70 a+b 2x 6"]);
        assert_eq!(shown_overlaps(6, &jobs), ["10-15 a+b+c 1x 7"]);
        assert_eq!(shown_overlaps(7, &jobs), [""; 0]);
        assert_eq!(shown_overlaps(2, &[runs("a", 3, &[0, 50], 20)]), ["0-20 a 2x 3"]);
    }

    #[test]
    fn runs_that_follow_each_other_are_overlaps_of_their_own() {
        let jobs = [runs("a", 3, &[0], 40), runs("b", 3, &[0, 30], 20), runs("c", 3, &[20], 10)];
        assert_eq!(shown_overlaps(5, &jobs), ["0-20 a+b 2x 6", "20-30 a+c 1x 6"]);
    }
}
