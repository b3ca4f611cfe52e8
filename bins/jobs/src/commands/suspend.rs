use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Notice, Session, planned_changes, print_for_people, print_message,
    unchanged,
};
use toolforge_client::{Attempt, JobFetchOptions};
use toolforge_render::change::ChangeSet;
use toolforge_render::job::{JobWorkload, resume_job, suspend_job};

use super::apply::Command;
use super::finish::finish;
use super::{apply, facts};
use crate::arguments::{Arguments, SuspendArguments};
use crate::failures;

/// What is done to a schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspension {
    Suspend,
    Resume,
}

/// Suspends or resumes a schedule.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &SuspendArguments,
    suspension: Suspension,
) -> Result<ExitCode, Failure> {
    let mut wanted = JobFetchOptions::for_names();
    wanted.records = true;
    let plan = async |attempt: &Attempt| {
        let facts = facts::fetch_facts(session, wanted).await?;
        let job = facts::job(&facts, &options.name)?;
        if !matches!(job.workload, JobWorkload::Scheduled(_)) {
            return Err(Failure::new(
                ExitCode::Failed,
                if job.is_managed() {
                    format!(
                        "job {} is {}, and only a schedule can be suspended",
                        job.name,
                        job.workload.job_kind()
                    )
                } else {
                    format!("{} has no schedule, and only a schedule can be suspended", facts::subject(&job))
                },
            ));
        }
        let set = match suspension {
            Suspension::Suspend => suspend_job(&job),
            Suspension::Resume => resume_job(&job),
        };
        let set = set.map_err(|error| failures::of_run_now(error, &job))?;
        if attempt.is_first() && job.is_managed() && facts.live.recorded.contains_key(&job.name) {
            Notice::note(format!("the platform's jobs service keeps job {}, and resumes its schedule when it is loaded there again",
                job.name)).print();
        }
        Ok(set)
    };
    let command = Command::new(plan, |_: &ChangeSet, _: &Attempt| Ok(()));
    let dry_run = options.dry_run.dry_run;
    let (is, word) = match suspension {
        Suspension::Suspend => ("is suspended already", "suspended"),
        Suspension::Resume => ("is not suspended", "resumed"),
    };
    let is_kept = |set: &ChangeSet| set.pending().next().is_none();
    let subject = |set: &ChangeSet| set.changes.first().map(apply::subject).unwrap_or_default();
    if dry_run == Some(DryRunOption::Client) {
        let set = session.block_on(command.plan_only())??;
        if is_kept(&set) {
            print_message(&format!("{} {is}", subject(&set)));
            return finish(session, arguments, (&set, unchanged(&set)), dry_run, Ok(ExitCode::Success));
        }
        let text = format!("{} would be {word}\n", subject(&set));
        print_for_people(&text, arguments.output.of_document())?;
        return finish(session, arguments, (&set, planned_changes(&set)), dry_run, Ok(ExitCode::Success));
    }
    let applied = session.block_on(apply::apply(session, dry_run, &command))??;
    let changes = applied.changes();
    let (set, ended) = applied.end();
    if matches!(ended, Ok(ExitCode::Success)) {
        let was = if dry_run.is_some() { "would be" } else { "was" };
        if is_kept(&set) {
            print_message(&format!("{} {is}", subject(&set)));
        } else {
            print_message(&format!("{} {was} {word}", subject(&set)));
        }
    }
    finish(session, arguments, (&set, changes), dry_run, ended)
}
