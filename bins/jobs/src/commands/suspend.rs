use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, print_text};
use toolforge_client::JobFetchOptions;
use toolforge_render::job::{Workload, resume_job, suspend_job};

use super::{apply, facts};
use crate::arguments::{Arguments, SuspendArguments};
use crate::failures;

/// Suspends or resumes a schedule.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &SuspendArguments,
    suspends: bool,
) -> Result<ExitCode, Failure> {
    let facts =
        facts::facts(session, arguments, JobFetchOptions { records: true, ..JobFetchOptions::for_names() })?;
    let job = facts::job(&facts, &options.name)?;
    if !matches!(job.workload, Workload::Scheduled(_)) {
        return Err(Failure::new(
            ExitCode::Failed,
            format!("job {} is {}, and only a schedule can be suspended", job.name, job.workload.job_kind()),
        ));
    }
    let set = if suspends { suspend_job(&job) } else { resume_job(&job) };
    let set = set.map_err(|error| failures::of_run_now(error, &job))?;
    if facts.live.recorded.contains_key(&job.name) {
        anstream::eprintln!(
            "note: the platform's jobs service keeps job {}, and resumes its schedule when it is loaded there again",
            job.name
        );
    }
    let (is, word) =
        if suspends { ("is suspended already", "suspended") } else { ("is not suspended", "resumed") };
    if set.pending().next().is_none() {
        anstream::eprintln!("job {} {is}", job.name);
        return Ok(ExitCode::Success);
    }
    if options.dry_run.dry_run == Some(DryRunOption::Client) {
        print_text(&format!("job {} would be {word}\n", job.name))?;
        return Ok(ExitCode::Success);
    }
    apply::apply_all(session, &set, options.dry_run.dry_run.is_some())
}
