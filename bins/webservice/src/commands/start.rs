use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, OutputFormat, Session, applied_changes, planned_changes,
    print_for_people, unchanged,
};
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
    let format = arguments.output.output;
    let finish = |changes, ended| report::finish(session, format, (&set, changes), arguments.dry_run, ended);
    if arguments.dry_run == Some(DryRunOption::Client) {
        note_rollout(&set);
        print_for_people(&format!("{lines}nothing was sent (dry run)\n"), format)?;
        return finish(planned_changes(&set), Ok(ExitCode::Success));
    }
    let (runtime, client) = session.cluster()?;
    if set.changes.iter().all(Change::is_keep)
        && web_service_progress(&facts.live, None) == RolloutProgress::Ready
    {
        state::remember(session, plan.request());
        print_for_people(&format!("Your webservice of type {type_name} is already running\n"), format)?;
        return finish(unchanged(&set), Ok(ExitCode::Success));
    }
    let tool = &session.tool;
    if arguments.dry_run == Some(DryRunOption::Server) {
        let report = runtime.block_on(client.apply_changes(tool, &set, ApplyOptions::dry_run()));
        let changes = applied_changes(&report);
        let ended = failures::of_apply(report, invocation.action).map_or(Ok(ExitCode::Success), Err);
        if ended.is_ok() {
            let text = format!("{lines}the cluster accepts it; nothing was stored (dry run)\n");
            print_for_people(&text, format)?;
        }
        return finish(changes, ended);
    }
    print_for_people(&format!("{announcement}\n"), format)?;
    note_rollout(&set);
    if !facts.live.is_absent() && format == OutputFormat::Table {
        anstream::eprint!("{lines}");
    }
    let mut changes = Vec::new();
    let ended = runtime.block_on(async {
        let report = client.apply_changes(tool, &set, ApplyOptions::default()).await;
        changes = applied_changes(&report);
        let current = facts.live.deployment.as_ref().and_then(|deployment| deployment.metadata.generation);
        let generation = report.generation(ObjectKind::Deployment).or(current);
        failures::of_apply(report, invocation.action).map_or(Ok(()), Err)?;
        // Before the wait, which a person may break off.
        state::remember(session, plan.request());
        wait::until_ready(client, plan, generation).await
    });
    if ended.is_ok() {
        let text = format!("Your webservice of type {type_name} is running at https://{}/\n", plan.host());
        print_for_people(&text, format)?;
    }
    finish(changes, ended.map(|()| ExitCode::Success))
}

fn note_rollout(set: &ChangeSet) {
    if let Some(note) = report::rollout_note(set) {
        anstream::eprintln!("note: {note}");
    }
}
