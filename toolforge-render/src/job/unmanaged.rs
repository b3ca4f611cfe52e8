//! Workloads that neither these programs nor the platform's tools manage, such as those of `kubectl apply`.
//!
//! Such a Deployment, CronJob or Job is read as a job: [`JobObjects`] whose
//! [`is_managed`](JobObjects::is_managed) is `false`. Its state, causes, schedule and demand are those of a job with the same
//! object.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_model::{JobName, ToolName, Untrusted, platform};
use toolforge_quota::{Demand, LimitRange};

use crate::job::observe::owns;
use crate::job::{JobObjects, JobWorkload, LiveJobs, WorkloadRef, demand, is_job};
use crate::object::{ObjectId, ObjectKind, created_by, is_shell, is_web_service, label};
use crate::pod::of_live_pods;

/// What a [`WorkloadRef`] refers to.
#[derive(Clone, Debug, PartialEq)]
pub enum FoundWorkload {
    /// A job, or a Deployment, CronJob or Job that no tool manages.
    Job(Box<JobObjects>),
    /// A pod: one without an owner, or one that a workload has created.
    Pod(Box<Pod>),
}

/// Why nothing is found for a [`WorkloadRef`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WorkloadLookupError {
    /// There is no such job and no such object.
    #[error("{wanted} does not exist")]
    NotFound {
        /// The requested reference.
        wanted: WorkloadRef,
    },
    /// Several objects have the name.
    #[error("{name} is the name of several objects: {}", list(kinds, name))]
    Ambiguous {
        /// The name.
        name: JobName,
        /// The kinds of the objects.
        kinds: Vec<ObjectKind>,
    },
    /// The object belongs to the web service or one of its shells.
    #[error("{id} belongs to the web service")]
    WebService {
        /// The object.
        id: ObjectId,
    },
}

fn list(kinds: &[ObjectKind], name: &JobName) -> String {
    let one = |kind: &ObjectKind| WorkloadRef::of_kind(*kind, name.clone()).to_string();
    kinds.iter().map(one).collect::<Vec<_>>().join(", ")
}

impl JobObjects {
    /// Returns whether these programs or the platform's jobs service manage it: its labels are those of a job.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        let labels = self.workload.metadata().labels.as_ref();
        let is_own = self.workload.metadata().owner_references.iter().flatten().next().is_none();
        let tool = label(labels, platform::LABEL_CREATED_BY).and_then(|tool| tool.parse().ok());
        is_own && tool.is_some_and(|tool| is_job(labels, &tool))
    }

    /// Returns the reference to the object that runs it: `deployment/NAME`.
    #[must_use]
    pub fn workload_ref(&self) -> WorkloadRef {
        WorkloadRef::of_kind(self.workload.kind(), self.name.clone())
    }

    /// Returns the program that created the object that runs it, by its managed fields: `kubectl-client-side-apply`.
    #[must_use]
    pub fn created_by(&self) -> Option<Untrusted> {
        created_by(self.workload.metadata())
    }

    /// Returns what its objects use of the quotas now.
    #[must_use]
    pub fn usage(&self, live: &LiveJobs, limit_ranges: &[LimitRange]) -> Demand {
        demand::of_live(self, live, limit_ranges)
    }
}

impl LiveJobs {
    /// Returns the Deployments, CronJobs and Jobs that are neither a job's nor the web service's and that no other object owns,
    /// each kind in the cluster's order.
    #[must_use]
    pub fn unmanaged(&self, tool: &ToolName) -> Vec<JobObjects> {
        let is_unmanaged = |metadata: &ObjectMeta| {
            metadata.owner_references.iter().flatten().next().is_none()
                && !is_job(metadata.labels.as_ref(), tool)
                && !is_of_web_service(metadata, tool)
        };
        self.workloads().filter(|workload| is_unmanaged(workload.metadata())).filter_map(as_job).collect()
    }

    /// Returns the pods that no object owns, without the shells of the web service.
    #[must_use]
    pub fn unmanaged_pods(&self, tool: &ToolName) -> Vec<&Pod> {
        let is_bare = |pod: &&Pod| {
            let metadata = &pod.metadata;
            metadata.owner_references.iter().flatten().next().is_none()
                && !is_job(metadata.labels.as_ref(), tool)
                && !is_of_web_service(metadata, tool)
                && !is_shell(metadata.labels.as_ref())
        };
        self.pods.iter().filter(is_bare).collect()
    }

    /// Returns the scheduled jobs, including those that no tool manages.
    #[must_use]
    pub fn all_scheduled(&self, tool: &ToolName) -> Vec<JobObjects> {
        let all = self.jobs_of(tool).into_iter().chain(self.unmanaged(tool));
        all.filter(|job| matches!(job.workload, JobWorkload::Scheduled(_))).collect()
    }

    /// Finds a job, an object that no tool manages, a run of a scheduled job, or a pod, in that order.
    ///
    /// # Errors
    /// When there is none, when several objects that no tool manages have the name, or when it is the web service's.
    pub fn find(&self, tool: &ToolName, wanted: &WorkloadRef) -> Result<FoundWorkload, WorkloadLookupError> {
        let found = |job: JobObjects| Ok(FoundWorkload::Job(Box::new(job)));
        if wanted.kind == Some(ObjectKind::Pod) {
            return self.find_pod(tool, wanted);
        }
        let has_kind = |job: &JobObjects| wanted.kind.is_none_or(|kind| kind == job.workload.kind());
        let mut jobs = self.jobs_of(tool).into_iter().filter(|job| job.name == wanted.name);
        if let Some(job) = jobs.find(has_kind) {
            return found(job);
        }
        let has_name = |job: &JobObjects| job.name == wanted.name && has_kind(job);
        let mut unmanaged: Vec<JobObjects> = self.unmanaged(tool).into_iter().filter(has_name).collect();
        let bare = self.unmanaged_pods(tool).into_iter().find(|pod| has_pod_name(pod, &wanted.name));
        let bare = bare.filter(|_| wanted.kind.is_none());
        if unmanaged.len() + usize::from(bare.is_some()) > 1 {
            let kinds = unmanaged.iter().map(|job| job.workload.kind());
            let kinds = kinds.chain(bare.map(|_| ObjectKind::Pod)).collect();
            return Err(WorkloadLookupError::Ambiguous { name: wanted.name.clone(), kinds });
        }
        if let Some(job) = unmanaged.pop() {
            return found(job);
        }
        if let Some(pod) = bare {
            return Ok(FoundWorkload::Pod(Box::new(pod.clone())));
        }
        match self.workloads().filter_map(as_job).find(has_name) {
            Some(job) if is_of_web_service(job.workload.metadata(), tool) => {
                let id = ObjectId::new(job.workload.kind(), job.name.as_str());
                Err(WorkloadLookupError::WebService { id })
            }
            // A run of a scheduled job.
            Some(job) => found(job),
            None if wanted.kind.is_none() => self.find_pod(tool, wanted),
            None => Err(WorkloadLookupError::NotFound { wanted: wanted.clone() }),
        }
    }

    fn find_pod(&self, tool: &ToolName, wanted: &WorkloadRef) -> Result<FoundWorkload, WorkloadLookupError> {
        let pod = self.pods.iter().find(|pod| has_pod_name(pod, &wanted.name));
        let Some(pod) = pod else {
            return Err(WorkloadLookupError::NotFound { wanted: wanted.clone() });
        };
        let labels = pod.metadata.labels.as_ref();
        if is_shell(labels) || is_of_web_service(&pod.metadata, tool) {
            let id = ObjectId::new(ObjectKind::Pod, wanted.name.as_str());
            return Err(WorkloadLookupError::WebService { id });
        }
        Ok(FoundWorkload::Pod(Box::new(pod.clone())))
    }

    /// Returns what keeps a pod running or has started it: a job, or an object that no tool manages; `None` for a bare pod.
    #[must_use]
    pub fn owner_of(&self, tool: &ToolName, pod: &Pod) -> Option<JobObjects> {
        let all = self.jobs_of(tool).into_iter().chain(self.unmanaged(tool));
        all.into_iter().find(|job| owns(job, pod, self))
    }

    fn workloads(&self) -> impl Iterator<Item = JobWorkload> {
        let deployments =
            self.deployments.iter().map(|found| JobWorkload::Continuous(Box::new(found.clone())));
        let cron_jobs = self.cron_jobs.iter().map(|found| JobWorkload::Scheduled(Box::new(found.clone())));
        let jobs = self.jobs.iter().map(|found| JobWorkload::OneOff(Box::new(found.clone())));
        deployments.chain(cron_jobs).chain(jobs)
    }
}

/// Returns an object as a job; `None` if its name cannot be read.
pub(super) fn as_job(workload: JobWorkload) -> Option<JobObjects> {
    let name = JobName::of_object(workload.metadata().name.as_deref()?).ok()?;
    Some(JobObjects { name, workload, service: None, http_route: None })
}

fn has_pod_name(pod: &Pod, name: &JobName) -> bool {
    pod.metadata.name.as_deref() == Some(name.as_str())
}

/// Returns whether an object is part of the tool's web service. An object with another name and these labels is not:
/// `webservice` finds its objects by name.
fn is_of_web_service(metadata: &ObjectMeta, tool: &ToolName) -> bool {
    let labels = metadata.labels.as_ref();
    let is_owned = metadata.owner_references.iter().flatten().next().is_some();
    let is_named = metadata.name.as_deref() == Some(tool.as_str());
    is_web_service(labels) && (is_named || is_owned)
}

/// Returns what a pod uses of the quotas now.
#[must_use]
pub fn usage_of_pod(pod: &Pod, limit_ranges: &[LimitRange]) -> Demand {
    of_live_pods([pod], limit_ranges)
}
