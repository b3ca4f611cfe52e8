use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_model::JobName;
use toolforge_render::job::{LiveJob, LoadStep, RecordedJob, StepKind};

use super::confirm::confirm;
use super::{delete, facts};
use crate::arguments::{Arguments, FlushArguments};

/// Deletes all jobs. On a terminal it is asked first; elsewhere nobody is there to answer, and scripts expect none.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &FlushArguments,
) -> Result<ExitCode, Failure> {
    let facts = facts::facts(session, arguments, delete::to_delete())?;
    let jobs = facts.live.jobs_of(&facts.tool);
    let is_kept = |job: &&LiveJob| facts.live.recorded.contains_key(&job.name) && !options.change.adopt;
    // The service may keep a record of a job whose objects are gone.
    let without_objects: Vec<(&JobName, &RecordedJob)> =
        facts.live.recorded.iter().filter(|(name, _)| !jobs.iter().any(|job| job.name == **name)).collect();
    let mut kept: Vec<String> = jobs.iter().filter(is_kept).map(|job| job.name.to_string()).collect();
    if !options.change.adopt {
        kept.extend(without_objects.iter().map(|(name, _)| name.to_string()));
    }
    if !kept.is_empty() {
        anstream::eprintln!(
            "warning: these jobs are kept by the platform's jobs service and stay: {}; `--adopt` deletes them with its records",
            kept.join(", ")
        );
    }
    let mut steps: Vec<LoadStep> = jobs
        .iter()
        .filter(|job| !is_kept(job))
        .map(|job| LoadStep {
            name: job.name.clone(),
            kind: StepKind::Delete,
            plan: None,
            live: Some(job.clone()),
            record: facts.live.recorded.get(&job.name).copied(),
        })
        .collect();
    if options.change.adopt {
        steps.extend(without_objects.into_iter().map(|(name, record)| LoadStep {
            name: name.clone(),
            kind: StepKind::Delete,
            plan: None,
            live: None,
            record: Some(*record),
        }));
    }
    let names: Vec<String> = steps.iter().map(|step| step.name.to_string()).collect();
    if !names.is_empty() && !options.yes && options.change.dry_run.is_none() {
        let question = format!("{} job(s) are deleted: {}; go on?", names.len(), names.join(", "));
        if confirm(&question) == Some(false) {
            return Err(Failure::new(ExitCode::Failed, "nothing was deleted"));
        }
    }
    delete::delete(session, &steps, options.change)
}
