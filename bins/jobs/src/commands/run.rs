use std::path::Path;

use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, print, wait_for_room};
use toolforge_client::Written;
use toolforge_model::JobRequest;
use toolforge_render::change::Change;
use toolforge_render::job::{JobFacts, JobObjects, LoadOptions, LoadPlan, RunOutcome, Workload, plan_load};

use super::finish::finish;
use super::{apply, facts, wait};
use toolforge_report::FailureCode;

use crate::arguments::{Arguments, ChangeOptions, RunArguments};
use crate::{failures, report};

/// Runs a job, where none of its name is there.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &RunArguments,
) -> Result<ExitCode, Failure> {
    let request = options.job.request(&session.tool)?;
    let attempt = || planned(&request, &facts::facts_to_write(session, arguments)?, options.change);
    let plan = match options.change.dry_run {
        None => wait_for_room(attempt()?, |plan| plan.set.terminating(), attempt)?,
        Some(_) => attempt()?,
    };
    report::print_warnings(&plan);
    if !plan.fits() {
        return Err(report::verdict_failure(&plan));
    }
    if options.change.dry_run == Some(DryRunOption::Client) {
        print(&report::plan(&plan)?, arguments.output.of_document())?;
        return Ok(ExitCode::Success);
    }
    let (runtime, client) = session.cluster()?;
    let dry_run = options.change.dry_run.is_some();
    let mut changes = Vec::new();
    let logs = wait::LogMarks::of(&request);
    let ended = runtime.block_on(async {
        let after = async |_: &Change, _: &[Written]| Ok(());
        let applied = apply::apply(session, &plan.set, apply::options(dry_run), after).await?;
        changes = applied.changes();
        applied.end()?;
        let name = &request.name;
        if dry_run {
            anstream::eprintln!("the cluster accepts job {name}; nothing was changed");
        } else {
            anstream::eprintln!("job {name} was created; `toolforge jobs show {name}` shows its state");
        }
        match options.job.wait {
            Some(seconds) if !dry_run => {
                wait::until_end(client, &request, request.name.as_str(), seconds, &logs).await
            }
            _ => Ok(ExitCode::Success),
        }
    });
    finish(session, arguments, (&plan.set, changes), options.change.dry_run, ended)
}

/// Returns the plan of a new job. A one-off job of the same name that has ended well makes room for it.
fn planned(request: &JobRequest, facts: &JobFacts, change: ChangeOptions) -> Result<LoadPlan, Failure> {
    let live = facts.live.job(&facts.tool, &request.name);
    let has_ended_well = live.as_ref().is_some_and(|live| match &live.workload {
        Workload::OneOff(run) => matches!(RunOutcome::of(run, &facts.live), RunOutcome::Succeeded { .. }),
        Workload::Scheduled(_) | Workload::Continuous(_) => false,
    });
    let is_terminating = live.as_ref().is_some_and(JobObjects::is_terminating);
    let is_recorded = facts.live.recorded.contains_key(&request.name) && !change.adopt;
    if is_recorded || (live.is_some() && !has_ended_well && !is_terminating) {
        let name = &request.name;
        let failure = Failure::new(ExitCode::Failed, format!("a job with the name {name} already exists"))
            .with_code(FailureCode::AlreadyExists);
        return Err(if is_recorded {
            failure.hint(
                "The platform's jobs service keeps it; `--adopt` takes it over and deletes its record there.",
            )
        } else {
            failure.hint(format!(
                "`toolforge jobs delete {name}` deletes it; a job of a file is changed in the file, with `toolforge jobs load`."
            ))
        });
    }
    let adopts = change.adopt;
    let plan = plan_load(
        std::slice::from_ref(request),
        facts,
        &LoadOptions { adopts, renews: true, ..LoadOptions::default() },
    );
    if !plan.problems.is_empty() {
        return Err(failures::of_problems(&plan, &[], Path::new("")));
    }
    Ok(plan)
}
