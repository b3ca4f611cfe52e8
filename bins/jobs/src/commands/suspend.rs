use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, planned_changes, print_for_people, unchanged};
use toolforge_client::JobFetchOptions;
use toolforge_render::job::{JobWorkload, resume_job, suspend_job};

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
    let facts = facts::facts(session, wanted)?;
    let job = facts::job(&facts, &options.name)?;
    if !matches!(job.workload, JobWorkload::Scheduled(_)) {
        return Err(Failure::new(
            ExitCode::Failed,
            format!("job {} is {}, and only a schedule can be suspended", job.name, job.workload.job_kind()),
        ));
    }
    let set = match suspension {
        Suspension::Suspend => suspend_job(&job),
        Suspension::Resume => resume_job(&job),
    };
    let set = set.map_err(|error| failures::of_run_now(error, &job))?;
    if facts.live.recorded.contains_key(&job.name) {
        anstream::eprintln!(
            "note: the platform's jobs service keeps job {}, and resumes its schedule when it is loaded there again",
            job.name
        );
    }
    let dry_run = options.dry_run.dry_run;
    let (is, word) = match suspension {
        Suspension::Suspend => ("is suspended already", "suspended"),
        Suspension::Resume => ("is not suspended", "resumed"),
    };
    if set.pending().next().is_none() {
        anstream::eprintln!("job {} {is}", job.name);
        return finish(session, arguments, (&set, unchanged(&set)), dry_run, Ok(ExitCode::Success));
    }
    if dry_run == Some(DryRunOption::Client) {
        let text = format!("job {} would be {word}\n", job.name);
        print_for_people(&text, arguments.output.of_document())?;
        return finish(session, arguments, (&set, planned_changes(&set)), dry_run, Ok(ExitCode::Success));
    }
    let exit_code = apply::apply_all(session, arguments, &set, dry_run)?;
    let was = if dry_run.is_some() { "would be" } else { "was" };
    anstream::eprintln!("job {} {was} {word}", job.name);
    Ok(exit_code)
}
