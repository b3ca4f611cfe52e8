//! Fetching the facts for jobs, concurrently.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::jiff::Timestamp;
use kube::api::ListParams;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toolforge_model::{JobName, ToolName};
use toolforge_render::job::{JobFacts, LiveJobs, RecordedJob};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::HttpRoute;
use toolforge_render::pod::{PodsTime, with_unsettled_pods};

use crate::facts::{FactsError, FetchedNamespace, NamespaceFetchOptions, host_namespace, readable};
use crate::{Client, Error, ResourceType};

/// Which objects are fetched; each is one request, and all are sent concurrently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobFetchOptions {
    /// The facts of the namespace: up to three requests.
    pub namespace: NamespaceFetchOptions,
    /// Services and HTTPRoutes: two requests.
    pub addresses: bool,
    /// The namespace's events, which explain failures.
    pub events: bool,
    /// The records of the platform's jobs service: two requests.
    pub records: bool,
}

impl JobFetchOptions {
    /// Returns the options for planning a change.
    #[must_use]
    pub fn for_plan() -> Self {
        Self { namespace: NamespaceFetchOptions::all(), addresses: true, events: false, records: true }
    }

    /// Returns the options for a list of jobs.
    #[must_use]
    pub fn for_list() -> Self {
        Self { namespace: NamespaceFetchOptions::catalog(), addresses: true, events: true, records: false }
    }

    /// Returns the options for the jobs and their pods only.
    #[must_use]
    pub fn for_names() -> Self {
        Self { namespace: NamespaceFetchOptions::default(), addresses: false, events: false, records: false }
    }
}

/// Fetched objects; those that were not requested or do not exist are `None` or empty.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FetchedJobs {
    /// The facts of the namespace.
    pub namespace: FetchedNamespace,
    /// The namespace's objects.
    pub live: LiveJobs,
    /// Whether the user may not read events, so that `live` has none.
    pub has_unread_events: bool,
}

impl FetchedJobs {
    /// Returns the facts: `namespace` with the fetched limits, and the live objects.
    #[must_use]
    pub fn facts(self, namespace: Namespace) -> JobFacts {
        let Self { namespace: fetched, live, has_unread_events: _ } = self;
        let mut facts = JobFacts::new(fetched.facts(namespace));
        let (limits, now) = (facts.namespace.limits, PodsTime::Now(Timestamp::now()));
        facts.namespace.limits = with_unsettled_pods(limits, &live.deployments, &live.jobs, &live.pods, now);
        facts.live = live;
        facts
    }
}

/// A record of the platform's jobs service; only its name is read.
#[derive(Deserialize)]
struct Record {
    metadata: RecordMetadata,
}

#[derive(Deserialize)]
struct RecordMetadata {
    name: String,
}

impl Client {
    /// Returns the facts for a tool's jobs: those of the namespace and the live objects, with events.
    ///
    /// # Errors
    /// As [`Client::facts`].
    pub async fn job_facts(&self, tool: &ToolName) -> Result<JobFacts, FactsError> {
        let wanted = JobFetchOptions { events: true, ..JobFetchOptions::for_plan() };
        let objects = self.fetch_jobs(tool, wanted).await?;
        let namespace = host_namespace(tool, objects.namespace.catalog()?)?;
        Ok(objects.facts(namespace))
    }

    /// Fetches a tool's jobs. All requests are sent concurrently over one connection, and their number does not depend on
    /// the number of jobs. They have one time limit [together](Self::sharing_read_time).
    ///
    /// # Errors
    /// The first error of any request. Missing objects are not errors, nor are events that the user may not list, and HTTPRoutes
    /// and records of the jobs service that the cluster does not serve or the user may not list.
    pub async fn fetch_jobs(&self, tool: &ToolName, wanted: JobFetchOptions) -> Result<FetchedJobs, Error> {
        let JobFetchOptions { namespace: wanted_facts, addresses, events, records } = wanted;
        let client = self.sharing_read_time();
        let namespace = tool.namespace();
        let list = |resource: ResourceType| resource.in_namespace(namespace.clone());
        let (deployments, cron_jobs, jobs, pods, facts, services, http_routes, events, continuous, scheduled) =
            tokio::try_join!(
                biased;
                client.all::<Deployment>(true, list(ResourceType::of::<Deployment>())),
                client.all::<CronJob>(true, list(ResourceType::of::<CronJob>())),
                client.all::<Job>(true, list(ResourceType::of::<Job>())),
                client.all::<Pod>(true, list(ResourceType::of::<Pod>())),
                client.fetch_namespace(tool, wanted_facts),
                client.all::<Service>(addresses, list(ResourceType::of::<Service>())),
                client.all_served::<HttpRoute>(addresses, ResourceType::HTTP_ROUTES, tool),
                readable(client.all::<Event>(events, list(ResourceType::of::<Event>()))),
                client.all_served::<Record>(records, ResourceType::of_kind(RecordedJob::Continuous.kind()), tool),
                client.all_served::<Record>(records, ResourceType::of_kind(RecordedJob::Scheduled.kind()), tool),
            )?;
        let mut recorded: BTreeMap<JobName, RecordedJob> = BTreeMap::new();
        for (records, kind) in [(continuous, RecordedJob::Continuous), (scheduled, RecordedJob::Scheduled)] {
            let names = records.into_iter().filter_map(|record| record.metadata.name.parse().ok());
            recorded.extend(names.map(|name: JobName| (name, kind)));
        }
        let mut live = LiveJobs::default();
        live.deployments = deployments;
        live.cron_jobs = cron_jobs;
        live.jobs = jobs;
        live.services = services;
        live.http_routes = http_routes;
        live.pods = pods;
        let has_unread_events = events.is_none();
        live.events = events.unwrap_or_default();
        live.recorded = recorded;
        Ok(FetchedJobs { namespace: facts, live, has_unread_events })
    }

    async fn all<T: DeserializeOwned>(
        &self,
        wanted: bool,
        collection: crate::Collection,
    ) -> Result<Vec<T>, Error> {
        if !wanted {
            return Ok(Vec::new());
        }
        Ok(self.list(&collection, &ListParams::default()).await?.items)
    }

    /// Returns the objects of a kind; none if the cluster does not serve it or the tool may not list it.
    async fn all_served<T: DeserializeOwned>(
        &self,
        wanted: bool,
        resource: ResourceType,
        tool: &ToolName,
    ) -> Result<Vec<T>, Error> {
        let found = self.all(wanted, resource.in_namespace(tool.namespace())).await;
        match found {
            Err(error) if error.api_status().is_some_and(|status| matches!(status.code(), 403 | 404)) => {
                Ok(Vec::new())
            }
            found => found,
        }
    }
}
