use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, print_text};
use toolforge_client::ApplyOptions;
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::object::ObjectKind;
use toolforge_render::web_service::{
    Facts, RolloutProgress, StartTime, WebServicePlan, web_service_changes, web_service_progress,
};

use super::{facts, state, wait};
use crate::arguments::Arguments;
use crate::invocation::Invocation;
use crate::{failures, report};

/// Starts the web service, or changes the one that runs; writes nothing where nothing differs.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = facts::settled(session)?;
    let plan = facts::plan(session, arguments, invocation, &facts)?;
    let start = StartTime::WhereReplaced(Timestamp::now());
    carry_out(session, (arguments, invocation), &facts, &plan, start, "Starting webservice")
}

/// Applies what a plan changes and waits until it is rolled out.
pub(super) fn carry_out(
    session: &Session,
    (arguments, invocation): (&Arguments, &Invocation),
    facts: &Facts,
    plan: &WebServicePlan,
    start: StartTime,
    announcement: &str,
) -> Result<ExitCode, Failure> {
    let set = web_service_changes(plan, facts, start);
    facts::refuse_routing(plan, facts)?;
    facts::check_requirements(session, plan, facts).map_err(|error| failures::of_requirement(&error))?;
    facts::refuse_what_does_not_fit(plan, &set)?;
    let type_name = plan.request().image.type_name();
    let lines = report::change_lines(&set);
    if arguments.dry_run == Some(DryRunOption::Client) {
        note_rollout(&set);
        print_text(&format!("{lines}nothing was sent (dry run)\n"))?;
        return Ok(ExitCode::Success);
    }
    let (runtime, client) = session.cluster()?;
    if set.changes.iter().all(Change::is_keep)
        && web_service_progress(&facts.live, None) == RolloutProgress::Ready
    {
        state::remember(session, plan.request());
        print_text(&format!("Your webservice of type {type_name} is already running\n"))?;
        return Ok(ExitCode::Success);
    }
    let tool = &session.tool;
    if arguments.dry_run == Some(DryRunOption::Server) {
        let report = runtime.block_on(client.apply_changes(tool, &set, ApplyOptions::dry_run()));
        failures::of_apply(report, invocation.action).map_or(Ok(()), Err)?;
        print_text(&format!("{lines}the cluster accepts it; nothing was stored (dry run)\n"))?;
        return Ok(ExitCode::Success);
    }
    print_text(&format!("{announcement}\n"))?;
    note_rollout(&set);
    if !facts.live.is_absent() {
        anstream::eprint!("{lines}");
    }
    runtime.block_on(async {
        let report = client.apply_changes(tool, &set, ApplyOptions::default()).await;
        let current = facts.live.deployment.as_ref().and_then(|deployment| deployment.metadata.generation);
        let generation = report.generation(ObjectKind::Deployment).or(current);
        failures::of_apply(report, invocation.action).map_or(Ok(()), Err)?;
        // Before the wait, which a person may break off.
        state::remember(session, plan.request());
        wait::until_ready(client, plan, generation).await
    })?;
    print_text(&format!("Your webservice of type {type_name} is running at https://{}/\n", plan.host()))?;
    Ok(ExitCode::Success)
}

fn note_rollout(set: &ChangeSet) {
    if let Some(note) = report::rollout_note(set) {
        anstream::eprintln!("note: {note}");
    }
}
