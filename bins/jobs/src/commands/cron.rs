use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session, print, print_text, warn_of_unread};
use toolforge_client::JobFetchOptions;
use toolforge_render::job::{JobFacts, JobObjects, JobWorkload, WorkloadRef};
use toolforge_render::object::ObjectKind;

use super::facts::{facts_to_show, job, subject};
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
    // Other workloads count against the quota.
    wanted.leave_out_unread = !(*calendar || *suggest);
    let shown = facts_to_show(session, wanted)?;
    if let Some(unread) = shown.unread(ObjectKind::CronJob) {
        return Err(unread.clone().into_error().into());
    }
    let facts = &shown.facts;
    warn_of_unread(&facts.namespace.limits);
    if arguments.output == JobsFormat::Name {
        let scheduled = facts.live.jobs_of(&facts.namespace.tool);
        let scheduled = scheduled.iter().filter(|job| matches!(job.workload, JobWorkload::Scheduled(_)));
        let names: String = scheduled.map(|job| format!("{}\n", job.name)).collect();
        print_text(&names)?;
        return Ok(shown.exit_code);
    }
    let now = Timestamp::now();
    let (document, exit) = if *calendar {
        report::calendar(facts, now)?
    } else if *suggest {
        (report::suggestions(facts, now)?, ExitCode::Success)
    } else {
        let job = name
            .as_ref()
            .map(|name| scheduled(facts, name).map_err(|failure| shown.unless_unread(failure, name)));
        let job = job.transpose()?;
        (report::cron(facts, job.as_ref().map(|job| &job.name), now)?, shown.exit_code)
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
