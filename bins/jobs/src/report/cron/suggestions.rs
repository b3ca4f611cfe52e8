//! Minutes at which fewer runs exceed the quota.

use std::fmt::Write;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Document, Failure, to_json};
use toolforge_render::job::{JobFacts, ScheduleProposal, ScheduledJobLoad, stagger};
use toolforge_report::{CronSuggestion, CronSuggestions};

use super::calendar::day;
use super::scheduled_job::scheduled_jobs;

/// Returns other minutes for the scheduled jobs whose runs exceed the quota in the next day.
pub(crate) fn suggestions(facts: &JobFacts, now: Timestamp) -> Result<Document, Failure> {
    let jobs = scheduled_jobs(facts);
    let loads: Vec<ScheduledJobLoad> = jobs.iter().filter_map(|scheduled| scheduled.load.clone()).collect();
    let found = stagger(&loads, facts, &day(now));
    let mut suggestions = Vec::new();
    let mut lines = String::new();
    for ScheduleProposal { name, from, to } in &found.proposals {
        let Some(scheduled) = jobs.iter().find(|scheduled| scheduled.job.name == *name) else { continue };
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "  {name}: {} -> {to}", scheduled.schedule_text());
        let (from, to) = (from.to_string(), to.to_string());
        suggestions.push(CronSuggestion { schedule: scheduled.written(), name: name.clone(), from, to });
    }
    let runs = |count: usize| if count == 1 { "1 run".to_owned() } else { format!("{count} runs") };
    let text = if found.conflicting_runs == 0 {
        "No suggestions: all runs of the next 24 hours fit the quota.\n".to_owned()
    } else if suggestions.is_empty() {
        format!(
            "No suggestions: the quota is exceeded during {} of the next 24 hours, and another minute of a job does not lower \
             that number. Shorten the runs, lower their memory or CPU, or choose other hours; \
             `toolforge jobs cron --calendar` shows them.\n",
            runs(found.conflicting_runs)
        )
    } else {
        format!(
            "The quota is exceeded during {} of the next 24 hours; with these schedules, it would be during {}:\n{lines}\
             Nothing was changed. Edit the schedules in the jobs file (`toolforge jobs dump` prints one), then type \
             `toolforge jobs load FILE`.\n",
            runs(found.conflicting_runs),
            if found.remaining_runs == 0 { "none".to_owned() } else { runs(found.remaining_runs) }
        )
    };
    Ok(Document { text, value: to_json(CronSuggestions { suggestions })? })
}
