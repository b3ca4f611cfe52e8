//! Existing objects that create pods, as an audit compares them with the quotas.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::CronJob;
use toolforge_model::ToolName;
use toolforge_quota::{AuditedWorkload, Demand, PodDemand};

use crate::manifest::{ManifestKind, ManifestObject};
use crate::namespace::{Documents, DocumentsError};
use crate::object::{ObjectKind, cron_job_spec, deployment_replicas, stateful_set_spec};
use crate::pod::{
    claim_demand, claimed, count_demand, own_claims, own_claims_demand, parallel_pods, stated_pod,
    succeeded_demand,
};

/// Returns what it takes to create an object again with all of its pods, for a CronJob with those of one run.
///
/// `None` for other kinds than Deployments, `StatefulSets`, `DaemonSets` and CronJobs, and for one without a pod template.
#[must_use]
pub fn audited_workload(object: &ManifestObject, name: &str) -> Option<AuditedWorkload> {
    let spec = object.pod_spec()?;
    let counted = |api_version: &str, kind: &str| ManifestKind::new(api_version, kind).object_demand();
    let mut claims: Vec<_> = own_claims(spec).collect();
    let (kind, count, mut besides_pods) = match object {
        ManifestObject::Deployment(found) => {
            ("Deployment", deployment_replicas(found), count_demand(ObjectKind::Deployment))
        }
        ManifestObject::StatefulSet(found) => {
            let spec = stateful_set_spec(found)?;
            let count = u64::try_from(spec.replicas.unwrap_or(1)).unwrap_or(0);
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
            demand.add_all(&succeeded_demand(spec));
            ("CronJob", parallel_pods(spec), demand)
        }
        _ => return None,
    };
    let count = count.max(1);
    let own: Demand = own_claims_demand(spec);
    besides_pods.add_all(&own.times(count));
    let pod = PodDemand { object: Some(format!("{kind} {name}")), ..stated_pod(spec) };
    Some(AuditedWorkload { pod, count, besides_pods, claims })
}

impl Documents {
    /// Returns the objects of a tool that create pods, as an audit compares them.
    ///
    /// # Errors
    /// When an object lacks required fields.
    pub fn audited_workloads(&self, tool: &ToolName) -> Result<Vec<AuditedWorkload>, DocumentsError> {
        let namespace = tool.namespace();
        let named = |name: Option<String>, object| audited_workload(&object, &name.unwrap_or_default());
        let deployments = self.all_of_kind::<Deployment>("Deployment", &namespace)?.into_iter();
        let stateful_sets = self.all_of_kind::<StatefulSet>("StatefulSet", &namespace)?.into_iter();
        let daemon_sets = self.all_of_kind::<DaemonSet>("DaemonSet", &namespace)?.into_iter();
        let cron_jobs = self.all_of_kind::<CronJob>("CronJob", &namespace)?.into_iter();
        let deployments = deployments
            .map(|found| named(found.metadata.name.clone(), ManifestObject::Deployment(Box::new(found))));
        let stateful_sets = stateful_sets
            .map(|found| named(found.metadata.name.clone(), ManifestObject::StatefulSet(Box::new(found))));
        let daemon_sets = daemon_sets
            .map(|found| named(found.metadata.name.clone(), ManifestObject::DaemonSet(Box::new(found))));
        let cron_jobs = cron_jobs
            .map(|found| named(found.metadata.name.clone(), ManifestObject::CronJob(Box::new(found))));
        Ok(deployments.chain(stateful_sets).chain(daemon_sets).chain(cron_jobs).flatten().collect())
    }
}
