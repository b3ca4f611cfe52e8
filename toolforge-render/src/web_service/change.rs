//! The changes that start, restart and stop a web service.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{ToolName, platform};
use toolforge_quota::Limits;

use crate::change::{Action, Change, ChangeSet, Downtime, Rollout, Step, StepAction, WorkloadKind};
use crate::object::{Difference, Object, ObjectId, ObjectKind, deployment_spec, deployment_spec_mut};
use crate::web_service::patch::{all_differences, clearing_patch, replaced_ports};
use crate::web_service::{LiveWebService, WebServiceFacts, WebServicePlan, demand, is_web_service};

/// The start time that is written on the pods. A different time replaces all pods.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StartTime {
    /// No start time, so the same request renders the same objects at any time.
    Omit,
    /// The start time of the live pods.
    #[default]
    Keep,
    /// This time if pods are created or replaced, otherwise the start time of the live pods.
    WhereReplaced(Timestamp),
    /// This time: all pods are replaced.
    Always(Timestamp),
}

/// Returns the changes that apply a plan to a web service, and whether they fit the quota.
///
/// A new pod is ready before an old one terminates, if the quota allows both; otherwise, pods are replaced one after the
/// other; a single pod is then replaced with downtime.
///
/// A field that neither the plan nor the platform's tools write is not changed. Fields that only these
/// programs write (annotations, the readiness probe, the pause before termination, the strategy) do not count as a
/// difference on an object that the platform's tools created: they are added with the first other change.
#[must_use]
pub fn web_service_changes(plan: &WebServicePlan, facts: &WebServiceFacts, start: StartTime) -> ChangeSet {
    let live = &facts.live;
    let limit_ranges = &facts.namespace.limits.limit_ranges;
    let mut objects = plan.objects();
    let mut replaces = false;
    for object in &mut objects {
        let Object::Deployment(deployment) = object else { continue };
        if set_start_time(deployment, live, start) {
            replaces = true;
        }
    }
    let demand = demand::of_change(&objects, replaces, live, limit_ranges);
    let current = live.deployment.as_ref().and_then(Rollout::of_web_service).unwrap_or_default();
    let steps = objects.into_iter().map(|object| Step::wanted(object, StepAction::Keep)).collect();
    let action = if live.is_absent() { Action::Create } else { Action::Update };
    let change = Change::new(WorkloadKind::WebService, plan.request.tool.as_str(), action);
    let change = Change { steps, demand, ..change };
    let set = |rollout| {
        let rollout = replaces.then_some(rollout);
        ChangeSet::new(vec![Change { rollout, ..change.clone() }], &facts.namespace.limits)
    };
    let mut set = match set(Rollout::Surge) {
        // Changes that do not fit at rest keep the current rollout.
        refused if !refused.at_rest.fits() && current != Rollout::Surge => set(current),
        set => set,
    };
    for change in &mut set.changes {
        compare(change, live, current);
        change.steps.extend(obsolete_routes(plan, live));
        if !live.is_absent() && change.steps.iter().all(|step| step.action == StepAction::Keep) {
            change.action = Action::Keep;
        }
    }
    set
}

/// Returns the deletion of a web service, in this order: routes, Service, Deployment, so no request is sent to
/// deleted pods. An object that does not belong to a web service is skipped.
#[must_use]
pub fn web_service_deletion(tool: &ToolName, live: &LiveWebService) -> ChangeSet {
    let mut steps: Vec<Step> = live.ids().filter_map(|(kind, metadata)| deletion(kind, metadata)).collect();
    steps.reverse();
    let action = if steps.is_empty() { Action::Keep } else { Action::Delete };
    let change = Change { steps, ..Change::new(WorkloadKind::WebService, tool.as_str(), action) };
    ChangeSet::new(vec![change], &Limits::default())
}

/// Sets the start time on the pods, and returns whether live pods are replaced.
fn set_start_time(deployment: &mut Deployment, live: &LiveWebService, start: StartTime) -> bool {
    let current = live.deployment.as_ref().and_then(start_time);
    write_start_time(deployment, current.filter(|_| start != StartTime::Omit).map(str::to_owned));
    let is_replaced = live.json(ObjectKind::Deployment).is_some_and(|found| {
        all_differences(&Object::from(deployment.clone()), live, &found)
            .iter()
            .any(|difference| difference.path.is_in_pod_template() && is_change(difference, live, None))
    });
    match start {
        StartTime::Omit | StartTime::Keep => is_replaced,
        StartTime::WhereReplaced(_) if !is_replaced && live.deployment.is_some() => false,
        StartTime::WhereReplaced(moment) | StartTime::Always(moment) => {
            write_start_time(deployment, Some(platform_time(&moment)));
            live.deployment.is_some()
        }
    }
}

/// Returns the start time on the pods of a Deployment.
fn start_time(deployment: &Deployment) -> Option<&str> {
    let metadata = deployment_spec(deployment)?.template.metadata.as_ref()?;
    metadata.annotations.as_ref()?.get(platform::ANNOTATION_STARTED_AT).map(String::as_str)
}

fn write_start_time(deployment: &mut Deployment, moment: Option<String>) {
    let metadata = deployment_spec_mut(deployment).map(|spec| spec.template.metadata.get_or_insert_default());
    if let Some(metadata) = metadata {
        metadata.annotations =
            moment.map(|moment| [(platform::ANNOTATION_STARTED_AT.to_owned(), moment)].into());
    }
}

/// Formats a time as the platform does: UTC with microseconds and without a zone (webservice of May 2023).
fn platform_time(moment: &Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}

/// Sets the differences and the action of each step, after the rollout has been chosen.
fn compare(change: &mut Change, live: &LiveWebService, current: Rollout) {
    let chosen = change.rollout;
    for step in &mut change.steps {
        let Some(wanted) = &mut step.wanted else { continue };
        if let Object::Deployment(deployment) = wanted {
            chosen.unwrap_or(current).apply_to(deployment);
        }
        let Some(found) = live.json(wanted.kind()) else {
            step.action = StepAction::Apply { seen: None, clears: None };
            continue;
        };
        step.differences = all_differences(wanted, live, &found);
        // Apply does not remove fields that another manager owns. All of them must be removed, including those that alone do not
        // count as a change: the API server may reject them together with what is applied.
        let removes = |difference: &Difference| difference.wanted.is_none() && difference.path.is_in_spec();
        let is_cleared = step.differences.iter().any(removes) || !replaced_ports(wanted, live).is_empty();
        step.differences.retain(|difference| is_change(difference, live, chosen));
        if step.differences.is_empty() {
            continue;
        }
        let clears = is_cleared.then(|| Box::new(clearing_patch(wanted, live)));
        let seen =
            live.ids().find(|(kind, _)| *kind == wanted.kind()).map(|(_, seen)| Box::new(seen.clone()));
        step.action = StepAction::Apply { seen, clears };
    }
    let is_down = chosen == Some(Rollout::Recreate) && live.ready_replicas() > 0;
    change.downtime = is_down.then_some(Downtime::BetweenPods);
}

/// Returns whether a difference counts as a change; fields that these programs add to an object of the platform's tools
/// do not.
fn is_change(difference: &Difference, live: &LiveWebService, rollout: Option<Rollout>) -> bool {
    let path = &difference.path;
    // Another rollout is chosen only if the usual one does not fit, so it counts as a change.
    let is_added = path.is_annotation()
        || (path.is_rollout_strategy() && rollout.unwrap_or_default() == Rollout::Surge)
        || matches!(path.container_field(), Some("readinessProbe" | "lifecycle"));
    live.is_ours() || !is_added
}

/// Returns the steps that delete a route of the other kind, once the new one is accepted.
fn obsolete_routes(plan: &WebServicePlan, live: &LiveWebService) -> Vec<Step> {
    let wanted = plan.routing.kind();
    let is_obsolete = |kind| matches!(kind, ObjectKind::Ingress | ObjectKind::HttpRoute) && kind != wanted;
    let deletions = live.ids().filter(|(kind, _)| is_obsolete(*kind));
    let deletions: Vec<Step> = deletions.filter_map(|(kind, metadata)| deletion(kind, metadata)).collect();
    let waits = wanted == ObjectKind::HttpRoute && !deletions.is_empty();
    let id = ObjectId::new(wanted, plan.request.tool.as_str());
    let wait = waits.then(|| Step::of(id, StepAction::AwaitAccepted));
    wait.into_iter().chain(deletions).collect()
}

fn deletion(kind: ObjectKind, metadata: &ObjectMeta) -> Option<Step> {
    if !is_web_service(metadata.labels.as_ref()) {
        return None;
    }
    let uid = Some(metadata.uid.clone()?);
    Some(Step::of(
        ObjectId::new(kind, metadata.name.clone()?),
        StepAction::Delete { uid, resource_version: None },
    ))
}
