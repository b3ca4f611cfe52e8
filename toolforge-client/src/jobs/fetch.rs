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
use toolforge_render::job::{JobFacts, LiveJobs, RecordedJob, is_job};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::{HttpRoute, ObjectKind};
use toolforge_render::pod::{FetchTime, with_kept_jobs, with_unsettled_pods};

use crate::facts::{FactsError, FetchedNamespace, NamespaceFetchOptions, host_namespace};
use crate::unread::{UnreadKinds, readable};
use crate::{Client, Error, ReadVerb, ResourceType, Unread};

/// The objects to fetch. Each is one request, and all requests are sent concurrently.
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
    /// Whether Services are needed even if no job has a port, so it is an error if the user may not list them.
    pub needs_services: bool,
    /// Whether kinds that the user may not list are left out instead of causing an error, for commands that work without them.
    pub leave_out_unread: bool,
}

impl JobFetchOptions {
    /// Returns the options for planning a change.
    #[must_use]
    pub fn for_plan() -> Self {
        Self {
            namespace: NamespaceFetchOptions::all(),
            addresses: true,
            events: false,
            records: true,
            ..Self::for_names()
        }
    }

    /// Returns the options for a list of jobs, without kinds that the user may not list.
    #[must_use]
    pub fn for_list() -> Self {
        Self {
            namespace: NamespaceFetchOptions::catalog(),
            addresses: true,
            events: true,
            records: false,
            needs_services: false,
            leave_out_unread: true,
        }
    }

    /// Returns the options for the jobs and their pods only.
    #[must_use]
    pub fn for_names() -> Self {
        Self {
            namespace: NamespaceFetchOptions::default(),
            addresses: false,
            events: false,
            records: false,
            needs_services: false,
            leave_out_unread: false,
        }
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
    /// The kinds that the user may not list, so `live` has none of them: events, and others if they are left out.
    pub unread: Vec<Unread>,
}

impl FetchedJobs {
    /// Returns the facts: `namespace` with the fetched limits, and the live objects.
    #[must_use]
    pub fn facts(self, namespace: Namespace) -> JobFacts {
        let Self { namespace: fetched, live, unread: _ } = self;
        let mut facts = JobFacts::new(fetched.facts(namespace));
        let (limits, now) = (facts.namespace.limits, FetchTime::Now(Timestamp::now()));
        let limits = with_unsettled_pods(limits, &live.deployments, &live.jobs, &live.pods, now);
        facts.namespace.limits = with_kept_jobs(limits, &live.cron_jobs, &live.jobs);
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
    /// Same as for [`Client::facts`].
    pub async fn job_facts(&self, tool: &ToolName) -> Result<JobFacts, FactsError> {
        let wanted = JobFetchOptions { events: true, ..JobFetchOptions::for_plan() };
        let objects = self.fetch_jobs(tool, wanted).await?;
        let namespace = host_namespace(tool, objects.namespace.catalog()?)?;
        Ok(objects.facts(namespace))
    }

    /// Fetches a tool's jobs. All requests are sent concurrently over one connection, and their number does not depend on the
    /// number of jobs. They [share one time limit](Self::sharing_read_time).
    ///
    /// # Errors
    /// The first error of any request. Missing objects are not errors; neither are events that the user may not list, Services
    /// if no job has a port, and HTTPRoutes and records of the jobs service that the cluster does not serve or the user may not
    /// list.
    pub async fn fetch_jobs(&self, tool: &ToolName, wanted: JobFetchOptions) -> Result<FetchedJobs, Error> {
        // Boxed, because this future has many kilobytes, and each one that awaits it would contain it.
        Box::pin(self.fetch_job_objects(tool, wanted)).await
    }

    async fn fetch_job_objects(
        &self,
        tool: &ToolName,
        wanted: JobFetchOptions,
    ) -> Result<FetchedJobs, Error> {
        let JobFetchOptions {
            namespace: wanted_facts,
            addresses,
            events,
            records,
            needs_services,
            leave_out_unread,
        } = wanted;
        let client = self.sharing_read_time();
        let namespace = tool.namespace();
        let namespace = namespace.as_str();
        let (deployments, cron_jobs, jobs, pods, facts, services, http_routes, events, continuous, scheduled) =
            tokio::try_join!(
                biased;
                client.all::<Deployment>(true, leave_out_unread, namespace),
                client.all::<CronJob>(true, leave_out_unread, namespace),
                client.all::<Job>(true, leave_out_unread, namespace),
                client.all::<Pod>(true, leave_out_unread, namespace),
                client.fetch_readable_namespace(tool, wanted_facts, leave_out_unread),
                client.all::<Service>(addresses, true, namespace),
                client.all_served::<HttpRoute>(addresses, ResourceType::of_kind(ObjectKind::HttpRoute), namespace),
                client.all::<Event>(events, true, namespace),
                client.all_served::<Record>(records, ResourceType::of_kind(RecordedJob::Continuous.kind()), namespace),
                client.all_served::<Record>(records, ResourceType::of_kind(RecordedJob::Scheduled.kind()), namespace),
            )?;
        let mut unread = UnreadKinds::default();
        let mut recorded: BTreeMap<JobName, RecordedJob> = BTreeMap::new();
        for (records, kind) in [(continuous, RecordedJob::Continuous), (scheduled, RecordedJob::Scheduled)] {
            let records = records.unwrap_or_default();
            let names = records.into_iter().filter_map(|record| record.metadata.name.parse().ok());
            recorded.extend(names.map(|name: JobName| (name, kind)));
        }
        let mut live = LiveJobs::default();
        live.deployments = unread.found(deployments);
        live.cron_jobs = unread.found(cron_jobs);
        live.jobs = unread.found(jobs);
        live.pods = unread.found(pods);
        live.services = match services {
            // Only a job with a port has a Service.
            Err(_) if !leave_out_unread && !needs_services && !live.has_ports(tool) => Vec::new(),
            Err(services) if !leave_out_unread => return Err(services.into_error()),
            services => unread.found(services),
        };
        // A kind that the cluster does not serve is often also refused, so routes matter only to an address.
        let has_addresses =
            live.services.iter().any(|service| is_job(service.metadata.labels.as_ref(), tool));
        live.http_routes = match http_routes {
            Err(_) if !(leave_out_unread && has_addresses) => Vec::new(),
            http_routes => unread.found(http_routes),
        };
        live.events = unread.found(events);
        live.recorded = recorded;
        Ok(FetchedJobs { namespace: facts, live, unread: unread.0 })
    }

    /// Returns the objects of a kind, or the refusal if the user may not list it and it is `optional`.
    async fn all<T: k8s_openapi::Resource + DeserializeOwned>(
        &self,
        wanted: bool,
        optional: bool,
        namespace: &str,
    ) -> Result<Result<Vec<T>, Unread>, Error> {
        self.all_of(ResourceType::of::<T>(), wanted, optional, namespace).await
    }

    /// Returns the objects of a kind, none if the cluster does not serve it, or the refusal if the user may not list it.
    async fn all_served<T: DeserializeOwned>(
        &self,
        wanted: bool,
        resource: ResourceType,
        namespace: &str,
    ) -> Result<Result<Vec<T>, Unread>, Error> {
        match self.all_of(resource, wanted, true, namespace).await {
            Err(error) if error.is_not_found() => Ok(Ok(Vec::new())),
            found => found,
        }
    }

    async fn all_of<T: DeserializeOwned>(
        &self,
        resource: ResourceType,
        wanted: bool,
        optional: bool,
        namespace: &str,
    ) -> Result<Result<Vec<T>, Unread>, Error> {
        if !wanted {
            return Ok(Ok(Vec::new()));
        }
        let reading = self.items(resource.in_namespace(namespace), ListParams::default());
        readable(optional, (ReadVerb::List, resource), reading).await
    }
}
