use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::core::v1::{Event, Pod, Service};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_model::{JobName, ToolName, platform};
use toolforge_quota::Resource;

use crate::change::{Change, ChangeSet};
use crate::job::{JobObjects, JobWorkload, is_job, job_name_of};
use crate::namespace::{Documents, DocumentsError, Namespace};
use crate::object::{HttpRoute, KnownKind, Object, ObjectKind, deployment_spec, has_label};
use crate::pod::{
    FetchTime, PodSet, PodSetKind, remove_terminating_pods, with_kept_jobs, with_pod_sets,
    with_unsettled_pods,
};

/// Everything that a plan for jobs needs in addition to the requests.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct JobFacts {
    /// The facts of the namespace.
    pub namespace: Namespace,
    /// The live objects of the tool's namespace.
    pub live: LiveJobs,
    /// The kinds of the objects that the facts were read from; `None` for facts of a cluster, which have every kind.
    pub file_kinds: Option<BTreeSet<String>>,
}

impl JobFacts {
    /// Returns facts without live objects.
    #[must_use]
    pub fn new(namespace: Namespace) -> Self {
        Self { namespace, live: LiveJobs::default(), file_kinds: None }
    }

    /// Returns the kinds whose objects the changes create although a quota counts some, and the files of the facts have none:
    /// existing objects are planned as new.
    #[must_use]
    pub fn missing_kinds(&self, set: &ChangeSet) -> Vec<&'static KnownKind> {
        let is_counted = |kind: &&KnownKind| {
            let counted = kind.object_demand();
            let mut quotas = self.namespace.limits.quotas.iter();
            quotas.any(|quota| counted.iter().any(|(resource, _)| quota.used(resource) > 0))
        };
        let created: BTreeSet<&str> = set.pending().flat_map(Change::created_kinds).collect();
        let missing = created.into_iter().filter(|kind| !self.has_kind(kind));
        missing.filter_map(KnownKind::named).filter(is_counted).collect()
    }

    /// Returns whether the facts have all objects of a kind.
    pub(crate) fn has_kind(&self, kind: &str) -> bool {
        self.file_kinds.as_ref().is_none_or(|kinds| kinds.contains(kind))
    }

    /// Returns the facts after all terminating pods are gone.
    pub(crate) fn without_terminating_pods(mut self) -> Self {
        remove_terminating_pods(&mut self.namespace.limits, &mut self.live.pods);
        self
    }

    /// Returns changes, checked against the limits of the namespace.
    pub(super) fn change_set(&self, changes: Vec<Change>) -> ChangeSet {
        let set = ChangeSet::new(changes, &self.namespace.limits);
        let counts_deleted = self.counts_deleted(&set);
        ChangeSet { counts_deleted, ..set }
    }

    /// Returns whether a quota counts more objects than exist: workloads, whose pods it then counts as well, or addresses for which
    /// the changes lack quota.
    fn counts_deleted(&self, set: &ChangeSet) -> bool {
        let LiveJobs { deployments, cron_jobs, jobs, services, http_routes, .. } = &self.live;
        let counts_more = |resource: &Resource, existing: usize| {
            let mut quotas = self.namespace.limits.quotas.iter();
            quotas.any(|quota| usize::try_from(quota.used(resource)).is_ok_and(|used| used > existing))
        };
        let count = |counted: &str| Resource::Count(counted.to_owned());
        let workloads = [
            (count("deployments.apps"), deployments.len()),
            (count("cronjobs.batch"), cron_jobs.len()),
            (count("jobs.batch"), jobs.len()),
        ];
        let addresses = [
            (Resource::Services, services.len()),
            (count("services"), services.len()),
            (count("httproutes.gateway.networking.k8s.io"), http_routes.len()),
        ];
        let is_lacking =
            |resource: &Resource| set.at_rest.shortfalls().any(|found| found.resource == *resource);
        workloads.iter().any(|(resource, existing)| counts_more(resource, *existing))
            || addresses
                .iter()
                .any(|(resource, existing)| is_lacking(resource) && counts_more(resource, *existing))
    }
}

/// The objects of a tool's namespace that belong to jobs or conflict with them.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LiveJobs {
    /// All Deployments of the namespace.
    pub deployments: Vec<Deployment>,
    /// All CronJobs of the namespace.
    pub cron_jobs: Vec<CronJob>,
    /// All Jobs of the namespace.
    pub jobs: Vec<Job>,
    /// All Services of the namespace.
    pub services: Vec<Service>,
    /// All HTTPRoutes of the namespace; none if the cluster does not serve them.
    pub http_routes: Vec<HttpRoute>,
    /// Objects of other kinds that have pods, as far as known: from files, or because a refused pod or a plan belongs to them.
    pub sets: Vec<PodSet>,
    /// All pods of the namespace.
    pub pods: Vec<Pod>,
    /// The namespace's events.
    pub events: Vec<Event>,
    /// The jobs that the platform's jobs service has recorded.
    pub recorded: BTreeMap<JobName, RecordedJob>,
}

impl LiveJobs {
    /// Returns the object of a kind and name, if it is known.
    pub(crate) fn set(&self, kind: PodSetKind, name: &str) -> Option<&PodSet> {
        self.sets.iter().find(|set| set.kind == kind && set.name == name)
    }
}

/// The record of a job in the platform's jobs service (jobs-api, since June 2026).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordedJob {
    /// A `ContinuousJob`.
    Continuous,
    /// A `ScheduledJob`.
    Scheduled,
}

impl RecordedJob {
    /// Returns the kind of the record.
    #[must_use]
    pub fn kind(self) -> ObjectKind {
        match self {
            Self::Continuous => ObjectKind::ContinuousJobRecord,
            Self::Scheduled => ObjectKind::ScheduledJobRecord,
        }
    }
}

impl LiveJobs {
    /// Returns the tool's jobs: continuous, scheduled and one-off ones, each in the cluster's order.
    #[must_use]
    pub fn jobs_of(&self, tool: &ToolName) -> Vec<JobObjects> {
        self.jobs_where(tool, |_| true)
    }

    /// Returns a job by its name.
    #[must_use]
    pub fn job(&self, tool: &ToolName, name: &JobName) -> Option<JobObjects> {
        self.jobs_where(tool, |found| found == name).into_iter().next()
    }

    /// Returns whether any job has a port, and so a Service.
    #[must_use]
    pub fn has_ports(&self, tool: &ToolName) -> bool {
        self.deployments.iter().filter(|found| is_job(found.metadata.labels.as_ref(), tool)).any(|found| {
            let pod = deployment_spec(found).and_then(|spec| spec.template.spec.as_ref());
            pod.is_some_and(|pod| pod.containers.iter().any(|container| container.ports.is_some()))
        })
    }

    /// Returns the metadata of the Service or HTTPRoute with a name, whether it belongs to a job or not.
    pub(super) fn address(&self, kind: ObjectKind, name: &str) -> Option<&ObjectMeta> {
        let mut found: Box<dyn Iterator<Item = &ObjectMeta>> = match kind {
            ObjectKind::Service => Box::new(self.services.iter().map(|object| &object.metadata)),
            ObjectKind::HttpRoute => Box::new(self.http_routes.iter().map(|object| &object.metadata)),
            _ => return None,
        };
        found.find(|metadata| metadata.name.as_deref() == Some(name))
    }

    fn jobs_where(&self, tool: &ToolName, is_wanted: impl Fn(&JobName) -> bool) -> Vec<JobObjects> {
        let name = |metadata: &ObjectMeta| {
            if !is_job(metadata.labels.as_ref(), tool) {
                return None;
            }
            let name = job_name_of(metadata.labels.as_ref()).or_else(|| metadata.name.as_ref()?.parse().ok());
            name.filter(|name| is_wanted(name))
        };
        let continuous = self.deployments.iter().filter_map(|object| {
            Some((name(&object.metadata)?, JobWorkload::Continuous(Box::new(object.clone()))))
        });
        let scheduled = self.cron_jobs.iter().filter_map(|object| {
            Some((name(&object.metadata)?, JobWorkload::Scheduled(Box::new(object.clone()))))
        });
        let one_off = self.jobs.iter().filter(|job| !is_run_of_schedule(job)).filter_map(|object| {
            Some((name(&object.metadata)?, JobWorkload::OneOff(Box::new(object.clone()))))
        });
        let live = |(name, workload): (JobName, JobWorkload)| JobObjects {
            service: self.part_of(&self.services, |object| &object.metadata, &name, tool),
            http_route: self.part_of(&self.http_routes, |object| &object.metadata, &name, tool),
            name,
            workload,
        };
        continuous.chain(scheduled).chain(one_off).map(live).collect()
    }

    fn part_of<T: Clone>(
        &self,
        objects: &[T],
        metadata: impl Fn(&T) -> &ObjectMeta,
        name: &JobName,
        tool: &ToolName,
    ) -> Option<T> {
        let found = objects.iter().find(|object| {
            let metadata = metadata(object);
            metadata.name.as_deref() == Some(name.as_str()) && is_job(metadata.labels.as_ref(), tool)
        });
        found.cloned()
    }
}

impl Extend<Object> for LiveJobs {
    /// Adds rendered objects as if they existed.
    fn extend<I: IntoIterator<Item = Object>>(&mut self, objects: I) {
        for object in objects {
            match object {
                Object::Deployment(object) => self.deployments.push(*object),
                Object::CronJob(object) => self.cron_jobs.push(*object),
                Object::Job(object) => self.jobs.push(*object),
                Object::Service(object) => self.services.push(*object),
                Object::HttpRoute(object) => self.http_routes.push(*object),
                // A job has none.
                Object::Ingress(_) => {}
            }
        }
    }
}

/// Returns whether a Job is a run of a scheduled job, started by its schedule or manually.
pub(super) fn is_run_of_schedule(job: &Job) -> bool {
    has_label(job.metadata.labels.as_ref(), platform::LABEL_COMPONENT, platform::COMPONENT_SCHEDULED)
        || job.metadata.owner_references.iter().flatten().any(|owner| owner.kind == "CronJob")
}

impl Documents {
    /// Returns the facts for jobs: `facts`, which [`namespace`](Self::namespace) returned, and the live objects.
    ///
    /// Objects of other namespaces are skipped; objects without a namespace count as the tool's.
    ///
    /// # Errors
    /// When an object lacks required fields.
    pub fn job_facts(&self, mut facts: Namespace) -> Result<JobFacts, DocumentsError> {
        let namespace = facts.tool.namespace();
        let live = LiveJobs {
            deployments: self.all_of_kind("Deployment", &namespace)?,
            cron_jobs: self.all_of_kind("CronJob", &namespace)?,
            jobs: self.all_of_kind("Job", &namespace)?,
            services: self.all_of_kind("Service", &namespace)?,
            http_routes: self.all_of_kind("HTTPRoute", &namespace)?,
            sets: self
                .objects_of(&namespace)
                .filter_map(|(kind, _, json)| {
                    PodSet::of_json(PodSetKind::find(&kind.group, &kind.kind)?, json)
                })
                .collect(),
            pods: self.all_of_kind("Pod", &namespace)?,
            events: self.all_of_kind("Event", &namespace)?,
            recorded: BTreeMap::new(),
        };
        let LiveJobs { deployments, cron_jobs, jobs, sets, pods, .. } = &live;
        facts.limits = with_unsettled_pods(facts.limits, deployments, jobs, pods, FetchTime::Unknown);
        facts.limits = with_kept_jobs(facts.limits, cron_jobs, jobs);
        facts.limits = with_pod_sets(facts.limits, sets, pods);
        Ok(JobFacts { namespace: facts, live, file_kinds: Some(self.kinds(&namespace)) })
    }
}
