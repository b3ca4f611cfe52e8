//! Waiting for jobs by watch.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use k8s_openapi::Resource;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use serde::de::DeserializeOwned;
use tokio::time::timeout;
use toolforge_model::{JobName, ToolName};
use toolforge_render::job::LiveJobs;

use crate::jobs::change::JobObject;
use crate::watch::Known;
use crate::{Change, Client, Error, LogOwner, LogSubject, ResourceType, Selector, Waited, WatchOptions};

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
    ) -> Result<Waited<T, LiveJobs>, Error> {
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
            Ok(Ok(Some(result))) => Ok(Waited::Done(result)),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) | Err(_) => Ok(Waited::DeadlineExceeded(Box::new(seen.live().unwrap_or_default()))),
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

/// What is known so far.
#[derive(Default)]
struct Seen {
    jobs: Known<Job>,
    deployments: Known<Deployment>,
    pods: Known<Pod>,
    events: Known<Event>,
}

impl Seen {
    fn take(&mut self, told: Told) {
        match told {
            Told::Job(change) => self.jobs.take(change),
            Told::Deployment(change) => self.deployments.take(change),
            Told::Pod(change) => self.pods.take(change),
            Told::Event(change) => self.events.take(change),
        }
    }

    /// Returns the objects, or `None` where a kind that is followed has not been listed yet.
    fn live(&self) -> Option<LiveJobs> {
        let (jobs, deployments) = match (self.jobs.all(), self.deployments.all()) {
            (None, None) => return None,
            (jobs, deployments) => (jobs.unwrap_or_default(), deployments.unwrap_or_default()),
        };
        let (pods, events) = (self.pods.all()?, self.events.all()?);
        Some(LiveJobs { jobs, deployments, pods, events, ..LiveJobs::default() })
    }
}
