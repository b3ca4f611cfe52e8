use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, print_text};
use toolforge_render::web_service::{
    Change, Facts, Progress, WebServicePlan, changes, progress, replaces_pods, with_room,
};

use super::{apply, facts, state, wait};
use crate::arguments::Arguments;
use crate::failures;
use crate::invocation::Invocation;
use crate::report;

/// Starts the web service, or changes the one that runs; writes nothing where nothing differs.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = facts::settled(session)?;
    let plan = facts::plan(session, arguments, invocation, &facts)?;
    // Where pods are made anew, the platform notes the moment on them.
    let makes_pods = facts.live.deployment.is_none() || replaces_pods(&plan, &facts.live);
    let plan = if makes_pods { plan.started_at(&Timestamp::now()) } else { plan };
    carry_out(session, arguments, &facts, &with_room(plan, &facts), "Starting webservice")
}

/// Sends what a plan changes and waits until it is rolled out.
pub(super) fn carry_out(
    session: &Session,
    arguments: &Arguments,
    facts: &Facts,
    plan: &WebServicePlan,
    announcement: &str,
) -> Result<ExitCode, Failure> {
    let changes = changes(plan, &facts.live);
    facts::refuse_routing(plan, facts)?;
    facts::find_needs(session, plan, facts).map_err(|error| failures::of_requirement(&error))?;
    facts::refuse_what_does_not_fit(plan, facts)?;
    let type_name = plan.request().image.type_name();
    if arguments.dry_run == Some(DryRunOption::Client) {
        if let Some(note) = report::rollout_note(plan, facts) {
            anstream::eprintln!("note: {note}");
        }
        print_text(&format!("{}nothing was sent (dry run)\n", report::change_lines(&changes)))?;
        return Ok(ExitCode::Success);
    }
    let (runtime, client) = session.cluster()?;
    if changes.iter().all(Change::is_keep) && progress(&facts.live, None) == Progress::Ready {
        state::remember(session, plan.request());
        print_text(&format!("Your webservice of type {type_name} is already running\n"))?;
        return Ok(ExitCode::Success);
    }
    if arguments.dry_run == Some(DryRunOption::Server) {
        runtime.block_on(apply::apply(client, plan, &facts.live, &changes, true))?;
        print_text(&format!(
            "{}the cluster accepts it; nothing was stored (dry run)\n",
            report::change_lines(&changes)
        ))?;
        return Ok(ExitCode::Success);
    }
    print_text(&format!("{announcement}\n"))?;
    if let Some(note) = report::rollout_note(plan, facts) {
        anstream::eprintln!("note: {note}");
    }
    if !facts.live.is_absent() {
        anstream::eprint!("{}", report::change_lines(&changes));
    }
    runtime.block_on(async {
        let applied = apply::apply(client, plan, &facts.live, &changes, false).await?;
        // Before the wait, which a person may break off.
        state::remember(session, plan.request());
        let generation = applied.or(apply::generation(facts.live.deployment.as_ref()));
        wait::until_ready(client, &session.tool, generation).await
    })?;
    print_text(&format!("Your webservice of type {type_name} is running at https://{}/\n", plan.host()))?;
    Ok(ExitCode::Success)
}
