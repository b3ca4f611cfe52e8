//! Fetching the facts for a web service, concurrently.

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::authorization::v1::{
    ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Event, Pod, ResourceQuota, Service};
use k8s_openapi::api::networking::v1::Ingress;
use k8s_openapi::jiff::Timestamp;
use kube::api::{ListParams, PostParams};
use toolforge_model::ToolName;
use toolforge_render::job::JobFacts;
use toolforge_render::namespace::Namespace;
use toolforge_render::object::{HttpRoute, ObjectKind};
use toolforge_render::pod::{FetchTime, with_unsettled_pods};
use toolforge_render::web_service::{LiveWebService, WebServiceFacts};

use crate::facts::{FactsError, FetchedNamespace, NamespaceFetchOptions, host_namespace, when};
use crate::status::StatusKind;
use crate::unread::{UnreadKinds, readable};
use crate::web_service::selector;
use crate::{Client, Error, ReadVerb, ResourceType, Unread};

/// The objects to fetch. Each is one request, and all requests are sent concurrently.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WebServiceFetchOptions {
    /// The facts of the namespace: up to three requests.
    pub namespace: NamespaceFetchOptions,
    /// The Deployment with the tool's name. It is requested once more, after the others, if it does not exist and its Service
    /// or a route does: a concurrent start may have created it in between.
    pub deployment: bool,
    /// The Service with the tool's name.
    pub service: bool,
    /// The Ingress `NAME-subdomain` and the HTTPRoute with the tool's name: two requests.
    pub routes: bool,
    /// If neither route exists: whether the tool may create HTTPRoutes, which can need one more request.
    pub routing: bool,
    /// The pods with the tool's `name` label.
    pub pods: bool,
    /// If the namespace has a quota: all of its pods, Deployments, Jobs and CronJobs, which show the pods that are about to be
    /// created or are terminating, and the runs of scheduled jobs; and the ReplicaSets if a quota counts them. These are four
    /// or five requests after the others.
    pub unsettled: bool,
    /// The ReplicaSets with the tool's `name` label, which explain missing pods.
    pub replica_sets: bool,
    /// The namespace's events.
    pub events: bool,
    /// Whether objects that the user may not read, except the Deployment, are left out instead of causing an error, for
    /// commands that work without them.
    pub leave_out_unread: bool,
}

impl WebServiceFetchOptions {
    /// Returns the options for a plan: everything except ReplicaSets and events.
    #[must_use]
    pub fn for_plan() -> Self {
        Self {
            namespace: NamespaceFetchOptions::all(),
            deployment: true,
            service: true,
            routes: true,
            routing: true,
            pods: true,
            unsettled: true,
            replica_sets: false,
            events: false,
            leave_out_unread: false,
        }
    }

    /// Returns the options for a status: the live objects with ReplicaSets, without objects that the user may not read.
    #[must_use]
    pub fn for_status() -> Self {
        Self {
            replica_sets: true,
            unsettled: false,
            namespace: NamespaceFetchOptions::default(),
            routing: false,
            leave_out_unread: true,
            ..Self::for_plan()
        }
    }
}

/// Fetched objects; those that were not requested or do not exist are `None` or empty.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct FetchedWebService {
    /// The facts of the namespace.
    pub namespace: FetchedNamespace,
    /// Whether the cluster serves HTTPRoutes and, if that was requested, the tool may create them.
    pub http_routes: bool,
    /// The web service's own objects.
    pub live: LiveWebService,
    /// Everything in the namespace that creates pods.
    pub neighbors: NamespaceWorkloads,
    /// The objects that the user may not read, so `live` lacks them: events, and others if they are left out.
    pub unread: Vec<Unread>,
}

/// Everything in a namespace that runs pods, the web service included; empty if it was not requested.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct NamespaceWorkloads {
    /// The pods.
    pub pods: Vec<Pod>,
    /// The Deployments.
    pub deployments: Vec<Deployment>,
    /// The Jobs.
    pub jobs: Vec<Job>,
    /// The CronJobs.
    pub cron_jobs: Vec<CronJob>,
}

/// The facts for a plan of a web service, and those of the tool's jobs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FactsWithJobs {
    /// The facts of the web service.
    pub web_service: WebServiceFacts,
    /// The facts of the jobs, as far as other workloads were requested.
    pub jobs: JobFacts,
}

impl FetchedWebService {
    /// Returns the facts for a plan: `namespace` with the fetched limits, and the live objects.
    #[must_use]
    pub fn facts(self, namespace: Namespace) -> WebServiceFacts {
        self.facts_with_jobs(namespace).web_service
    }

    /// Returns the facts for a plan as [`facts`](Self::facts), and those of the tool's jobs.
    #[must_use]
    pub fn facts_with_jobs(self, namespace: Namespace) -> FactsWithJobs {
        let Self { namespace: fetched, http_routes, live, neighbors, unread } = self;
        let NamespaceWorkloads { pods, deployments, jobs, cron_jobs } = neighbors;
        let mut facts = WebServiceFacts::new(fetched.facts(namespace));
        let (limits, now) = (facts.namespace.limits, FetchTime::Now(Timestamp::now()));
        facts.namespace.limits = with_unsettled_pods(limits, &deployments, &jobs, &pods, now);
        facts.http_routes = http_routes;
        facts.live = live;
        facts.unread_kinds = unread.iter().filter_map(Unread::object_kind).collect();
        let mut job_facts = JobFacts::new(facts.namespace.clone());
        let live = &mut job_facts.live;
        (live.pods, live.deployments, live.jobs, live.cron_jobs) = (pods, deployments, jobs, cron_jobs);
        FactsWithJobs { web_service: facts, jobs: job_facts }
    }
}

/// The result of requesting an HTTPRoute.
struct RouteAnswer {
    /// Whether the cluster serves the kind.
    is_served: bool,
    route: Option<HttpRoute>,
}

impl Client {
    /// Returns the facts for a tool's web service: those of the namespace and the live objects, including why pods are missing.
    ///
    /// # Errors
    /// Same as for [`Client::facts`].
    pub async fn web_service_facts(&self, tool: &ToolName) -> Result<WebServiceFacts, FactsError> {
        let wanted = WebServiceFetchOptions { replica_sets: true, ..WebServiceFetchOptions::for_plan() };
        let objects = self.fetch_web_service(tool, wanted).await?;
        let namespace = host_namespace(tool, objects.namespace.catalog()?)?;
        Ok(objects.facts(namespace))
    }

    /// Fetches a tool's web service. All requests are sent concurrently over one connection. They [share one time
    /// limit](Self::sharing_read_time).
    ///
    /// # Errors
    /// The first error of any request. Missing objects are not errors, nor are events that the user may not list.
    pub async fn fetch_web_service(
        &self,
        tool: &ToolName,
        wanted: WebServiceFetchOptions,
    ) -> Result<FetchedWebService, Error> {
        // Boxed, because this future has many kilobytes, and each one that awaits it would contain it.
        Box::pin(self.fetch_objects(tool, wanted)).await
    }

    async fn fetch_objects(
        &self,
        tool: &ToolName,
        wanted: WebServiceFetchOptions,
    ) -> Result<FetchedWebService, Error> {
        let WebServiceFetchOptions {
            namespace: wanted_facts,
            deployment,
            service,
            routes,
            routing,
            pods,
            unsettled,
            replica_sets,
            events,
            leave_out_unread,
        } = wanted;
        let client = self.sharing_read_time();
        let namespace = tool.namespace();
        let objects = |resource: ResourceType| resource.in_namespace(namespace.clone());
        let named = |resource: ResourceType| objects(resource).named(tool.as_str());
        let deployment_path = named(ResourceType::of::<Deployment>());
        let service_path = named(ResourceType::of::<Service>());
        let ingress_path = objects(ResourceType::of::<Ingress>()).named(format!("{tool}-subdomain"));
        let (get, list, optional) = (ReadVerb::Get, ReadVerb::List, leave_out_unread);
        let (facts, deployment, service, ingress, route, pods, replica_sets, events) = tokio::try_join!(
            biased;
            client.fetch_readable_namespace(tool, wanted_facts, optional),
            when(deployment, client.get_opt(&deployment_path)),
            readable(
                optional,
                (get, ResourceType::of::<Service>()),
                when(service, client.get_opt(&service_path)),
            ),
            readable(
                optional,
                (get, ResourceType::of::<Ingress>()),
                when(routes, client.get_opt(&ingress_path)),
            ),
            readable(true, (get, ResourceType::of_kind(ObjectKind::HttpRoute)), when(routes, client.find_route(tool))),
            readable(
                optional,
                (list, ResourceType::of::<Pod>()),
                when(pods, client.items(objects(ResourceType::of::<Pod>()), selector(tool))),
            ),
            readable(
                optional,
                (list, ResourceType::of::<ReplicaSet>()),
                when(replica_sets, client.items(objects(ResourceType::of::<ReplicaSet>()), selector(tool))),
            ),
            readable(
                true,
                (list, ResourceType::of::<Event>()),
                when(events, client.items(objects(ResourceType::of::<Event>()), ListParams::default())),
            ),
        )?;
        let mut unread = UnreadKinds::default();
        let service: Option<Option<Service>> = unread.found(service);
        // One of the two kinds of routes is enough.
        let has_route = matches!(&route, Ok(Some(RouteAnswer { route: Some(_), .. })));
        let ingress: Option<Ingress> = match ingress {
            Err(_) if has_route => None,
            ingress => unread.found(ingress).flatten(),
        };
        // A kind that the user may not read counts as not served: most often, the cluster does not serve it. It matters to a
        // status if there is no other route.
        let route = match route {
            Err(_) if !optional || ingress.is_some() => None,
            route => unread.found(route),
        };
        let RouteAnswer { is_served, route } = route.unwrap_or(RouteAnswer { is_served: false, route: None });
        let mut deployment: Option<Deployment> = deployment.flatten();
        let service = service.flatten();
        let has_parts = service.is_some() || ingress.is_some() || route.is_some();
        if wanted.deployment && deployment.is_none() && has_parts {
            // A start creates the Deployment first. It may have done so after the first response, and the objects of a running
            // web service would be mistaken for leftovers.
            deployment = client.get_opt(&deployment_path).await?;
        }
        let (pods, replica_sets) = (unread.found(pods), unread.found(replica_sets));
        let events = unread.found(events);
        // An existing route keeps its kind; the permission matters only if there is none.
        let open = routing && is_served && ingress.is_none() && route.is_none();
        let http_routes = if open { client.may_create_routes(tool).await? } else { is_served };
        let unsettled = unsettled && !facts.quotas().is_empty();
        let counted = unsettled && replica_sets.is_none() && facts.quotas().iter().any(counts_replica_sets);
        let (all_pods, deployments, jobs, cron_jobs, counted_replica_sets) = tokio::try_join!(
            biased;
            when(unsettled, client.items(objects(ResourceType::of::<Pod>()), ListParams::default())),
            when(unsettled, client.items(objects(ResourceType::of::<Deployment>()), ListParams::default())),
            when(unsettled, client.items(objects(ResourceType::of::<Job>()), ListParams::default())),
            when(unsettled, client.items(objects(ResourceType::of::<CronJob>()), ListParams::default())),
            when(counted, client.items(objects(ResourceType::of::<ReplicaSet>()), selector(tool))),
        )?;
        let neighbors = NamespaceWorkloads {
            pods: all_pods.unwrap_or_default(),
            deployments: deployments.unwrap_or_default(),
            jobs: jobs.unwrap_or_default(),
            cron_jobs: cron_jobs.unwrap_or_default(),
        };
        let mut live = LiveWebService::default();
        live.deployment = deployment;
        live.service = service;
        live.ingress = ingress;
        live.http_route = route;
        live.pods = pods.unwrap_or_default();
        live.replica_sets = replica_sets.or(counted_replica_sets).unwrap_or_default();
        live.events = events.unwrap_or_default();
        Ok(FetchedWebService { namespace: facts, http_routes, live, neighbors, unread: unread.0 })
    }

    /// Requests the route. A 404 that names the resource means that the cluster serves the kind, one without that it does
    /// not.
    async fn find_route(&self, tool: &ToolName) -> Result<RouteAnswer, Error> {
        let path =
            ResourceType::of_kind(ObjectKind::HttpRoute).in_namespace(tool.namespace()).named(tool.as_str());
        match self.get(&path).await {
            Ok(route) => Ok(RouteAnswer { is_served: true, route: Some(route) }),
            Err(Error::Api(refusal)) => match refusal.kind() {
                StatusKind::NotFound => {
                    let is_served =
                        refusal.object_kind().as_raw() == ResourceType::of_kind(ObjectKind::HttpRoute).plural;
                    Ok(RouteAnswer { is_served, route: None })
                }
                _ => Err(Error::Api(refusal)),
            },
            Err(error) => Err(error),
        }
    }

    async fn may_create_routes(&self, tool: &ToolName) -> Result<bool, Error> {
        let ResourceType { group, plural, .. } = ResourceType::of_kind(ObjectKind::HttpRoute);
        let attributes = ResourceAttributes {
            namespace: Some(tool.namespace()),
            verb: Some("create".to_owned()),
            group: Some(group.to_owned()),
            resource: Some(plural.to_owned()),
            ..ResourceAttributes::default()
        };
        let review = SelfSubjectAccessReview {
            spec: SelfSubjectAccessReviewSpec {
                resource_attributes: Some(attributes),
                ..SelfSubjectAccessReviewSpec::default()
            },
            ..SelfSubjectAccessReview::default()
        };
        let collection = ResourceType::of::<SelfSubjectAccessReview>().all_namespaces();
        let review: SelfSubjectAccessReview =
            self.create(&collection, &review, &PostParams::default()).await?;
        Ok(review.status.is_some_and(|status| status.allowed))
    }
}

pub(crate) fn counts_replica_sets(quota: &ResourceQuota) -> bool {
    let hard = quota.spec.as_ref().and_then(|spec| spec.hard.as_ref());
    hard.is_some_and(|hard| hard.contains_key("count/replicasets.apps"))
}
