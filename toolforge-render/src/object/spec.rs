//! Fields that are optional in some versions of the Kubernetes API and required in others: the spec of a CronJob is required
//! from 1.36 on, that of a Deployment and of other workloads from 1.37, where texts of conditions are optional. The conversions to `Option` compile
//! with all versions.

use k8s_openapi::api::apps::v1::{
    DaemonSet, DaemonSetSpec, Deployment, DeploymentSpec, ReplicaSet, ReplicaSetSpec, StatefulSet,
    StatefulSetSpec,
};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec};
use toolforge_model::CronExpression;

/// Returns a Deployment's spec.
pub(crate) fn deployment_spec(deployment: &Deployment) -> Option<&DeploymentSpec> {
    (&deployment.spec).into()
}

/// Returns whether a Deployment is paused: its controller replaces no pods.
pub(crate) fn is_paused(deployment: &Deployment) -> bool {
    deployment_spec(deployment).is_some_and(|spec| spec.paused == Some(true))
}

/// Returns the number of pods that a Deployment keeps running.
pub(crate) fn deployment_replicas(deployment: &Deployment) -> u64 {
    let replicas = deployment_spec(deployment).and_then(|spec| spec.replicas).unwrap_or(1);
    u64::try_from(replicas).unwrap_or(0)
}

/// Returns a Deployment's spec, to change it.
pub(crate) fn deployment_spec_mut(deployment: &mut Deployment) -> Option<&mut DeploymentSpec> {
    (&mut deployment.spec).into()
}

/// Returns a CronJob's spec.
pub(crate) fn cron_job_spec(cron_job: &CronJob) -> Option<&CronJobSpec> {
    (&cron_job.spec).into()
}

/// Returns the expression of a CronJob's schedule; the macros are those of Kubernetes 1.33, which do not depend on the job.
pub(crate) fn expression_of(schedule: &str) -> Option<CronExpression> {
    let expression = match schedule.trim() {
        "@yearly" | "@annually" => "0 0 1 1 *",
        "@monthly" => "0 0 1 * *",
        "@weekly" => "0 0 * * 0",
        "@daily" | "@midnight" => "0 0 * * *",
        "@hourly" => "0 * * * *",
        expression => expression,
    };
    expression.parse().ok()
}

/// Returns a ReplicaSet's spec.
pub(crate) fn replica_set_spec(replica_set: &ReplicaSet) -> Option<&ReplicaSetSpec> {
    (&replica_set.spec).into()
}

/// Returns a StatefulSet's spec.
pub(crate) fn stateful_set_spec(stateful_set: &StatefulSet) -> Option<&StatefulSetSpec> {
    (&stateful_set.spec).into()
}

/// Returns a DaemonSet's spec.
pub(crate) fn daemon_set_spec(daemon_set: &DaemonSet) -> Option<&DaemonSetSpec> {
    (&daemon_set.spec).into()
}

/// Returns a CronJob's spec, to change it.
pub(crate) fn cron_job_spec_mut(cron_job: &mut CronJob) -> Option<&mut CronJobSpec> {
    (&mut cron_job.spec).into()
}

/// Returns a ReplicaSet's spec, to change it.
pub(crate) fn replica_set_spec_mut(replica_set: &mut ReplicaSet) -> Option<&mut ReplicaSetSpec> {
    (&mut replica_set.spec).into()
}

/// Returns a StatefulSet's spec, to change it.
pub(crate) fn stateful_set_spec_mut(stateful_set: &mut StatefulSet) -> Option<&mut StatefulSetSpec> {
    (&mut stateful_set.spec).into()
}

/// Returns a DaemonSet's spec, to change it.
pub(crate) fn daemon_set_spec_mut(daemon_set: &mut DaemonSet) -> Option<&mut DaemonSetSpec> {
    (&mut daemon_set.spec).into()
}

/// Returns a field of a condition.
pub(crate) fn condition_text<'a>(field: impl Into<Option<&'a String>>) -> Option<&'a str> {
    field.into().map(String::as_str)
}
