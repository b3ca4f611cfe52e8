use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;

use crate::job::{JobObjects, JobWorkload, LiveJobs, job_name_of};
use crate::object::{is_owned_by, is_pod_of_deployment, label};
use toolforge_model::platform;

/// Returns the pods of all runs of a job.
#[must_use]
pub fn pods_of_job<'a>(job: &JobObjects, live: &'a LiveJobs) -> Vec<&'a Pod> {
    live.pods.iter().filter(|pod| owns(job, pod, live)).collect()
}

/// Returns the existing runs of a scheduled job, newest first, including those that were started manually; for a one-off
/// job, its only run.
#[must_use]
pub fn runs_of_job<'a>(job: &JobObjects, live: &'a LiveJobs) -> Vec<&'a Job> {
    let uid = job.workload.metadata().uid.as_deref();
    let mut runs: Vec<&Job> = match &job.workload {
        JobWorkload::OneOff(own) => {
            live.jobs.iter().filter(|found| found.metadata.uid == own.metadata.uid).collect()
        }
        JobWorkload::Scheduled(_) => {
            live.jobs.iter().filter(|found| is_owned_by(&found.metadata, uid)).collect()
        }
        JobWorkload::Continuous(_) => Vec::new(),
    };
    runs.sort_by_key(|run| std::cmp::Reverse(run.metadata.creation_timestamp.as_ref().map(|time| time.0)));
    runs
}

/// Returns the pods of one run, oldest first.
pub(super) fn pods_of_run<'a>(run: &Job, live: &'a LiveJobs) -> Vec<&'a Pod> {
    let uid = run.metadata.uid.as_deref();
    let mut pods: Vec<&Pod> = live.pods.iter().filter(|pod| is_owned_by(&pod.metadata, uid)).collect();
    pods.sort_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0));
    pods
}

/// Returns whether a pod belongs to a workload: by its labels if a tool manages the workload, otherwise by its owner.
pub(in crate::job) fn owns(job: &JobObjects, pod: &Pod, live: &LiveJobs) -> bool {
    if job.is_managed() {
        let labels = pod.metadata.labels.as_ref();
        return label(labels, platform::LABEL_MANAGED_BY) == Some(platform::MANAGED_BY_JOBS)
            && job_name_of(labels).as_ref() == Some(&job.name);
    }
    let has_owner = |uid: Option<&str>| is_owned_by(&pod.metadata, uid);
    match &job.workload {
        JobWorkload::Continuous(deployment) => is_of_deployment(pod, deployment),
        JobWorkload::OneOff(run) => has_owner(run.metadata.uid.as_deref()),
        JobWorkload::Scheduled(_) => {
            runs_of_job(job, live).into_iter().any(|run: &Job| has_owner(run.metadata.uid.as_deref()))
        }
    }
}

fn is_of_deployment(pod: &Pod, deployment: &Deployment) -> bool {
    deployment.metadata.name.as_deref().is_some_and(|name| is_pod_of_deployment(pod, name))
}
