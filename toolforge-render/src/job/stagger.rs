//! Minutes at which fewer jobs start at the same time.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::jiff::{SignedDuration, Timestamp, tz::TimeZone};
use toolforge_model::{CronExpression, JobName, Schedule, ToolName};

use crate::job::ScheduledJobLoad;

/// The number of minutes in an hour.
const MINUTES: u8 = 60;

/// A proposal of another minute for a scheduled job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleProposal {
    /// The job's name.
    pub name: JobName,
    /// The schedule.
    pub from: CronExpression,
    /// The proposed schedule.
    pub to: CronExpression,
}

/// Returns proposals with which no two jobs start in the same minute of an hour, as long as there are free minutes.
///
/// Only a job that runs in a single minute is moved; of the jobs that share a minute, the first by name keeps it. The
/// search for a free minute starts at that of `@hourly` for the job, so the result is always the same.
#[must_use]
pub fn stagger(loads: &[ScheduledJobLoad], tool: &ToolName) -> Vec<ScheduleProposal> {
    let sorted: BTreeMap<&JobName, &CronExpression> =
        loads.iter().map(|load| (&load.name, &load.expression)).collect();
    let (movable, others): (Vec<_>, Vec<_>) =
        sorted.into_iter().partition(|(_, expression)| single_minute(expression).is_some());
    let mut taken: BTreeSet<u8> = others.iter().flat_map(|(_, expression)| minutes(expression)).collect();
    if taken.len() == usize::from(MINUTES) {
        // Other jobs start in every minute, so only the movable jobs count.
        taken.clear();
    }
    let mut moved = Vec::new();
    for (name, expression) in movable {
        if !single_minute(expression).is_some_and(|minute| taken.insert(minute)) {
            moved.push((name, expression));
        }
    }
    let mut proposals = Vec::new();
    for (name, expression) in moved {
        let start = Schedule::parse("@hourly", tool, name).ok();
        let start = start.and_then(|schedule| single_minute(schedule.expression())).unwrap_or(0);
        let mut from_start = (0..MINUTES).map(|step| (start + step) % MINUTES);
        let free = from_start.find(|minute| !taken.contains(minute));
        if let Some((free, to)) = free.and_then(|free| Some((free, at_minute(expression, free)?))) {
            taken.insert(free);
            proposals.push(ScheduleProposal { name: name.clone(), from: expression.clone(), to });
        }
    }
    proposals
}

/// Splits an expression into its minute field and the other fields.
fn split(text: &str) -> (&str, &str) {
    text.split_once(' ').unwrap_or((text, ""))
}

fn single_minute(expression: &CronExpression) -> Option<u8> {
    split(&expression.to_string()).0.parse().ok()
}

fn at_minute(expression: &CronExpression, minute: u8) -> Option<CronExpression> {
    format!("{minute} {}", split(&expression.to_string()).1).parse().ok()
}

/// Returns the minutes of an hour in which an expression runs.
fn minutes(expression: &CronExpression) -> Vec<u8> {
    let every_hour = format!("{} * * * *", split(&expression.to_string()).0).parse::<CronExpression>();
    let until = Timestamp::UNIX_EPOCH;
    let (Ok(every_hour), Ok(from)) = (every_hour, until.checked_sub(SignedDuration::from_mins(60))) else {
        return Vec::new();
    };
    let zone = TimeZone::UTC;
    let runs = every_hour.runs_between(from, until, &zone);
    runs.filter_map(|run| u8::try_from(run.as_second().div_euclid(60).rem_euclid(60)).ok()).collect()
}

#[cfg(test)]
mod tests {
    use toolforge_quota::Demand;

    use super::*;

    fn tool() -> ToolName {
        "stashbot".parse().unwrap()
    }

    fn load(name: &str, expression: &str) -> ScheduledJobLoad {
        ScheduledJobLoad {
            name: name.parse().unwrap(),
            expression: expression.parse().unwrap(),
            each: Demand::default(),
            seconds: 300,
            is_measured: false,
        }
    }

    fn shown(loads: &[ScheduledJobLoad]) -> Vec<String> {
        let line =
            |proposal: &ScheduleProposal| format!("{}: {} -> {}", proposal.name, proposal.from, proposal.to);
        stagger(loads, &tool()).iter().map(line).collect()
    }

    /// Returns the loads with all proposals applied.
    fn done(loads: &[ScheduledJobLoad]) -> Vec<ScheduledJobLoad> {
        let mut loads = loads.to_vec();
        for ScheduleProposal { name, from: _, to } in stagger(&loads, &tool()) {
            loads.iter_mut().find(|load| load.name == name).unwrap().expression = to;
        }
        loads
    }

    #[test]
    fn first_job_by_name_keeps_its_minute() {
        assert_eq!(
            shown(&[load("c", "0 4 * * *"), load("bot", "0 5 * * mon"), load("a", "00 * * * *")]),
            // `@hourly` is minute 6 for the one.
            ["bot: 0 5 * * mon -> 6 5 * * mon", "c: 0 4 * * * -> 7 4 * * *"]
        );
        assert_eq!(shown(&[load("a", "1 4 * * *"), load("b", "2 4 * * *")]), [""; 0]);
        assert_eq!(shown(&[]), [""; 0]);
    }

    #[test]
    fn lists_and_steps_keep_their_minutes() {
        let stays =
            [load("steps", "*/6 * * * *"), load("list", "1,7-11 * * * *"), load("again", "0,0 * * * *")];
        assert_eq!(shown(&stays), [""; 0]);
        let with = |name: &str, expression: &str| {
            shown(&stays.iter().cloned().chain([load(name, expression)]).collect::<Vec<_>>())
        };
        // 6 to 12 are taken.
        assert_eq!(with("bot", "0 4 * * *"), ["bot: 0 4 * * * -> 13 4 * * *"]);
        assert_eq!(with("bot", "2 4 * * *"), [""; 0]);
    }

    #[test]
    fn jobs_of_every_minute_are_ignored() {
        let loads = [load("always", "* * * * *"), load("a", "0 4 * * *"), load("bot", "0 4 * * *")];
        assert_eq!(shown(&loads), ["bot: 0 4 * * * -> 6 4 * * *"]);
    }

    #[test]
    fn proposals_leave_no_shared_minutes() {
        for count in [2, 30, 59, 60, 61, 75] {
            for others in [vec![], vec![load("odd", "1-59/2 * * * *")], vec![load("all", "* * * * *")]] {
                let mut loads = others.clone();
                loads.extend(
                    (0..count)
                        .map(|number| load(&format!("job-{number}"), &format!("{} 4 * * *", number % 3))),
                );
                let free = if others.iter().any(|load| load.name.as_str() == "odd") { 30 } else { 60 };
                let done = done(&loads);
                let begin: BTreeSet<u8> =
                    done.iter().filter_map(|load| single_minute(&load.expression)).collect();
                assert!(begin.len() >= count.min(free), "{count} {others:?}: {begin:?}");
                assert_eq!(shown(&done), [""; 0], "{count} {others:?}");
                assert_eq!(stagger(&loads, &tool()), stagger(&loads, &tool()));
            }
        }
    }
}
