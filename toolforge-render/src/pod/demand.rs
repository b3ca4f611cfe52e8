//! From Kubernetes objects to the numbers that quotas count.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{Job, JobSpec};
use k8s_openapi::api::core::v1::{Pod, PodAffinityTerm, PodSpec, ResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use toolforge_quota::{
    Amounts, ComputeResource, ContainerResources, Demand, InitContainer, LimitRange, Limits, PodDemand,
    PodTraits, Pods, Resource, ResourceCheck, ResourceQuota,
};

use crate::object::{Object, ObjectKind, deployment_replicas, deployment_spec, is_paused};
use crate::pod::IndexSet;
use crate::pod::claim::own_claims_demand;

/// The annotation of a Deployment that has a ReplicaSet (Kubernetes 1.33, the Deployment controller).
pub(crate) const REVISION: &str = "deployment.kubernetes.io/revision";

/// The most pods that are listed one by one; no quota of a tool allows that many.
const MOST_PODS: usize = 10_000;

/// How often a Job is retried by default (Kubernetes 1.33).
const BACKOFF_LIMIT: i32 = 6;

/// The resource, without `count/`, that counts ReplicaSets.
pub(crate) const REPLICA_SETS: &str = "replicasets.apps";

/// Returns a pod as stated, without the LimitRanges' defaults.
#[must_use]
pub fn stated_pod(pod: &PodSpec) -> PodDemand {
    let init_containers = pod.init_containers.iter().flatten().map(|container| InitContainer {
        resources: resources_of(container.resources.as_ref()),
        is_sidecar: container.restart_policy.as_deref() == Some("Always"),
    });
    let names = pod.containers.iter().chain(pod.init_containers.iter().flatten());
    let names: Vec<String> = names.map(|container| container.name.clone()).collect();
    PodDemand {
        object: None,
        // A single container needs no name.
        container_names: if names.len() > 1 { names } else { Vec::new() },
        containers: pod.containers.iter().map(|found| resources_of(found.resources.as_ref())).collect(),
        init_containers: init_containers.collect(),
        resources: resources_of(pod.resources.as_ref()),
        overhead: amounts_of(pod.overhead.as_ref()),
        has_deadline: pod.active_deadline_seconds.is_some_and(|seconds| seconds >= 0),
        priority_class: pod.priority_class_name.clone().filter(|name| !name.is_empty()),
        has_cross_namespace_affinity: has_cross_namespace_affinity(pod),
    }
}

/// Returns what one pod requests, with the LimitRanges' defaults if it sets no resources, and the claims of its generic
/// ephemeral volumes.
#[must_use]
pub fn pod_demand(pod: &PodSpec, limit_ranges: &[LimitRange]) -> Demand {
    let mut demand = stated_pod(pod).with_defaults(limit_ranges).demand();
    demand.add_all(&own_claims_demand(pod));
    demand
}

/// Returns what the quotas count of a pod whose containers have terminated for good: the object, and its claims.
pub(crate) fn terminal_demand(pod: &PodSpec) -> Demand {
    let mut demand = PodDemand::terminal_demand();
    demand.add_all(&own_claims_demand(pod));
    demand
}

fn resources_of(resources: Option<&ResourceRequirements>) -> ContainerResources {
    ContainerResources {
        limits: amounts_of(resources.and_then(|resources| resources.limits.as_ref())),
        requests: amounts_of(resources.and_then(|resources| resources.requests.as_ref())),
    }
}

/// Returns amounts; an invalid quantity counts as absent.
fn amounts_of(quantities: Option<&BTreeMap<String, Quantity>>) -> Amounts {
    let amount = |(key, quantity): (&String, &Quantity)| {
        let resource = ComputeResource::from(key.as_str());
        let amount = resource.parse_amount(&quantity.0).ok()?;
        Some((resource, amount))
    };
    quantities.into_iter().flatten().filter_map(amount).collect()
}

fn has_cross_namespace_affinity(pod: &PodSpec) -> bool {
    let is_across = |term: &PodAffinityTerm| {
        term.namespaces.as_ref().is_some_and(|names| !names.is_empty()) || term.namespace_selector.is_some()
    };
    let affinity = pod.affinity.as_ref();
    let near = affinity.and_then(|affinity| affinity.pod_affinity.as_ref()).map(|terms| {
        (
            &terms.required_during_scheduling_ignored_during_execution,
            &terms.preferred_during_scheduling_ignored_during_execution,
        )
    });
    let far = affinity.and_then(|affinity| affinity.pod_anti_affinity.as_ref()).map(|terms| {
        (
            &terms.required_during_scheduling_ignored_during_execution,
            &terms.preferred_during_scheduling_ignored_during_execution,
        )
    });
    near.into_iter().chain(far).any(|(required, preferred)| {
        required.iter().flatten().any(is_across)
            || preferred.iter().flatten().any(|term| is_across(&term.pod_affinity_term))
    })
}

/// Returns what the live pods of a workload use of the quotas now.
///
/// Pods whose containers have terminated for good count for `count/pods` only, with their claims; a terminating pod still counts
/// in full.
pub(crate) fn of_live_pods<'a>(
    pods: impl IntoIterator<Item = &'a Pod>,
    limit_ranges: &[LimitRange],
) -> Demand {
    let mut demand = Demand::default();
    for pod in pods {
        if has_ended(pod) {
            demand.add_all(&terminal_demand(&pod.spec.clone().unwrap_or_default()));
        } else if let Some(spec) = &pod.spec {
            demand.add_all(&pod_demand(spec, limit_ranges));
        }
    }
    demand
}

/// Returns the pods that an object keeps running: all replicas of a Deployment, unless it [waits](waits_for_unpausing) to be
/// unpaused, the pod of a Job. A CronJob has none between its runs.
pub(crate) fn pods_of(object: &Object, limit_ranges: &[LimitRange]) -> Pods {
    let count = match object {
        Object::Deployment(deployment) if waits_for_unpausing(deployment) => 0,
        Object::Deployment(deployment) => deployment_replicas(deployment),
        Object::Job(job) => job_pods(job),
        Object::CronJob(_) | Object::Service(_) | Object::Ingress(_) | Object::HttpRoute(_) => 0,
    };
    Pods { count, each: one_pod_of(object, limit_ranges) }
}

/// Returns whether a Deployment is paused before it has its first ReplicaSet: its controller creates nothing for it (Kubernetes
/// 1.33).
pub(crate) fn waits_for_unpausing(deployment: &Deployment) -> bool {
    let annotations = deployment.metadata.annotations.as_ref();
    let has_revision = annotations.is_some_and(|annotations| annotations.contains_key(REVISION));
    is_paused(deployment) && !has_revision
}

/// Returns how many pods a Job runs at once: its parallelism, or fewer if fewer have to complete; none while it is
/// suspended.
pub(crate) fn job_pods(job: &Job) -> u64 {
    job.spec.as_ref().map_or(1, |spec| if spec.suspend == Some(true) { 0 } else { parallel_pods(spec) })
}

/// Returns the usage of a Job's succeeded pods while the last ones run: their objects are kept as long as the Job
/// (Kubernetes 1.33, the Job controller).
pub(crate) fn succeeded_demand(spec: &JobSpec) -> Demand {
    succeeded_before(spec, parallel_pods(spec))
}

/// Returns the usage of a Job's succeeded pods while a number of pods runs and these are the last ones.
pub(crate) fn succeeded_before(spec: &JobSpec, running: u64) -> Demand {
    let completions = spec.completions.map_or(0, |wanted| u64::try_from(wanted).unwrap_or(0));
    let each = spec.template.spec.as_ref().map(terminal_demand).unwrap_or_default();
    if spec.suspend == Some(true) {
        return Demand::default();
    }
    each.times(completions.saturating_sub(running))
}

/// Returns how many pods of a Job must fit at once: one, as its controller creates refused ones when others have finished; all
/// of them if a deadline counts from the start of the Job (Kubernetes 1.33, the Job controller).
pub(crate) fn least_pods(spec: &JobSpec) -> u64 {
    let all = parallel_pods(spec);
    if spec.active_deadline_seconds.is_some() { all } else { all.min(1) }
}

/// Returns the demand of a Job's pods, including succeeded ones, while only as many run as must fit at once. `each` is what one
/// pod requests.
pub(crate) fn least_demand(spec: &JobSpec, each: &Demand) -> Demand {
    let running = least_pods(spec);
    let mut demand = each.times(running);
    demand.add_all(&succeeded_before(spec, running));
    demand
}

/// Returns what a pod of a Job that requests `each` frees when it has succeeded: if a number of pods has to succeed, its object
/// is kept as long as the Job.
pub(crate) fn freed_at_end(spec: &JobSpec, each: &Demand) -> Demand {
    let stays = match (spec.completions, &spec.template.spec) {
        (Some(_), Some(pod)) => terminal_demand(pod),
        _ => Demand::default(),
    };
    let freed =
        |(resource, amount): (&Resource, u64)| (resource.clone(), amount.saturating_sub(stays.get(resource)));
    each.iter().map(freed).collect()
}

/// Returns whether the pods of a Job may be created one after the other.
pub(crate) fn may_wait(spec: &JobSpec) -> bool {
    spec.suspend != Some(true) && spec.active_deadline_seconds.is_none() && parallel_pods(spec) > 0
}

/// Returns what the failed pods of a Job use while it is retried: their objects are kept as long as the Job.
pub(crate) fn retry_demand(spec: &JobSpec) -> Demand {
    let pod = spec.template.spec.as_ref().filter(|_| spec.suspend != Some(true));
    pod.map(|pod| terminal_demand(pod).times(retries_of(spec))).unwrap_or_default()
}

/// Returns how many pods a Job creates to replace failed ones. With a restart policy other than `Never`, the containers of
/// the same pod are restarted instead (Kubernetes 1.33, the Job controller).
pub(crate) fn retries_of(spec: &JobSpec) -> u64 {
    let policy = spec.template.spec.as_ref().and_then(|pod| pod.restart_policy.as_deref());
    if policy != Some("Never") {
        return 0;
    }
    let count = |number: i32| u64::try_from(number).unwrap_or(0);
    match spec.backoff_limit_per_index {
        // Without a limit for their sum, the pods of each index have as many retries.
        Some(each) => {
            let all = count(each).saturating_mul(spec.completions.map_or(0, count));
            spec.backoff_limit.map_or(all, |limit| all.min(count(limit)))
        }
        None => failures_allowed(spec),
    }
}

/// Returns after how many failed pods a Job still continues, as far as it limits all of them together.
pub(crate) fn failures_allowed(spec: &JobSpec) -> u64 {
    let default = if spec.backoff_limit_per_index.is_some() { i32::MAX } else { BACKOFF_LIMIT };
    u64::try_from(spec.backoff_limit.unwrap_or(default)).unwrap_or(0)
}

/// Returns what one run of a scheduled or one-off job requests while none of its pods fails: its Job and its pods, including
/// succeeded ones. `each` is what one pod requests.
pub(crate) fn run_demand(spec: &JobSpec, each: &Demand) -> Demand {
    let mut demand = each.times(parallel_pods(spec));
    demand.add_all(&succeeded_demand(spec));
    demand.add_all(&count_demand(ObjectKind::Job));
    demand
}

/// Returns the minimum that one run of a scheduled job requests to take place while none of its pods fails: its Job and
/// its pods, including succeeded ones.
pub(crate) fn least_run_demand(spec: &JobSpec, each: &Demand) -> Demand {
    let mut demand = least_demand(spec, each);
    demand.add_all(&count_demand(ObjectKind::Job));
    demand
}

/// Returns what decides which quotas count a pod.
pub(crate) fn traits_of(spec: &PodSpec, limit_ranges: &[LimitRange]) -> PodTraits {
    stated_pod(spec).with_defaults(limit_ranges).traits()
}

/// Returns the resources that a run with this demand and these pods exceeds even in an empty namespace.
pub(crate) fn shortfalls_when_empty(run: &Demand, pods: &[PodDemand], limits: &Limits) -> Vec<ResourceCheck> {
    let quotas = limits.quotas.iter().map(ResourceQuota::without_usage).collect();
    let empty = Limits { quotas, ..Limits::default() };
    empty.evaluate(&Demand::default(), run, pods).shortfalls().cloned().collect()
}

/// Returns how many pods a Job runs at once, even if it is suspended.
pub(crate) fn parallel_pods(spec: &JobSpec) -> u64 {
    let parallelism = spec.parallelism.unwrap_or(1);
    u64::try_from(spec.completions.map_or(parallelism, |wanted| parallelism.min(wanted))).unwrap_or(0)
}

/// Returns how many pods a Job runs at once from now on, even if it is suspended, after some have succeeded and some indexes have
/// failed for good (Kubernetes 1.33, `manageJob` of the Job controller).
pub(crate) fn remaining_pods(spec: &JobSpec, succeeded: u64, failed_indexes: &IndexSet) -> u64 {
    match spec.completions {
        // A succeeded pod is replaced by another one as long as more have to succeed.
        Some(all) => remaining_completions(all, succeeded, failed_indexes).min(parallel_pods(spec)),
        // Once a pod has succeeded, the others only finish.
        None if succeeded > 0 => 0,
        None => parallel_pods(spec),
    }
}

/// Returns how many pods of a Job with these completions still have to succeed.
pub(crate) fn remaining_completions(all: i32, succeeded: u64, failed_indexes: &IndexSet) -> u64 {
    let all = u64::try_from(all).unwrap_or(0);
    all.saturating_sub(succeeded).saturating_sub(failed_indexes.count())
}

/// Returns a number of a status, which lacks it if it is 0.
pub(crate) fn status_count(number: Option<i32>) -> u64 {
    number.map_or(0, |number| u64::try_from(number).unwrap_or(0))
}

/// Returns the pods of a Deployment as if all of them ran.
pub(crate) fn running_pods(deployment: &Deployment) -> Vec<Pod> {
    let Some(spec) = deployment_spec(deployment) else { return Vec::new() };
    let pod = Pod {
        metadata: spec.template.metadata.clone().unwrap_or_default(),
        spec: spec.template.spec.clone(),
        ..Pod::default()
    };
    vec![pod; usize::try_from(spec.replicas.unwrap_or(1)).unwrap_or(0).min(MOST_PODS)]
}

/// Returns what one pod that an object creates requests.
pub(crate) fn one_pod_of(object: &Object, limit_ranges: &[LimitRange]) -> Demand {
    let spec = object.pod_template().and_then(|template| template.spec.as_ref());
    spec.map(|spec| pod_demand(spec, limit_ranges)).unwrap_or_default()
}

/// Returns what an object of a kind counts for in the quotas, without its pods.
pub(crate) fn count_demand(kind: ObjectKind) -> Demand {
    let mut demand = kind.known().object_demand();
    if kind == ObjectKind::Deployment {
        // The pods' ReplicaSet is also an object of the namespace.
        demand.add(Resource::Count(REPLICA_SETS.to_owned()), 1);
    }
    demand
}

/// Returns whether all containers of a pod have terminated for good, so it uses no CPU or memory.
#[must_use]
pub fn has_ended(pod: &Pod) -> bool {
    let phase = pod.status.as_ref().and_then(|status| status.phase.as_deref());
    matches!(phase, Some("Succeeded" | "Failed"))
}
