use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session, print, print_text, warn_of_unread};
use toolforge_client::JobFetchOptions;
use toolforge_model::JobName;
use toolforge_render::job::{JobFacts, JobWorkload};

use super::facts::{facts, job};
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
        if let Some(name) = name {
            check_kind(&facts, name)?;
        }
        (report::cron(&facts, name.as_ref(), now)?, ExitCode::Success)
    };
    print(&document, arguments.output.of_document())?;
    Ok(exit)
}

fn check_kind(facts: &JobFacts, name: &JobName) -> Result<(), Failure> {
    let workload = job(facts, name)?.workload;
    if matches!(workload, JobWorkload::Scheduled(_)) {
        return Ok(());
    }
    let kind = workload.job_kind();
    Err(Failure::new(ExitCode::Failed, format!("job '{name}' is {kind} and has no schedule"))
        .hint(format!("`toolforge jobs show {name}` shows its state.")))
}
