use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_images::{ImageLookupError, State};
use toolforge_model::{
    Cpu, JobImage, JobKind, JobRequest, Memory, ScheduleWarning, TypeName, Untrusted, platform, split_words,
};
use toolforge_quota::PerResource;

use crate::change::{Workload, WorkloadKind};
use crate::job::{JobFacts, JobObjects, JobWorkload, is_job, labels};
use crate::namespace::Platform;
use crate::object::{ObjectKind, cron_job_spec, deployment_spec};
use crate::pod::PodResources;

/// A resolved job: everything that rendering needs, so rendering cannot fail.
#[derive(Clone, Debug, PartialEq)]
pub struct JobPlan {
    pub(super) request: JobRequest,
    pub(super) uid: i64,
    pub(super) reference: String,
    pub(super) resources: PodResources,
    pub(super) platform: Platform,
    /// The selector of the pods; that of an existing Deployment is immutable.
    pub(super) selector: BTreeMap<String, String>,
    /// The time of the last restart, which is kept so that the pods are not replaced.
    pub(super) restarted_at: Option<String>,
    /// The jobs file of the job.
    pub(super) file: Option<String>,
    /// When the last run by hand was started, which an update keeps.
    pub(super) run_by_hand: Option<String>,
    /// Whether the live schedule is suspended, which an update keeps.
    pub(super) is_suspended: bool,
    warnings: Vec<JobPlanWarning>,
}

/// Why a job cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobPlanError {
    /// There is no such image.
    #[error(transparent)]
    NoSuchImage(#[from] ImageLookupError),
    /// An object with the job's name does not belong to a job.
    #[error("{kind} {} exists and does not belong to a job: it lacks the label {label}", name.quoted())]
    Foreign {
        /// The object's kind.
        kind: ObjectKind,
        /// The object's name.
        name: Untrusted,
        /// The label that a job's objects carry, with its value.
        label: String,
    },
    /// The tool's domain already belongs to another route.
    #[error("HTTPRoute {} already uses {host}; only one job or web service can be public", name.quoted())]
    HostTaken {
        /// The route's name.
        name: Untrusted,
        /// The host.
        host: String,
    },
}

impl JobPlanError {
    /// Returns the error for an object that does not belong to a job.
    pub(super) fn foreign(kind: ObjectKind, name: &str) -> Self {
        let label = format!("{}={}", platform::LABEL_MANAGED_BY, platform::MANAGED_BY_JOBS);
        Self::Foreign { kind, name: Untrusted::new(name), label }
    }
}

/// A warning about a plan that can still be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobPlanWarning {
    /// The image's type is deprecated.
    #[error("image {name} is deprecated{}", replacement.as_ref().map(|name| format!("; {name} replaces it")).unwrap_or_default())]
    Deprecated {
        /// The type.
        name: TypeName,
        /// The type to use instead, if the catalog has one.
        replacement: Option<TypeName>,
    },
    /// The command contains `$$`, which Kubernetes replaces with `$`.
    #[error("the cluster replaces $$ in the command with $; write $$$$ to pass $$ to a shell")]
    DoubledDollar,
    /// The schedule skips months or years, never runs, or has a step without effect.
    #[error(transparent)]
    Schedule(#[from] ScheduleWarning),
    /// The command of a build service image runs without a shell, and has syntax that only a shell understands.
    #[error("{} reaches the program as it is, because no shell runs the command of a build service image; write `sh -c '…'`, or `filelog: true` with `mount: all`", word.quoted())]
    ShellSyntax {
        /// The first such word.
        word: Untrusted,
    },
    /// The command contains the quotation marks of a word processor.
    #[error("the command contains {}, which a shell does not read as quotes; write ' or \"", found.quoted())]
    CurlyQuotes {
        /// The first such character.
        found: Untrusted,
    },
    /// The schedule is suspended, and stays suspended.
    #[error("its schedule is suspended, and stays so until it is resumed")]
    Suspended,
}

impl JobPlanWarning {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Deprecated { .. } => "deprecated-image",
            Self::DoubledDollar => "doubled-dollar",
            Self::Schedule(warning) => warning.code(),
            Self::CurlyQuotes { .. } => "curly-quotes",
            Self::ShellSyntax { .. } => "shell-syntax",
            Self::Suspended => "suspended",
        }
    }
}

impl JobPlan {
    /// Resolves a request against the facts.
    ///
    /// # Errors
    /// When there is no such image, an object with the job's name does not belong to a job, or another route uses the tool's
    /// domain.
    pub fn new(request: JobRequest, facts: &JobFacts) -> Result<Self, JobPlanError> {
        refuse_foreign(&request, facts)?;
        let live = facts.live.job(&facts.namespace.tool, &request.name);
        Self::of_live(request, facts, live.as_ref())
    }

    /// Resolves a request for the job that `live` is or becomes.
    pub(crate) fn of_live(
        request: JobRequest,
        facts: &JobFacts,
        live: Option<&JobObjects>,
    ) -> Result<Self, JobPlanError> {
        let found = facts
            .namespace
            .catalog
            .job_image(&request.image, &facts.namespace.platform.build_service_repository)
            .map_err(|error| error.with_own_image(&facts.namespace.tool))?;
        let mut warnings = Vec::new();
        if let (JobImage::Type(name), State::Deprecated | State::Gone) = (&found.image, found.state) {
            let replacement =
                facts.namespace.catalog.replacement_for_jobs(name).map(|found| found.name.clone());
            warnings.push(JobPlanWarning::Deprecated { name: name.clone(), replacement });
        }
        if let Some(warning) = request.kind.schedule().and_then(toolforge_model::Schedule::warning) {
            warnings.push(JobPlanWarning::Schedule(warning));
        }
        // `$$$$` is the escaped form of `$$`.
        if request.command.replace("$$$$", "").contains("$$") {
            warnings.push(JobPlanWarning::DoubledDollar);
        }
        let mut curly = request.command.matches(['\u{2018}', '\u{2019}', '\u{201c}', '\u{201d}', '\u{201e}']);
        if let Some(found) = curly.next() {
            warnings.push(JobPlanWarning::CurlyQuotes { found: Untrusted::new(found) });
        }
        if let Some(word) = shell_syntax(&request) {
            warnings.push(JobPlanWarning::ShellSyntax { word: Untrusted::new(word) });
        }
        if live.is_some_and(is_suspended) && request.kind.schedule().is_some() {
            warnings.push(JobPlanWarning::Suspended);
        }
        let deployment = live.and_then(|live| match &live.workload {
            JobWorkload::Continuous(deployment) => deployment_spec(deployment),
            JobWorkload::OneOff(_) | JobWorkload::Scheduled(_) => None,
        });
        let selector = labels::selector(&request.tool, &request.name);
        let restarted_at = deployment.and_then(|spec| {
            let annotations = spec.template.metadata.as_ref()?.annotations.as_ref()?;
            annotations.get(platform::ANNOTATION_RESTARTED_AT).cloned()
        });
        let file = live.and_then(|live| live.annotation(platform::ANNOTATION_FILE)).map(str::to_owned);
        let run_by_hand = live.and_then(|live| live.annotation(platform::ANNOTATION_RUN_BY_HAND));
        let run_by_hand = run_by_hand.filter(|_| request.kind.schedule().is_some()).map(str::to_owned);
        let plan = Self {
            resources: resources(&request, facts.namespace.platform.default_cpu_limit),
            request: JobRequest { image: found.image, ..request },
            uid: facts.namespace.uid,
            reference: found.reference,
            platform: facts.namespace.platform.clone(),
            selector,
            restarted_at,
            file,
            run_by_hand,
            is_suspended: live.is_some_and(is_suspended),
            warnings,
        };
        if plan.request.kind.port().is_some_and(|port| port.is_public()) {
            plan.refuse_taken_host(facts)?;
        }
        Ok(plan)
    }

    /// Returns the request of the plan, with the shortest name of its image.
    #[must_use]
    pub fn request(&self) -> &JobRequest {
        &self.request
    }

    /// Returns the limits and requests of each pod.
    #[must_use]
    pub fn resources(&self) -> PodResources {
        self.resources
    }

    /// Returns the job.
    #[must_use]
    pub fn workload(&self) -> Workload {
        Workload::new(WorkloadKind::of(&self.request.kind), self.request.name.as_str(), None)
    }

    /// Returns the warnings about the plan.
    #[must_use]
    pub fn warnings(&self) -> &[JobPlanWarning] {
        &self.warnings
    }

    /// Returns the public host name of a published job.
    #[must_use]
    pub fn host(&self) -> String {
        self.platform.host(&self.request.tool)
    }

    /// Returns the plan with the jobs file of the job.
    pub(super) fn of_file(self, file: Option<&str>) -> Self {
        Self { file: file.map(str::to_owned).or(self.file), ..self }
    }

    fn refuse_taken_host(&self, facts: &JobFacts) -> Result<(), JobPlanError> {
        let host = self.host();
        for route in &facts.live.http_routes {
            let name = route.metadata.name.as_deref().unwrap_or_default();
            // Another job may release it in the same load.
            let is_a_job = is_job(route.metadata.labels.as_ref(), &facts.namespace.tool);
            if !is_a_job && route.spec.hostnames.contains(&host) {
                return Err(JobPlanError::HostTaken { name: Untrusted::new(name), host });
            }
        }
        Ok(())
    }
}

/// Returns the platform's resources for a job (jobs-api, 2026): a CPU limit is requested in full, a memory limit in full up
/// to the default and by half above it.
fn resources(request: &JobRequest, default_cpu_limit: Cpu) -> PodResources {
    let memory = request.memory_limit();
    let requested_memory = if memory <= JobRequest::DEFAULT_MEMORY { memory } else { Memory::half(memory) };
    PodResources {
        limits: PerResource { cpu: request.cpu.unwrap_or(default_cpu_limit), memory },
        requests: PerResource {
            cpu: request.cpu.unwrap_or(JobRequest::DEFAULT_CPU),
            memory: requested_memory,
        },
    }
}

fn is_suspended(live: &JobObjects) -> bool {
    match &live.workload {
        JobWorkload::Scheduled(cron_job) => {
            cron_job_spec(cron_job).and_then(|spec| spec.suspend).unwrap_or(false)
        }
        JobWorkload::OneOff(_) | JobWorkload::Continuous(_) => false,
    }
}

/// Rejects a request if one of its objects exists and does not belong to a job.
fn refuse_foreign(request: &JobRequest, facts: &JobFacts) -> Result<(), JobPlanError> {
    let live = &facts.live;
    let (kind, workloads): (_, Vec<&ObjectMeta>) = match request.kind {
        JobKind::OneOff { .. } => {
            (ObjectKind::Job, live.jobs.iter().map(|object| &object.metadata).collect())
        }
        JobKind::Scheduled { .. } => {
            (ObjectKind::CronJob, live.cron_jobs.iter().map(|object| &object.metadata).collect())
        }
        JobKind::Continuous { .. } => {
            (ObjectKind::Deployment, live.deployments.iter().map(|object| &object.metadata).collect())
        }
    };
    let port = request.kind.port();
    let services =
        live.services.iter().filter(|_| port.is_some()).map(|object| (ObjectKind::Service, &object.metadata));
    let routes = live.http_routes.iter().filter(|_| port.is_some_and(|port| port.is_public()));
    let routes = routes.map(|object| (ObjectKind::HttpRoute, &object.metadata));
    let workloads = workloads.into_iter().map(|metadata| (kind, metadata));
    for (kind, metadata) in workloads.chain(services).chain(routes) {
        let has_name = metadata.name.as_deref() == Some(request.name.as_str());
        if has_name && !is_job(metadata.labels.as_ref(), &facts.namespace.tool) {
            return Err(JobPlanError::foreign(kind, request.name.as_str()));
        }
    }
    Ok(())
}

/// Returns the first word of a command that only a shell understands, if no shell runs it.
fn shell_syntax(request: &JobRequest) -> Option<String> {
    if !request.image.is_build_service() || request.file_log.has_files() {
        return None;
    }
    let words = split_words(&request.command).ok()?;
    let program = words.iter().map(String::as_str).find(|word| *word != platform::LAUNCHER)?;
    let program = program.rsplit('/').next()?;
    // A shell or an interpreter gets the remainder unchanged.
    if matches!(program, "sh" | "bash" | "dash" | "zsh") {
        return None;
    }
    let is_syntax = |word: &String| {
        let word = word.as_str();
        let variable = word.split_once('$').and_then(|(_, rest)| rest.chars().next());
        matches!(word, "&&" | "||" | "|" | ";" | "&" | ">" | ">>" | "<" | "2>" | "2>>" | "2>&1")
            || word.starts_with("~/")
            || variable.is_some_and(|next| next == '{' || next == '_' || next.is_ascii_alphabetic())
    };
    words.into_iter().find(is_syntax)
}
