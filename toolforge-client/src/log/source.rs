//! Which pods' logs are read together, and the object that creates the pods: the log ends with it.

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, Stream};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;
use serde::de::{DeserializeOwned, IgnoredAny};
use toolforge_model::{ToolName, platform};
use toolforge_render::job::{JobObjects, JobWorkload, LiveJobs, runs_of_job};
use toolforge_render::object::{
    JobEnd, ObjectId, ObjectKind, is_owned_by, is_pod_of_cron_job, is_pod_of_deployment, label,
};
use toolforge_render::pod::has_ended;
use toolforge_render::web_service::is_web_service_pod;

use crate::api_path::named;
use crate::{Client, Collection, Error, ObjectPath, ResourceType, WatchOptions, WatcherEvent};

/// Which pods' logs are read together, and the object that ends the log when it is deleted or finishes.
#[derive(Clone, Debug)]
pub struct LogTarget {
    namespace: String,
    /// The labels of all of the pods.
    labels: Vec<(&'static str, String)>,
    /// Which of the pods with these labels belong to the target.
    accepts: Accepts,
    owner: ObjectPath,
}

/// Which pods belong to a target.
#[derive(Clone, Debug)]
enum Accepts {
    /// All with the labels.
    All,
    /// Those of a web service.
    WebService,
    /// Those of a Deployment, by the name of their ReplicaSet.
    Deployment(String),
    /// Those of a CronJob, by the names of their Jobs: known ones, and the CronJob's name with a number.
    CronJob { name: String, runs: Vec<String> },
    /// Those of a Job, by its UID.
    Job(Option<String>),
    /// One pod, by its UID.
    Pod(Option<String>),
}

impl Accepts {
    fn accepts(&self, pod: &Pod) -> bool {
        match self {
            Self::All => true,
            Self::WebService => is_web_service_pod(pod),
            Self::Deployment(name) => is_pod_of_deployment(pod, name),
            Self::CronJob { name, runs } => {
                let mut owners = pod.metadata.owner_references.iter().flatten();
                is_pod_of_cron_job(pod, name)
                    || owners.any(|owner| owner.kind == "Job" && runs.contains(&owner.name))
            }
            Self::Job(uid) => is_owned_by(&pod.metadata, uid.as_deref()),
            Self::Pod(uid) => uid.is_some() && pod.metadata.uid == *uid,
        }
    }
}

/// The kind of the object that creates the pods of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOwner {
    /// The Deployment of a continuous job or a web service.
    Deployment,
    /// The CronJob of a scheduled job.
    CronJob,
    /// The Job of a one-off job; the log also ends when it has finished.
    Job,
    /// The pod itself; the log also ends when it has finished.
    Pod,
}

impl LogOwner {
    /// Returns the object of this kind with a name.
    pub(super) fn path(self, namespace: String, name: &str) -> ObjectPath {
        let resource = match self {
            Self::Deployment => ResourceType::of::<Deployment>(),
            Self::CronJob => ResourceType::of::<CronJob>(),
            Self::Job => ResourceType::of::<Job>(),
            Self::Pod => ResourceType::of::<Pod>(),
        };
        resource.in_namespace(namespace).named(name)
    }
}

impl LogTarget {
    /// Returns the target for a web service: its pods, until its Deployment is gone.
    #[must_use]
    pub fn web_service(tool: &ToolName) -> Self {
        Self {
            namespace: tool.namespace(),
            labels: vec![(platform::LABEL_NAME, tool.as_str().to_owned())],
            accepts: Accepts::WebService,
            owner: LogOwner::Deployment.path(tool.namespace(), tool.as_str()),
        }
    }

    /// Returns the target for a job, whose own object has this kind and the job's name.
    #[must_use]
    pub fn job(tool: &ToolName, name: &str, owner: LogOwner) -> Self {
        Self {
            namespace: tool.namespace(),
            labels: vec![
                (platform::LABEL_TOOLFORGE, platform::TOOLFORGE_TOOL.to_owned()),
                (platform::LABEL_MANAGED_BY, platform::MANAGED_BY_JOBS.to_owned()),
                (platform::LABEL_CREATED_BY, tool.as_str().to_owned()),
                (platform::LABEL_JOB_NAME, name.to_owned()),
            ],
            // Only the job's pods have these labels.
            accepts: Accepts::All,
            owner: owner.path(tool.namespace(), name),
        }
    }

    /// Returns the target for a job or a workload that no tool manages, until it is gone; `live` has the existing runs of a
    /// CronJob.
    #[must_use]
    pub fn workload(tool: &ToolName, job: &JobObjects, live: &LiveJobs) -> Self {
        let kind = match &job.workload {
            JobWorkload::Continuous(_) => LogOwner::Deployment,
            JobWorkload::Scheduled(_) => LogOwner::CronJob,
            JobWorkload::OneOff(_) => LogOwner::Job,
        };
        let name = job.name.as_str();
        if job.is_managed() {
            return Self::job(tool, name, kind);
        }
        let accepts = match &job.workload {
            JobWorkload::Continuous(_) => Accepts::Deployment(name.to_owned()),
            JobWorkload::Scheduled(_) => {
                let runs = runs_of_job(job, live).into_iter().filter_map(|run| run.metadata.name.clone());
                Accepts::CronJob { name: name.to_owned(), runs: runs.collect() }
            }
            JobWorkload::OneOff(run) => Accepts::Job(run.metadata.uid.clone()),
        };
        Self {
            namespace: tool.namespace(),
            labels: Vec::new(),
            accepts,
            owner: kind.path(tool.namespace(), name),
        }
    }

    /// Returns the target for the pods of a deleted object, by its kind, name and UID.
    pub(crate) fn of_deleted(tool: &ToolName, id: &ObjectId, uid: Option<&String>) -> Self {
        let (accepts, owner) = match id.kind {
            ObjectKind::Deployment => (Accepts::Deployment(id.name.clone()), LogOwner::Deployment),
            ObjectKind::CronJob => {
                (Accepts::CronJob { name: id.name.clone(), runs: Vec::new() }, LogOwner::CronJob)
            }
            ObjectKind::Job => (Accepts::Job(uid.cloned()), LogOwner::Job),
            _ => (Accepts::Pod(uid.cloned()), LogOwner::Pod),
        };
        let owner = owner.path(tool.namespace(), &id.name);
        Self { namespace: tool.namespace(), labels: Vec::new(), accepts, owner }
    }

    /// Returns the target for one pod, until it has finished or is gone.
    #[must_use]
    pub fn pod(tool: &ToolName, pod: &Pod) -> Self {
        let name = pod.metadata.name.as_deref().unwrap_or_default();
        Self {
            namespace: tool.namespace(),
            labels: Vec::new(),
            accepts: Accepts::Pod(pod.metadata.uid.clone()),
            owner: LogOwner::Pod.path(tool.namespace(), name),
        }
    }

    /// Returns the collection that contains the target's pods.
    #[must_use]
    pub fn collection(&self) -> Collection {
        ResourceType::of::<Pod>().in_namespace(self.namespace.as_str())
    }

    /// Returns the parameters that select the target's pods.
    #[must_use]
    pub fn list_params(&self) -> ListParams {
        if let Accepts::Pod(_) = self.accepts {
            return named(self.owner.name());
        }
        if self.labels.is_empty() {
            return ListParams::default();
        }
        let labels = self.labels.iter().map(|(name, value)| format!("{name}={value}"));
        ListParams::default().labels(&labels.collect::<Vec<_>>().join(","))
    }

    /// Returns whether a pod belongs to the target.
    #[must_use]
    pub fn includes(&self, pod: &Pod) -> bool {
        let labels = pod.metadata.labels.as_ref();
        self.labels.iter().all(|(name, value)| label(labels, name) == Some(value))
            && self.accepts.accepts(pod)
    }

    /// Returns the object that ends the log when it is deleted or finishes.
    pub(super) fn owner(&self) -> &ObjectPath {
        &self.owner
    }
}

/// Whether new pods can still appear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnerState {
    Exists,
    /// A Job has created all its pods, and all of them have terminated.
    Finished,
    Gone,
}

/// Returns the states of an object from now on.
pub(super) fn owner_states(
    client: &Client,
    owner: &ObjectPath,
    options: WatchOptions,
) -> BoxStream<'static, Result<OwnerState, Error>> {
    let collection = owner.collection().clone();
    let one = named(owner.name());
    if owner.resource() == ResourceType::of::<Job>() {
        states_of(client.watch(collection, one, options), has_finished)
    } else if owner.resource() == ResourceType::of::<Pod>() {
        states_of(client.watch(collection, one, options), has_ended)
    } else {
        states_of(client.watch::<IgnoredAny>(collection, one, options), |_| false)
    }
}

fn states_of<T: DeserializeOwned + Send + 'static>(
    events: impl Stream<Item = Result<WatcherEvent<T>, Error>> + Send + 'static,
    has_finished: fn(&T) -> bool,
) -> BoxStream<'static, Result<OwnerState, Error>> {
    let state = move |object: Option<&T>| match object {
        None => OwnerState::Gone,
        Some(object) if has_finished(object) => OwnerState::Finished,
        Some(_) => OwnerState::Exists,
    };
    let states = events.map(move |event| {
        event.map(|event| match event {
            WatcherEvent::Init(objects) => state(objects.first()),
            WatcherEvent::Apply(object) => state(Some(&object)),
            WatcherEvent::Delete(_) => OwnerState::Gone,
        })
    });
    states.boxed()
}

/// Returns whether a Job and all of its pods have finished.
fn has_finished(job: &Job) -> bool {
    JobEnd::of(job).is_some_and(JobEnd::is_final)
}
