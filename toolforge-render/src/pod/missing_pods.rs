//! Pods that objects want but that are not created yet, according to the existing pods or to the objects' status.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Pod, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_quota::{Demand, LimitRange, Limits, ObjectName, WaitingPods};

use crate::object::{JobEnd, Object, deployment_spec, has_labels, is_owned_by};
use crate::pod::{
    IndexSet, failures_allowed, has_ended, pod_demand, pods_of, remaining_pods, stated_pod, status_count,
    traits_of,
};

/// The finalizer of a Job's finished pods that the Job's status does not count yet (Kubernetes 1.33, the Job controller).
const JOB_TRACKING: &str = "batch.kubernetes.io/job-tracking";

/// The annotation of an indexed Job's pods with their index (Kubernetes 1.33, the Job controller).
const COMPLETION_INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// Returns the pods that a Deployment lacks; `None` if it lacks none, or has no selector.
pub(super) fn of_deployment(
    deployment: &Deployment,
    pods: &[Pod],
    limit_ranges: &[LimitRange],
) -> Option<WaitingPods> {
    deployment_spec(deployment)?.selector.match_labels.as_ref()?;
    let created = pods.iter().filter(|pod| selects(deployment, pod) && is_staying(pod)).count();
    lacking(deployment, u64::try_from(created).unwrap_or(u64::MAX), limit_ranges)
}

/// Returns the pods that a Deployment lacks according to its status; `None` if it lacks none, or has no status.
pub(crate) fn of_deployment_by_status(
    deployment: &Deployment,
    limit_ranges: &[LimitRange],
) -> Option<WaitingPods> {
    let status = deployment.status.as_ref().filter(|status| status.observed_generation.is_some())?;
    lacking(deployment, status_count(status.replicas), limit_ranges)
}

fn lacking(deployment: &Deployment, created: u64, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
    let object = Object::from(deployment.clone());
    let wanted = pods_of(&object, limit_ranges).count;
    of_object(&object, &deployment.metadata, wanted.saturating_sub(created), limit_ranges)
}

/// Returns one more pod of a Deployment than it has.
pub(crate) fn one_of_deployment(deployment: &Deployment, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
    of_object(&Object::from(deployment.clone()), &deployment.metadata, 1, limit_ranges)
}

/// Returns the pods that a Job is about to create; `None` if there are none.
pub(super) fn of_job(job: &Job, pods: &[Pod], limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
    let uid = job.metadata.uid.as_deref();
    let own: Vec<&Pod> = pods.iter().filter(|pod| is_owned_by(&pod.metadata, uid)).collect();
    let spec = job.spec.as_ref()?;
    let number = |is_counted: &dyn Fn(&Pod) -> bool| {
        u64::try_from(own.iter().filter(|pod| is_counted(pod)).count()).unwrap_or(u64::MAX)
    };
    let status = job.status.as_ref();
    let failed = match spec.pod_failure_policy {
        // The controller may have ignored the failure of a pod.
        Some(_) => status_count(status.and_then(|status| status.failed)),
        None => number(&|pod| is_in(pod, "Failed")),
    };
    if failed > failures_allowed(spec) {
        return None;
    }
    let failed_indexes = IndexSet::failed(status);
    // A failed pod may be the last one, which the Job's status does not show yet; with indexes, the last one of its index.
    let may_be_last = |pod: &Pod| {
        let is_uncounted = pod.metadata.finalizers.iter().flatten().any(|name| name == JOB_TRACKING);
        let is_known = index_of(pod).is_some_and(|index| failed_indexes.contains(index));
        is_in(pod, "Failed") && (is_uncounted || spec.backoff_limit_per_index.is_some()) && !is_known
    };
    let active = number(&|pod| is_staying(pod) || may_be_last(pod));
    let succeeded =
        number(&|pod| is_in(pod, "Succeeded")).max(status_count(status.and_then(|status| status.succeeded)));
    of_object(&Object::from(job.clone()), &job.metadata, missing_of_job(job, active, succeeded), limit_ranges)
}

/// Returns the pods that a Job is about to create according to its status; `None` if there are none.
pub(crate) fn of_job_by_status(job: &Job, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
    let status = job.status.clone().unwrap_or_default();
    let missing = missing_of_job(job, status_count(status.active), status_count(status.succeeded));
    of_object(&Object::from(job.clone()), &job.metadata, missing, limit_ranges)
}

/// Returns the index of an indexed Job's pod.
fn index_of(pod: &Pod) -> Option<u64> {
    pod.metadata.annotations.as_ref()?.get(COMPLETION_INDEX)?.parse().ok()
}

/// Returns how many pods a Job that has this many creates at once.
fn missing_of_job(job: &Job, active: u64, succeeded: u64) -> u64 {
    let Some(spec) = job.spec.as_ref().filter(|spec| spec.suspend != Some(true)) else { return 0 };
    if JobEnd::of(job).is_some() {
        return 0;
    }
    remaining_pods(spec, succeeded, &IndexSet::failed(job.status.as_ref())).saturating_sub(active)
}

/// Returns the pods of a Deployment or Job that are missing; `None` if none are, or if it is being deleted.
fn of_object(
    object: &Object,
    metadata: &ObjectMeta,
    count: u64,
    limit_ranges: &[LimitRange],
) -> Option<WaitingPods> {
    let spec = object.pod_template().and_then(|template| template.spec.clone()).unwrap_or_default();
    let missing = WaitingPods {
        run_to_completion: matches!(object, Object::Job(_)),
        ..missing_pods(object.id().into(), count, &spec, limit_ranges)?
    };
    metadata.deletion_timestamp.is_none().then_some(missing)
}

/// Returns the missing pods of an object that do not finish once they run; `None` if there are none.
pub(super) fn missing_pods(
    owner: ObjectName,
    count: u64,
    pod: &PodSpec,
    limit_ranges: &[LimitRange],
) -> Option<WaitingPods> {
    (count > 0).then(|| WaitingPods {
        owner,
        run_to_completion: false,
        count,
        each: pod_demand(pod, limit_ranges),
        traits: traits_of(pod, limit_ranges),
    })
}

/// Returns whether a pod is within the limits of LimitRanges; one that is not is never created.
pub(super) fn is_within_limits(pod: &PodSpec, limit_ranges: &[LimitRange]) -> bool {
    let limits = Limits { limit_ranges: limit_ranges.to_vec(), ..Limits::default() };
    let pod = stated_pod(pod).with_defaults(limit_ranges);
    limits.evaluate(&Demand::default(), &Demand::default(), &[pod]).fits()
}

/// Returns whether a Deployment selects a pod as one of its own.
pub(super) fn selects(deployment: &Deployment, pod: &Pod) -> bool {
    let selector = deployment_spec(deployment).and_then(|spec| spec.selector.match_labels.as_ref());
    selector.is_some_and(|selector| has_labels(pod.metadata.labels.as_ref(), selector))
}

/// Returns whether a pod has not finished and is not terminating.
pub(super) fn is_staying(pod: &Pod) -> bool {
    !has_ended(pod) && pod.metadata.deletion_timestamp.is_none()
}

fn is_in(pod: &Pod, phase: &str) -> bool {
    pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some(phase))
}
