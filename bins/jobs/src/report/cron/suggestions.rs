//! Minutes at which fewer jobs start together.

use std::fmt::Write;

use toolforge_cli::{Document, Failure, to_json};
use toolforge_render::job::{JobFacts, ScheduleProposal, ScheduledJobLoad, stagger};
use toolforge_report::{CronSuggestion, CronSuggestions};

use super::scheduled_jobs;

/// Returns other minutes for the scheduled jobs that start together.
pub(crate) fn suggestions(facts: &JobFacts) -> Result<Document, Failure> {
    let jobs = scheduled_jobs(facts);
    let loads: Vec<ScheduledJobLoad> = jobs.iter().filter_map(|scheduled| scheduled.load.clone()).collect();
    let mut suggestions = Vec::new();
    let mut lines = String::new();
    for ScheduleProposal { name, from, to } in stagger(&loads, &facts.tool) {
        let Some(scheduled) = jobs.iter().find(|scheduled| scheduled.job.name == name) else { continue };
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "  {name}: {} -> {to}", scheduled.schedule_text());
        let (from, to) = (from.to_string(), to.to_string());
        suggestions.push(CronSuggestion { schedule: scheduled.written(), name, from, to });
    }
    let text = if suggestions.is_empty() {
        "No suggestions: no movable job starts in the same minute as another, or no minute is free.\n"
            .to_owned()
    } else {
        format!(
            "These jobs start in the same minute as others, and could have a minute of their own:\n{lines}Nothing was changed. \
             Edit the schedules in the jobs file (`toolforge jobs dump` prints one), then type `toolforge jobs load FILE`.\n"
        )
    };
    Ok(Document { text, value: to_json(CronSuggestions { suggestions })? })
}
