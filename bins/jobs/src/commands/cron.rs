use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session, print, print_text, warn_of_unread};
use toolforge_client::JobFetchOptions;
use toolforge_render::job::{JobFacts, JobObjects, JobWorkload, WorkloadRef};

use super::facts::{facts, job, subject};
use crate::arguments::{Arguments, CronArguments, JobsFormat};
use crate::report;

/// Prints the runs of scheduled jobs, their calendar, or suggestions.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &CronArguments,
) -> Result<ExitCode, Failure> {
    let CronArguments { name, calendar, suggest } = options;
    // Images and addresses are not printed.
    let mut wanted = JobFetchOptions::for_list();
    wanted.namespace.catalog = false;
    wanted.addresses = false;
    wanted.namespace.limits = *calendar || *suggest;
    let facts = facts(session, wanted)?;
    warn_of_unread(&facts.namespace.limits);
    if arguments.output == JobsFormat::Name {
        let scheduled = facts.live.jobs_of(&facts.namespace.tool);
        let scheduled = scheduled.iter().filter(|job| matches!(job.workload, JobWorkload::Scheduled(_)));
        let names: String = scheduled.map(|job| format!("{}\n", job.name)).collect();
        print_text(&names)?;
        return Ok(ExitCode::Success);
    }
    let now = Timestamp::now();
    let (document, exit) = if *calendar {
        report::calendar(&facts, now)?
    } else if *suggest {
        (report::suggestions(&facts, now)?, ExitCode::Success)
    } else {
        let job = name.as_ref().map(|name| scheduled(&facts, name)).transpose()?;
        (report::cron(&facts, job.as_ref().map(|job| &job.name), now)?, ExitCode::Success)
    };
    print(&document, arguments.output.of_document())?;
    Ok(exit)
}

/// Returns a scheduled job, or a CronJob that no tool manages.
fn scheduled(facts: &JobFacts, name: &WorkloadRef) -> Result<JobObjects, Failure> {
    let job = job(facts, name)?;
    if matches!(job.workload, JobWorkload::Scheduled(_)) {
        return Ok(job);
    }
    let message = if job.is_managed() {
        format!("job '{name}' is {} and has no schedule", job.workload.job_kind())
    } else {
        format!("{} has no schedule", subject(&job))
    };
    Err(Failure::new(ExitCode::Failed, message)
        .hint(format!("`toolforge jobs show {name}` shows its state.")))
}
