use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::Pod;

use crate::job::unmanaged::owns;
use crate::job::{JobObjects, JobWorkload, LiveJobs};

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
            let is_run = |found: &&Job| {
                found.metadata.owner_references.iter().flatten().any(|owner| Some(owner.uid.as_str()) == uid)
            };
            live.jobs.iter().filter(is_run).collect()
        }
        JobWorkload::Continuous(_) => Vec::new(),
    };
    runs.sort_by_key(|run| std::cmp::Reverse(run.metadata.creation_timestamp.as_ref().map(|time| time.0)));
    runs
}

/// Returns the pods of one run, oldest first.
pub(super) fn pods_of_run<'a>(run: &Job, live: &'a LiveJobs) -> Vec<&'a Pod> {
    let uid = run.metadata.uid.as_deref();
    let is_own = |pod: &&Pod| {
        pod.metadata.owner_references.iter().flatten().any(|owner| Some(owner.uid.as_str()) == uid)
    };
    let mut pods: Vec<&Pod> = live.pods.iter().filter(is_own).collect();
    pods.sort_by_key(|pod| pod.metadata.creation_timestamp.as_ref().map(|time| time.0));
    pods
}
