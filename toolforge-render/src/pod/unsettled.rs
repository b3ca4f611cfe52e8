//! Pods that the quotas do not count yet, or not for long.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_quota::{Demand, FinitePod, LimitRange, Limits, ObjectName, TerminatingPod, WaitingPods};

use crate::object::{Object, condition_text, deployment_spec, has_labels};
use crate::pod::{
    AdmissionRefusal, cause_of_refusal, has_ended, pod_demand, pods_of, stated_pod, traits_of,
    waits_for_unpausing,
};

/// The condition of an object whose pods the API server refuses.
pub(crate) const REPLICA_FAILURE: &str = "ReplicaFailure";

/// Returns the condition of a Deployment whose pods the API server refuses.
pub(crate) fn replica_failure(deployment: &Deployment) -> Option<&DeploymentCondition> {
    let conditions = deployment.status.as_ref()?.conditions.iter().flatten();
    conditions.into_iter().find(|condition| {
        condition_text(&condition.type_) == Some(REPLICA_FAILURE)
            && condition_text(&condition.status) == Some("True")
    })
}

/// When pods were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchTime {
    /// They were fetched from the cluster at this time, with all Deployments and Jobs.
    Now(Timestamp),
    /// They are from files, which do not say when they were written.
    Unknown,
}

/// Returns limits with the pods that controllers are about to create, with those that terminate, and with those that the quotas
/// no longer count although they exist.
#[must_use]
pub fn with_unsettled_pods(
    limits: Limits,
    deployments: &[Deployment],
    jobs: &[Job],
    pods: &[Pod],
    time: FetchTime,
) -> Limits {
    let ranges = &limits.limit_ranges;
    if time == FetchTime::Unknown && pods.is_empty() {
        // Which pods are missing is only known of Deployments, by their status.
        let waiting = deployments.iter().filter_map(|found| by_status(found, ranges)).collect();
        return Limits { waiting, ..limits };
    }
    let mut waiting: Vec<WaitingPods> =
        deployments.iter().filter_map(|found| of_deployment(found, pods, ranges)).collect();
    waiting.extend(jobs.iter().filter_map(|job| of_job(job, pods, ranges)));
    let may_be_replaced = |pod: &Pod| {
        let Some(owner) = controller(pod) else { return false };
        // What files do not contain may exist.
        let may_exist = |is_known: bool| time == FetchTime::Unknown && !is_known;
        match owner.kind.as_str() {
            // The pods that a Deployment is about to create count themselves.
            "ReplicaSet" if deployments.iter().any(|found| selects(found, pod)) => false,
            "ReplicaSet" => !is_of_deployment(pod) || may_exist(false),
            "Job" => may_exist(jobs.iter().any(|job| job.metadata.uid.as_ref() == Some(&owner.uid))),
            _ => true,
        }
    };
    let of_pod = |pod: &Pod| {
        let may_be_replaced = may_be_replaced(pod);
        Some(TerminatingPod { may_be_replaced, ..terminating(pod, ranges)? })
    };
    let mut terminating: Vec<TerminatingPod> = pods.iter().filter_map(of_pod).collect();
    let uncounted = match time {
        FetchTime::Now(now) => {
            let stuck = pods.iter().filter(|pod| is_past_grace_period(pod, now));
            stuck.filter_map(of_pod).map(TerminatingPod::without_object).collect()
        }
        FetchTime::Unknown => {
            let staying = pods.iter().filter(|pod| is_staying(pod)).filter_map(|pod| pod.spec.as_ref());
            let staying = staying.map(|spec| (pod_demand(spec, ranges), traits_of(spec, ranges)));
            limits.uncounted_pods(&staying.collect::<Vec<_>>(), &terminating)
        }
    };
    terminating.retain(|pod| !uncounted.iter().any(|other| other.name == pod.name));
    let finite_pods = pods.iter().filter_map(|pod| finite_pod(pod, ranges)).collect();
    Limits { waiting, terminating, uncounted, finite_pods, ..limits }
}

/// Returns whether the quotas no longer count a pod that terminates: it is past its grace period once more, for example on a node
/// that is lost (Kubernetes 1.33, `QuotaV1Pod`). Such a pod stays an object, which `count/pods` counts, and it is not known when
/// it is gone.
fn is_past_grace_period(pod: &Pod, now: Timestamp) -> bool {
    let until = pod.metadata.deletion_timestamp.as_ref().map(|time| time.0);
    let grace = pod.metadata.deletion_grace_period_seconds.map(SignedDuration::from_secs);
    until.zip(grace).and_then(|(until, grace)| until.checked_add(grace).ok()).is_some_and(|end| now > end)
}

pub(super) fn controller(pod: &Pod) -> Option<&OwnerReference> {
    pod.metadata.owner_references.iter().flatten().find(|owner| owner.controller == Some(true))
}

/// Returns whether a pod is of a ReplicaSet that a Deployment controls, which labels its pods.
fn is_of_deployment(pod: &Pod) -> bool {
    pod.metadata.labels.as_ref().is_some_and(|labels| labels.contains_key("pod-template-hash"))
}

/// Returns whether a Deployment selects a pod as one of its own.
fn selects(deployment: &Deployment, pod: &Pod) -> bool {
    let selector = deployment_spec(deployment).and_then(|spec| spec.selector.match_labels.as_ref());
    selector.is_some_and(|selector| has_labels(pod.metadata.labels.as_ref(), selector))
}

/// Changes limits and live pods to what they are once all terminating pods are gone, except those in whose place others may be
/// created.
pub(crate) fn remove_terminating_pods(limits: &mut Limits, pods: &mut Vec<Pod>) {
    let is_gone = |pod: &Pod, terminating: &TerminatingPod| {
        !terminating.may_be_replaced && terminating.object() == pod_id(pod)
    };
    pods.retain(|pod| !limits.terminating.iter().any(|terminating| is_gone(pod, terminating)));
    *limits = std::mem::take(limits).without_terminating_pods();
}

/// Returns a running pod of a Job, or one without a controller that is never restarted, such as a shell. One whose containers
/// have been restarted does not count: nothing says that it ends.
fn finite_pod(pod: &Pod, limit_ranges: &[LimitRange]) -> Option<FinitePod> {
    let controller = controller(pod);
    let is_unowned = controller.is_none();
    let is_never_restarted =
        || pod.spec.as_ref().and_then(|spec| spec.restart_policy.as_deref()) == Some("Never");
    let owner = match controller {
        Some(owner) => (owner.kind == "Job").then(|| ObjectName::new("Job", owner.name.as_str()))?,
        None => is_never_restarted().then(|| pod_id(pod))?,
    };
    if !is_staying(pod) {
        return None;
    }
    let statuses = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    if statuses.into_iter().flatten().any(|status| status.restart_count > 0) {
        return None;
    }
    let spec = pod.spec.as_ref()?;
    let (demand, traits) = (pod_demand(spec, limit_ranges), traits_of(spec, limit_ranges));
    let pod = TerminatingPod { name: pod_id(pod).name, demand, traits, ..TerminatingPod::default() };
    let TerminatingPod { name, demand, traits, .. } = pod.without_object();
    Some(FinitePod { owner, is_unowned, name, demand, traits })
}

fn terminating(pod: &Pod, limit_ranges: &[LimitRange]) -> Option<TerminatingPod> {
    let until = pod.metadata.deletion_timestamp.as_ref()?.0.as_second();
    let spec = pod.spec.as_ref().filter(|_| !has_ended(pod))?;
    let (demand, traits) = (pod_demand(spec, limit_ranges), traits_of(spec, limit_ranges));
    Some(TerminatingPod { name: pod_id(pod).name, until, demand, traits, may_be_replaced: false })
}

fn of_deployment(deployment: &Deployment, pods: &[Pod], limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
    deployment_spec(deployment)?.selector.match_labels.as_ref()?;
    if is_stuck(deployment) {
        return None;
    }
    let created = pods.iter().filter(|pod| selects(deployment, pod)).filter(|pod| is_staying(pod)).count();
    waiting(&Object::from(deployment.clone()), created, limit_ranges)
}

/// Returns the pods of a Deployment that are not created yet, as its status counts them; `None` if it does not.
fn by_status(deployment: &Deployment, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
    let status = deployment.status.as_ref().filter(|status| status.observed_generation.is_some())?;
    if is_stuck(deployment) {
        return None;
    }
    let created = usize::try_from(status.replicas.unwrap_or(0)).unwrap_or(0);
    waiting(&Object::from(deployment.clone()), created, limit_ranges)
}

fn of_job(job: &Job, pods: &[Pod], limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
    let status = job.status.as_ref();
    let is_over =
        status.and_then(|status| status.conditions.as_ref()).into_iter().flatten().any(|condition| {
            condition.status == "True" && matches!(condition.type_.as_str(), "Complete" | "Failed")
        });
    if is_over || job.spec.as_ref()?.suspend == Some(true) {
        return None;
    }
    let uid = job.metadata.uid.as_deref();
    let owners = |pod: &Pod| pod.metadata.owner_references.clone().into_iter().flatten();
    let is_own = |pod: &&Pod| owners(pod).any(|owner| Some(owner.uid.as_str()) == uid);
    // A pod that has ended may be the last one, which the Job does not know yet.
    let own: Vec<&Pod> = pods.iter().filter(is_own).filter(|pod| has_ended(pod) || is_staying(pod)).collect();
    let succeeded = own.iter().filter(|pod| has_succeeded(pod)).count();
    // Another pod takes the place of one that has succeeded, as long as more have to.
    let spec = job.spec.as_ref()?;
    let parallelism = usize::try_from(spec.parallelism.unwrap_or(1)).unwrap_or(0);
    let further = spec
        .completions
        .map_or(0, |wanted| usize::try_from(wanted).unwrap_or(0).saturating_sub(parallelism).min(succeeded));
    waiting(&Object::from(job.clone()), own.len() - further, limit_ranges)
}

/// Returns the pods of an object that are not created yet.
///
/// A pod that breaks a limit never is.
fn waiting(object: &Object, created: usize, limit_ranges: &[LimitRange]) -> Option<WaitingPods> {
    let metadata = match object {
        Object::Deployment(found) => &found.metadata,
        Object::Job(found) => &found.metadata,
        _ => return None,
    };
    if metadata.deletion_timestamp.is_some() || breaks_limits(object, limit_ranges) {
        return None;
    }
    let wanted = pods_of(object, limit_ranges);
    let count = wanted.count.saturating_sub(u64::try_from(created).unwrap_or(u64::MAX));
    let owner = object.id().into();
    let spec = object.pod_template().and_then(|template| template.spec.as_ref());
    let traits = spec.map(|spec| traits_of(spec, limit_ranges)).unwrap_or_default();
    let run_to_completion = matches!(object, Object::Job(_));
    (count > 0).then_some(WaitingPods { owner, run_to_completion, count, each: wanted.each, traits })
}

fn breaks_limits(object: &Object, limit_ranges: &[LimitRange]) -> bool {
    let Some(spec) = object.pod_template().and_then(|template| template.spec.as_ref()) else { return false };
    let limits = Limits { limit_ranges: limit_ranges.to_vec(), ..Limits::default() };
    let pod = stated_pod(spec).with_defaults(limit_ranges);
    !limits.evaluate(&Demand::default(), &Demand::default(), &[pod]).fits()
}

/// Returns whether the controllers cannot create a Deployment's pods until something is changed: it is paused before its first
/// ReplicaSet, or the API server refuses the ReplicaSet or the pods, and not because of what is used of a quota.
fn is_stuck(deployment: &Deployment) -> bool {
    if waits_for_unpausing(deployment) {
        return true;
    }
    let Some(status) = &deployment.status else { return false };
    if status.observed_generation < deployment.metadata.generation {
        return false;
    }
    let message = |condition: &DeploymentCondition| condition.message.clone().unwrap_or_default();
    status.conditions.iter().flatten().any(|condition| {
        let reason = condition.reason.as_deref();
        match (condition_text(&condition.type_), condition_text(&condition.status), reason) {
            (Some(REPLICA_FAILURE), Some("True"), _) => !may_be_admitted(&message(condition)),
            (Some("Progressing"), Some("False"), Some("ReplicaSetCreateError")) => {
                cause_of_refusal(&message(condition)).is_terminal()
            }
            _ => false,
        }
    })
}

/// Returns whether a pod that was refused with this message may be created without a change of it.
pub(super) fn may_be_admitted(message: &str) -> bool {
    let is_quota = matches!(AdmissionRefusal::parse(message), Some(AdmissionRefusal::Quota { .. }));
    is_quota || !cause_of_refusal(message).is_terminal()
}

fn has_succeeded(pod: &Pod) -> bool {
    pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some("Succeeded"))
}

fn is_staying(pod: &Pod) -> bool {
    !has_ended(pod) && pod.metadata.deletion_timestamp.is_none()
}

/// Returns the kind and the name of a pod.
pub(crate) fn pod_id(pod: &Pod) -> ObjectName {
    ObjectName::of_pod(pod.metadata.name.as_deref().unwrap_or_default())
}
