//! Smaller sizes of a web service that make it fit.

use k8s_openapi::api::apps::v1::DeploymentStatus;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{Replicas, WebServiceOptions, WebServiceRequest};
use toolforge_quota::{PerResource, SizeBounds, WorkloadSize};

use crate::change::{Adjustment, ChangeSet, LargestSizes, Sized, WorkloadKind, lowest_size, set_size};
use crate::object::deployment_replicas;
use crate::pod::{PodResources, running_pods};
use crate::web_service::{
    PlanOptions, Routing, StartTime, WebServiceFacts, WebServicePlan, web_service_changes,
};

/// Returns the sizes nearest to that of a plan that make its changes as wanted: they
/// [fit](ChangeSet::fits), or fit [without downtime](ChangeSet::fits_without_downtime). There are none if they already do.
#[must_use]
pub fn web_service_adjustments(
    plan: &WebServicePlan,
    facts: &WebServiceFacts,
    start: StartTime,
    is_wanted: fn(&ChangeSet) -> bool,
) -> Vec<Adjustment> {
    let size = size_of(plan);
    sized(plan, facts).adjustments(is_wanted, |wanted| {
        let request = with_size(plan.request(), size, wanted)?;
        changes_with(&request, plan.routing(), facts, start)
    })
}

/// Returns the change set for another request.
pub(crate) fn changes_with(
    request: &WebServiceRequest,
    routing: Routing,
    facts: &WebServiceFacts,
    start: StartTime,
) -> Option<ChangeSet> {
    let options = PlanOptions::default().with_routing(Some(routing));
    let plan = WebServicePlan::new(request.clone(), facts, options).ok()?;
    Some(web_service_changes(&plan, facts, start))
}

pub(crate) fn size_of(plan: &WebServicePlan) -> WorkloadSize {
    let limits = plan.resources().limits;
    WorkloadSize {
        memory: limits.memory.bytes(),
        cpu: limits.cpu.millis(),
        replicas: plan.request().replicas.count().into(),
    }
}

pub(crate) fn sized(plan: &WebServicePlan, facts: &WebServiceFacts) -> Sized {
    let half_from = PodResources::HALF_FROM;
    Sized {
        kind: WorkloadKind::WebService,
        name: plan.request().tool.to_string(),
        object: None,
        size: size_of(plan),
        bounds: SizeBounds {
            lowest: lowest_size(&facts.namespace.limits.limit_ranges),
            steps: PerResource { cpu: vec![half_from.cpu.millis()], memory: vec![half_from.memory.bytes()] },
        },
    }
}

/// Returns a request with another size; unchanged amounts stay as requested.
fn with_size(
    request: &WebServiceRequest,
    before: WorkloadSize,
    wanted: WorkloadSize,
) -> Option<WebServiceRequest> {
    let mut request = request.clone();
    set_size((before, wanted), &mut request.memory, &mut request.cpu, Some(&mut request.replicas))?;
    Some(request)
}

/// Sets the amounts and replicas of options that differ from the previous size.
pub(crate) fn set_options_size(
    options: &mut WebServiceOptions,
    before: WorkloadSize,
    wanted: WorkloadSize,
) -> Option<()> {
    let mut replicas = options.replicas.unwrap_or(Replicas::ONE);
    set_size((before, wanted), &mut options.memory, &mut options.cpu, Some(&mut replicas))?;
    if wanted.replicas != before.replicas {
        options.replicas = Some(replicas);
    }
    Some(())
}

/// What a web service of a size would need: to be changed to it, and to be restarted afterwards.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebServiceForecast {
    /// The changes to the size.
    pub change: ChangeSet,
    /// A restart afterwards.
    pub restart: ChangeSet,
}

impl WebServiceForecast {
    /// Returns what a plan would need.
    #[must_use]
    pub fn new(plan: &WebServicePlan, facts: &WebServiceFacts) -> Self {
        let change = web_service_changes(plan, facts, StartTime::Keep);
        let after = after(facts, &change);
        let restart = web_service_changes(plan, &after, StartTime::Always(Timestamp::UNIX_EPOCH));
        Self { change, restart }
    }

    /// Returns whether both fit, with or without downtime.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.change.fits() && self.restart.fits()
    }

    /// Returns whether both fit without downtime.
    #[must_use]
    pub fn fits_without_downtime(&self) -> bool {
        self.change.fits_without_downtime() && self.restart.fits_without_downtime()
    }
}

/// Returns the largest memory, CPU and replicas of a web service, each on its own, for which a change and every later
/// restart are as wanted once terminating pods are gone: they [fit](WebServiceForecast::fits), or fit
/// [without downtime](WebServiceForecast::fits_without_downtime).
#[must_use]
pub fn largest_web_service(
    plan: &WebServicePlan,
    facts: &WebServiceFacts,
    is_wanted: fn(&WebServiceForecast) -> bool,
) -> LargestSizes {
    let facts = &facts.clone().without_terminating_pods();
    let sized = sized(plan, facts);
    sized.largest(&facts.namespace.limits, |size| {
        let request = with_size(plan.request(), sized.size, size);
        let options = PlanOptions::default().with_routing(Some(plan.routing()));
        let plan = request.and_then(|request| WebServicePlan::new(request, facts, options).ok());
        plan.is_some_and(|plan| is_wanted(&WebServiceForecast::new(&plan, facts)))
    })
}

/// Returns the facts after changes have been applied, when all pods are ready.
fn after(facts: &WebServiceFacts, set: &ChangeSet) -> WebServiceFacts {
    let mut facts = facts.clone();
    facts.namespace.limits = set.settled_limits(&facts.namespace.limits);
    facts.live.extend(set.objects().cloned());
    if let Some(deployment) = &mut facts.live.deployment {
        let replicas = i32::try_from(deployment_replicas(deployment)).ok();
        deployment.status =
            Some(DeploymentStatus { ready_replicas: replicas, ..DeploymentStatus::default() });
        facts.live.pods = running_pods(deployment);
    }
    facts
}
