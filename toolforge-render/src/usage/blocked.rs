//! Objects that could not create what they want, because of a quota or a limit.

use std::collections::BTreeSet;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_model::Untrusted;
use toolforge_quota::{LimitRange, ObjectName, WaitingPods};

use crate::job::{JobFacts, LiveJobs};
use crate::object::{ObjectKind, has_hash, is_generated};
use crate::pod::{
    AdmissionRefusal, Cause, Exceeded, PodSetKind, cause_of_refusal, event_time, first_event_time,
    missing_pods, replica_failure,
};

/// The maximum age of the last refusal of an object that is blocked now: the longest pause between two tries of a controller is
/// 1000 s (Kubernetes 1.33).
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_secs(1000 + 60);

/// An object that could not create a pod or a Job, according to the events about it, or to its status if there are none.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BlockedObject {
    /// The object, like `ReplicaSet web-5d8c7f9b6`.
    pub object: ObjectName,
    /// The pods that are missing now, at least one, according to the status of the object or, for a ReplicaSet, of its Deployment;
    /// one of a rollout's surge if no others are missing. `None` for an unknown object.
    pub missing: Option<WaitingPods>,
    /// Why it was last refused.
    pub cause: Cause,
    /// The resources of a quota that were last exceeded, with their amounts; empty for another refusal.
    pub exceeded: Vec<Exceeded>,
    /// The API server's last message.
    pub message: Untrusted,
    /// The first refusal: events are kept for an hour, and a condition says since when it has not changed.
    pub since: Option<Timestamp>,
    /// The last refusal.
    pub last: Option<Timestamp>,
    /// How many refusals there were; 0 if that is not known.
    pub count: u64,
    /// Whether it still tries and is still refused.
    pub is_blocked_now: bool,
}

/// Returns the objects for which a quota or a limit has refused a pod or a Job, the currently blocked first, then the newest;
/// without those that no longer exist, as far as that is known.
#[must_use]
pub fn blocked_objects(facts: &JobFacts, now: Timestamp) -> Vec<BlockedObject> {
    let mut found: Vec<BlockedObject> = Vec::new();
    let mut events: Vec<&Event> = facts.live.events.iter().filter(|event| is_failed_create(event)).collect();
    events.sort_by_key(|event| event_time(event));
    for event in events {
        let message = event.message.as_deref().unwrap_or_default();
        let Some(exceeded) = exceeded_by(message) else { continue };
        let involved = &event.involved_object;
        let (kind, name) =
            (involved.kind.as_deref().unwrap_or_default(), involved.name.as_deref().unwrap_or_default());
        if is_gone(kind, name, involved.uid.as_deref(), facts) {
            continue;
        }
        let object = ObjectName::new(kind, name);
        let (first, last) = (first_event_time(event), event_time(event));
        let count = u64::try_from(event.count.unwrap_or(1)).unwrap_or(1);
        let is_recent = last.is_some_and(|last| now.duration_since(last) <= LONGEST_PAUSE);
        let wanted = wanted_pods(kind, name, facts).filter(|_| is_recent);
        let is_blocked_now = wanted.is_some();
        let missing = wanted.and_then(|wanted| wanted.pods);
        let (cause, message) = (cause_of_refusal(message), Untrusted::new(message));
        match found.iter_mut().find(|known| known.object == object) {
            Some(known) => {
                known.count += count;
                known.since = known.since.into_iter().chain(first).min();
                known.last = known.last.max(last);
                (known.cause, known.message, known.exceeded) = (cause, message, exceeded);
                known.is_blocked_now |= is_blocked_now;
                known.missing = known.missing.take().or(missing);
            }
            None => found.push(BlockedObject {
                object,
                missing,
                cause,
                exceeded,
                message,
                since: first,
                last,
                count,
                is_blocked_now,
            }),
        }
    }
    for failing in blocked_by_condition(facts) {
        match found.iter_mut().find(|known| is_of(&known.object, &failing.object)) {
            // Its last event may be old, because the controller backs off.
            Some(known) => {
                known.is_blocked_now = true;
                known.missing = known.missing.take().or(failing.missing);
                known.since = known.since.into_iter().chain(failing.since).min();
            }
            None => found.push(failing),
        }
    }
    found.sort_by_key(|found| std::cmp::Reverse((found.is_blocked_now, found.last)));
    found
}

/// Returns the resources that a refusal reports as exceeded, none for the refusal of a limit; `None` if it is neither of these.
fn exceeded_by(message: &str) -> Option<Vec<Exceeded>> {
    match AdmissionRefusal::parse(message)? {
        AdmissionRefusal::Quota { exceeded, .. } => Some(exceeded),
        AdmissionRefusal::QuotaIncomplete { .. }
        | AdmissionRefusal::QuotaUnknown { .. }
        | AdmissionRefusal::LimitRange { .. } => Some(Vec::new()),
        AdmissionRefusal::Webhook { .. }
        | AdmissionRefusal::WebhookUnreachable { .. }
        | AdmissionRefusal::Policy { .. } => None,
    }
}

/// Returns whether two objects are the same, or the first is a ReplicaSet of the other, a Deployment.
fn is_of(object: &ObjectName, other: &ObjectName) -> bool {
    let is_owned = || {
        (object.kind.as_str(), other.kind.as_str()) == ("ReplicaSet", "Deployment")
            && is_generated(&object.name, &other.name)
    };
    object == other || is_owned()
}

/// Returns the objects whose status says that pods are refused.
fn blocked_by_condition(facts: &JobFacts) -> impl Iterator<Item = BlockedObject> {
    let ranges = &facts.namespace.limits.limit_ranges;
    let deployments = facts.live.deployments.iter().filter_map(|found| {
        let condition = replica_failure(found)?;
        let since = condition.last_transition_time.as_ref().map(|time| time.0);
        let name = found.metadata.name.as_deref().unwrap_or_default();
        let missing = missing_of_deployment(found, ranges)?;
        Some((ObjectName::new("Deployment", name), condition.message.clone()?, since, missing))
    });
    let sets = facts.live.sets.iter().filter_map(|set| {
        let (message, since) = set.refused.clone()?;
        Some((set.object(), message, since, set.missing(ranges)?))
    });
    deployments.chain(sets).filter_map(|(object, message, since, missing)| {
        Some(BlockedObject {
            object,
            missing: Some(missing),
            cause: cause_of_refusal(&message),
            exceeded: exceeded_by(&message)?,
            message: Untrusted::new(message),
            since,
            last: None,
            count: 0,
            is_blocked_now: true,
        })
    })
}

/// Returns the pods that a Deployment lacks; `None` if it lacks none.
fn missing_of_deployment(found: &Deployment, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
    // If no pod is missing, the refused pod is one of the surge. There may be more, but they also fit one after the other.
    let of_surge =
        || replica_failure(found).and_then(|_| missing_pods::one_of_deployment(found, limit_ranges));
    missing_pods::of_deployment_by_status(found, limit_ranges).or_else(of_surge)
}

/// The kinds of objects that could not create a pod and are not in [`LiveJobs::sets`].
#[must_use]
pub fn unknown_sets(live: &LiveJobs) -> BTreeSet<PodSetKind> {
    let refused = live.events.iter().filter(|event| is_failed_create(event));
    let refused = refused.filter_map(|event| {
        let (kind, name) = (event.involved_object.kind.as_deref()?, event.involved_object.name.as_deref()?);
        let kind = PodSetKind::named(kind)?;
        let is_known = live.set(kind, name).is_some();
        let is_owned = kind == PodSetKind::ReplicaSet
            && live.deployments.iter().any(|deployment| owns_replica_set(deployment, name));
        (!is_known && !is_owned).then_some(kind)
    });
    refused.collect()
}

fn is_failed_create(event: &Event) -> bool {
    event.reason.as_deref() == Some("FailedCreate")
}

/// Returns whether an object of an event no longer exists. A run of a scheduled job exists as long as the job. It is not known
/// whether other owners of pods exist, such as a ReplicaSet without a Deployment.
fn is_gone(kind: &str, name: &str, uid: Option<&str>, facts: &JobFacts) -> bool {
    let LiveJobs { deployments, cron_jobs, jobs, .. } = &facts.live;
    let is_named = |metadata: &ObjectMeta| metadata.name.as_deref() == Some(name);
    let is_same = |metadata: &ObjectMeta| {
        is_named(metadata) && uid.is_none_or(|uid| metadata.uid.as_deref().is_none_or(|own| own == uid))
    };
    let is_run =
        |cron_job: &CronJob| cron_job.metadata.name.as_deref().is_some_and(|own| is_generated(name, own));
    match kind {
        "ReplicaSet" => {
            facts.has_kind("Deployment")
                && has_hash(name)
                && facts.live.set(PodSetKind::ReplicaSet, name).is_none()
                && !deployments.iter().any(|found| owns_replica_set(found, name))
        }
        "Deployment" => {
            facts.has_kind("Deployment") && !deployments.iter().any(|found| is_same(&found.metadata))
        }
        "CronJob" => facts.has_kind("CronJob") && !cron_jobs.iter().any(|found| is_same(&found.metadata)),
        "Job" => {
            facts.has_kind("Job")
                && facts.has_kind("CronJob")
                && !jobs.iter().any(|found| is_same(&found.metadata))
                && !cron_jobs.iter().any(is_run)
        }
        _ => false,
    }
}

fn owns_replica_set(deployment: &Deployment, name: &str) -> bool {
    deployment.metadata.name.as_deref().is_some_and(|owner| is_generated(name, owner))
}

/// Pods that are wanted and do not exist.
struct WantedPods {
    /// The pods, if the object is known.
    pods: Option<WaitingPods>,
}

/// Returns the pods that an object still wants. A CronJob only loses the run that was refused.
fn wanted_pods(kind: &str, name: &str, facts: &JobFacts) -> Option<WantedPods> {
    let ranges = &facts.namespace.limits.limit_ranges;
    let set = |kind| facts.live.set(kind, name);
    let Some(kind) = PodSetKind::named(kind) else {
        if kind != ObjectKind::Job.as_str() {
            return None;
        }
        let mut jobs = facts.live.jobs.iter();
        let found = jobs.find(|job| job.metadata.name.as_deref() == Some(name))?;
        return Some(WantedPods { pods: Some(missing_pods::of_job_by_status(found, ranges)?) });
    };
    match kind {
        PodSetKind::ReplicaSet => {
            let mut deployments = facts.live.deployments.iter();
            let missing = match deployments.find(|deployment| owns_replica_set(deployment, name)) {
                Some(found) => missing_of_deployment(found, ranges)?,
                None => set(kind)?.missing(ranges)?,
            };
            Some(WantedPods { pods: Some(missing) })
        }
        PodSetKind::StatefulSet | PodSetKind::DaemonSet | PodSetKind::ReplicationController => {
            match set(kind) {
                Some(set) => Some(WantedPods { pods: Some(set.missing(ranges)?) }),
                None => Some(WantedPods { pods: None }),
            }
        }
    }
}
