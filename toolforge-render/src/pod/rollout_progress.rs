//! The rollout of a Deployment: its progress and why it does not progress, from the objects alone; a wait computes both after
//! every watch event.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentStatus, ReplicaSet};
use k8s_openapi::api::core::v1::{Container, Event, Pod};
use k8s_openapi::jiff::Timestamp;
use toolforge_model::Untrusted;
use toolforge_quota::ObjectName;

use crate::object::{
    POD_TEMPLATE_HASH, condition_text, deployment_spec, is_owned_by, label, replica_set_spec,
};
use crate::pod::cause::{Cause, Evidence, of_refusal, sort_evidence};
use crate::pod::container_run::restarts;
use crate::pod::evidence::{of_deployment, of_pod, of_probes, of_terminating};
use crate::pod::last_termination::{LastTermination, last_termination};
use crate::pod::{REPLICA_FAILURE, REVISION};

/// A Deployment and the objects that it creates, as they exist in a namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LiveRollout {
    /// The Deployment.
    pub deployment: Option<Deployment>,
    /// Its ReplicaSets.
    pub replica_sets: Vec<ReplicaSet>,
    /// Its pods.
    pub pods: Vec<Pod>,
    /// The namespace's events; empty if they were not requested.
    pub events: Vec<Event>,
}

impl LiveRollout {
    /// Returns the objects without their owner.
    #[must_use]
    pub fn objects(&self) -> RolloutObjects<'_> {
        let Self { deployment, replica_sets, pods, events } = self;
        RolloutObjects { deployment: deployment.as_ref(), replica_sets, pods, events }
    }
}

/// A borrowed [`LiveRollout`].
#[derive(Clone, Copy, Debug)]
pub struct RolloutObjects<'a> {
    /// The Deployment.
    pub deployment: Option<&'a Deployment>,
    /// Its ReplicaSets.
    pub replica_sets: &'a [ReplicaSet],
    /// Its pods.
    pub pods: &'a [Pod],
    /// The namespace's events; empty if they were not requested.
    pub events: &'a [Event],
}

/// The progress of a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RolloutProgress {
    /// Every pod belongs to the newest revision and is ready.
    Ready,
    /// The rollout continues.
    Waiting {
        /// The number of ready pods of the newest revision.
        ready: u32,
        /// The desired number of pods.
        desired: u32,
        /// The first cause of the wait, if the objects show one.
        evidence: Option<Evidence>,
    },
    /// It cannot become ready until something is changed.
    Failed(Vec<Evidence>),
}

/// Which pods of a Deployment are ready although others do not become ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadyPods {
    /// None.
    None,
    /// Pods of an older revision, which the new ones replace.
    Old,
    /// Only pods of the newest revision: there are fewer than desired.
    New,
}

impl ReadyPods {
    /// Returns which pods are ready, if `outdated` of `ready` pods belong to older revisions.
    #[must_use]
    pub fn of(ready: u32, outdated: u32) -> Self {
        match (ready, outdated) {
            (0, _) => Self::None,
            (_, 0) => Self::New,
            _ => Self::Old,
        }
    }
}

impl<'a> RolloutObjects<'a> {
    /// Returns which pods are ready; if enough are, old ones are among them.
    #[must_use]
    pub fn ready_pods(self) -> ReadyPods {
        let count = |pods: i32| u32::try_from(pods).unwrap_or(0);
        let (ready, desired) = (self.ready_replicas(), self.desired_replicas());
        match ReadyPods::of(count(ready), count(self.outdated_ready_replicas())) {
            ReadyPods::New if ready >= desired => ReadyPods::Old,
            pods => pods,
        }
    }

    /// Returns the number of ready pods in the Deployment's status.
    #[must_use]
    pub fn ready_replicas(self) -> i32 {
        let status = self.deployment.and_then(|deployment| deployment.status.as_ref());
        status.and_then(|status| status.ready_replicas).unwrap_or(0)
    }

    /// Returns how many of the ready pods belong to older revisions.
    #[must_use]
    pub(crate) fn outdated_ready_replicas(self) -> i32 {
        (self.ready_replicas() - self.updated_ready_replicas()).max(0)
    }

    /// Returns how many of the ready pods belong to the newest revision.
    fn updated_ready_replicas(self) -> i32 {
        let of_set = self.newest_replica_set().and_then(|set| set.status.as_ref()?.ready_replicas);
        let status = self.deployment.and_then(|deployment| deployment.status.as_ref());
        let updated = status.and_then(|status| status.updated_replicas).unwrap_or(0);
        of_set.unwrap_or_else(|| self.ready_replicas().min(updated))
    }

    /// Returns whether the Deployment's status says that none of its pods is ready.
    #[must_use]
    pub fn is_down(self) -> bool {
        let status = self.deployment.and_then(|deployment| deployment.status.as_ref());
        status.is_some_and(|status| status.observed_generation.is_some()) && self.ready_replicas() == 0
    }

    /// Returns the desired number of pods.
    #[must_use]
    pub fn desired_replicas(self) -> i32 {
        self.deployment.and_then(|deployment| deployment_spec(deployment)?.replicas).unwrap_or(1)
    }

    /// Returns the progress of the rollout of the Deployment's `generation` at `now`; `None` means the current generation.
    #[must_use]
    pub fn progress(self, generation: Option<i64>, now: Timestamp) -> RolloutProgress {
        let desired = self.desired_replicas();
        let waiting = |ready: i32, evidence| RolloutProgress::Waiting {
            ready: u32::try_from(ready).unwrap_or(0),
            desired: u32::try_from(desired).unwrap_or(0),
            evidence,
        };
        let with_status =
            self.deployment.and_then(|deployment| Some((deployment, deployment.status.as_ref()?)));
        let Some((deployment, status)) = with_status else { return waiting(0, None) };
        let wanted = generation.or(deployment.metadata.generation).unwrap_or(0);
        if status.observed_generation.unwrap_or(0) < wanted {
            return waiting(0, None);
        }
        let updated = status.updated_replicas.unwrap_or(0);
        let ready = self.updated_ready_replicas();
        let only_new = status.replicas.unwrap_or(0) == updated;
        if updated >= desired && ready >= desired && only_new {
            return RolloutProgress::Ready;
        }
        let causes = self.causes(now);
        let terminating = self.pods.iter().any(is_terminating);
        // An exceeded quota is not final while pods terminate: they free quota.
        let is_final = |evidence: &Evidence| {
            evidence.is_failure(now) && !(terminating && evidence.cause == Cause::QuotaExceeded)
        };
        if causes.iter().any(is_final) {
            return RolloutProgress::Failed(causes);
        }
        waiting(ready, causes.into_iter().next())
    }

    /// Returns why the pods of the Deployment's newest revision do not run or are not ready at `now`: terminal causes
    /// first, each cause once.
    #[must_use]
    pub fn causes(self, now: Timestamp) -> Vec<Evidence> {
        let newest = self.newest_replica_set();
        let mut pods: Vec<&Pod> = self.newest_pods().collect();
        // If several pods have the same cause, the newest one is used.
        pods.sort_by_key(|pod| {
            std::cmp::Reverse(pod.metadata.creation_timestamp.as_ref().map(|time| time.0))
        });
        let mut causes = Vec::new();
        for pod in pods {
            causes.extend(of_pod(pod, self.events));
            causes.extend(of_probes(pod, self.events, now));
        }
        causes.extend(newest.and_then(of_replica_set));
        if let Some(deployment) = self.deployment {
            causes.extend(of_deployment(deployment));
            causes.extend(of_terminating(deployment, self.pods.iter()));
        }
        sort_evidence(&mut causes);
        causes
    }

    /// Returns whether every container of the Deployment is ready only when a startup or readiness probe says so. Others are
    /// ready as soon as they run, even for the moment between two terminations.
    #[must_use]
    pub fn is_probed(self) -> bool {
        let spec = self.deployment.and_then(deployment_spec).and_then(|spec| spec.template.spec.as_ref());
        let is_probed =
            |container: &Container| container.startup_probe.is_some() || container.readiness_probe.is_some();
        spec.is_some_and(|spec| spec.containers.iter().all(is_probed))
    }

    /// Returns how often containers of the newest revision were restarted.
    #[must_use]
    pub fn restarts(self) -> u32 {
        self.newest_pods().map(restarts).sum()
    }

    /// Returns the last termination of a container of the newest revision.
    #[must_use]
    pub fn last_termination(self) -> Option<LastTermination> {
        last_termination(self.newest_pods())
    }

    /// Returns the pods of the Deployment's newest revision that are not terminating.
    fn newest_pods(self) -> impl Iterator<Item = &'a Pod> {
        let staying = self.pods.iter().filter(|pod| !is_terminating(pod));
        let newest = self.newest_replica_set();
        match self.deployment {
            Some(deployment) if self.own_replica_sets().is_empty() => newest_by_hash(deployment, staying),
            // Until the ReplicaSet of the current template exists, all pods are old.
            Some(_) if newest.is_none() => Vec::new(),
            _ => staying.filter(|pod| belongs_to(pod, newest)).collect(),
        }
        .into_iter()
    }

    /// Returns the ReplicaSet of the Deployment's current template; if there are several, that of the newest revision.
    fn newest_replica_set(self) -> Option<&'a ReplicaSet> {
        let deployment = self.deployment?;
        self.own_replica_sets()
            .into_iter()
            .filter(|set| has_template_of(set, deployment))
            .max_by_key(|set| revision_of(set))
    }

    fn own_replica_sets(self) -> Vec<&'a ReplicaSet> {
        let uid = self.deployment.and_then(|deployment| deployment.metadata.uid.as_deref());
        self.replica_sets.iter().filter(|set| is_owned_by(&set.metadata, uid)).collect()
    }
}

/// Returns the revision of a ReplicaSet; 0 if it has none.
pub(crate) fn revision_of(set: &ReplicaSet) -> u64 {
    let annotation = set.metadata.annotations.as_ref().and_then(|annotations| annotations.get(REVISION));
    annotation.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Returns whether a ReplicaSet has the template of a Deployment, except for the label with its hash.
fn has_template_of(set: &ReplicaSet, deployment: &Deployment) -> bool {
    let own = replica_set_spec(set).and_then(|spec| spec.template.clone());
    let (Some(mut own), Some(spec)) = (own, deployment_spec(deployment)) else { return true };
    if let Some(labels) = own.metadata.as_mut().and_then(|metadata| metadata.labels.as_mut()) {
        labels.remove(POD_TEMPLATE_HASH);
    }
    own == spec.template
}

/// Returns a Deployment's pods of its newest revision, without its ReplicaSets: those with the template hash of the newest pod
/// that runs what the Deployment's template states, and none as long as the Deployment counts none. A pod of an older
/// revision may be the newest of all, because it replaces one that a node lost.
pub(crate) fn newest_by_hash<'a>(
    deployment: &Deployment,
    pods: impl IntoIterator<Item = &'a Pod>,
) -> Vec<&'a Pod> {
    let mut pods: Vec<&Pod> = pods.into_iter().collect();
    let hash = |pod: &Pod| label(pod.metadata.labels.as_ref(), POD_TEMPLATE_HASH).map(str::to_owned);
    let newest = pods.iter().max_by_key(|pod| {
        let created = pod.metadata.creation_timestamp.as_ref().map(|time| time.0);
        (runs_template_of(pod, deployment), created)
    });
    // The Deployment controller sets one in each of its pods.
    let Some(newest) = newest.and_then(|pod| hash(pod)) else { return pods };
    let count = |pods: Option<i32>| pods.unwrap_or(0);
    let is_old =
        |status: &DeploymentStatus| count(status.replicas) > 0 && count(status.updated_replicas) == 0;
    if deployment.status.as_ref().is_some_and(is_old) {
        return Vec::new();
    }
    pods.retain(|pod| hash(pod).as_ref() == Some(&newest));
    pods
}

/// Returns whether the containers of a pod are those of a Deployment's template, except for what the cluster adds.
fn runs_template_of(pod: &Pod, deployment: &Deployment) -> bool {
    let wanted = deployment_spec(deployment).and_then(|spec| spec.template.spec.as_ref());
    let (Some(wanted), Some(live)) = (wanted, pod.spec.as_ref()) else { return false };
    let limits = |container: &Container| {
        let resources = container.resources.as_ref();
        resources.and_then(|resources| resources.limits.clone()).unwrap_or_default()
    };
    wanted.containers.iter().all(|wanted| {
        let live = live.containers.iter().find(|live| live.name == wanted.name);
        live.is_some_and(|live| {
            let live_limits = limits(live);
            (&live.image, &live.command, &live.args, &live.env)
                == (&wanted.image, &wanted.command, &wanted.args, &wanted.env)
                && limits(wanted).iter().all(|(resource, amount)| live_limits.get(resource) == Some(amount))
        })
    })
}

/// Returns whether a pod belongs to the newest revision; if its ReplicaSet is unknown, every pod counts.
fn belongs_to(pod: &Pod, newest: Option<&ReplicaSet>) -> bool {
    let Some(uid) = newest.and_then(|set| set.metadata.uid.as_deref()) else { return true };
    is_owned_by(&pod.metadata, Some(uid))
}

fn of_replica_set(set: &ReplicaSet) -> Option<Evidence> {
    let condition = set.status.as_ref()?.conditions.iter().flatten().find(|condition| {
        condition_text(&condition.type_) == Some(REPLICA_FAILURE)
            && condition_text(&condition.status) == Some("True")
    })?;
    let message = condition.message.clone().unwrap_or_default();
    Some(Evidence {
        cause: of_refusal(&message),
        object: ObjectName::new("ReplicaSet", set.metadata.name.as_deref().unwrap_or_default()),
        message: Untrusted::new(message),
        since: condition.last_transition_time.as_ref().map(|time| time.0),
    })
}

fn is_terminating(pod: &Pod) -> bool {
    pod.metadata.deletion_timestamp.is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn outdated(status: &Value, sets: &[(&str, i32)]) -> i32 {
        let deployment =
            json!({"metadata": {"uid": "d"}, "spec": {"selector": {}, "template": {}}, "status": status});
        let set = |(revision, ready): &(&str, i32)| {
            let owner = json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "x", "uid": "d"}]);
            let annotations = json!({"deployment.kubernetes.io/revision": revision});
            let metadata = json!({"annotations": annotations, "ownerReferences": owner});
            let status = json!({"replicas": ready, "readyReplicas": ready});
            serde_json::from_value(json!({"metadata": metadata, "spec": {"selector": {}}, "status": status}))
                .unwrap()
        };
        let live = LiveRollout {
            deployment: Some(serde_json::from_value(deployment).unwrap()),
            replica_sets: sets.iter().map(set).collect(),
            ..LiveRollout::default()
        };
        live.objects().outdated_ready_replicas()
    }

    #[test]
    fn pods_of_old_templates_are_not_causes() {
        let template = |command: &str| json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "x", "command": [command]}]}});
        let owner =
            |kind: &str, uid: &str| json!([{"apiVersion": "apps/v1", "kind": kind, "name": "x", "uid": uid}]);
        let mut of_set = template("old");
        of_set["metadata"]["labels"]["pod-template-hash"] = json!("1");
        let status = json!({"observedGeneration": 2, "replicas": 1, "unavailableReplicas": 1});
        let crash = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        let causes = |command: &str| {
            let live = LiveRollout {
                deployment: Some(from(json!({
                    "metadata": {"uid": "d", "generation": 2}, "spec": {"selector": {}, "template": template(command)},
                    "status": status,
                }))),
                replica_sets: vec![from(json!({
                    "metadata": {"uid": "s", "ownerReferences": owner("Deployment", "d")},
                    "spec": {"selector": {}, "template": of_set},
                }))],
                pods: vec![from(json!({
                    "metadata": {"name": "p", "ownerReferences": owner("ReplicaSet", "s")}, "spec": {"containers": []},
                    "status": {"containerStatuses": [{
                        "name": "x", "image": "", "imageID": "", "ready": false, "restartCount": 3, "state": crash,
                        "lastState": {"terminated": {"exitCode": 3}},
                    }]},
                }))],
                ..LiveRollout::default()
            };
            live.objects().causes(Timestamp::UNIX_EPOCH).len()
        };
        assert_eq!((causes("old"), causes("new")), (1, 0));
    }

    fn from<T: serde::de::DeserializeOwned>(object: Value) -> T {
        serde_json::from_value(object).unwrap()
    }

    #[test]
    fn newest_revision_is_not_outdated() {
        // One of two pods exceeds the quota.
        let status = json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1});
        assert_eq!(outdated(&status, &[("1", 1)]), 0);
        assert_eq!(outdated(&status, &[]), 0);
        // The new pod is not ready.
        let status = json!({"replicas": 2, "updatedReplicas": 1, "readyReplicas": 1});
        assert_eq!(outdated(&status, &[("9", 1), ("10", 0)]), 1);
        assert_eq!(outdated(&json!({"replicas": 2, "readyReplicas": 2}), &[]), 2);
    }
}
