use std::path::Path;

use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Notice, Session, SizeForm, adjustments_hint, print, print_message,
    warn_of_unread,
};
use toolforge_client::Attempt;
use toolforge_model::JobRequest;
use toolforge_render::change::{Action, ChangeSet, Step, StepAction};
use toolforge_render::job::{
    JobFacts, JobObjects, JobWorkload, LoadOptions, LoadPlan, RunOutcome, load_adjustments, plan_load,
};
use toolforge_render::object::ObjectKind;
use toolforge_report::FailureCode;

use super::apply::Command;
use super::finish::finish;
use super::load::PlannedLoad;
use super::{apply, facts, load, wait};
use crate::arguments::{Arguments, ChangeOptions, RunArguments};
use crate::failures;
use crate::report;

/// Runs a job, where none of its name is there.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &RunArguments,
) -> Result<ExitCode, Failure> {
    let request = options.job.request(&session.tool)?;
    let logs = wait::LogMarks::of(&request);
    let plan = async |_: &Attempt| {
        let facts = facts::fetch_facts_to_write(session).await?;
        let plan = planned(&request, &facts, options.change)?;
        Ok(PlannedLoad { facts, plan })
    };
    let check = |planned: &PlannedLoad, attempt: &Attempt| {
        if attempt.is_first() {
            warn_of_unread(&planned.facts.namespace.limits);
            report::print_warnings(&planned.plan);
            report::warn_of_retries(&planned.plan.set);
            if options.job.states_default_cpu()
                && let [plan] = planned.plan.plans.as_slice()
            {
                Notice::note(format!("--cpu {} is the default, with a limit of {}, which counts against the quota; any other value is also the limit",
                    JobRequest::DEFAULT_CPU,
                    plan.resources().limits.cpu)).print();
            }
            load::print_file_warnings(session, &planned.plan);
            planned.conflicts().print_warning();
        }
        let PlannedLoad { facts, plan } = planned;
        if plan.fits() {
            return Ok(());
        }
        Err(load::does_not_fit(plan, nearest(plan, &request, facts, options.change), attempt))
    };
    let command = Command::new(plan, check);
    let dry_run = options.change.dry_run;
    if dry_run == Some(DryRunOption::Client) {
        let planned = session.block_on(command.plan_only())??;
        print(&planned.document()?, arguments.output.of_document())?;
        return Ok(ExitCode::Success);
    }
    let applied = session.block_on(apply::apply(session, dry_run, &command))??;
    let changes = applied.changes();
    let (PlannedLoad { plan, .. }, mut ended) = applied.end();
    if ended.is_ok() {
        let name = &request.name;
        if dry_run.is_some() {
            print_message(&format!("the cluster accepts job {name}; nothing was changed"));
        } else {
            print_message(&format!("job {name} was created; `toolforge jobs show {name}` shows its state"));
        }
    }
    if let (Ok(_), Some(seconds), None) = (&ended, options.job.wait, dry_run) {
        let (runtime, client) = session.cluster()?;
        let name = request.name.as_str();
        ended = runtime.block_on(wait::until_end(client, (&request, true), name, seconds, &logs));
    }
    finish(session, arguments, (&plan.set, changes), dry_run, ended)
}

/// Returns whether missing objects of an existing job are created, and nothing else: an earlier command was ended before it had
/// created all of them. The Service is the last of them.
fn completes(plan: &LoadPlan) -> bool {
    let is_created = |step: &Step| matches!(step.action, StepAction::Create);
    let mut changes = plan.set.changes.iter();
    let mut steps = changes.clone().flat_map(|change| &change.steps);
    steps.any(|step| is_created(step) && step.id.kind == ObjectKind::Service)
        && changes.all(|change| {
            let mut steps = change.steps.iter();
            change.action == Action::Update
                && steps.all(|step| is_created(step) || step.differences.is_empty())
        })
}

/// Returns the plan of a new job. A one-off job of the same name that has succeeded is replaced, and a job that exists
/// only in part is completed.
fn planned(request: &JobRequest, facts: &JobFacts, change: ChangeOptions) -> Result<LoadPlan, Failure> {
    let live = facts.live.job(&facts.namespace.tool, &request.name);
    let has_ended_well = live.as_ref().is_some_and(|live| match &live.workload {
        JobWorkload::OneOff(run) => matches!(RunOutcome::of(run, &facts.live), RunOutcome::Succeeded { .. }),
        JobWorkload::Scheduled(_) | JobWorkload::Continuous(_) => false,
    });
    let is_terminating = live.as_ref().is_some_and(JobObjects::is_terminating);
    let is_recorded = facts.live.recorded.contains_key(&request.name) && !change.adopt;
    let plan = plan_load(std::slice::from_ref(request), facts, &load_options(change));
    let exists = live.is_some() && !has_ended_well && !is_terminating;
    if is_recorded || (exists && !completes(&plan)) {
        let name = &request.name;
        let failure = Failure::new(ExitCode::Failed, format!("a job with the name {name} already exists"))
            .with_code(FailureCode::AlreadyExists);
        let is_scheduled =
            live.as_ref().is_some_and(|live| matches!(live.workload, JobWorkload::Scheduled(_)));
        let failure = if is_scheduled {
            failure.hint(format!("`toolforge jobs trigger {name}` runs it now, as it is defined."))
        } else {
            failure
        };
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
    if !plan.problems.is_empty() {
        let nearest = nearest(&plan, request, facts, change);
        return Err(failures::of_problems_and_quota(&plan, &[], Path::new(""), &facts.namespace, nearest));
    }
    Ok(plan)
}

/// Returns the hint with the nearest sizes of a job that fit.
fn nearest(plan: &LoadPlan, request: &JobRequest, facts: &JobFacts, change: ChangeOptions) -> Option<String> {
    let requests = std::slice::from_ref(request);
    let nearest = load_adjustments(plan, requests, facts, &load_options(change), ChangeSet::fits);
    adjustments_hint(&nearest, SizeForm::Options)
}

fn load_options(change: ChangeOptions) -> LoadOptions<'static> {
    let mut options = LoadOptions::default();
    options.adopts = change.adopt;
    options
}
