//! The object that runs a job.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, DeploymentSpec};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use toolforge_model::{JobHealthCheck, JobKind, Retry, platform};

use crate::change::Rollout;
use crate::job::objects::command::{RenderedCommand, health_check_of, health_check_words};
use crate::job::objects::pod_template::template;
use crate::job::{JobPlan, JobWorkload, labels};

/// How long a finished run is kept, in seconds (jobs-api, 2026).
const KEPT_SECONDS: i32 = 30;

/// How late a run may start, in seconds (jobs-api, 2026).
const STARTING_DEADLINE_SECONDS: i64 = 30;

/// How long a rollout may make no progress, in seconds (jobs-api, 2026).
const PROGRESS_DEADLINE_SECONDS: i32 = 600;

/// Returns the object that runs a planned job.
pub(super) fn workload(plan: &JobPlan) -> JobWorkload {
    let metadata = metadata(plan);
    match &plan.request.kind {
        JobKind::OneOff { retry } => JobWorkload::OneOff(Box::new(Job {
            metadata,
            spec: Some(job_spec(plan, *retry)),
            ..Job::default()
        })),
        JobKind::Scheduled { schedule, retry, timeout } => JobWorkload::Scheduled(Box::new(CronJob {
            metadata,
            spec: CronJobSpec {
                schedule: schedule.expression().to_string(),
                successful_jobs_history_limit: Some(1),
                failed_jobs_history_limit: Some(1),
                concurrency_policy: Some("Forbid".to_owned()),
                starting_deadline_seconds: Some(STARTING_DEADLINE_SECONDS),
                suspend: plan.is_suspended.then_some(true),
                job_template: JobTemplateSpec {
                    metadata: None,
                    spec: Some(JobSpec {
                        active_deadline_seconds: timeout.map(|seconds| i64::from(seconds.get())),
                        ..job_spec(plan, *retry)
                    }),
                },
                ..CronJobSpec::default()
            }
            .into(),
            ..CronJob::default()
        })),
        JobKind::Continuous { replicas, port: _, health_check: _ } => {
            let rollout = Rollout::of_replicas(replicas.count().into());
            JobWorkload::Continuous(Box::new(Deployment {
                metadata,
                spec: DeploymentSpec {
                    replicas: Some(replicas.as_i32()),
                    progress_deadline_seconds: Some(PROGRESS_DEADLINE_SECONDS),
                    strategy: Some(rollout.strategy()),
                    selector: LabelSelector {
                        match_labels: Some(plan.selector.clone()),
                        ..LabelSelector::default()
                    },
                    template: template(plan),
                    ..DeploymentSpec::default()
                }
                .into(),
                ..Deployment::default()
            }))
        }
    }
}

fn job_spec(plan: &JobPlan, retry: Retry) -> JobSpec {
    JobSpec {
        template: template(plan),
        ttl_seconds_after_finished: Some(KEPT_SECONDS),
        backoff_limit: Some(i32::from(retry.count())),
        ..JobSpec::default()
    }
}

fn metadata(plan: &JobPlan) -> ObjectMeta {
    let mut annotations = BTreeMap::new();
    let mut note = |key: &str, value: String| annotations.insert(key.to_owned(), value);
    if let Some(schedule) = plan.request.kind.schedule() {
        note(platform::ANNOTATION_CRON_EXPRESSION, schedule.written().to_owned());
    }
    if let Some(written) = RenderedCommand::of(&plan.request).written {
        note(platform::ANNOTATION_COMMAND, written);
    }
    if let JobKind::Continuous { health_check: Some(check @ JobHealthCheck::Script(script)), .. } =
        &plan.request.kind
    {
        let words = health_check_words(script, plan.request.image.is_build_service());
        if health_check_of(&words) != *check {
            note(platform::ANNOTATION_HEALTH_CHECK, script.clone());
        }
    }
    if let Some(file) = &plan.file {
        note(platform::ANNOTATION_FILE, file.clone());
    }
    if let Some(moment) = &plan.run_by_hand {
        note(platform::ANNOTATION_RUN_BY_HAND, moment.clone());
    }
    ObjectMeta {
        name: Some(plan.request.name.to_string()),
        namespace: Some(plan.request.tool.namespace()),
        labels: Some(labels::of_job(&plan.request)),
        annotations: Some(annotations).filter(|annotations| !annotations.is_empty()),
        ..ObjectMeta::default()
    }
}
