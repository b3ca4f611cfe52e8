//! Existing objects that create pods or store data, as an audit compares them with the quotas.

use k8s_openapi::Metadata;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, Pod, ReplicationController};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use toolforge_model::ToolName;
use toolforge_quota::{AuditedWorkload, Demand, ObjectName, PodDemand};

use crate::manifest::{ManifestKind, ManifestObject};
use crate::namespace::{Documents, DocumentsError};
use crate::object::{
    JobEnd, ObjectKind, controller_of, cron_job_spec, deployment_replicas, replica_set_spec,
    stateful_set_spec,
};
use crate::pod::{
    IndexSet, claim_demand, claimed, count_demand, has_ended, least_pods, own_claims, own_claims_demand,
    remaining_completions, remaining_pods, retries_of, stated_pod, status_count, succeeded_before,
};

/// Returns the demand of re-creating an object with all of its pods, for a CronJob with those of one run; for a Job, the demand
/// of the pods that it may still create.
///
/// `None` for a kind that has neither pods nor storage, for an object without a pod template, for one that another object owns,
/// such as a pod of a Job, for a Job that creates no more pods, and for a finished pod.
#[must_use]
pub fn audited_workload(object: &ManifestObject, name: &str) -> Option<AuditedWorkload> {
    if let ManifestObject::PersistentVolumeClaim(claim) = object {
        return audited_claim(claim, name);
    }
    let spec = object.pod_spec()?;
    let counted = |api_version: &str, kind: &str| ManifestKind::new(api_version, kind).object_demand();
    let mut claims: Vec<_> = own_claims(spec).collect();
    let (kind, count, mut other_objects) = match object {
        ManifestObject::Deployment(found) => {
            ("Deployment", deployment_replicas(found), count_demand(ObjectKind::Deployment))
        }
        ManifestObject::ReplicaSet(found) if !has_owner(&found.metadata) => {
            let replicas = replica_set_spec(found).and_then(|spec| spec.replicas);
            ("ReplicaSet", replicas_or_one(replicas), counted("apps/v1", "ReplicaSet"))
        }
        ManifestObject::ReplicationController(found) if !has_owner(&found.metadata) => {
            let replicas = found.spec.as_ref().and_then(|spec| spec.replicas);
            ("ReplicationController", replicas_or_one(replicas), counted("v1", "ReplicationController"))
        }
        ManifestObject::Pod(found) if !has_owner(&found.metadata) && !has_ended(found) => {
            ("Pod", 1, Demand::default())
        }
        ManifestObject::StatefulSet(found) => {
            let spec = stateful_set_spec(found)?;
            let count = replicas_or_one(spec.replicas);
            let mut demand = counted("apps/v1", "StatefulSet");
            for claim in spec.volume_claim_templates.iter().flatten() {
                let mut each = counted("v1", "PersistentVolumeClaim");
                each.add_all(&claim_demand(claim));
                demand.add_all(&each.times(count.max(1)));
                claims.push(claimed(claim));
            }
            ("StatefulSet", count, demand)
        }
        ManifestObject::DaemonSet(found) => {
            let nodes = found.status.as_ref().map_or(0, |status| status.desired_number_scheduled);
            ("DaemonSet", u64::try_from(nodes).unwrap_or(0), counted("apps/v1", "DaemonSet"))
        }
        ManifestObject::CronJob(found) => {
            let spec = cron_job_spec(found)?.job_template.spec.as_ref()?;
            let mut demand = count_demand(ObjectKind::CronJob);
            demand.add_all(&count_demand(ObjectKind::Job));
            let count = least_pods(spec);
            demand.add_all(&succeeded_before(spec, count));
            ("CronJob", count, demand)
        }
        ManifestObject::Job(found) => {
            let spec = found.spec.as_ref().filter(|_| !has_owner(&found.metadata))?;
            let count = further_pods(found)?.min(least_pods(spec));
            ("Job", count, succeeded_before(spec, count))
        }
        _ => return None,
    };
    let count = count.max(1);
    let own: Demand = own_claims_demand(spec);
    other_objects.add_all(&own.times(count));
    let pod = PodDemand { object: Some(ObjectName::new(kind, name)), ..stated_pod(spec) };
    let is_kept = matches!(object, ManifestObject::Job(_));
    Some(AuditedWorkload { pod, count, other_objects, claims, is_kept, is_without_pods: false })
}

/// Returns the demand of re-creating a claim that no other object creates.
fn audited_claim(claim: &PersistentVolumeClaim, name: &str) -> Option<AuditedWorkload> {
    let object = Some(ObjectName::new("PersistentVolumeClaim", name));
    let mut other_objects = ManifestKind::new("v1", "PersistentVolumeClaim").object_demand();
    other_objects.add_all(&claim_demand(claim));
    claim.metadata.owner_references.is_none().then(|| AuditedWorkload {
        pod: PodDemand { object, ..PodDemand::default() },
        other_objects,
        claims: vec![claimed(claim)],
        is_without_pods: true,
        ..AuditedWorkload::default()
    })
}

fn replicas_or_one(replicas: Option<i32>) -> u64 {
    u64::try_from(replicas.unwrap_or(1)).unwrap_or(0)
}

fn has_owner(metadata: &ObjectMeta) -> bool {
    controller_of(metadata).is_some()
}

/// Returns how many pods a Job has at once from now on; `None` if it creates none: it has finished, or all of its pods exist
/// and are not created again if they fail.
fn further_pods(job: &Job) -> Option<u64> {
    let (spec, status) = (job.spec.as_ref().filter(|_| JobEnd::of(job).is_none())?, job.status.as_ref());
    let active = status_count(status.and_then(|status| status.active));
    let succeeded = status_count(status.and_then(|status| status.succeeded));
    let failed = status_count(status.and_then(|status| status.failed));
    let failed_indexes = IndexSet::failed(status);
    let at_once = remaining_pods(spec, succeeded, &failed_indexes);
    let missing =
        spec.completions.map_or(at_once, |all| remaining_completions(all, succeeded, &failed_indexes));
    let is_retried = failed < retries_of(spec);
    let has_more = missing > active;
    (at_once > 0 && (is_retried || has_more)).then_some(at_once)
}

impl Documents {
    /// Returns the objects of a tool that create pods or are pods, and its volume claims, as an audit compares them.
    ///
    /// # Errors
    /// When an object lacks required fields.
    pub fn audited_workloads(&self, tool: &ToolName) -> Result<Vec<AuditedWorkload>, DocumentsError> {
        let mut found = Vec::new();
        self.audit::<Deployment>("Deployment", tool, ManifestObject::Deployment, &mut found)?;
        self.audit::<ReplicaSet>("ReplicaSet", tool, ManifestObject::ReplicaSet, &mut found)?;
        let controller = ManifestObject::ReplicationController;
        self.audit::<ReplicationController>("ReplicationController", tool, controller, &mut found)?;
        self.audit::<StatefulSet>("StatefulSet", tool, ManifestObject::StatefulSet, &mut found)?;
        self.audit::<DaemonSet>("DaemonSet", tool, ManifestObject::DaemonSet, &mut found)?;
        self.audit::<CronJob>("CronJob", tool, ManifestObject::CronJob, &mut found)?;
        self.audit::<Job>("Job", tool, ManifestObject::Job, &mut found)?;
        self.audit::<Pod>("Pod", tool, ManifestObject::Pod, &mut found)?;
        let claim = ManifestObject::PersistentVolumeClaim;
        self.audit::<PersistentVolumeClaim>("PersistentVolumeClaim", tool, claim, &mut found)?;
        Ok(found)
    }

    /// Adds the objects of a kind that an audit compares.
    fn audit<T: Metadata<Ty = ObjectMeta> + DeserializeOwned>(
        &self,
        kind: &str,
        tool: &ToolName,
        object: impl Fn(Box<T>) -> ManifestObject,
        found: &mut Vec<AuditedWorkload>,
    ) -> Result<(), DocumentsError> {
        let objects = self.all_of_kind::<T>(kind, &tool.namespace())?.into_iter();
        found.extend(objects.filter_map(|typed| {
            let name = typed.metadata().name.clone().unwrap_or_default();
            audited_workload(&object(Box::new(typed)), &name)
        }));
        Ok(())
    }
}
