//! The change of one web service or job: the steps, one for each object.

use std::fmt;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;
use toolforge_quota::{
    ClaimDemand, Demand, KeptJobs, LimitRange, ObjectName, PodDemand, Pods, Resource, RolloutForecast,
};

use crate::change::{Downtime, PodReplacement, Rollout, Workload, WorkloadKind};
use crate::object::{Difference, Object, ObjectId, ObjectKind, deployment_spec};
use crate::pod::{self, REPLICA_SETS, ScheduledRun};

/// The action on a workload or on one of its objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Action {
    /// It is unchanged.
    Keep,
    /// It is created.
    Create,
    /// It is updated.
    Update,
    /// It is deleted and created again, because it cannot be updated.
    Recreate,
    /// It is deleted.
    Delete,
}

impl Action {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Create => "create",
            Self::Update => "update",
            Self::Recreate => "recreate",
            Self::Delete => "delete",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The action on one object.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Step {
    /// The object.
    pub id: ObjectId,
    /// The action.
    pub action: StepAction,
    /// The wanted object; `None` if it is deleted or waited for.
    pub wanted: Option<Object>,
    /// The object of the same change whose deletion deletes this one, too (`metadata.ownerReferences`); `None` if none does.
    pub owner: Option<ObjectId>,
    /// The fields that differ from the live object.
    pub differences: Vec<Difference>,
}

/// How an object is written. A program that applies steps must handle every way, so the enum is exhaustive.
#[derive(Clone, Debug, PartialEq)]
pub enum StepAction {
    /// It is unchanged.
    Keep,
    /// Create; it fails if an object with the name exists.
    Create,
    /// Server-side apply; fields of other managers are kept.
    Apply {
        /// The metadata of the object that was seen: later changes by others are not overwritten. `None` if
        /// there was no object.
        seen: Option<Box<ObjectMeta>>,
        /// A strategic merge patch to send first: the wanted object, and the removal of what apply cannot remove because other
        /// managers own it.
        clears: Option<Box<Value>>,
    },
    /// Replace, only if it is still the object that was seen.
    Replace {
        /// The metadata of the object that was seen.
        seen: Box<ObjectMeta>,
    },
    /// Patch; other fields are kept.
    Merge {
        /// The strategic merge patch.
        patch: Box<Value>,
        /// The metadata of the object that was seen: later changes by others are not overwritten. `None` if only the
        /// patched fields matter.
        seen: Option<Box<ObjectMeta>>,
    },
    /// Delete, together with the objects that it owns.
    Delete {
        /// The uid of the object that was seen; another object with the name is not deleted.
        uid: Option<String>,
        /// The version of the object that was seen: an object that has changed since is not deleted. `None` if a change does not
        /// matter.
        resource_version: Option<String>,
    },
    /// Wait until a gateway accepts the route.
    AwaitAccepted,
    /// Wait until the object and its pods are deleted.
    AwaitGone {
        /// The uid of the object that was deleted.
        uid: Option<String>,
    },
}

impl Step {
    pub(crate) fn wanted(object: Object, action: StepAction) -> Self {
        Self { id: object.id(), action, wanted: Some(object), owner: None, differences: Vec::new() }
    }

    pub(crate) fn of(id: ObjectId, action: StepAction) -> Self {
        Self { id, action, wanted: None, owner: None, differences: Vec::new() }
    }

    /// Returns the action on the object; `None` for a wait.
    #[must_use]
    pub fn action(&self) -> Option<Action> {
        match &self.action {
            StepAction::Keep => Some(Action::Keep),
            StepAction::Create => Some(Action::Create),
            // Apply creates an object that does not exist.
            StepAction::Apply { .. } if self.differences.is_empty() => Some(Action::Create),
            StepAction::Apply { .. } | StepAction::Replace { .. } | StepAction::Merge { .. } => {
                Some(Action::Update)
            }
            StepAction::Delete { .. } => Some(Action::Delete),
            StepAction::AwaitAccepted | StepAction::AwaitGone { .. } => None,
        }
    }

    /// Returns the differences without bookkeeping annotations.
    pub fn shown_differences(&self) -> impl Iterator<Item = &Difference> {
        self.differences.iter().filter(|difference| !difference.path.is_bookkeeping())
    }
}

/// The change of one web service or job.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Change {
    /// The kind of the workload.
    pub kind: WorkloadKind,
    /// The name of the job or the tool; for a manifest, the kind and the name of its object.
    pub name: String,
    /// The object of a manifest.
    pub object: Option<ObjectName>,
    /// The action.
    pub action: Action,
    /// Whether it is adopted from the platform's jobs service, whose record is deleted.
    pub adopts: bool,
    /// Whether it is a web service or a job; `false` for a workload that no tool manages.
    pub is_managed: bool,
    /// The steps, in order.
    pub steps: Vec<Step>,
    /// How its pods are replaced; `None` if they are not.
    pub rollout: Option<Rollout>,
    /// The downtime of the change; `None` if there is none.
    pub downtime: Option<Downtime>,
    /// Changes of a later stage are applied after those of an earlier one, regardless of what they free or request.
    pub(crate) stage: usize,
    /// Whether its pods have finished when the next stage begins.
    pub(crate) is_awaited: bool,
    /// The usage of its running pods, if it is awaited and kept.
    pub(crate) running: Demand,
    /// The CronJob of a manifest, whose runs count like those of scheduled jobs.
    pub(crate) cron_job: Option<Box<CronJob>>,
    pub(crate) demand: ChangeDemand,
}

impl Change {
    pub(crate) fn new(kind: WorkloadKind, name: impl Into<String>, action: Action) -> Self {
        Self {
            kind,
            name: name.into(),
            object: None,
            action,
            adopts: false,
            is_managed: true,
            steps: Vec::new(),
            rollout: None,
            downtime: None,
            stage: 0,
            is_awaited: false,
            running: Demand::default(),
            cron_job: None,
            demand: ChangeDemand::default(),
        }
    }

    /// Returns the change once the pods of its Job have finished, if these may wait for others: only the objects remain.
    pub(crate) fn ended(&self) -> Self {
        let mut change = self.clone();
        if let Some(queued) = &self.demand.queued {
            let demand = &mut change.demand;
            (demand.requested, demand.created) = (objects_of(queued), objects_of(&demand.created));
            demand.retries = Demand::default();
        }
        change
    }

    /// Returns the remainder of a change after an earlier attempt has done its deletions.
    pub(crate) fn without_deletion(mut self) -> Self {
        self.steps.retain(|step| !matches!(step.action, StepAction::Delete { .. }));
        self.demand.freed = Demand::default();
        self
    }

    /// Returns whether an object of a kind is created that did not exist before.
    pub(crate) fn creates(&self, kind: ObjectKind) -> bool {
        let is_manifest =
            |object: &ObjectName| self.kind == WorkloadKind::Manifest && object.kind == kind.as_str();
        let is_step = |step: &Step| matches!(step.action, StepAction::Create) && step.id.kind == kind;
        self.steps.iter().any(is_step)
            || self.action == Action::Create && self.object.as_ref().is_some_and(is_manifest)
    }

    /// Returns whether nothing changes.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        self.action == Action::Keep
    }

    /// Returns the workload.
    #[must_use]
    pub fn workload(&self) -> Workload {
        Workload::new(self.kind, &self.name, self.object.as_ref())
    }

    /// Returns the wanted objects.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.steps.iter().filter_map(|step| step.wanted.as_ref())
    }

    /// Returns the differences without bookkeeping annotations.
    pub fn differences(&self) -> impl Iterator<Item = &Difference> {
        self.steps.iter().flat_map(Step::shown_differences)
    }

    /// Changes the rollout so that pods are replaced one after the other, and a single pod with downtime.
    pub(crate) fn replace_in_place(&mut self) {
        let is_single = self.demand.replacement.as_ref().is_some_and(|pods| pods.new.count < 2);
        self.set_rollout(if is_single { Rollout::Recreate } else { Rollout::InPlace });
    }

    /// Changes the rollout so that all old pods terminate first: the peak then requests no more than at rest.
    pub(crate) fn replace_at_once(&mut self) {
        self.set_rollout(Rollout::Recreate);
    }

    pub(crate) fn set_rollout(&mut self, rollout: Rollout) {
        if self.kind != WorkloadKind::Manifest {
            self.replace_by(rollout);
        }
    }

    /// Returns whether its pods are replaced as by another rollout.
    pub(crate) fn is_replaced_as(&self, rollout: Rollout) -> bool {
        let replicas = self.demand.replacement.as_ref().map_or(0, |pods| pods.new.count);
        self.rollout.is_some_and(|own| own.bounds(replicas) == rollout.bounds(replicas))
    }

    /// Changes the rollout, even that of a manifest.
    pub(crate) fn replace_by(&mut self, rollout: Rollout) {
        let (Some(replacement), Some(_)) = (&self.demand.replacement, self.rollout) else { return };
        let is_down = rollout == Rollout::Recreate && replacement.old.count > 0;
        self.rollout = Some(rollout);
        self.downtime = is_down.then_some(Downtime::BetweenPods);
        for step in &mut self.steps {
            if let Some(Object::Deployment(deployment)) = &mut step.wanted {
                rollout.apply_to(deployment);
            }
        }
    }

    /// Returns the demand at the peak.
    pub(crate) fn requested_at_peak(&self) -> Demand {
        match (&self.demand.replacement, self.rollout) {
            (Some(replacement), Some(rollout)) => {
                let mut peak = self.demand.other_objects.clone();
                peak.add_all(&replacement.peak(rollout));
                peak
            }
            _ => self.demand.requested.clone(),
        }
    }

    /// Returns the demand once all pods run.
    pub(crate) fn requested_at_rest(&self) -> Demand {
        self.demand.requested.clone()
    }

    /// Returns the maximum demand while a rollout waits for quota with as many pods deleted as allowed before a new one is
    /// ready, or when it is complete.
    pub(crate) fn requested_while_waiting(&self) -> Demand {
        let (Some(replacement), Some(rollout)) = (&self.demand.replacement, self.rollout) else {
            return self.requested_at_rest();
        };
        self.requested_at_rest().max(&self.requested_with(&replacement.kept(rollout)))
    }

    /// Returns whether running pods are replaced.
    pub(crate) fn replaces_pods(&self) -> bool {
        self.demand.replacement.is_some() && self.rollout.is_some()
    }

    /// Returns whether it requests more than objects at rest.
    pub(crate) fn requests_pods(&self) -> bool {
        let objects = objects_of(&self.demand.requested);
        self.demand.requested.iter().any(|(resource, amount)| amount > objects.get(resource))
    }

    /// Returns whether a pod is created that has no controller.
    pub(crate) fn is_pod(&self) -> bool {
        self.kind == WorkloadKind::Pod || self.is_of_kind("Pod")
    }

    /// Returns whether it changes a manifest's object of a kind.
    fn is_of_kind(&self, kind: &str) -> bool {
        self.object.as_ref().is_some_and(|object| object.kind == kind)
    }

    /// Returns the most that the pods request together during a limited replacement, if the rollout completes.
    pub(crate) fn peak_where(&self, fits: impl Fn(&Demand) -> bool) -> Option<Demand> {
        if self.is_of_kind("StatefulSet") {
            // Its controller takes other steps: it waits for each pod.
            let peak = self.demand.replacement.as_ref()?.peak(self.rollout?);
            return fits(&peak).then_some(peak);
        }
        let forecast = self.forecast(fits)?;
        forecast.verdict.completes().then_some(forecast.peak)
    }

    /// Returns whether a scheduled job or a CronJob is created, changed or deleted.
    #[must_use]
    pub fn is_of_schedule(&self) -> bool {
        self.kind == WorkloadKind::Scheduled || self.cron_job.is_some()
    }

    /// Returns the name of the scheduled job or CronJob whose runs it changes.
    pub(crate) fn run_name(&self) -> &str {
        let manifest = self.cron_job.as_ref().and_then(|found| found.metadata.name.as_deref());
        manifest.unwrap_or(self.name.as_str())
    }

    /// Returns the demand if no old pod has terminated yet when the last new one is created.
    pub(crate) fn requested_at_worst(&self) -> Demand {
        match &self.demand.replacement {
            Some(replacement) => self.requested_with(&replacement.worst()),
            None => self.requested_at_peak(),
        }
    }

    /// Returns the demand while pods request `pods` together.
    pub(crate) fn requested_with(&self, pods: &Demand) -> Demand {
        let mut requested = self.demand.other_objects.clone();
        requested.add_all(pods);
        requested
    }

    /// Returns the simulated rollout if its pods are limited; `None` if no pods are replaced.
    pub(crate) fn forecast(&self, fits: impl Fn(&Demand) -> bool) -> Option<RolloutForecast> {
        Some(self.demand.replacement.as_ref()?.forecast(self.rollout?, fits))
    }

    /// Returns the order of the change: those that free quota first, those that request more later, new workloads last.
    pub(crate) fn order(&self) -> (usize, u8) {
        let ChangeDemand { freed, requested, .. } = &self.demand;
        let order = match self.action {
            Action::Delete => 0,
            Action::Update | Action::Recreate => {
                u8::from(requested.iter().any(|(resource, amount)| amount > freed.get(resource))) + 1
            }
            Action::Create => 3,
            Action::Keep => 4,
        };
        (self.stage, order)
    }
}

/// How many old ReplicaSets of a Deployment are kept by default (Kubernetes 1.33).
const REVISION_HISTORY_LIMIT: i32 = 10;

/// What a change frees and requests.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ChangeDemand {
    /// What the replaced and deleted live objects use.
    pub(crate) freed: Demand,
    /// The freed objects in addition to those of the steps, by their ids: mostly pods.
    pub(crate) freed_objects: Vec<ObjectName>,
    /// What the wanted objects request once all of their pods run.
    pub(crate) requested: Demand,
    /// What created objects request, without updated ones.
    pub(crate) created: Demand,
    /// The part of it that other objects than pods request.
    pub(crate) other_objects: Demand,
    /// The demand while a Job whose pods may be created one after the other runs one pod.
    pub(crate) queued: Option<Demand>,
    /// The pods that such a Job runs at once if they fit, each with what it frees when it finishes.
    pub(crate) queued_pods: Pods,
    /// What a run of a CronJob requests, if it has runs.
    pub(crate) run: Option<ScheduledRun>,
    /// The Jobs of earlier runs that a CronJob keeps.
    pub(crate) kept: Option<KeptJobs>,
    /// What failed pods use in addition while a Job is retried.
    pub(crate) retries: Demand,
    /// The pods that are replaced by a rollout.
    pub(crate) replacement: Option<PodReplacement>,
    /// The pods that are created, whose limits are checked.
    pub(crate) pods: Vec<PodDemand>,
    /// The volume claims that are created or enlarged.
    pub(crate) claims: Vec<ClaimDemand>,
}

impl ChangeDemand {
    /// Returns the demand of created objects; `owner` names their workload in messages, and is `None` if there is only one.
    pub(crate) fn of_objects<'a>(
        objects: impl IntoIterator<Item = &'a Object>,
        limit_ranges: &[LimitRange],
        owner: Option<&ObjectName>,
    ) -> Self {
        let mut demand = Self::default();
        for object in objects {
            demand.other_objects.add_all(&pod::count_demand(object.kind()));
            let Pods { count, each } = pod::pods_of(object, limit_ranges);
            match object {
                Object::Job(job) => demand.add_job(job, &each),
                Object::CronJob(cron_job) => {
                    demand.run = pod::scheduled_run(cron_job, &each);
                    demand.kept = Some(pod::kept_jobs(cron_job, limit_ranges));
                }
                Object::Deployment(_) | Object::Service(_) | Object::Ingress(_) | Object::HttpRoute(_) => {
                    demand.requested.add_all(&each.times(count));
                }
            }
            let spec = object.pod_template().and_then(|template| template.spec.as_ref());
            demand.claims.extend(
                spec.into_iter()
                    .flat_map(pod::own_claims)
                    .map(|requests| ClaimDemand { object: owner.cloned(), requests }),
            );
            demand.pods.extend(spec.map(|spec| PodDemand {
                object: owner.cloned(),
                ..pod::stated_pod(spec).with_defaults(limit_ranges)
            }));
        }
        demand.add_objects();
        demand.created = demand.requested.clone();
        demand
    }

    /// Adds the pods of a Job that each request `each`: those that run, those that have succeeded by then, and those that fail.
    pub(crate) fn add_job(&mut self, job: &Job, each: &Demand) {
        let Some(spec) = &job.spec else { return };
        let count = pod::job_pods(job);
        self.requested.add_all(&each.times(count));
        self.requested.add_all(&pod::succeeded_demand(spec));
        self.retries.add_all(&pod::retry_demand(spec));
        if pod::may_wait(spec) {
            self.queued = Some(pod::least_demand(spec, each));
            self.queued_pods = Pods { count, each: pod::freed_at_end(spec, each) };
        }
    }

    /// Adds the demand of objects other than pods to what is requested.
    pub(crate) fn add_objects(&mut self) {
        self.requested.add_all(&self.other_objects);
        if let Some(queued) = &mut self.queued {
            queued.add_all(&self.other_objects);
        }
    }

    /// Counts an update of a Deployment whose pods are replaced: its new ReplicaSet and pods are created, and its old
    /// ReplicaSets are kept, up to the history limit.
    pub(crate) fn replace_pods(&mut self, live: &Deployment, replacement: PodReplacement) {
        let history_limit = deployment_spec(live).and_then(|spec| spec.revision_history_limit);
        let history_limit = u64::try_from(history_limit.unwrap_or(REVISION_HISTORY_LIMIT)).unwrap_or(0);
        let replica_sets = Resource::Count(REPLICA_SETS.to_owned());
        let existing = self.freed.get(&replica_sets);
        self.other_objects.add(replica_sets.clone(), existing);
        self.requested.add(replica_sets.clone(), existing.min(history_limit));
        self.created.add(replica_sets, 1);
        if replacement.new.count > 0 {
            self.created.add_all(&replacement.new.each);
        } else {
            self.pods.clear();
        }
        self.replacement = Some(replacement);
    }
}

/// Returns the demand once pods have finished: only the objects remain, and no other resources are used.
pub(super) fn objects_of(demand: &Demand) -> Demand {
    let is_object = |resource: &Resource| matches!(resource, Resource::Count(_)) || !resource.is_of_pods();
    demand.iter().map(|(key, amount)| (key.clone(), if is_object(key) { amount } else { 0 })).collect()
}
