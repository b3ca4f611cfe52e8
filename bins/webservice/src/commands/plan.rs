use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Notice, RunConflicts, Session, adjustment_goal, print, warn_of_unread};
use toolforge_render::web_service::{StartTime, web_service_adjustments, web_service_changes};

use super::facts::{self, Planned};
use crate::arguments::Arguments;
use crate::fetch;
use crate::invocation::Invocation;
use crate::report::{self, Forecast};

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
        let adjustments = web_service_adjustments(&plan, &facts, start, adjustment_goal(&set));
        Forecast { set, adjustments }
    };
    let planned = forecast(StartTime::Keep);
    let conflicts = RunConflicts::of(&planned.set, &[], &jobs, Timestamp::now());
    conflicts.print_warning();
    let is_running = facts.live.deployment.is_some();
    let restart = is_running.then(|| forecast(StartTime::Always(Timestamp::now())));
    let has_quota = !facts.namespace.limits.quotas.is_empty();
    let document = report::plan(&plan, &planned, restart.as_ref(), &conflicts, has_quota)?;
    print(&document, arguments.output.of_document())?;
    if planned.set.fits() {
        return Ok(ExitCode::Success);
    }
    template_amounts.into_iter().for_each(|place| Notice::note(place).print());
    Ok(ExitCode::DoesNotFit)
}
