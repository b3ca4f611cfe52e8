//! From the command line and the facts to a plan.

use std::ops::ControlFlow;
use std::time::Duration;

use anstream::eprintln;
use k8s_openapi::api::apps::v1::Deployment;
use toolforge_cli::{ExitCode, Failure, Session};
use toolforge_client::{ResourceType, ToolHome};
use toolforge_images::{Catalog, State};
use toolforge_model::{Replicas, TypeName, WebServiceRequest};
use toolforge_render::web_service::{
    Facts, MissingNeed, PlanOptions, PlanWarning, Routing, Unobservable, WebServicePlan, observe_request,
    verdict,
};

use super::state;
use crate::arguments::Arguments;
use crate::invocation::Invocation;
use crate::{failures, fetch};

/// The type where none is given and none stands (webservice 0.89), as long as the catalogue has it.
const DEFAULT_TYPE: &str = "php7.4";

/// How long a Deployment that is being deleted may take: Kubernetes' grace of 30 s, and some for its controllers.
const LEAVING: Duration = Duration::from_secs(90);

/// Returns the facts to change something by: those after a Deployment that is on its way out has gone.
pub(super) fn settled(session: &Session) -> Result<Facts, Failure> {
    let facts = fetch::facts(session)?;
    let leaves =
        facts.live.deployment.as_ref().is_some_and(|found| found.metadata.deletion_timestamp.is_some());
    let (true, Ok((runtime, client))) = (leaves, session.cluster()) else { return Ok(facts) };
    let path =
        ResourceType::of::<Deployment>().in_namespace(session.tool.namespace()).named(session.tool.as_str());
    eprintln!("note: the web service that was stopped is still leaving");
    let gone =
        runtime.block_on(client.wait_object(&path, LEAVING, |found: Option<&Deployment>| match found {
            Some(found) if found.metadata.deletion_timestamp.is_some() => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }))?;
    if gone.is_none() {
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

/// Returns the plan for what the arguments ask, over what stands; the pods' moment of start stays as it is.
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
    let (options, standing) = match observe_request(&session.tool, facts) {
        Ok(request) => (options, Some(request)),
        Err(Unobservable::NoDeployment) => (state::over_manifest(session, options)?, None),
        // What runs is of no type that can be named: whoever names one replaces it.
        Err(error) => {
            let options = state::over_manifest(session, options)?;
            if options.type_name.is_none() {
                return Err(failures::of_observe(&error, invocation.action));
            }
            (options, None)
        }
    };
    let default = match &options.type_name {
        Some(name) => name.clone(),
        None => default_type(&facts.catalog, standing.as_ref())?,
    };
    if options.type_name.is_none() && standing.is_none() {
        eprintln!("note: no type is given and nothing runs yet, so the type is {default}");
    }
    let request =
        options.merge_into(&session.tool, standing, default).map_err(|error| failures::of_mount(&error))?;
    let options = PlanOptions { routing: arguments.routing.map(Into::into), started_at: None };
    let plan = WebServicePlan::new(request, facts, options)
        .map_err(|error| failures::of_plan(&error, invocation.action))?
        .started_with(&facts.live);
    for warning in plan.warnings() {
        warn(warning);
    }
    for problem in facts.catalog.problems() {
        eprintln!("warning: {problem}");
    }
    Ok(plan)
}

/// Returns the type that runs where none was asked for.
pub(super) fn default_type(
    catalog: &Catalog,
    standing: Option<&WebServiceRequest>,
) -> Result<TypeName, Failure> {
    let usual: TypeName = DEFAULT_TYPE.parse().expect("the name is a type's");
    let is_current = catalog.find(&usual).is_ok_and(|found| found.state == State::Current);
    // What stands wins over the default, so a catalogue without one is no obstacle then.
    if is_current || standing.is_some() {
        return Ok(usual);
    }
    catalog.replacement(&usual).map(|found| found.name.clone()).ok_or_else(|| {
        Failure::new(ExitCode::Failed, "the catalogue has no PHP, so there is no type to start by default")
            .hint("Name a type: `webservice TYPE start`.")
    })
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
pub(super) fn find_needs(session: &Session, plan: &WebServicePlan, facts: &Facts) -> Result<(), MissingNeed> {
    let standing = observe_request(&session.tool, facts);
    if standing.is_ok_and(|request| request.image.type_name() == plan.request().image.type_name()) {
        return Ok(());
    }
    let home = session.home.as_ref().map(ToolHome::folder);
    toolforge_render::web_service::find_needs(plan, home.as_ref())
}

/// Says what a plan's type needs and does not find, where the plan is not carried out.
pub(super) fn warn_of_needs(session: &Session, plan: &WebServicePlan, facts: &Facts) {
    if let Err(missing) = find_needs(session, plan, facts) {
        eprintln!("warning: {missing}");
    }
}

/// Refuses a plan that does not fit, before anything is sent.
pub(super) fn refuse_what_does_not_fit(plan: &WebServicePlan, facts: &Facts) -> Result<(), Failure> {
    let verdict = verdict(plan, facts);
    if verdict.fits() {
        return Ok(());
    }
    let mut failure = Failure::new(ExitCode::DoesNotFit, "this does not fit, and nothing was sent");
    for violation in verdict.violations() {
        failure = failure.detail(violation.to_string());
    }
    for row in verdict.shortfalls() {
        failure = failure.detail(row.to_string());
    }
    if verdict.violations().iter().any(|violation| violation.kind.is_below_min()) {
        return Err(
            failure.hint("Ask for more of it, or leave the option out; `quota-check` shows the limits.")
        );
    }
    let advice = if plan.request().replicas > Replicas::ONE {
        "Ask for fewer replicas, less memory or CPU"
    } else {
        "Ask for less memory or CPU"
    };
    Err(failure.hint(format!(
        "{advice}, or stop something else; `quota-check` shows what is used, and {} tells how to ask for more.",
        toolforge_model::platform::QUOTA_HELP
    )))
}
