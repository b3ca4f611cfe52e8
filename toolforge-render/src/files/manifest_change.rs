//! What applying an object of a manifest changes, and what that frees and requests.

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet};
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, PodSpec, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use serde_json::Value;
use toolforge_quota::{ClaimDemand, Demand, LimitRange, PodDemand, Pods, Resource};

use crate::change::{Action, Change, ChangeDemand, Downtime, PodReplacement, Rollout, WorkloadKind};
use crate::files::FilePlanFacts;
use crate::files::comparable::{is_same, replaces_pods};
use crate::files::service::service_demand;
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{
    JobEnd, Object, ObjectKind, cron_job_spec, daemon_set_spec, deployment_spec, has_labels, is_owned_by,
    is_paused, replica_set_spec,
};
use crate::pod::{
    IndexSet, REPLICA_SETS, claim_demand, claimed, count_demand, has_ended, job_pods, kept_jobs,
    of_live_pods, own_claims, parallel_pods, pod_demand, pod_id, pods_of, remaining_completions,
    retry_demand, revision_of, scheduled_run, stated_pod, status_count, terminal_demand, waits_for_unpausing,
};

/// Returns whether the object of a manifest is created, or the live one updated or kept; `afterwards` is the resulting object.
pub(super) fn action_of(manifest: &Manifest, afterwards: &Manifest, live: Option<&Value>) -> Action {
    match live {
        None => Action::Create,
        Some(live) if is_same(manifest, afterwards, live) => Action::Keep,
        Some(_) => Action::Update,
    }
}

/// Returns the change of a manifest's object; the manifest is the resulting object.
pub(super) fn change_of(manifest: &Manifest, action: Action, facts: &FilePlanFacts) -> Change {
    let mut change = Change::new(WorkloadKind::Manifest, manifest.to_string(), action);
    change.object = Some(manifest.object_name());
    if let ManifestObject::CronJob(wanted) = &manifest.object {
        change.cron_job = Some(wanted.clone());
    }
    if action == Action::Keep {
        return change;
    }
    let limit_ranges = &facts.jobs.namespace.limits.limit_ranges;
    let planned = Planned { manifest, facts, limit_ranges, pod: created_pod(manifest, facts) };
    match &manifest.object {
        ManifestObject::Deployment(wanted) => planned.deployment(&mut change, wanted),
        ManifestObject::StatefulSet(wanted) => planned.stateful_set(&mut change, wanted),
        ManifestObject::ReplicaSet(wanted) => {
            let replicas = replica_set_spec(wanted).and_then(|spec| spec.replicas);
            planned.scaled(&mut change, replicas_or_one(replicas));
        }
        ManifestObject::ReplicationController(wanted) => {
            let replicas = wanted.spec.as_ref().and_then(|spec| spec.replicas);
            planned.scaled(&mut change, replicas_or_one(replicas));
        }
        ManifestObject::DaemonSet(wanted) => planned.daemon_set(&mut change, wanted),
        ManifestObject::Job(wanted) => planned.job(&mut change, wanted),
        ManifestObject::Pod(_) => planned.pod(&mut change),
        ManifestObject::CronJob(wanted) => {
            planned.object(&mut change, &Demand::default(), &Demand::default());
            if cron_job_spec(wanted).is_none_or(|spec| spec.suspend != Some(true)) {
                change.demand.pods = planned.pods();
                change.demand.run = scheduled_run(wanted, &planned.pods_of_count(1).each);
            }
            // A suspended one keeps them, too.
            change.demand.kept = Some(kept_jobs(wanted, limit_ranges));
        }
        ManifestObject::Service(wanted) => {
            let before = facts.live.typed::<Service>(manifest);
            let before = before.map(|live| service_demand(&live)).unwrap_or_default();
            planned.object(&mut change, &before, &service_demand(wanted));
        }
        ManifestObject::PersistentVolumeClaim(wanted) => {
            let before = facts.live.typed::<PersistentVolumeClaim>(manifest);
            let before = before.map(|live| claim_demand(&live)).unwrap_or_default();
            planned.object(&mut change, &before, &claim_demand(wanted));
            planned.claim(&mut change, wanted);
        }
        ManifestObject::Other => planned.object(&mut change, &Demand::default(), &Demand::default()),
    }
    if !change.demand.pods.is_empty()
        && let Some(pod) = &planned.pod
    {
        let object = Some(manifest.object_name());
        let claims = own_claims(pod).map(|requests| ClaimDemand { object: object.clone(), requests });
        change.demand.claims.extend(claims);
    }
    change
}

/// The field of a DaemonSet's status with the number of nodes that it runs on.
const NODES: &str = "/status/desiredNumberScheduled";

/// The input for the change of a manifest.
pub(super) struct Planned<'a> {
    pub(super) manifest: &'a Manifest,
    pub(super) facts: &'a FilePlanFacts,
    pub(super) limit_ranges: &'a [LimitRange],
    /// The pod that is created.
    pod: Option<Cow<'a, PodSpec>>,
}

/// Returns the pod that an object creates: while a Deployment is paused, that of its newest ReplicaSet.
fn created_pod<'a>(manifest: &'a Manifest, facts: &'a FilePlanFacts) -> Option<Cow<'a, PodSpec>> {
    if let ManifestObject::Deployment(wanted) = &manifest.object
        && is_paused(wanted)
        && let Some(live) = facts.live.typed::<Deployment>(manifest)
    {
        return rolled_out(&live, facts);
    }
    manifest.object.pod_spec().map(Cow::Borrowed)
}

/// Returns the pod of the newest ReplicaSet of a Deployment, or, if that is unknown, of its template.
fn rolled_out<'a>(live: &Deployment, facts: &'a FilePlanFacts) -> Option<Cow<'a, PodSpec>> {
    match owned_sets(live, facts).max_by_key(|set| revision_of(set)) {
        Some(set) => replica_set_spec(set)?.template.as_ref()?.spec.as_ref().map(Cow::Borrowed),
        None => deployment_spec(live)?.template.spec.clone().map(Cow::Owned),
    }
}

/// Returns the ReplicaSets of a Deployment.
fn owned_sets<'a>(live: &Deployment, facts: &'a FilePlanFacts) -> impl Iterator<Item = &'a ReplicaSet> {
    let uid = live.metadata.uid.clone();
    facts.replica_sets.iter().filter(move |set| is_owned_by(&set.metadata, uid.as_deref()))
}

impl Planned<'_> {
    /// Returns one pod as the API server admits it.
    fn pods(&self) -> Vec<PodDemand> {
        let spec = self.pod.as_deref();
        let pod = spec.map(|spec| stated_pod(spec).with_defaults(self.limit_ranges));
        pod.map(|pod| PodDemand { object: Some(self.manifest.object_name()), ..pod }).into_iter().collect()
    }

    fn pods_of_count(&self, count: u64) -> Pods {
        let spec = self.pod.as_deref();
        Pods { count, each: spec.map(|spec| pod_demand(spec, self.limit_ranges)).unwrap_or_default() }
    }

    /// Sets the demand of an object without pods, whose own demand changes.
    fn object(&self, change: &mut Change, before: &Demand, after: &Demand) {
        let demand = &mut change.demand;
        let exists = self.manifest.kind.object_demand();
        demand.requested = exists.clone();
        demand.requested.add_all(after);
        demand.other_objects = demand.requested.clone();
        if change.action == Action::Create {
            demand.created = demand.requested.clone();
            return;
        }
        demand.freed = exists;
        demand.freed.add_all(before);
        // For an update, the API server checks only increases.
        let increased =
            after.iter().map(|(key, amount)| (key.clone(), amount.saturating_sub(before.get(key))));
        demand.created = increased.collect();
    }

    /// Adds a claim, whose amounts the LimitRanges bound.
    pub(super) fn claim(&self, change: &mut Change, claim: &PersistentVolumeClaim) {
        let (object, requests) = (Some(self.manifest.object_name()), claimed(claim));
        change.demand.claims.push(ClaimDemand { object, requests });
    }

    /// Returns the live pods of a workload; `None` if no pods are known.
    fn live_pods(&self, selector: Option<&BTreeMap<String, String>>) -> Option<Vec<&Pod>> {
        let pods = &self.facts.jobs.live.pods;
        let selector = selector.filter(|selector| !selector.is_empty() && !pods.is_empty())?;
        Some(pods.iter().filter(|pod| has_labels(pod.metadata.labels.as_ref(), selector)).collect())
    }

    /// Sets what a live workload frees, and returns its pods that run until they are replaced.
    fn free(
        &self,
        demand: &mut ChangeDemand,
        before: Pods,
        selector: Option<&BTreeMap<String, String>>,
    ) -> Pods {
        demand.freed = self.manifest.kind.object_demand();
        demand.freed_objects.push(self.manifest.object_name());
        let Some(pods) = self.live_pods(selector) else {
            demand.freed.add_all(&before.each.times(before.count));
            return before;
        };
        demand.freed_objects.extend(pods.iter().copied().map(pod_id));
        demand.freed.add_all(&of_live_pods(pods.iter().copied(), self.limit_ranges));
        let demands = self.staying_demands(&pods);
        Pods {
            count: u64::try_from(demands.len()).unwrap_or(u64::MAX),
            each: demands.iter().fold(Demand::default(), Demand::max),
        }
    }

    /// Returns the demand of each of these pods that has not finished and is not terminating.
    fn staying_demands(&self, pods: &[&Pod]) -> Vec<Demand> {
        let is_staying = |pod: &&&Pod| !has_ended(pod) && pod.metadata.deletion_timestamp.is_none();
        let specs = pods.iter().filter(is_staying).filter_map(|pod| pod.spec.as_ref());
        specs.map(|spec| pod_demand(spec, self.limit_ranges)).collect()
    }

    /// Returns how many of the running pods remain if at most a number is wanted, and their demand. It is not known which pods
    /// are deleted.
    fn kept(
        &self,
        running: &Pods,
        selector: Option<&BTreeMap<String, String>>,
        wanted: u64,
    ) -> (u64, Demand) {
        match self.live_pods(selector).filter(|_| running.count <= wanted) {
            Some(pods) => {
                let mut demand = Demand::default();
                self.staying_demands(&pods).iter().for_each(|each| demand.add_all(each));
                (running.count, demand)
            }
            None => {
                let count = running.count.min(wanted);
                (count, running.each.times(count))
            }
        }
    }

    /// Returns what a pod of the live object's template requests.
    pub(super) fn live_each(&self, live: &Value) -> Demand {
        let spec = live.pointer("/spec/template/spec");
        let spec: Option<PodSpec> = spec.and_then(|spec| serde_json::from_value(spec.clone()).ok());
        spec.map(|spec| pod_demand(&spec, self.limit_ranges)).unwrap_or_default()
    }

    fn deployment(&self, change: &mut Change, wanted: &Deployment) {
        let replicas = deployment_spec(wanted).and_then(|spec| spec.replicas).unwrap_or(1);
        let new = self.pods_of_count(u64::try_from(replicas).unwrap_or(0));
        let demand = &mut change.demand;
        demand.pods = self.pods();
        demand.other_objects = count_demand(ObjectKind::Deployment);
        let live = self.facts.live.typed::<Deployment>(self.manifest);
        let replica_sets = Resource::Count(REPLICA_SETS.to_owned());
        demand.requested = demand.other_objects.clone();
        demand.requested.add_all(&new.each.times(new.count));
        if is_paused(wanted) && live.as_ref().is_none_or(waits_for_unpausing) {
            // Neither a ReplicaSet nor pods are created.
            self.object(change, &Demand::default(), &Demand::default());
            change.demand.pods.clear();
            return;
        }
        let Some(live) = live else {
            demand.created = demand.requested.clone();
            demand.pods.retain(|_| new.count > 0);
            return;
        };
        let each = rolled_out(&live, self.facts).map(|pod| pod_demand(&pod, self.limit_ranges));
        let Pods { count, .. } = pods_of(&Object::from(live.clone()), self.limit_ranges);
        let before = Pods { count, each: each.unwrap_or_default() };
        let selector = deployment_spec(&live).and_then(|spec| spec.selector.match_labels.as_ref());
        let old = self.free(demand, before.clone(), selector);
        let is_first = waits_for_unpausing(&live);
        let owned = u64::try_from(owned_sets(&live, self.facts).count())
            .unwrap_or(u64::MAX)
            .max(u64::from(!is_first));
        demand.freed.add(replica_sets.clone(), owned);
        if is_first {
            // Its first ReplicaSet is created.
            demand.created = new.each.times(new.count);
            demand.created.add(replica_sets, 1);
            demand.pods.retain(|_| new.count > 0);
            return;
        }
        let spec = deployment_spec(wanted);
        let resumes = is_paused(&live) && !is_paused(wanted) && has_outdated_pods(&live);
        let live_json = self.facts.live.of(self.manifest);
        let replaces = resumes || live_json.is_some_and(|live| replaces_pods(self.manifest, live));
        if is_paused(wanted) || !replaces {
            demand.requested = demand.other_objects.clone();
            demand.requested.add_all(&before.each.times(new.count));
            scale(demand, before.count, &Pods { count: new.count, each: before.each });
            return;
        }
        let rollout = Rollout::of_strategy(spec.and_then(|spec| spec.strategy.as_ref()), new.count);
        let is_down = rollout.may_stop_all(new.count) && old.count > 0 && new.count > 0;
        demand.replace_pods(&live, PodReplacement { old, new, missing: 0 });
        change.rollout = Some(rollout);
        change.downtime = is_down.then_some(Downtime::BetweenPods);
    }

    /// Sets the demand of a DaemonSet, which has a pod on each node: as many as its status says, or one.
    fn daemon_set(&self, change: &mut Change, wanted: &DaemonSet) {
        let live = self.facts.live.of(self.manifest);
        let nodes = live.and_then(|live| live.pointer(NODES)?.as_u64()).filter(|nodes| *nodes > 0);
        let nodes = nodes.unwrap_or(1);
        let old = self.scaled(change, nodes);
        let strategy = daemon_set_spec(wanted).and_then(|spec| spec.update_strategy.as_ref());
        let Some(rollout) = Rollout::of_daemon_set(strategy, nodes).filter(|_| self.replaces_live_pods())
        else {
            return;
        };
        let is_down = rollout.may_stop_all(nodes) && old.count > 0;
        change.downtime = is_down.then_some(Downtime::BetweenPods);
        self.replace_all(change, old, nodes, rollout);
    }

    /// Returns whether the live object's template is different.
    pub(super) fn replaces_live_pods(&self) -> bool {
        self.facts.live.of(self.manifest).is_some_and(|live| replaces_pods(self.manifest, live))
    }

    /// Sets the demand of an object that keeps a number of pods running and never replaces them: running pods are unchanged.
    /// Returns them.
    pub(super) fn scaled(&self, change: &mut Change, replicas: u64) -> Pods {
        let new = self.pods_of_count(replicas);
        let demand = &mut change.demand;
        demand.pods = self.pods();
        demand.other_objects = self.manifest.kind.object_demand();
        demand.requested = demand.other_objects.clone();
        let Some(live) = self.facts.live.of(self.manifest) else {
            demand.requested.add_all(&new.each.times(new.count));
            demand.created = demand.requested.clone();
            demand.pods.retain(|_| new.count > 0);
            return Pods::default();
        };
        let before = match &self.manifest.object {
            ManifestObject::DaemonSet(_) => replicas,
            ManifestObject::Deployment(_)
            | ManifestObject::ReplicaSet(_)
            | ManifestObject::StatefulSet(_)
            | ManifestObject::ReplicationController(_)
            | ManifestObject::Job(_)
            | ManifestObject::CronJob(_)
            | ManifestObject::Pod(_)
            | ManifestObject::Service(_)
            | ManifestObject::PersistentVolumeClaim(_)
            | ManifestObject::Other => live.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1),
        };
        let selector = selector(live);
        let old = self.free(demand, Pods { count: before, each: self.live_each(live) }, selector.as_ref());
        let (kept, kept_demand) = self.kept(&old, selector.as_ref(), new.count);
        demand.requested.add_all(&kept_demand);
        demand.requested.add_all(&new.each.times(new.count.saturating_sub(kept)));
        // Missing pods are created with the new template.
        scale(demand, if self.replaces_live_pods() { kept } else { before }, &new);
        old
    }

    /// Counts the replacement of all running pods by new ones.
    pub(super) fn replace_all(&self, change: &mut Change, old: Pods, replicas: u64, rollout: Rollout) {
        let new = self.pods_of_count(replicas);
        let demand = &mut change.demand;
        demand.requested = demand.other_objects.clone();
        demand.requested.add_all(&new.each.times(new.count));
        demand.created = if new.count > 0 { new.each.clone() } else { Demand::default() };
        demand.pods = self.pods();
        demand.pods.retain(|_| new.count > 0);
        demand.replacement = Some(PodReplacement { old, new, missing: 0 });
        change.rollout = Some(rollout);
    }

    fn job(&self, change: &mut Change, stated: &Job) {
        let live = self.facts.live.typed::<Job>(self.manifest);
        let spec = live.as_ref().and_then(|live| live.spec.as_ref());
        let selector = spec.and_then(|spec| spec.selector.as_ref()?.match_labels.clone());
        let pods = live.as_ref().and_then(|_| self.live_pods(selector.as_ref()));
        let counted = live.as_ref().and_then(|live| live.status.as_ref()?.succeeded);
        // The status may not show yet that a pod has finished.
        let has_succeeded = status_count(counted).max(in_phase(pods.as_deref(), "Succeeded"));
        let remaining = |job: &Job| match &live {
            Some(live) => with_remaining_pods(job, live, has_succeeded),
            None => job.clone(),
        };
        let wanted = remaining(stated);
        let new = self.pods_of_count(job_pods(&wanted));
        let demand = &mut change.demand;
        demand.pods = self.pods();
        demand.other_objects = self.manifest.kind.object_demand();
        demand.add_job(&wanted, &new.each);
        demand.add_objects();
        let Some(live) = &live else {
            demand.created = demand.requested.clone();
            demand.pods.retain(|_| new.count > 0);
            return;
        };
        let is_over = JobEnd::of(live).is_some();
        let before =
            Pods { count: if is_over { 0 } else { job_pods(&remaining(live)) }, each: new.each.clone() };
        self.free(demand, before.clone(), selector.as_ref());
        if is_over {
            // A Job that is finishing creates no more pods; its objects are kept, and its pods until they have terminated.
            demand.requested = demand.freed.clone();
            demand.queued = None;
            demand.retries = Demand::default();
            demand.pods.clear();
            return;
        }
        let each = self.manifest.object.pod_spec().map(terminal_demand).unwrap_or_default();
        let failed = in_phase(pods.as_deref(), "Failed");
        let succeeded =
            pods.as_ref().map_or(has_succeeded, |pods| in_phase(Some(pods.as_slice()), "Succeeded"));
        if pods.is_none() {
            demand.freed.add_all(&each.times(succeeded));
        }
        // The objects of finished pods are kept, and there are fewer retries left.
        let retries = stated.spec.as_ref().map(retry_demand).unwrap_or_default();
        let retries = retries.get(&Resource::Count("pods".to_owned()));
        demand.retries = each.times(retries.saturating_sub(failed));
        let kept = each.times(failed.saturating_add(succeeded));
        demand.requested.add_all(&kept);
        if let Some(queued) = &mut demand.queued {
            queued.add_all(&kept);
        }
        scale(&mut change.demand, before.count, &new);
    }

    /// Sets the demand of a pod. The amounts of an existing pod cannot be changed.
    fn pod(&self, change: &mut Change) {
        if change.action == Action::Create {
            let demand = &mut change.demand;
            demand.requested = self.pods_of_count(1).each;
            demand.created = demand.requested.clone();
            demand.pods = self.pods();
        }
    }
}

/// Returns how many pods are in a phase; none if the pods are not known.
fn in_phase(pods: Option<&[&Pod]>, phase: &str) -> u64 {
    let is_in =
        |pod: &&&Pod| pod.status.as_ref().is_some_and(|status| status.phase.as_deref() == Some(phase));
    u64::try_from(pods.unwrap_or_default().iter().filter(is_in).count()).unwrap_or(u64::MAX)
}

/// Returns a Job whose pods are those that are still needed after this many of the pods of `live` have succeeded.
fn with_remaining_pods(job: &Job, live: &Job, succeeded: u64) -> Job {
    let mut job = job.clone();
    if let Some(spec) = &mut job.spec {
        let status = live.status.as_ref();
        if let Some(all) = spec.completions {
            let remaining = remaining_completions(all, succeeded, &IndexSet::failed(status));
            spec.completions = i32::try_from(remaining).ok();
        } else if succeeded > 0 {
            // Running pods finish, and no more are created.
            let running = status_count(status.and_then(|status| status.active)).min(parallel_pods(spec));
            spec.parallelism = i32::try_from(running).ok();
        }
    }
    job
}

/// Returns a stated number of pods, or the default of Kubernetes.
pub(super) fn replicas_or_one(replicas: Option<i32>) -> u64 {
    replicas.map_or(1, |replicas| u64::try_from(replicas).unwrap_or(0))
}

/// Returns whether a Deployment has pods of an older template, which are replaced when it is resumed.
fn has_outdated_pods(live: &Deployment) -> bool {
    live.status
        .as_ref()
        .is_some_and(|status| status.updated_replicas.unwrap_or(0) < status.replicas.unwrap_or(0))
}

/// Counts pods that are created in addition to the running ones; pods that are deleted or unchanged are not checked.
fn scale(demand: &mut ChangeDemand, before: u64, new: &Pods) {
    demand.created = Demand::default();
    if new.count > before {
        demand.created.add_all(&new.each);
    } else {
        demand.pods.clear();
    }
}

/// Returns the labels that select a live object's pods; those of a replication controller are not in `matchLabels`.
fn selector(live: &Value) -> Option<BTreeMap<String, String>> {
    let found = live.pointer("/spec/selector")?;
    let labels: Option<LabelSelector> = serde_json::from_value(found.clone()).ok();
    labels.and_then(|selector| selector.match_labels).or_else(|| serde_json::from_value(found.clone()).ok())
}
