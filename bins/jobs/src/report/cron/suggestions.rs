//! Minutes at which fewer runs exceed the quota.

use std::collections::BTreeMap;
use std::fmt::Write;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Document, Failure, day, to_json};
use toolforge_render::job::{JobFacts, ScheduleProposal, ScheduledJobLoad, StaggeredJobs, stagger};
use toolforge_report::{CronSuggestion, CronSuggestions, UnmovedJob, UnmovedReason};

use super::scheduled_job::scheduled_jobs;

/// Returns other minutes for the scheduled jobs whose runs exceed the quota in the next day.
pub(crate) fn suggestions(facts: &JobFacts, now: Timestamp) -> Result<Document, Failure> {
    let jobs = scheduled_jobs(facts);
    let loads: Vec<ScheduledJobLoad> = jobs.iter().filter_map(|scheduled| scheduled.load.clone()).collect();
    let found = stagger(&loads, facts, &day(now));
    let mut suggestions = Vec::new();
    let mut lines = String::new();
    let mut manifests: Vec<&str> = Vec::new();
    for ScheduleProposal { name, from, to } in &found.proposals {
        let Some(scheduled) = jobs.iter().find(|scheduled| scheduled.job.name == *name) else { continue };
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "  {name}: {} -> {to}", scheduled.schedule_text());
        if !scheduled.job.is_managed() {
            manifests.push(name.as_str());
        }
        suggestions.push(CronSuggestion {
            name: name.clone(),
            schedule: scheduled.written(),
            cron_expression: from.to_string(),
            suggestion: to.to_string(),
        });
    }
    let text = match (found.conflicting_runs, found.remaining_runs) {
        (0, _) => "No suggestions: all runs of the next 24 hours fit the quota.\n".to_owned(),
        (runs, _) if suggestions.is_empty() => format!(
            "No suggestions: in the next 24 hours, {}, and {}.\n{}\
             Shorten the runs, lower their memory or CPU, or choose other hours; \
             `toolforge jobs cron --calendar` shows them.\n",
            exceeding(runs),
            if found.is_partial {
                "the minutes that were tried do not lower that number; there are too many runs to try all"
            } else {
                "moving one job to another minute does not lower that number"
            },
            not_moved(&found)
        ),
        (runs, remaining) => format!(
            "In the next 24 hours, {}; with these schedules, {} would:\n{lines}{}{}\
             Nothing was changed. Edit the schedules in the jobs file (`toolforge jobs dump` prints one), then run \
             `toolforge jobs load FILE`.\n{}",
            exceeding(runs),
            if remaining == 0 { "none".to_owned() } else { format!("only {remaining}") },
            if found.is_partial { "There are too many runs to try all minutes.\n" } else { "" },
            not_moved(&found),
            match manifests.as_slice() {
                [] => String::new(),
                names => format!("Edit that of {} in its manifest, then apply it again.\n", names.join(", ")),
            }
        ),
    };
    let unmoved = found.unmoved.iter().map(|job| UnmovedJob {
        name: job.name.clone(),
        code: UnmovedReason::from_code(job.reason.as_str()),
    });
    let unmoved = unmoved.collect();
    Ok(Document {
        text,
        value: to_json(CronSuggestions { suggestions, unmoved, partial: found.is_partial })?,
    })
}

fn exceeding(runs: usize) -> String {
    if runs == 1 { "1 run exceeds the quota".to_owned() } else { format!("{runs} runs exceed the quota") }
}

/// Returns a line for each reason why no suggestion can move a job.
fn not_moved(found: &StaggeredJobs) -> String {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for job in &found.unmoved {
        let reason = match UnmovedReason::from_code(job.reason.as_str()) {
            UnmovedReason::EveryMinute => "every minute",
            UnmovedReason::UnevenIntervals => "uneven intervals",
            UnmovedReason::Duration => "interval counts from the last run",
            _ => job.reason.as_str(),
        };
        names.entry(reason).or_default().push(job.name.as_str());
    }
    let line = |(reason, names): (&str, Vec<&str>)| format!("Not moved ({reason}): {}.\n", names.join(", "));
    names.into_iter().map(line).collect()
}
