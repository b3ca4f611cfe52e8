//! Fetching the facts for jobs, concurrently.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{ConfigMap, Event, LimitRange, Pod, ResourceQuota, Service};
use kube::api::ListParams;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toolforge_images::Catalog;
use toolforge_model::{JobName, ToolName, platform};
use toolforge_render::job::{JobFacts, LiveJobs, RecordedJob};
use toolforge_render::namespace::{Platform, limits};
use toolforge_render::object::HttpRoute;
use toolforge_render::pod::with_unsettled_pods;

use crate::facts::{FactsError, read_catalog};
use crate::{Client, Error, ResourceType};

/// Which objects are fetched; each is one request, and all are sent concurrently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobFetchOptions {
    /// The ConfigMap with the image catalog.
    pub catalog: bool,
    /// The namespace's LimitRanges and ResourceQuotas: two requests.
    pub limits: bool,
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
        Self { catalog: true, limits: true, addresses: true, events: false, records: true }
    }

    /// Returns the options for a list of jobs.
    #[must_use]
    pub fn for_list() -> Self {
        Self { catalog: true, limits: false, addresses: true, events: true, records: false }
    }

    /// Returns the options for the jobs and their pods only.
    #[must_use]
    pub fn for_names() -> Self {
        Self { catalog: false, limits: false, addresses: false, events: false, records: false }
    }
}

/// Fetched objects; those that were not requested or do not exist are `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct FetchedJobs {
    /// The ConfigMap with the image catalog.
    pub config_map: Option<ConfigMap>,
    /// The namespace's LimitRanges.
    pub limit_ranges: Vec<LimitRange>,
    /// The namespace's ResourceQuotas.
    pub quotas: Vec<ResourceQuota>,
    /// The namespace's objects.
    pub live: LiveJobs,
}

impl FetchedJobs {
    /// Returns the facts. `catalog` replaces the fetched one; it is required if none was fetched.
    ///
    /// # Errors
    /// When the catalog, a quota or a limit is missing or invalid.
    pub fn facts(
        self,
        tool: ToolName,
        uid: i64,
        catalog: Option<Catalog>,
        platform: Platform,
    ) -> Result<JobFacts, FactsError> {
        let Self { config_map, limit_ranges, quotas, live } = self;
        let catalog = match catalog {
            Some(catalog) => catalog,
            None => read_catalog(&config_map.ok_or(FactsError::NoCatalog)?)?,
        };
        let limits = limits(&quotas, &limit_ranges)?;
        let limits = with_unsettled_pods(limits, &live.deployments, &live.jobs, &live.pods);
        let mut facts = JobFacts::new(tool, uid, catalog, platform);
        facts.limits = limits;
        facts.live = live;
        Ok(facts)
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
        let wanted =
            JobFetchOptions { catalog: false, limits: false, events: true, ..JobFetchOptions::for_plan() };
        let fetch = async { self.fetch_jobs(tool, wanted).await.map_err(FactsError::from) };
        let (namespace, objects) = tokio::try_join!(self.facts(tool), fetch)?;
        let live = objects.live;
        let mut facts = namespace.job_facts();
        let limits = with_unsettled_pods(facts.limits, &live.deployments, &live.jobs, &live.pods);
        facts.live = live;
        facts.limits = limits;
        Ok(facts)
    }

    /// Fetches a tool's jobs. All requests are sent concurrently over one connection, and their number does not depend on
    /// the number of jobs.
    ///
    /// # Errors
    /// The first error of any request. Missing objects are not errors, nor are HTTPRoutes and records of the jobs service
    /// that the cluster does not serve or the tool may not list.
    pub async fn fetch_jobs(&self, tool: &ToolName, wanted: JobFetchOptions) -> Result<FetchedJobs, Error> {
        let JobFetchOptions { catalog, limits, addresses, events, records } = wanted;
        let namespace = tool.namespace();
        let config_map = ResourceType::of::<ConfigMap>()
            .in_namespace(platform::CATALOG_NAMESPACE)
            .named(platform::CATALOG_CONFIG_MAP);
        let list = |resource: ResourceType| resource.in_namespace(namespace.clone());
        let (
            deployments,
            cron_jobs,
            jobs,
            pods,
            config_map,
            limit_ranges,
            quotas,
            services,
            http_routes,
            events,
            continuous,
            scheduled,
        ) = tokio::try_join!(
            biased;
            self.all::<Deployment>(true, list(ResourceType::of::<Deployment>())),
            self.all::<CronJob>(true, list(ResourceType::of::<CronJob>())),
            self.all::<Job>(true, list(ResourceType::of::<Job>())),
            self.all::<Pod>(true, list(ResourceType::of::<Pod>())),
            async { if catalog { self.get_opt(&config_map).await } else { Ok(None) } },
            self.all::<LimitRange>(limits, list(ResourceType::of::<LimitRange>())),
            self.all::<ResourceQuota>(limits, list(ResourceType::of::<ResourceQuota>())),
            self.all::<Service>(addresses, list(ResourceType::of::<Service>())),
            self.all_served::<HttpRoute>(addresses, ResourceType::HTTP_ROUTES, tool),
            self.all::<Event>(events, list(ResourceType::of::<Event>())),
            self.all_served::<Record>(records, ResourceType::of_kind(RecordedJob::Continuous.kind()), tool),
            self.all_served::<Record>(records, ResourceType::of_kind(RecordedJob::Scheduled.kind()), tool),
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
        live.events = events;
        live.recorded = recorded;
        Ok(FetchedJobs { config_map, limit_ranges, quotas, live })
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
