//! The quota usage of the scheduled jobs over the next day.

use std::fmt::Write;
use std::ops::Range;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_cli::{
    Document, ExitCode, Failure, conflict_line, conflict_report, day, duration, exceed_alone, to_json,
};
use toolforge_model::Untrusted;
use toolforge_quota::{Conflict, Timeline, conflicts, timelines};
use toolforge_render::job::{
    DurationSource, JobFacts, ScheduledJobLoad, quotas_without_runs, simulate_scheduled_jobs,
    simulate_without_finite_pods,
};
use toolforge_report::{CalendarJob, CalendarResource, CronCalendar, LeftOutJob, LeftOutReason};

use super::scheduled_job::{ScheduledJob, minute, scheduled_jobs};

/// Number of intervals in a day: half hours.
const INTERVALS: u32 = 48;

/// Length of an interval.
const INTERVAL: SignedDuration = SignedDuration::from_mins(30);

/// The usage of the scheduled jobs over the day after a time.
struct Calendar {
    from: Timestamp,
    until: Timestamp,
    loads: Vec<ScheduledJobLoad>,
    left_out: Vec<LeftOutJob>,
    has_runs: bool,
    timelines: Vec<Timeline>,
    conflicts: Vec<Conflict>,
    /// Whether other minutes may help.
    is_helped_by_minutes: bool,
    has_quota: bool,
    /// Whether pods terminate or are about to be created.
    is_unsettled: bool,
}

/// Returns the calendar of the next day, and the exit code: success if all runs fit the quota.
pub(crate) fn calendar(facts: &JobFacts, now: Timestamp) -> Result<(Document, ExitCode), Failure> {
    let calendar = Calendar::of(facts, now);
    let exit = if calendar.conflicts.is_empty() { ExitCode::Success } else { ExitCode::Failed };
    let value = to_json(calendar.report())?;
    Ok((Document { text: calendar.text(), value }, exit))
}

impl Calendar {
    fn of(facts: &JobFacts, now: Timestamp) -> Self {
        let Range { start: from, end: until } = day(now);
        let (mut loads, mut left_out) = (Vec::new(), Vec::new());
        for scheduled in scheduled_jobs(facts) {
            match scheduled.load {
                Some(load) => loads.push(load),
                None => {
                    left_out.push(LeftOutJob { code: left_out_reason(&scheduled), name: scheduled.job.name });
                }
            }
        }
        let intervals = simulate_scheduled_jobs(&loads, facts, from..until);
        let timelines = timelines(&quotas_without_runs(&loads, facts), &intervals, INTERVALS);
        let has_runs = intervals.iter().any(|interval| !interval.names.is_empty());
        let lasting = conflicts(&simulate_without_finite_pods(&loads, facts, from..until));
        let is_helped_by_minutes = !exceed_alone(&lasting);
        let conflicts = conflicts(&intervals);
        let limits = &facts.namespace.limits;
        let has_quota = !limits.quotas.is_empty();
        let is_unsettled = !limits.terminating.is_empty() || !limits.waiting.is_empty();
        Self {
            from,
            until,
            loads,
            left_out,
            has_runs,
            timelines,
            conflicts,
            is_helped_by_minutes,
            has_quota,
            is_unsettled,
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let mut line = |line: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{}", line.trim_end());
        };
        if self.loads.is_empty() {
            line("There are no scheduled jobs to simulate.".to_owned());
        } else if !self.has_runs {
            line("No run is scheduled in the next 24 hours.".to_owned());
        } else if self.timelines.is_empty() {
            line("No quota limits the runs of the next 24 hours.".to_owned());
        } else {
            line(format!(
                "From {} to {} UTC, one column per half hour:",
                minute(self.from),
                minute(self.until)
            ));
            line(String::new());
            drawn(&self.timelines, self.from, INTERVAL).into_iter().for_each(&mut line);
            line(String::new());
            line(legend());
            let settled = if self.is_unsettled {
                "constant, with terminating pods gone and missing pods created"
            } else {
                "as it is now"
            };
            line(format!("Other usage is assumed to stay {settled}."));
        }
        self.durations().into_iter().for_each(&mut line);
        let permanent = self.loads.iter().filter(|load| load.runs_all_the_time());
        let permanent: Vec<&str> = permanent.map(|load| load.name.as_str()).collect();
        if !permanent.is_empty() {
            line(format!(
                "Jobs that run so often that they are assumed to run all the time: {}.",
                permanent.join(", ")
            ));
        }
        let reasons = [
            (LeftOutReason::Suspended, "suspended"),
            (LeftOutReason::TimeZone, "time zone"),
            (LeftOutReason::Unreadable, "schedule or pod template cannot be read"),
        ];
        for (code, reason) in reasons {
            let jobs = self.left_out.iter().filter(|job| job.code == code);
            let names: Vec<&str> = jobs.map(|job| job.name.as_str()).collect();
            if !names.is_empty() {
                line(format!("Left out ({reason}): {}.", names.join(", ")));
            }
        }
        if !self.timelines.is_empty() {
            line(String::new());
            self.conflict_lines().into_iter().for_each(&mut line);
        }
        text
    }

    fn durations(&self) -> Vec<String> {
        let lines = [
            (DurationSource::Measured, "Measured duration of the last run: "),
            (DurationSource::UpperBound, "Assumed duration of a run (upper bound for the last run): "),
            (DurationSource::Assumed, "Assumed duration of a run (no successful run is known): "),
        ];
        let line = |(source, text): (DurationSource, &str)| {
            let loads = self.loads.iter().filter(|load| load.duration_source == source);
            let durations: Vec<String> =
                loads.map(|load| format!("{} {}", load.name, duration(i64::from(load.seconds)))).collect();
            (!durations.is_empty()).then(|| format!("{text}{}.", durations.join(", ")))
        };
        lines.into_iter().filter_map(line).collect()
    }

    fn conflict_lines(&self) -> Vec<String> {
        if self.conflicts.is_empty() {
            return vec!["All runs of the next 24 hours fit the quota.".to_owned()];
        }
        let mut lines = vec!["These runs exceed the quota:".to_owned()];
        for conflict in &self.conflicts {
            lines.push(format!("  {}", conflict_line(conflict, self.from..self.until)));
            lines.extend(conflict.shortfalls.iter().map(|row| format!("    {row}")));
        }
        if self.is_helped_by_minutes {
            lines.push("`toolforge jobs cron --suggest` looks for better minutes.".to_owned());
        }
        lines
    }

    fn report(&self) -> CronCalendar {
        let load = |load: &ScheduledJobLoad| CalendarJob {
            name: load.name.clone(),
            cron_expression: load.schedule.to_string(),
            run_seconds: load.seconds,
            run_seconds_measured: load.duration_source == DurationSource::Measured,
            run_seconds_at_most: load.duration_source == DurationSource::UpperBound,
        };
        let timeline = |timeline: &Timeline| CalendarResource {
            quota: timeline.quota.clone(),
            resource: timeline.resource.to_string(),
            hard: timeline.resource.amount(timeline.hard),
            others: timeline.resource.amount(timeline.other_usage),
            peaks: timeline.peaks.iter().map(|peak| timeline.resource.amount(*peak)).collect(),
        };
        CronCalendar {
            from: self.from.to_string(),
            until: self.until.to_string(),
            interval_seconds: INTERVAL.as_secs(),
            fits: self.has_quota.then_some(self.conflicts.is_empty()),
            jobs: self.loads.iter().map(load).collect(),
            left_out: self.left_out.clone(),
            resources: self.timelines.iter().map(timeline).collect(),
            conflicts: self.conflicts.iter().map(conflict_report).collect(),
        }
    }
}

/// Returns why a job is not simulated.
fn left_out_reason(scheduled: &ScheduledJob) -> LeftOutReason {
    if scheduled.is_suspended() {
        LeftOutReason::Suspended
    } else if scheduled.time_zone().is_some() {
        LeftOutReason::TimeZone
    } else {
        LeftOutReason::Unreadable
    }
}

/// From no usage to the whole quota.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// More than the quota.
const OVER: char = '!';

/// Returns the legend of the characters.
pub(super) fn legend() -> String {
    let [nothing, least, .., all] = SHADES;
    format!(
        "'{nothing}' means unused, '{least}' to '{all}' up to the whole quota, '{OVER}' more than the quota."
    )
}

/// Returns a line per resource, with a column per interval, and the hours below.
pub(super) fn drawn(timelines: &[Timeline], from: Timestamp, part: SignedDuration) -> Vec<String> {
    let are_several = timelines.iter().any(|timeline| timeline.quota != timelines[0].quota);
    let label = |timeline: &Timeline| {
        let resource = Untrusted::new(timeline.resource.to_string());
        let of_quota = if are_several {
            format!(" (quota {})", Untrusted::new(timeline.quota.as_str()).escaped())
        } else {
            String::new()
        };
        format!("{}{of_quota}", resource.escaped())
    };
    let most = |timeline: &Timeline| timeline.peaks.iter().copied().max().unwrap_or(0);
    let amounts = |timeline: &Timeline| timeline.resource.short_amounts(timeline.hard, [most(timeline)]);
    let hard = |timeline: &Timeline| format!("of {}", amounts(timeline).0);
    let width = |text: &dyn Fn(&Timeline) -> String| {
        timelines.iter().map(|timeline| text(timeline).chars().count()).max().unwrap_or(0)
    };
    let (label_width, hard_width) = (width(&label), width(&hard));
    let line = |timeline: &Timeline| {
        let cells: String = timeline.peaks.iter().map(|peak| shade(*peak, timeline.hard)).collect();
        let [most] = amounts(timeline).1;
        format!("{:label_width$}  {:hard_width$}  |{cells}|  max {most}", label(timeline), hard(timeline))
    };
    let mut lines: Vec<String> = timelines.iter().map(line).collect();
    let parts = timelines.iter().map(|timeline| timeline.peaks.len()).max().unwrap_or(0);
    lines.push(format!("{:1$}{2}", "", label_width + hard_width + 5, hours(from, part, parts)));
    lines
}

/// Returns every third hour at the column in which it starts.
fn hours(from: Timestamp, part: SignedDuration, parts: usize) -> String {
    let mut hours = String::new();
    let mut begin = from.as_second();
    for column in 0..parts {
        // An interval includes its start, not its end.
        let end = begin.saturating_add(part.as_secs());
        let hour = (end - 1).div_euclid(3600);
        if hour * 3600 >= begin && hour.rem_euclid(3) == 0 {
            hours = format!("{hours:column$}{:02}", hour.rem_euclid(24));
        }
        begin = end;
    }
    hours
}

/// Returns the share of the quota that is used, as a character.
fn shade(used: u64, hard: u64) -> char {
    if used > hard {
        return OVER;
    }
    let darkest = u128::try_from(SHADES.len() - 1).unwrap_or(1);
    let share = (u128::from(used) * darkest).div_ceil(u128::from(hard.max(1)));
    SHADES[usize::try_from(share.min(darkest)).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shade_shows_the_used_share() {
        let shades = |hard: u64, used: &[u64]| used.iter().map(|used| shade(*used, hard)).collect::<String>();
        assert_eq!(shades(9, &[0, 1, 2, 8, 9, 10]), " .:%@!");
        assert_eq!(shades(1000, &[0, 1, 111, 112, 1000, 1001]), " ..:@!");
        assert_eq!(shades(0, &[0, 1]), " !");
        assert_eq!(shades(u64::MAX, &[u64::MAX, 1]), "@.");
    }

    #[test]
    fn hours_are_at_their_first_column() {
        let part = SignedDuration::from_mins(30);
        let hours = |from: &str| hours(from.parse().unwrap(), part, 12);
        assert_eq!(hours("2026-08-01T00:00:00Z"), "00    03");
        assert_eq!(hours("2026-08-01T00:00:01Z"), "     03    06");
        assert_eq!(hours("2026-08-01T23:30:00Z"), " 00    03");
        assert_eq!(hours("1969-12-31T22:17:30Z"), "   00    03");
    }
}
