//! The last, next and missed runs of scheduled jobs.

use std::fmt::Write;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Document, Failure, Table, duration, to_json};
use toolforge_model::{JobName, Schedule};
use toolforge_render::job::{
    DurationSource, JobFacts, JobState, JobStatus, MissedReason, MissedRuns, ScheduledJobLoad,
};
use toolforge_report::{CronJob, CronJobList, ScheduleWarning, ScheduleWarningCode};

use super::scheduled_job::{LastRun, ScheduledJob, minute, scheduled_jobs, status_of};
use crate::report::status_sentence;

/// Number of next runs that are printed.
const NEXT: usize = 3;

/// Missed runs are counted up to this number.
const MOST_MISSED: usize = 1000;

/// Returns the runs of the scheduled jobs, or of one in detail.
pub(crate) fn cron(facts: &JobFacts, name: Option<&JobName>, now: Timestamp) -> Result<Document, Failure> {
    let mut jobs = scheduled_jobs(facts);
    jobs.retain(|scheduled| name.is_none_or(|name| *name == scheduled.job.name));
    let rows: Vec<JobRuns<'_>> = jobs.iter().map(|scheduled| JobRuns::of(scheduled, facts, now)).collect();
    let value = to_json(CronJobList { jobs: rows.iter().map(JobRuns::report).collect() })?;
    let text = match (name, rows.as_slice()) {
        (Some(_), [row]) => row.text(now),
        (_, []) => "There are no scheduled jobs.\n".to_owned(),
        _ => format!("Times are UTC; it is {}.\n{}", minute(now), table(&rows, now).for_stdout()),
    };
    Ok(Document { text, value })
}

/// A scheduled job, its state and its runs.
struct JobRuns<'a> {
    scheduled: &'a ScheduledJob,
    status: JobStatus,
    last_run: LastRun,
    next_runs: Vec<Timestamp>,
}

fn table(rows: &[JobRuns<'_>], now: Timestamp) -> Table {
    // Without them, the table is as wide as before.
    let has_unmanaged = rows.iter().any(|row| !row.scheduled.job.is_managed());
    let headings = ["NAME", "SCHEDULE", "LAST RUN", "NEXT RUN", "MISSED"];
    let mut table = match has_unmanaged {
        true => Table::new(&["NAME", "CREATED BY", "SCHEDULE", "LAST RUN", "NEXT RUN", "MISSED"]),
        false => Table::new(&headings),
    };
    for row in rows {
        let missed = row.status.missed.as_ref();
        let missed = missed.map(|missed| format!("{}: {}", count(missed), short(&missed.reason)));
        let created_by = has_unmanaged.then(|| row.created_by());
        let name = row.scheduled.job.name.to_string();
        table.row([name].into_iter().chain(created_by).chain([
            row.scheduled.schedule_text(),
            row.last_run.text(),
            row.next_run(now),
            missed.unwrap_or_default(),
        ]));
    }
    table
}

impl<'a> JobRuns<'a> {
    fn of(scheduled: &'a ScheduledJob, facts: &JobFacts, now: Timestamp) -> Self {
        let (status, last_run) = status_of(scheduled, facts, now);
        let next_after = |run: &Timestamp| scheduled.next_after(*run);
        let next_runs = std::iter::successors(status.next_run, next_after).take(NEXT).collect();
        Self { scheduled, status, last_run, next_runs }
    }

    /// Returns the program that created a CronJob that no tool manages; `toolforge jobs` for a job.
    fn created_by(&self) -> String {
        if self.scheduled.job.is_managed() {
            return "toolforge jobs".to_owned();
        }
        let created_by = self.scheduled.job.created_by();
        created_by.map_or_else(|| "unknown".to_owned(), |created_by| created_by.escaped().to_string())
    }

    fn next_run(&self, now: Timestamp) -> String {
        if let Some(next) = self.status.next_run {
            format!("{}, {}", minute(next), ahead(next, now))
        } else if self.status.state == JobState::Stopping {
            "none, it is being deleted".to_owned()
        } else if self.scheduled.is_suspended() {
            "none, it is suspended".to_owned()
        } else if let Some(zone) = self.scheduled.time_zone() {
            format!("unknown, because it has a time zone, {}", zone.quoted())
        } else if self.scheduled.schedule.is_none() {
            "unknown, because the schedule is invalid".to_owned()
        } else {
            "none within five years".to_owned()
        }
    }

    fn warning(&self) -> Option<ScheduleWarning> {
        let warning = self.scheduled.schedule.as_ref().and_then(Schedule::warning)?;
        Some(ScheduleWarning {
            code: ScheduleWarningCode::from_code(warning.code()),
            message: warning.to_string(),
            suggestion: warning.suggestion().to_string(),
        })
    }

    fn text(&self, now: Timestamp) -> String {
        let scheduled = self.scheduled;
        let mut text = format!("{}, times in UTC; it is {}\n", scheduled.job.name, minute(now));
        let mut line = |name: &str, value: String| {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {name:<9} {value}");
        };
        if !scheduled.job.is_managed() {
            line("created", format!("by {}, not by `toolforge jobs`", self.created_by()));
        }
        line("schedule", scheduled.schedule_text());
        if let Some(warning) = self.warning() {
            line("warning", warning.message);
        }
        line("state", status_sentence(&self.status, now));
        line("last run", self.last_run.text());
        line("next runs", self.next_run(now));
        for next in self.next_runs.iter().skip(1) {
            line("", format!("{}, {}", minute(*next), ahead(*next, now)));
        }
        match &self.status.missed {
            Some(missed) => {
                line("missed", format!("{}, the last one at {}", count(missed), minute(missed.last)));
                line("", missed.reason.to_string());
            }
            None => line("missed", "none".to_owned()),
        }
        if let Some(load) = &scheduled.load {
            line("duration", run_duration(load));
        }
        if scheduled.is_suspended() {
            line(
                "next",
                format!("Run `toolforge jobs resume {}` to resume the schedule.", scheduled.job.name),
            );
        }
        text
    }

    fn report(&self) -> CronJob {
        let Self { scheduled, status, last_run, next_runs } = self;
        let load = scheduled.load.as_ref();
        CronJob {
            name: scheduled.job.name.clone(),
            managed: scheduled.job.is_managed(),
            created_by: scheduled.job.created_by(),
            schedule: scheduled.written(),
            cron_expression: scheduled.expression(),
            warning: self.warning(),
            suspended: scheduled.is_suspended(),
            time_zone: scheduled.time_zone(),
            state: toolforge_report::JobState::from_code(status.state.as_str()),
            last_run: last_run.at.map(|at| at.to_string()),
            last_result: last_run.result,
            last_run_by_hand: last_run.is_by_hand,
            next_runs: next_runs.iter().map(ToString::to_string).collect(),
            missed: status.missed.as_ref().map(missed_runs),
            run_seconds: load.map(|load| load.seconds),
            run_seconds_measured: load.map(|load| load.duration_source == DurationSource::Measured),
            run_seconds_at_most: load.map(|load| load.duration_source == DurationSource::UpperBound),
        }
    }
}

fn count(missed: &MissedRuns) -> String {
    let or_more = if missed.count >= MOST_MISSED { " or more" } else { "" };
    format!("{}{or_more}", missed.count)
}

fn run_duration(load: &ScheduledJobLoad) -> String {
    let seconds = duration(i64::from(load.seconds));
    match load.duration_source {
        DurationSource::Measured => format!("{seconds} per run, measured in the last one"),
        DurationSource::UpperBound => {
            format!("at most {seconds} per run, from the last start to the last success; that is assumed")
        }
        DurationSource::Assumed => format!("{seconds} per run, assumed"),
    }
}

/// Returns why runs were missed, in a few words for the table.
fn short(reason: &MissedReason) -> String {
    match reason {
        MissedReason::QuotaExceeded { .. } => "quota exceeded".to_owned(),
        MissedReason::Refused { .. } => "refused by the cluster".to_owned(),
        MissedReason::Unknown => "unknown reason".to_owned(),
        other => other.to_string(),
    }
}

/// Returns missed runs for the JSON output.
pub(crate) fn missed_runs(
    MissedRuns { count, last, reason, .. }: &MissedRuns,
) -> toolforge_report::MissedRuns {
    let code = match reason {
        MissedReason::StillRunning => toolforge_report::MissedReason::StillRunning,
        MissedReason::QuotaExceeded { .. } => toolforge_report::MissedReason::QuotaExceeded,
        MissedReason::Refused { .. } => toolforge_report::MissedReason::Refused,
        MissedReason::TooLate => toolforge_report::MissedReason::TooLate,
        _ => toolforge_report::MissedReason::Unknown,
    };
    toolforge_report::MissedRuns { count: *count, last: last.to_string(), code, message: reason.to_string() }
}

#[cfg(test)]
pub(super) fn table_text(facts: &JobFacts, now: Timestamp) -> String {
    let jobs = scheduled_jobs(facts);
    let rows: Vec<JobRuns<'_>> = jobs.iter().map(|scheduled| JobRuns::of(scheduled, facts, now)).collect();
    table(&rows, now).to_text(None)
}

/// Returns the duration until a time, in whole minutes, or hours if it is days away.
fn ahead(moment: Timestamp, now: Timestamp) -> String {
    let seconds = moment.as_second().saturating_sub(now.as_second());
    match seconds {
        ..60 => "in less than 1m".to_owned(),
        60..86_400 => format!("in {}", duration(seconds / 60 * 60)),
        _ => format!("in {}", duration(seconds / 3600 * 3600)),
    }
}
