//! A run of a scheduled job that is started by hand.

use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference};
use k8s_openapi::jiff::Timestamp;
use toolforge_model::platform;

/// Returns a Job for one run of a scheduled job now, as the platform's own restart makes it: named after the job and the
/// second, owned by the CronJob, but not counted by its controller (jobs-api, 2026).
#[must_use]
pub fn manual_run(cron_job: &CronJob, now: Timestamp) -> Option<Job> {
    let name = cron_job.metadata.name.as_deref()?;
    let spec = cron_job.spec.as_ref()?.job_template.spec.clone()?;
    let labels = spec.template.metadata.as_ref().and_then(|metadata| metadata.labels.clone());
    Some(Job {
        metadata: ObjectMeta {
            name: Some(format!("{name}-{}", now.as_second())),
            namespace: cron_job.metadata.namespace.clone(),
            labels,
            annotations: Some([(platform::ANNOTATION_INSTANTIATE.to_owned(), "manual".to_owned())].into()),
            owner_references: Some(vec![OwnerReference {
                api_version: "batch/v1".to_owned(),
                kind: "CronJob".to_owned(),
                name: name.to_owned(),
                uid: cron_job.metadata.uid.clone()?,
                ..OwnerReference::default()
            }]),
            ..ObjectMeta::default()
        },
        spec: Some(spec),
        ..Job::default()
    })
}
