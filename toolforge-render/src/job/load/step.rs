//! What is done to one job.

use k8s_openapi::api::core::v1::Service;
use toolforge_model::{JobField, JobName, JobRequest, Untrusted};

use crate::job::load::{LoadOptions, LoadProblem, LoadStep, StepKind};
use crate::job::observe::variables_set_by_hand;
use crate::job::{
    JobDifference, JobFacts, JobManifests, JobPlan, LiveJob, LiveWorkload, RunOutcome, Workload,
    job_differences, observe_job, render_job,
};
use crate::object::HttpRoute;

/// Returns what is done to make one job what is asked for.
pub(super) fn step(
    request: &JobRequest,
    standing: Option<&LiveJob>,
    facts: &JobFacts,
    options: &LoadOptions<'_>,
) -> Result<LoadStep, LoadProblem> {
    let name = request.name.clone();
    let plan = JobPlan::new(request.clone(), facts)
        .map_err(|error| LoadProblem::Plan { name: name.clone(), error })?;
    let plan = match options.file {
        Some(file) => plan.of_file(file),
        None => plan,
    };
    let record = facts.live.recorded.get(&name).copied();
    let Some(live) = standing else {
        return Ok(LoadStep { name, kind: StepKind::Create, plan: Some(plan), live: None, record });
    };
    let differences = all_differences(live, &plan, facts);
    let is_same = differences.is_empty() && !live.is_leaving();
    let kind = if let LiveWorkload::OneOff(run) = &live.workload {
        let is_over = RunOutcome::of(run, &facts.live).is_over();
        if is_same && !(options.renews && is_over) {
            // It is soon gone by itself, and so is what is noted on it.
            StepKind::Keep
        } else if is_over || live.is_leaving() {
            StepKind::Recreate { differences }
        } else {
            let keys = differences.iter().map(|difference| difference.key).collect();
            return Err(LoadProblem::UnderWay { name, keys });
        }
    } else {
        let is_taken_over = record.is_some() && options.adopts;
        if is_same && !is_taken_over {
            StepKind::Keep
        } else if is_changeable(live, &render_job(&plan)) && !live.is_leaving() {
            StepKind::Update { differences }
        } else {
            StepKind::Recreate { differences }
        }
    };
    Ok(LoadStep { name, kind, plan: Some(plan), live: Some(live.clone()), record })
}

fn all_differences(live: &LiveJob, plan: &JobPlan, facts: &JobFacts) -> Vec<JobDifference> {
    let mut differences = job_differences(&observe_job(live, facts), plan.request());
    for difference in address_differences(live, &render_job(plan)) {
        if !differences.iter().any(|known| known.key == difference.key) {
            differences.push(difference);
        }
    }
    let by_hand = variables_set_by_hand(live);
    if !differences.is_empty() && !by_hand.is_empty() {
        let live = Some(Untrusted::new(format!("set by hand: {}", by_hand.join(", "))));
        differences.push(JobDifference { key: JobField::Environment, live, wanted: None });
    }
    differences
}

/// Returns what differs in how a job is reached: an address that is missing, wrong, or no longer wanted.
fn address_differences(live: &LiveJob, wanted: &JobManifests) -> Vec<JobDifference> {
    let mut differences = Vec::new();
    let mut compare = |key, live: Option<String>, wanted: Option<String>| {
        if live != wanted {
            let text =
                |value: Option<String>| Some(Untrusted::new(value.unwrap_or_else(|| "none".to_owned())));
            differences.push(JobDifference { key, live: text(live), wanted: text(wanted) });
        }
    };
    let (standing, asked) = (live.service.as_ref(), wanted.service.as_ref());
    compare(JobField::Port, standing.map(described_service), asked.map(described_service));
    let (standing, asked) = (live.http_route.as_ref(), wanted.http_route.as_ref());
    compare(JobField::Publish, standing.map(described_route), asked.map(described_route));
    differences
}

fn described_service(service: &Service) -> String {
    let spec = service.spec.clone().unwrap_or_default();
    let ports = spec.ports.unwrap_or_default();
    let ports = ports.iter().map(|port| {
        format!("{}/{}", port.port, port.protocol.as_deref().unwrap_or("TCP").to_ascii_lowercase())
    });
    let selector = spec.selector.unwrap_or_default();
    let selector = selector.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>();
    format!("Service on {} for {}", ports.collect::<Vec<_>>().join(", "), selector.join(","))
}

fn described_route(route: &HttpRoute) -> String {
    let backends = route.spec.rules.iter().flat_map(|rule| &rule.backend_refs);
    let backends = backends.map(|backend| format!("{}:{}", backend.name, backend.port.unwrap_or(0)));
    format!("{} to {}", route.spec.hostnames.join(", "), backends.collect::<Vec<_>>().join(", "))
}

/// Returns the problem of a domain to which several jobs would lay claim once all is done.
pub(super) fn several_public(steps: &[LoadStep], live: &[LiveJob]) -> Option<LoadProblem> {
    let wanted = steps.iter().filter(|step| {
        let port = step.plan.as_ref().and_then(|plan| plan.request().kind.port());
        port.is_some_and(|port| port.is_public())
    });
    let is_touched = |job: &&LiveJob| steps.iter().any(|step| step.name == job.name);
    let standing = live.iter().filter(|job| !is_touched(job) && job.http_route.is_some());
    let names: Vec<JobName> =
        wanted.map(|step| step.name.clone()).chain(standing.map(|job| job.name.clone())).collect();
    (names.len() > 1).then_some(LoadProblem::SeveralPublic { names })
}

/// Returns whether a live object can become the wanted one: it is of the same kind, and a Deployment's selector, which
/// never changes, is today's.
fn is_changeable(live: &LiveJob, wanted: &JobManifests) -> bool {
    match (&live.workload, &wanted.workload) {
        (LiveWorkload::Scheduled(_), Workload::Scheduled(_)) => true,
        (LiveWorkload::Continuous(live), Workload::Continuous(wanted)) => {
            let selector = |spec: Option<&k8s_openapi::api::apps::v1::DeploymentSpec>| {
                spec.and_then(|spec| spec.selector.match_labels.clone())
            };
            selector(live.spec.as_ref()) == selector(wanted.spec.as_ref())
        }
        _ => false,
    }
}
