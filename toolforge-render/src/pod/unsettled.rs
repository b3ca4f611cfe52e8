//! Pods that the quotas do not count yet, or not for much longer.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentCondition};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_quota::{FinitePod, LimitRange, Limits, ObjectName, TerminatingPod, WaitingPods};

use crate::object::{condition_text, controller_of, deployment_spec, is_of_deployment};
use crate::pod::missing_pods::{self, is_staying, is_within_limits, selects};
use crate::pod::{AdmissionRefusal, cause_of_refusal, has_ended, pod_demand, traits_of, waits_for_unpausing};

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

/// Returns limits with the pods that controllers are about to create, with terminating pods, and with those that the quotas
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
        // Missing pods are only known for Deployments, from their status.
        let creating = deployments.iter().filter(|found| may_create(found, ranges));
        let waiting = creating.filter_map(|found| missing_pods::of_deployment_by_status(found, ranges));
        return Limits { waiting: waiting.collect(), ..limits };
    }
    let creating = deployments.iter().filter(|found| may_create(found, ranges));
    let of_deployments = creating.filter_map(|found| missing_pods::of_deployment(found, pods, ranges));
    let creating = jobs.iter().filter(|job| {
        let template = job.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        template.is_none_or(|pod| is_within_limits(pod, ranges))
    });
    let of_jobs = creating.filter_map(|job| missing_pods::of_job(job, pods, ranges));
    let waiting: Vec<WaitingPods> = of_deployments.chain(of_jobs).collect();
    let may_be_replaced = |pod: &Pod| {
        let Some(owner) = controller_of(&pod.metadata) else { return false };
        // Objects that files do not contain may exist.
        let may_exist = |is_known: bool| time == FetchTime::Unknown && !is_known;
        match owner.kind.as_str() {
            // The pods that a Deployment is about to create are counted separately.
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

/// Returns whether the quotas no longer count a terminating pod: it is past its grace period once more, for example on a lost
/// node (Kubernetes 1.33, `QuotaV1Pod`). Such a pod remains an object, which `count/pods` counts, and it is not known when
/// it is gone.
fn is_past_grace_period(pod: &Pod, now: Timestamp) -> bool {
    let until = pod.metadata.deletion_timestamp.as_ref().map(|time| time.0);
    let grace = pod.metadata.deletion_grace_period_seconds.map(SignedDuration::from_secs);
    until.zip(grace).and_then(|(until, grace)| until.checked_add(grace).ok()).is_some_and(|end| now > end)
}

/// Changes limits and live pods to their state once all terminating pods are gone, except those that new pods may
/// replace.
pub(crate) fn remove_terminating_pods(limits: &mut Limits, pods: &mut Vec<Pod>) {
    let is_gone = |pod: &Pod, terminating: &TerminatingPod| {
        !terminating.may_be_replaced && terminating.object() == pod_id(pod)
    };
    pods.retain(|pod| !limits.terminating.iter().any(|terminating| is_gone(pod, terminating)));
    *limits = std::mem::take(limits).without_terminating_pods();
}

/// Returns a running pod of a Job, or one without a controller that is never restarted, such as a shell. One whose containers
/// have been restarted does not count: nothing says that it finishes.
fn finite_pod(pod: &Pod, limit_ranges: &[LimitRange]) -> Option<FinitePod> {
    let controller = controller_of(&pod.metadata);
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

/// Returns whether the pods that a Deployment lacks are about to be created: not those that are refused regardless of a quota's
/// usage.
fn may_create(deployment: &Deployment, limit_ranges: &[LimitRange]) -> bool {
    let pod = deployment_spec(deployment).and_then(|spec| spec.template.spec.as_ref());
    !is_stuck(deployment) && pod.is_none_or(|pod| is_within_limits(pod, limit_ranges))
}

/// Returns whether the controllers cannot create a Deployment's pods until something is changed: it is paused before its first
/// ReplicaSet, or the API server refuses the ReplicaSet or the pods, and not because of a quota's usage.
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

/// Returns whether a pod that was refused with this message may be created without being changed.
pub(super) fn may_be_admitted(message: &str) -> bool {
    let is_quota = matches!(AdmissionRefusal::parse(message), Some(AdmissionRefusal::Quota { .. }));
    is_quota || !cause_of_refusal(message).is_terminal()
}

/// Returns the kind and the name of a pod.
pub(crate) fn pod_id(pod: &Pod) -> ObjectName {
    ObjectName::of_pod(pod.metadata.name.as_deref().unwrap_or_default())
}
