use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    ExitCode, Failure, Notice, RunConflicts, Session, SizeForm, adjustment_goal, adjustments_hint, print,
    warn_of_missing_kinds, warn_of_unread,
};
use toolforge_quota::Verdict;
use toolforge_render::pod::RolloutProgress;
use toolforge_render::web_service::{
    StartTime, WebServiceFacts, WebServicePlan, observe_web_service, web_service_adjustments,
    web_service_causes, web_service_changes, web_service_progress,
};

use super::facts::{self, Planned, SizesShown};
use crate::advice::advice;
use crate::arguments::Arguments;
use crate::fetch;
use crate::invocation::{Action, Invocation};
use crate::report::{self, Forecast};

/// Warns if the pods of a web service that is kept are not ready or were restarted, with the reason that `status` shows. What
/// cannot be read now is left out.
pub(super) fn warn_of_failing(session: &Session, facts: &WebServiceFacts) {
    let progress = |facts: &WebServiceFacts| web_service_progress(&facts.live, None, Timestamp::now());
    if progress(facts) == RolloutProgress::Ready
        && observe_web_service(facts, Timestamp::now()).status.restarts == 0
    {
        return;
    }
    let Ok((facts, _)) = fetch::status_facts(session) else { return };
    let evidence = web_service_causes(&facts.live, Timestamp::now());
    if let Some(first) = evidence.first() {
        let state = match progress(&facts) {
            RolloutProgress::Ready => "was restarted by the cluster",
            _ => "is not ready",
        };
        let hint = advice(&first.cause, facts.live.rollout().ready_pods(), Action::Plan);
        Notice::warning(format!("the web service {state}: {}", first.cause)).with_hint(hint).print();
    }
}

/// Prints what `start` would change, whether it fits, and what a restart would do.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let (mut facts, mut jobs) = fetch::facts_with_jobs(session)?;
    if let Some(profile) = arguments.quota.clone() {
        facts.namespace.limits = facts.namespace.limits.with_profile(profile);
        jobs.namespace = facts.namespace.clone();
    }
    let planned = facts::plan(session, arguments, invocation, &facts)?;
    facts::warn_of_needs(session, &planned, invocation.action);
    let Planned { plan, template_amounts, .. } = planned;
    warn_of_unread(&facts.namespace.limits);
    let forecast = |start| {
        let set = web_service_changes(&plan, &facts, start);
        let adjustments = web_service_adjustments(&plan, &facts, start, adjustment_goal(set.fits(), &set));
        Forecast { set, adjustments, is_down: facts.live.rollout().is_down() }
    };
    let planned = forecast(StartTime::Keep);
    warn_of_missing_kinds(&planned.set, &jobs);
    let conflicts = RunConflicts::of(&planned.set, &[], &jobs, Timestamp::now(), &[]);
    conflicts.print_warning();
    let is_running = facts.live.deployment.is_some();
    // A restart of what is scaled to zero replaces no pods.
    let has_pods = is_running && facts.live.rollout().desired_replicas() > 0;
    let restart = has_pods.then(|| forecast(StartTime::Always(Timestamp::now())));
    let document = report::plan(&plan, &planned, restart.as_ref(), &conflicts)?;
    print(&document, arguments.output.of_document())?;
    if is_running && planned.set.pending().next().is_none() {
        warn_of_failing(session, &facts);
    }
    if planned.set.fits_if_known() != Some(false) {
        return Ok(ExitCode::Success);
    }
    template_amounts.into_iter().for_each(|place| Notice::note(place).print());
    if let Some(hint) = hint(&plan, &planned) {
        Notice::hint(hint).start_paragraph().print();
    }
    Ok(ExitCode::DoesNotFit)
}

/// Returns what to do about a plan that does not fit. It shows the nearest sizes that do.
fn hint(plan: &WebServicePlan, Forecast { set, adjustments, is_down: _ }: &Forecast) -> Option<String> {
    if !set.fits() && set.verdict() == Verdict::FitsAfterTermination {
        return Some("Wait until these pods have terminated, then run the command again.".to_owned());
    }
    let nearest = adjustments_hint(adjustments, SizeForm::Options);
    facts::next_step(plan, set, nearest, SizesShown::InPlan)
}
