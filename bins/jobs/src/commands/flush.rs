use std::cell::Cell;

use toolforge_cli::{ExitCode, Failure, Notice, Session};
use toolforge_client::Attempt;
use toolforge_model::JobName;
use toolforge_render::change::ChangeSet;
use toolforge_render::job::{JobFacts, JobObjects, RecordedJob, job_deletions};
use toolforge_report::FailureCode;

use super::apply::Command;
use super::confirm::confirm;
use super::{delete, facts};
use crate::arguments::{Arguments, ChangeOptions, FlushArguments};

/// Deletes all jobs. On a terminal it is asked first; elsewhere nobody is there to answer, and scripts expect none.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &FlushArguments,
) -> Result<ExitCode, Failure> {
    let plan = async |_: &Attempt| {
        let facts = facts::fetch_facts(session, delete::to_delete()).await?;
        Ok(Flush::of(&facts, options.change))
    };
    let confirmed = Cell::new(options.yes || options.change.dry_run.is_some());
    let check = |flush: &Flush, attempt: &Attempt| {
        if attempt.is_first() && !flush.kept.is_empty() {
            Notice::warning(format!("these jobs are kept by the platform's jobs service and stay: {}; `--adopt` deletes them with its records",
                flush.kept.join(", "))).print();
        }
        let names: Vec<&str> = flush.set.changes.iter().map(|change| change.name.as_str()).collect();
        if !names.is_empty() && !confirmed.get() {
            let question = format!("{} job(s) are deleted: {}; continue?", names.len(), names.join(", "));
            if confirm(session, &question)? == Some(false) {
                return Err(Failure::new(ExitCode::Failed, "nothing was deleted")
                    .with_code(FailureCode::NotConfirmed));
            }
            confirmed.set(true);
        }
        Ok(())
    };
    delete::delete(session, arguments, &Command::new(plan, check), options.change)
}

/// The jobs that are deleted, and those that are not.
struct Flush {
    set: ChangeSet,
    /// The names of the jobs that the platform's jobs service keeps.
    kept: Vec<String>,
}

impl Flush {
    fn of(facts: &JobFacts, change: ChangeOptions) -> Self {
        let jobs = facts.live.jobs_of(&facts.namespace.tool);
        let is_kept = |job: &&JobObjects| facts.live.recorded.contains_key(&job.name) && !change.adopt;
        // The service may keep a record of a job whose objects are gone.
        let without_objects: Vec<(&JobName, &RecordedJob)> = facts
            .live
            .recorded
            .iter()
            .filter(|(name, _)| !jobs.iter().any(|job| job.name == **name))
            .collect();
        let mut kept: Vec<String> = jobs.iter().filter(is_kept).map(|job| job.name.to_string()).collect();
        if !change.adopt {
            kept.extend(without_objects.iter().map(|(name, _)| name.to_string()));
        }
        let own = jobs.iter().filter(|job| !is_kept(job)).map(|job| &job.name);
        let records = without_objects.iter().map(|(name, _)| *name).filter(|_| change.adopt);
        Self { set: job_deletions(own.chain(records), facts), kept }
    }
}

impl AsRef<ChangeSet> for Flush {
    fn as_ref(&self) -> &ChangeSet {
        &self.set
    }
}
