use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;
use toolforge_model::platform;

use crate::job::{JobObjects, LiveJobs, Workload};

/// Returns the pods of a job, of whichever run.
#[must_use]
pub fn pods_of_job<'a>(job: &JobObjects, live: &'a LiveJobs) -> Vec<&'a Pod> {
    let has_name = |pod: &&Pod| {
        let label = |key: &str| pod.metadata.labels.as_ref()?.get(key).map(String::as_str);
        label(platform::LABEL_MANAGED_BY) == Some(platform::MANAGED_BY_JOBS)
            && label(platform::LABEL_JOB_NAME) == Some(job.name.as_str())
    };
    live.pods.iter().filter(has_name).collect()
}

/// Returns the runs of a scheduled job that still stand, the newest first, with those that were started by hand; of a
/// one-off job its one run.
#[must_use]
pub fn runs_of<'a>(job: &JobObjects, live: &'a LiveJobs) -> Vec<&'a Job> {
    let uid = job.workload.metadata().uid.as_deref();
    let mut runs: Vec<&Job> = match &job.workload {
        Workload::OneOff(own) => {
            live.jobs.iter().filter(|found| found.metadata.uid == own.metadata.uid).collect()
        }
        Workload::Scheduled(_) => {
            let is_run = |found: &&Job| {
                found.metadata.owner_references.iter().flatten().any(|owner| Some(owner.uid.as_str()) == uid)
            };
            live.jobs.iter().filter(is_run).collect()
        }
        Workload::Continuous(_) => Vec::new(),
    };
    runs.sort_by_key(|run| std::cmp::Reverse(run.metadata.creation_timestamp.as_ref().map(|time| time.0)));
    runs
}

/// Returns the pods of one run, the oldest first.
pub(super) fn pods_of_run<'a>(run: &Job, live: &'a LiveJobs) -> Vec<&'a Pod> {
    let uid = run.metadata.uid.as_deref();
    let is_own = |pod: &&Pod| {
        pod.metadata.owner_references.iter().flatten().any(|owner| Some(owner.uid.as_str()) == uid)
    };
    let mut pods: Vec<&Pod> = live.pods.iter().filter(is_own).collect();
    pods.sort_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0));
    pods
}
