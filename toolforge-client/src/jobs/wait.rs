//! Waiting for jobs by watch.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use k8s_openapi::Metadata;
use k8s_openapi::Resource;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use toolforge_model::{JobName, ToolName};
use toolforge_render::job::LiveJobs;

use crate::jobs::change::JobObject;
use crate::{Change, Client, Error, LogOwner, LogSubject, ResourceType, Selector, WatchOptions};

/// What came of waiting.
#[derive(Clone, Debug)]
pub enum JobsWaited<T> {
    /// The caller has seen what it waited for.
    Done(T),
    /// The deadline passed; this is how the objects were then.
    DeadlineExceeded(Box<LiveJobs>),
}

enum Told {
    Job(Change<Job>),
    Deployment(Change<Deployment>),
    Pod(Change<Pod>),
    Event(Change<Event>),
}

impl Client {
    /// Follows an object of a job, that job's pods and the namespace's events, and asks the caller after every change,
    /// until it breaks off or the deadline passes. `object` is the name of a Job or Deployment, which for a run of a
    /// scheduled job is not the job's own.
    ///
    /// The caller sees the objects for the first time when all kinds have been listed.
    ///
    /// # Errors
    /// When a kind cannot be listed, or the cluster is away for longer than the options allow.
    pub async fn wait_job<T>(
        &self,
        (tool, name): (&ToolName, &JobName),
        (kind, object): (JobObject, &str),
        (deadline, options): (Duration, WatchOptions),
        mut decide: impl FnMut(&LiveJobs) -> ControlFlow<T>,
    ) -> Result<JobsWaited<T>, Error> {
        let namespace = tool.namespace();
        let one = || Selector::all().field("metadata.name", object);
        let subject = LogSubject::job(tool, name.as_str(), LogOwner::Job);
        let of_one = match kind {
            JobObject::Deployment => self.followed(&namespace, one(), options, Told::Deployment),
            _ => self.followed(&namespace, one(), options, Told::Job),
        };
        let mut told = pin!(stream::select_all([
            of_one,
            self.followed(&namespace, subject.selector(), options, Told::Pod),
            self.followed(&namespace, Selector::all(), options, Told::Event),
        ]));
        let mut seen = Seen::default();
        let following = async {
            while let Some(told) = told.next().await {
                seen.take(told?);
                if let Some(live) = &seen.live()
                    && let ControlFlow::Break(result) = decide(live)
                {
                    return Ok(Some(result));
                }
            }
            Ok(None)
        };
        match timeout(deadline, following).await {
            Ok(Ok(Some(result))) => Ok(JobsWaited::Done(result)),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) | Err(_) => {
                Ok(JobsWaited::DeadlineExceeded(Box::new(seen.live().unwrap_or_default())))
            }
        }
    }

    fn followed<K>(
        &self,
        namespace: &str,
        selector: Selector,
        options: WatchOptions,
        wrap: fn(Change<K>) -> Told,
    ) -> BoxStream<'static, Result<Told, Error>>
    where
        K: Resource + DeserializeOwned + Send + 'static,
    {
        let collection = ResourceType::of::<K>().in_namespace(namespace);
        self.watch::<K>(collection, selector, options).map(move |change| change.map(wrap)).boxed()
    }
}

/// What is known so far; `None` where a kind has not been listed yet.
#[derive(Default)]
struct Seen {
    jobs: Option<BTreeMap<String, Job>>,
    deployments: Option<BTreeMap<String, Deployment>>,
    pods: Option<BTreeMap<String, Pod>>,
    events: Option<BTreeMap<String, Event>>,
}

impl Seen {
    fn take(&mut self, told: Told) {
        match told {
            Told::Job(change) => keep(&mut self.jobs, change),
            Told::Deployment(change) => keep(&mut self.deployments, change),
            Told::Pod(change) => keep(&mut self.pods, change),
            Told::Event(change) => keep(&mut self.events, change),
        }
    }

    /// Returns the objects, or `None` where a kind has not been listed yet.
    fn live(&self) -> Option<LiveJobs> {
        fn all<K: Clone>(known: Option<&BTreeMap<String, K>>) -> Vec<K> {
            known.into_iter().flat_map(BTreeMap::values).cloned().collect()
        }
        if self.jobs.is_none() && self.deployments.is_none() {
            return None;
        }
        let (Some(pods), Some(events)) = (&self.pods, &self.events) else { return None };
        Some(LiveJobs {
            jobs: all(self.jobs.as_ref()),
            deployments: all(self.deployments.as_ref()),
            pods: all(Some(pods)),
            events: all(Some(events)),
            ..LiveJobs::default()
        })
    }
}

fn keep<K: Metadata<Ty = ObjectMeta>>(known: &mut Option<BTreeMap<String, K>>, change: Change<K>) {
    let name = |object: &K| object.metadata().name.clone().unwrap_or_default();
    match change {
        Change::Reset(objects) => {
            *known = Some(objects.into_iter().map(|object| (name(&object), object)).collect());
        }
        Change::Applied(object) => {
            known.get_or_insert_default().insert(name(&object), object);
        }
        Change::Deleted(object) => {
            known.get_or_insert_default().remove(&name(&object));
        }
    }
}
