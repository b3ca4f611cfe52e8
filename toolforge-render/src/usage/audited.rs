//! Existing objects that create pods, as an audit compares them with the quotas.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use toolforge_model::ToolName;
use toolforge_quota::{AuditedWorkload, Demand, ObjectName, PodDemand};

use crate::manifest::{ManifestKind, ManifestObject};
use crate::namespace::{Documents, DocumentsError};
use crate::object::{ObjectKind, cron_job_spec, deployment_replicas, stateful_set_spec};
use crate::pod::{
    claim_demand, claimed, count_demand, least_pods, own_claims, own_claims_demand, parallel_pods,
    stated_pod, succeeded_before,
};

/// Returns what it takes to create an object again with all of its pods, for a CronJob with those of one run; for a Job, what
/// the pods take that it may still create.
///
/// `None` for other kinds than Deployments, `StatefulSets`, `DaemonSets`, CronJobs and Jobs, for one without a pod template, for
/// the Job of a CronJob, and for a Job that creates no more pods.
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
            let count = least_pods(spec);
            demand.add_all(&succeeded_before(spec, count));
            ("CronJob", count, demand)
        }
        ManifestObject::Job(found) => {
            let spec = found.spec.as_ref().filter(|_| !is_of_cron_job(found))?;
            let count = further_pods(found)?.min(least_pods(spec));
            ("Job", count, succeeded_before(spec, count))
        }
        _ => return None,
    };
    let count = count.max(1);
    let own: Demand = own_claims_demand(spec);
    besides_pods.add_all(&own.times(count));
    let pod = PodDemand { object: Some(ObjectName::new(kind, name)), ..stated_pod(spec) };
    let is_kept = matches!(object, ManifestObject::Job(_));
    Some(AuditedWorkload { pod, count, besides_pods, claims, is_kept })
}

fn is_of_cron_job(job: &Job) -> bool {
    let mut owners = job.metadata.owner_references.iter().flatten();
    owners.any(|owner| owner.controller == Some(true) && owner.kind == "CronJob")
}

/// Returns how many pods a Job has at once from now on; `None` if it creates none: it is over, or all of its pods exist and are
/// not created again if they fail.
fn further_pods(job: &Job) -> Option<u64> {
    let (spec, status) = (job.spec.as_ref()?, job.status.as_ref());
    let conditions = status.and_then(|status| status.conditions.as_ref()).into_iter().flatten();
    let mut ends = conditions
        .filter(|condition| matches!(condition.type_.as_str(), "Complete" | "Failed" | "FailureTarget"));
    if ends.any(|condition| condition.status == "True") {
        return None;
    }
    let count = |number: Option<i32>| number.map_or(0, |number| u64::try_from(number).unwrap_or(0));
    let active = count(status.and_then(|status| status.active));
    let succeeded = count(status.and_then(|status| status.succeeded));
    let failed = count(status.and_then(|status| status.failed));
    let missing = spec.completions.map_or(u64::MAX, |wanted| count(Some(wanted)).saturating_sub(succeeded));
    let at_once = parallel_pods(spec).min(missing);
    let restarts_pods =
        spec.template.spec.as_ref().and_then(|pod| pod.restart_policy.as_deref()) == Some("Never");
    let retries = spec.backoff_limit.or(spec.backoff_limit_per_index).unwrap_or(BACKOFF_LIMIT);
    let is_retried = restarts_pods && failed < count(Some(retries));
    let has_more = spec.completions.is_some() && missing > active || at_once > active;
    (at_once > 0 && (is_retried || has_more)).then_some(at_once)
}

/// How often the pods of a Job are retried by default (Kubernetes 1.33).
const BACKOFF_LIMIT: i32 = 6;

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
        let jobs = self.all_of_kind::<Job>("Job", &namespace)?.into_iter();
        let jobs = jobs.map(|found| named(found.metadata.name.clone(), ManifestObject::Job(Box::new(found))));
        let sets = stateful_sets.chain(daemon_sets);
        Ok(deployments.chain(sets).chain(cron_jobs).chain(jobs).flatten().collect())
    }
}
