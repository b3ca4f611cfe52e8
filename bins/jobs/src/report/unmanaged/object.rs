//! An object that no tool manages, with everything that is printed about it.

use k8s_openapi::api::core::v1::{Container, PodSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use toolforge_model::{Untrusted, join_words};
use toolforge_quota::{Demand, Resource};
use toolforge_render::change::WorkloadKind;
use toolforge_render::job::{
    FoundWorkload, JobFacts, JobStatus, JobWorkload, WorkloadRef, job_status, pod_status, pods_of_job,
    usage_of_pod,
};
use toolforge_render::lint::words_without_secrets;
use toolforge_render::object::{ObjectKind, created_by};
use toolforge_report::{UnmanagedWorkload, UsedResource, WorkloadType};

use crate::report::list::status_report;

/// An object that no tool manages, or a pod or a run of a job, with everything that is printed about it.
#[derive(Clone, Debug)]
pub(crate) struct UnmanagedObject {
    pub(super) found: FoundWorkload,
    pub(super) status: JobStatus,
    /// What it uses of the quota now.
    usage: Demand,
    /// What has created it, and creates it again.
    pub(super) owner: Option<Owner>,
    /// The names of its pods.
    pub(super) pods: Vec<String>,
}

/// The owner of an object, by its `ownerReferences`.
#[derive(Clone, Debug)]
pub(crate) enum Owner {
    /// A kind that the verbs know.
    Workload(WorkloadRef),
    /// Another kind: `Workflow/flow`.
    Other(Untrusted),
}

impl Owner {
    /// Returns the owner of an object, the one that controls it first.
    fn of(metadata: &ObjectMeta) -> Option<Self> {
        let mut owners: Vec<_> = metadata.owner_references.iter().flatten().collect();
        owners.sort_by_key(|owner| owner.controller != Some(true));
        let owner = owners.first()?;
        let reference = format!("{}/{}", owner.kind, owner.name);
        let known = matches!(owner.api_version.split('/').next(), Some("apps" | "batch" | "v1"));
        let known = if known { reference.parse().ok() } else { None };
        Some(known.map_or_else(|| Self::Other(Untrusted::new(reference)), Self::Workload))
    }

    /// Returns the kind and the name: `cronjob/daily`.
    pub(super) fn reference(&self) -> String {
        match self {
            Self::Workload(found) => found.to_string(),
            Self::Other(found) => found.escaped().to_string(),
        }
    }
}

impl UnmanagedObject {
    /// Returns all objects that no tool manages: Deployments, CronJobs, Jobs, pods.
    pub(crate) fn all(facts: &JobFacts, now: Timestamp) -> Vec<Self> {
        let tool = &facts.namespace.tool;
        let jobs = facts.live.unmanaged(tool).into_iter().map(|job| FoundWorkload::Job(Box::new(job)));
        let pods = facts.live.unmanaged_pods(tool).into_iter();
        let pods = pods.map(|pod| FoundWorkload::Pod(Box::new(pod.clone())));
        jobs.chain(pods).map(|found| Self::of(found, facts, now)).collect()
    }

    /// Returns one object at a time.
    pub(crate) fn of(found: FoundWorkload, facts: &JobFacts, now: Timestamp) -> Self {
        let limit_ranges = &facts.namespace.limits.limit_ranges;
        let (status, usage, owner, pods) = match &found {
            FoundWorkload::Pod(pod) => (
                pod_status(pod, &facts.live, now),
                usage_of_pod(pod, limit_ranges),
                facts
                    .live
                    .owner_of(&facts.namespace.tool, pod)
                    .map(|owner| Owner::Workload(owner.workload_ref()))
                    .or_else(|| Owner::of(&pod.metadata)),
                Vec::new(),
            ),
            FoundWorkload::Job(job) => {
                let pods = pods_of_job(job, &facts.live).into_iter();
                (
                    job_status(job, &facts.live, now),
                    job.usage(&facts.live, limit_ranges),
                    Owner::of(job.workload.metadata()),
                    pods.filter_map(|pod| pod.metadata.name.clone()).collect(),
                )
            }
        };
        Self { found, status, usage, owner, pods }
    }

    fn metadata(&self) -> &ObjectMeta {
        match &self.found {
            FoundWorkload::Job(job) => job.workload.metadata(),
            FoundWorkload::Pod(pod) => &pod.metadata,
        }
    }

    pub(super) fn kind(&self) -> ObjectKind {
        match &self.found {
            FoundWorkload::Job(job) => job.workload.kind(),
            FoundWorkload::Pod(_) => ObjectKind::Pod,
        }
    }

    fn workload_kind(&self) -> WorkloadKind {
        match &self.found {
            FoundWorkload::Job(job) => job.workload.job_kind(),
            FoundWorkload::Pod(_) => WorkloadKind::Pod,
        }
    }

    pub(super) fn name(&self) -> &str {
        self.metadata().name.as_deref().unwrap_or_default()
    }

    /// Returns the name for commands: `deployment/bot`.
    pub(super) fn reference(&self) -> String {
        format!("{}/{}", WorkloadRef::kind_name(self.kind()), self.name())
    }

    pub(super) fn created_by(&self) -> Option<Untrusted> {
        created_by(self.metadata())
    }

    pub(super) fn schedule(&self) -> Option<Untrusted> {
        let FoundWorkload::Job(job) = &self.found else { return None };
        let JobWorkload::Scheduled(cron_job) = &job.workload else { return None };
        cron_job.spec.as_ref().map(|spec| Untrusted::new(spec.schedule.as_str()))
    }

    pub(super) fn replicas(&self) -> Option<u64> {
        let FoundWorkload::Job(job) = &self.found else { return None };
        job.workload.replicas()
    }

    fn pod_spec(&self) -> Option<&PodSpec> {
        match &self.found {
            FoundWorkload::Job(job) => job.workload.template()?.spec.as_ref(),
            FoundWorkload::Pod(pod) => pod.spec.as_ref(),
        }
    }

    fn container(&self) -> Option<&Container> {
        self.pod_spec()?.containers.first()
    }

    pub(super) fn image(&self) -> Option<Untrusted> {
        self.container()?.image.as_deref().map(Untrusted::new)
    }

    /// Returns the command without secrets: it is somebody else's.
    pub(super) fn command(&self) -> Option<Untrusted> {
        let container = self.container()?;
        let words = container.command.iter().flatten().chain(container.args.iter().flatten());
        let words: Vec<String> = words.cloned().collect();
        (!words.is_empty()).then(|| Untrusted::new(join_words(&words_without_secrets(words))))
    }

    /// Returns what it uses of the quota now, in one line.
    pub(super) fn usage_text(&self) -> String {
        let pods = self.usage.get(&Resource::Pods);
        if pods == 0 {
            return "nothing".to_owned();
        }
        let amount = |resource: Resource, unit: &str| {
            let amount = self.usage.get(&resource);
            (amount > 0).then(|| format!("{}{unit}", resource.short_amount(amount)))
        };
        let pods = format!("{pods} {}", if pods == 1 { "pod" } else { "pods" });
        let amounts = [amount(Resource::LimitsCpu, " CPU"), amount(Resource::LimitsMemory, "")];
        [Some(pods)].into_iter().chain(amounts).flatten().collect::<Vec<_>>().join(", ")
    }

    /// Returns the object for the JSON output.
    pub(crate) fn report(&self) -> UnmanagedWorkload {
        let used = |(resource, amount): (&Resource, u64)| UsedResource {
            resource: resource.to_string(),
            used: resource.amount(amount),
        };
        UnmanagedWorkload {
            managed: false,
            r#type: WorkloadType::from_code(self.workload_kind().as_str()),
            object_kind: self.kind().as_str().to_owned(),
            name: self.name().to_owned(),
            reference: self.reference(),
            owner: self.owner.as_ref().map(Owner::reference),
            created_by: self.created_by(),
            schedule: self.schedule(),
            image: self.image(),
            command: self.command(),
            replicas: self.replicas(),
            pods: self.pods.clone(),
            usage: self.usage.iter().filter(|(_, amount)| *amount > 0).map(used).collect(),
            status: status_report(&self.status),
        }
    }
}
