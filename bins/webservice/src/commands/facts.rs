//! From the command line and the facts to a plan.

use toolforge_cli::{BUNDLED_HINT, ExitCode, Failure, Notice, Session, SizeForm, adjustments_hint};
use toolforge_client::{Attempt, ToolHome};
use toolforge_images::Runner;
use toolforge_model::{Backend, JobImage, Replicas, WebServiceImage, WebServiceOptions, WebServiceRequest};
use toolforge_quota::LimitViolationKind;
use toolforge_render::change::ChangeSet;
use toolforge_render::job::command_file_warning;
use toolforge_render::web_service::{
    DEFAULT_TYPE, MissingRequirement, PlanError, PlanOptions, PlanWarning, ResolvedRequest, Routing,
    StartTime, TypeSource, WebServiceFacts, WebServicePlan, WebServiceSettings, observe_web_service_request,
    resolve_request, web_service_adjustments,
};

use super::config_files::{self, NamedTemplate};
use crate::arguments::{Arguments, grid_is_gone};
use crate::failures::{self, TypeOrigin};
use crate::invocation::{Action, Invocation};

/// Refuses a routing that the cluster does not offer.
pub(super) fn refuse_routing(plan: &WebServicePlan, facts: &WebServiceFacts) -> Result<(), Failure> {
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

/// A plan, and its sources.
pub(super) struct Planned {
    pub(super) plan: WebServicePlan,
    /// The request of the live web service, if its objects match one.
    live: Option<WebServiceRequest>,
    /// The lines of the template that set amounts, for refusals.
    pub(super) template_amounts: Vec<String>,
}

/// Returns the plan for the arguments, merged with the live web service.
pub(super) fn plan(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
    facts: &WebServiceFacts,
) -> Result<Planned, Failure> {
    let template = config_files::template(session, arguments)?;
    let mut notes = Vec::new();
    let planned = plan_with(session, (arguments, invocation), facts, template.as_ref(), &mut notes);
    notes.into_iter().for_each(Notice::print);
    planned
}

/// Returns the plan for the arguments, merged with a template and with the live web service. `notes` get the messages to print
/// about it.
pub(super) fn plan_with(
    session: &Session,
    (arguments, invocation): (&Arguments, &Invocation),
    facts: &WebServiceFacts,
    template: Option<&NamedTemplate>,
    notes: &mut Vec<Notice>,
) -> Result<Planned, Failure> {
    let given = arguments.options(invocation);
    // A backend on the command line wins.
    let names_grid = |template: &&NamedTemplate| template.template.backend == Some(Backend::GridEngine);
    let grid = template.filter(|_| arguments.backend.is_none()).filter(names_grid);
    let grid =
        grid.map(|template| format!("Remove `backend: gridengine` from {}.", template.place("backend")));
    // Other errors in the template are also reported.
    let with_grid = |failure: Failure| match &grid {
        None => failure,
        Some(remedy) => {
            let gone = grid_is_gone(remedy).detail(failure.message());
            let gone = failure.details().fold(gone, Failure::detail);
            failure.hints().iter().fold(gone, Failure::hint)
        }
    };
    let live = observe_web_service_request(facts);
    let mut settings = WebServiceSettings::new(given.clone());
    if let Some(template) = template {
        settings.template = template.template.options.clone();
    }
    if live.is_err() {
        settings.manifest = config_files::manifest(session, invocation.action, settings.has_type(), notes)?;
        if let (Some(home), false) = (&session.home, settings.has_type()) {
            settings.home = home.files();
        }
    }
    let has_python = settings.home.python_source;
    let ResolvedRequest { request, type_source, .. } =
        resolve_request(settings, live.clone(), &facts.namespace).map_err(|error| {
            let mount = template.filter(|_| given.mount.is_none());
            let mount = mount.map(|template| template.place("mount"));
            with_grid(failures::of_resolve(&error, invocation.action, mount))
        })?;
    let name = request.image.type_name();
    match type_source {
        TypeSource::Stopped => {
            notes.push(Notice::note(format!("no type given: using {name}, which ran before it was stopped")));
        }
        TypeSource::HomeFiles => {
            let found = if has_python { "www/python/src" } else { "www/js/package.json" };
            notes.push(Notice::note(format!("no type given: using {name}, because of ~/{found}")));
        }
        TypeSource::Default if name == DEFAULT_TYPE => {
            notes.push(Notice::note(format!("no type given: using {name}, the default type")));
        }
        TypeSource::Default => {
            let message =
                format!("no type given: using {name}, which replaces the default type {DEFAULT_TYPE}");
            notes.push(Notice::note(message));
        }
        _ => {}
    }
    let origin = match (type_source, template) {
        (TypeSource::Template, Some(template)) => TypeOrigin::Template { place: template.place("type") },
        (TypeSource::Manifest, _) => TypeOrigin::Manifest,
        _ => TypeOrigin::Other,
    };
    let options = PlanOptions::default().with_routing(arguments.routing.map(Into::into));
    let plan = WebServicePlan::new(request, facts, options).map_err(|error| {
        let line = |type_name: &str| arguments.line_with_type(type_name);
        let failure = failures::of_plan(&error, invocation.action, &origin, line);
        let is_bundled = matches!(error, PlanError::Type(_)) && facts.namespace.catalog.is_bundled();
        with_grid(if is_bundled { failure.hint(BUNDLED_HINT) } else { failure })
    })?;
    if let Some(remedy) = &grid {
        return Err(grid_is_gone(remedy));
    }
    for warning in plan.warnings() {
        notes.push(Notice::warning(warning_text(warning, invocation.action, &origin)));
    }
    let problems = facts.namespace.catalog.problems();
    notes.extend(problems.iter().map(|problem| Notice::warning(problem.to_string())));
    let template_amounts = template.map(|template| amounts_of(template, &given)).unwrap_or_default();
    Ok(Planned { plan, live: live.ok(), template_amounts })
}

fn warning_text(warning: &PlanWarning, action: Action, origin: &TypeOrigin) -> String {
    match warning {
        PlanWarning::Deprecated { name, replacement: Some(replacement) } => {
            let cure = match origin {
                TypeOrigin::Template { place } => format!("change it in {place}"),
                TypeOrigin::Manifest | TypeOrigin::Other => {
                    format!("`webservice {replacement} {}`", action.as_str())
                }
            };
            format!("type {name} is deprecated; {replacement} replaces it: {cure}")
        }
        PlanWarning::Deprecated { name, replacement: None } => format!("type {name} is deprecated"),
        warning => warning.to_string(),
    }
}

/// Returns what a plan's type needs in the tool's home and does not find.
pub(super) fn check_requirements(session: &Session, planned: &Planned) -> Result<(), MissingRequirement> {
    let home = session.home.as_ref().map(ToolHome::files);
    toolforge_render::web_service::check_requirements(&planned.plan, planned.live.as_ref(), home.as_ref())
}

/// Warns of what the type of a running web service needs and does not find any more: its pages are gone, although it runs. What is
/// wrong with the program of a command is a warning in any case.
pub(super) fn warn_of_lost_files(session: &Session, planned: &Planned) {
    warn_of_program(session.home.as_ref(), planned);
    let home = session.home.as_ref().map(ToolHome::files);
    if planned.live.is_some()
        && let Err(missing) =
            toolforge_render::web_service::check_requirements(&planned.plan, None, home.as_ref())
    {
        Notice::warning(missing.to_string()).print();
    }
}

/// Says what a plan's type needs and does not find, where the plan is not applied.
pub(super) fn warn_of_needs(session: &Session, planned: &Planned, action: Action) {
    warn_of_program(session.home.as_ref(), planned);
    print_missing(check_requirements(session, planned), action);
}

/// Says what a plan's type needs and does not find in a home, whatever runs in the cluster.
pub(super) fn warn_of_needs_in(home: &ToolHome, planned: &Planned, action: Action) {
    warn_of_program(Some(home), planned);
    let files = home.files();
    print_missing(
        toolforge_render::web_service::check_requirements(&planned.plan, None, Some(&files)),
        action,
    );
}

/// Warns about the program that a type runs because the command after the action names it.
fn warn_of_program(home: Option<&ToolHome>, Planned { plan, .. }: &Planned) {
    let request = plan.request();
    let (Some(home), WebServiceImage::Type(name)) = (home, &request.image) else { return };
    if plan.runner() != Some(Runner::Generic) {
        return;
    }
    let image = JobImage::Type(name.clone());
    let look = |path: &str| home.look(path);
    if let Some(warning) = command_file_warning(&request.tool, &image, &request.arguments, look) {
        let remedy = warning.remedy().map(|remedy| format!("; {remedy}")).unwrap_or_default();
        Notice::warning(format!("{warning}{remedy}")).print();
    }
}

fn print_missing(found: Result<(), MissingRequirement>, action: Action) {
    if let Err(missing) = found {
        let mut warning = Notice::warning(missing.to_string());
        if let MissingRequirement::Command { name } = &missing {
            warning = warning.with_hint(failures::command_hint(name, action)).end_paragraph();
        }
        warning.print();
    }
}

/// Returns the lines of a template that set amounts which the command line does not.
fn amounts_of(template: &NamedTemplate, given: &WebServiceOptions) -> Vec<String> {
    let options = &template.template.options;
    let set = [
        ("replicas", options.replicas.filter(|_| given.replicas.is_none()).map(|value| value.to_string())),
        ("mem", options.memory.filter(|_| given.memory.is_none()).map(|value| value.to_string())),
        ("cpu", options.cpu.filter(|_| given.cpu.is_none()).map(|value| value.to_string())),
    ];
    set.into_iter()
        .filter_map(|(key, value)| Some(format!("{} sets {key}: {}", template.place(key), value?)))
        .collect()
}

/// Refuses changes that do not fit, before anything of them is sent.
pub(super) fn refuse_what_does_not_fit(
    Planned { plan, template_amounts, .. }: &Planned,
    set: &ChangeSet,
    (facts, start): (&WebServiceFacts, StartTime),
    attempt: &Attempt,
) -> Result<(), Failure> {
    if set.fits() {
        return Ok(());
    }
    let failure = if attempt.written().next().is_none() {
        Failure::does_not_fit(set)
    } else {
        Failure::new(ExitCode::DoesNotFit, "the rest does not fit").exceeded(set)
    };
    let failure = template_amounts.iter().cloned().fold(failure, Failure::detail);
    let nearest = web_service_adjustments(plan, facts, start, ChangeSet::fits);
    let nearest = adjustments_hint(&nearest, SizeForm::Options);
    Err(next_step(plan, set, nearest, SizesShown::InHint).into_iter().fold(failure, Failure::hint))
}

/// Where the nearest sizes that fit are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SizesShown {
    /// In the hint.
    InHint,
    /// In the plan.
    InPlan,
}

/// Returns what to do about changes that do not fit; `nearest` is the hint with the nearest sizes that do.
pub(super) fn next_step(
    plan: &WebServicePlan,
    set: &ChangeSet,
    nearest: Option<String>,
    shown: SizesShown,
) -> Option<String> {
    let more = format!(
        "`quota-check` shows the usage, and {} explains how to request more.",
        toolforge_model::platform::QUOTA_HELP
    );
    let has_sizes = nearest.is_some();
    let nearest = nearest.filter(|_| shown == SizesShown::InHint);
    let with_sizes = |text: &str| match &nearest {
        Some(nearest) => format!("{nearest} {text}"),
        None => text.to_owned(),
    };
    // Only its rollout does not fit.
    if set.at_rest.fits() && !set.fits() {
        return Some(with_sizes(
            "`webservice stop` first frees its quota; then `webservice start`, with downtime in between.",
        ));
    }
    let is_too_little = |kind: LimitViolationKind| kind.is_below_min() || kind.is_unset();
    if has_sizes {
        if set.at_rest.violations().iter().any(|violation| is_too_little(violation.kind)) {
            return nearest;
        }
        return Some(with_sizes(&more));
    }
    if set.at_rest.violations().iter().any(|violation| violation.kind.is_below_min()) {
        return Some(
            "Request at least the minimum, or leave the option out; `quota-check` shows the limits."
                .to_owned(),
        );
    }
    // Pods of unchanged objects are missing, and not even the smallest size of them fits.
    let are_pods_missing = set.at_rest.fits();
    let is_size = !set.at_rest.violations().is_empty()
        || set.at_rest.shortfalls().any(|check| check.resource.is_measured());
    let is_of_pods = is_size || set.at_rest.shortfalls().any(|check| check.resource.is_of_pods());
    let advice = match (plan.request().replicas > Replicas::ONE, is_size) {
        _ if are_pods_missing => "Stop something else",
        _ if !is_of_pods => "Delete something else",
        (true, true) => "Request fewer replicas, less memory or CPU, or stop something else",
        (true, false) => "Request fewer replicas, or stop something else",
        (false, true) => "Request less memory or CPU, or stop something else",
        (false, false) => "Stop something else",
    };
    Some(format!("{advice}; {more}"))
}
