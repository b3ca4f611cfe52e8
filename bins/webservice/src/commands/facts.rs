//! From the command line and the facts to a plan.

use std::time::Duration;

use anstream::eprintln;
use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_client::ToolHome;
use toolforge_model::Replicas;
use toolforge_render::change::ChangeSet;
use toolforge_render::web_service::{
    Facts, MissingRequirement, PlanOptions, PlanWarning, ResolvedRequest, Routing, WebServicePlan,
    observe_web_service_request, resolve_request,
};

use super::state;
use crate::arguments::Arguments;
use crate::invocation::Invocation;
use crate::{failures, fetch};

/// How long a Deployment that is being deleted may take: Kubernetes' grace of 30 s, and some for its controllers.
const LEAVING: Duration = Duration::from_secs(90);

/// Returns the facts for a change; waits for a Deployment that is being deleted.
pub(super) fn settled(session: &Session) -> Result<Facts, Failure> {
    let facts = fetch::facts(session)?;
    let leaves =
        facts.live.deployment.as_ref().is_some_and(|found| found.metadata.deletion_timestamp.is_some());
    let (true, Ok((runtime, client))) = (leaves, session.cluster()) else { return Ok(facts) };
    eprintln!("note: the web service that was stopped is still terminating");
    if !runtime.block_on(client.wait_deployment_gone(&session.tool, LEAVING))? {
        let seconds = LEAVING.as_secs();
        return Err(Failure::new(
            ExitCode::Rollout,
            format!("the old Deployment is not gone after {seconds} seconds"),
        )
        .hint("Try again in a minute; where that does not help, ask the platform's admins."));
    }
    fetch::facts(session)
}

/// Refuses a routing that the cluster does not offer.
pub(super) fn refuse_routing(plan: &WebServicePlan, facts: &Facts) -> Result<(), Failure> {
    let is_offered = facts.http_routes || facts.live.http_route.is_some();
    if plan.routing() == Routing::HttpRoute && !is_offered {
        return Err(Failure::new(
            ExitCode::Failed,
            "the cluster does not serve HTTPRoutes, or the tool may not write them",
        )
        .hint("Leave `--routing` out, or use `--routing ingress`."));
    }
    Ok(())
}

/// Returns the plan for what the arguments ask, merged with what runs.
pub(super) fn plan(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
    facts: &Facts,
) -> Result<WebServicePlan, Failure> {
    let options = match state::template(session, arguments)? {
        Some(template) => arguments.options(invocation).or(template.options),
        None => arguments.options(invocation),
    };
    let live = observe_web_service_request(&session.tool, facts);
    // What is remembered counts only where nothing runs that can be named.
    let options = if live.is_ok() { options } else { state::over_manifest(session, options)? };
    let ResolvedRequest { request, is_default_type, .. } =
        resolve_request(&session.tool, options, live, &facts.catalog)
            .map_err(|error| failures::of_resolve(&error, invocation.action))?;
    if is_default_type {
        let name = request.image.type_name();
        eprintln!("note: no type is given and nothing runs yet, so the type is {name}");
    }
    let options = PlanOptions { routing: arguments.routing.map(Into::into) };
    let plan = WebServicePlan::new(request, facts, options)
        .map_err(|error| failures::of_plan(&error, invocation.action))?;
    for warning in plan.warnings() {
        warn(warning);
    }
    for problem in facts.catalog.problems() {
        eprintln!("warning: {problem}");
    }
    Ok(plan)
}

fn warn(warning: &PlanWarning) {
    match warning {
        PlanWarning::Deprecated { name, replacement: Some(replacement) } => {
            eprintln!(
                "warning: type {name} is deprecated; {replacement} replaces it: `webservice {replacement} start`"
            );
        }
        PlanWarning::Deprecated { name, replacement: None } => {
            eprintln!("warning: type {name} is deprecated");
        }
        _ => {}
    }
}

/// Returns what a plan's type needs in the tool's home and does not find; a type that runs already has shown that it
/// has what it needs.
pub(super) fn check_requirements(
    session: &Session,
    plan: &WebServicePlan,
    facts: &Facts,
) -> Result<(), MissingRequirement> {
    let current = observe_web_service_request(&session.tool, facts);
    if current.is_ok_and(|request| request.image.type_name() == plan.request().image.type_name()) {
        return Ok(());
    }
    let home = session.home.as_ref().map(ToolHome::files);
    toolforge_render::web_service::check_requirements(plan, home.as_ref())
}

/// Says what a plan's type needs and does not find, where the plan is not carried out.
pub(super) fn warn_of_needs(session: &Session, plan: &WebServicePlan, facts: &Facts) {
    if let Err(missing) = check_requirements(session, plan, facts) {
        eprintln!("warning: {missing}");
    }
}

/// Refuses changes that do not fit, before anything is sent.
pub(super) fn refuse_what_does_not_fit(plan: &WebServicePlan, set: &ChangeSet) -> Result<(), Failure> {
    if set.fits() {
        return Ok(());
    }
    let failure = Failure::new(ExitCode::DoesNotFit, "this does not fit, and nothing was sent").exceeded(set);
    if set.at_rest.fits() {
        return Err(failure
            .hint("`webservice stop` first makes room; then `webservice start`, with downtime in between."));
    }
    if set.at_rest.violations().iter().any(|violation| violation.kind.is_below_min()) {
        return Err(
            failure.hint("Ask for more of it, or leave the option out; `quota-check` shows the limits.")
        );
    }
    let advice = if plan.request().replicas > Replicas::ONE {
        "Request fewer replicas, less memory or CPU"
    } else {
        "Request less memory or CPU"
    };
    Err(failure.hint(format!(
        "{advice}, or stop something else; `quota-check` shows the usage, and {} explains how to request more.",
        toolforge_model::platform::QUOTA_HELP
    )))
}
