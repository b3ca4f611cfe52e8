//! What runs at the same time, and whether that fits.

use std::collections::{BTreeMap, BTreeSet};

use crate::demand::Demand;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Resource;

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
}
