//! What applying files changes, and whether that fits.

use std::collections::BTreeMap;
use std::fmt;

use toolforge_model::{FileJob, JobRequest, Location, Untrusted, WebServiceOptions, WebServiceOptionsError};
use toolforge_quota::{LimitRange, Limits, ResourceCheck, Verdict};

use crate::change::{Action, Change, ChangeSet, Workload, WorkloadKind};
use crate::files::applied::applied;
use crate::files::comparable::changed_immutable;
use crate::files::manifest_change::{action_of, change_of};
use crate::files::{FileContents, FilePlanFacts};
use crate::job::{JobPlan, LoadOptions, LoadPlan, LoadProblem, plan_load};
use crate::manifest::{Manifest, ManifestObject};
use crate::object::{FieldPath, ObjectKind, cron_job_spec};
use crate::pod::{least_run_demand, pod_demand, shortfalls_when_empty, stated_pod};
use crate::web_service::{
    PlanError, PlanOptions, ResolveError, StartTime, WebServicePlan, WebServiceSettings,
    observe_web_service_request, resolve_request, web_service_changes,
};

/// What applying files does.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FilePlan {
    /// All changes, ordered and checked together.
    pub set: ChangeSet,
    /// What cannot be applied, regardless of the quota.
    pub problems: Vec<FileProblem>,
    /// The plans of the jobs.
    pub jobs: Vec<JobPlan>,
    /// The plan of the web service, if a file is a template.
    pub web_service: Option<WebServicePlan>,
    /// The LimitRanges in the order whose defaults the plan uses.
    pub(crate) limit_ranges: Vec<LimitRange>,
}

/// Why something in a file cannot be applied.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FileProblem {
    /// The index of the file.
    pub file: usize,
    /// Where it is in the file; `None` for something that concerns several places.
    pub location: Option<Location>,
    /// What cannot be applied.
    pub workloads: Vec<Workload>,
    /// Why.
    pub kind: FileProblemKind,
}

/// Why something cannot be applied.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum FileProblemKind {
    /// A job cannot be applied.
    Job(LoadProblem),
    /// The web service cannot be planned.
    WebService(Untrusted),
    /// A second template, or a second object with the same name.
    Repeated(Untrusted),
    /// The API server refuses the change of a field.
    Immutable {
        /// The object.
        object: String,
        /// The field.
        field: FieldPath,
    },
    /// A run of a CronJob exceeds the whole quota.
    NeverFits {
        /// The object.
        object: String,
        /// Its name.
        name: String,
        /// The resources that exceed the quota.
        shortfalls: Vec<ResourceCheck>,
    },
}

impl FileProblemKind {
    /// Returns whether the size is the problem.
    #[must_use]
    pub fn is_size(&self) -> bool {
        !self.shortfalls().is_empty()
    }

    /// Returns the resources that one run exceeds, if the size is the problem.
    pub(crate) fn shortfalls(&self) -> &[ResourceCheck] {
        match self {
            Self::NeverFits { shortfalls, .. } | Self::Job(LoadProblem::NeverFits { shortfalls, .. }) => {
                shortfalls
            }
            _ => &[],
        }
    }
}

impl fmt::Display for FileProblem {
    /// Writes the location in the file, which is not named, and the reason.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = self.location {
            write!(f, "{location}: ")?;
        }
        self.kind.fmt(f)
    }
}

impl std::error::Error for FileProblem {}

impl std::error::Error for FileProblemKind {}

impl fmt::Display for FileProblemKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Job(problem) => problem.fmt(f),
            Self::WebService(reason) | Self::Repeated(reason) => write!(f, "{}", reason.escaped()),
            Self::Immutable { object, field } => {
                let field = Untrusted::new(field.to_string());
                write!(f, "{} of {object} cannot be changed; delete it first", field.escaped())
            }
            Self::NeverFits { object, shortfalls, .. } => {
                let missing: Vec<String> = shortfalls.iter().map(ToString::to_string).collect();
                write!(f, "a run of {object} never fits: {}", missing.join(", "))
            }
        }
    }
}

impl FilePlan {
    /// Returns the verdict.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let never = self.problems.iter().any(|problem| problem.kind.is_size());
        if never { Verdict::Never } else { self.set.verdict() }
    }

    /// Returns the names of the jobs and CronJobs that never fit.
    pub fn never_fitting(&self) -> impl Iterator<Item = &str> {
        let of_problems = self.problems.iter().filter_map(|problem| match &problem.kind {
            FileProblemKind::NeverFits { name, .. } => Some(name.as_str()),
            FileProblemKind::Job(problem) => problem.never_fitting(),
            FileProblemKind::WebService(_)
            | FileProblemKind::Repeated(_)
            | FileProblemKind::Immutable { .. } => None,
        });
        of_problems.chain(self.set.refused_runs())
    }

    /// Returns whether everything can be applied and fits, at rest and at the peak.
    #[must_use]
    pub fn fits(&self) -> bool {
        self.problems.is_empty() && self.set.fits()
    }
}

/// Returns what applying all files does, as `jobs load`, `webservice start` and `kubectl apply` would at the same time.
///
/// A web service is started from the template alone or, if one is running, with what the template changes.
///
/// If LimitRanges have different defaults for the same resource, the API server may use any of them; the plan uses the order
/// with the worst verdict.
#[must_use]
pub fn plan_files(files: &[FileContents], facts: &FilePlanFacts) -> FilePlan {
    let orders = facts.jobs.namespace.limits.default_orders();
    let plan = plan_with_order(files, facts);
    let others = orders.into_iter().skip(1).map(|limit_ranges| {
        let mut facts = facts.clone();
        facts.jobs.namespace.limits.limit_ranges = limit_ranges;
        plan_with_order(files, &facts)
    });
    others.fold(plan, |worst, plan| if plan.verdict() > worst.verdict() { plan } else { worst })
}

/// Returns the plan with the defaults of the LimitRanges in their order.
fn plan_with_order(files: &[FileContents], facts: &FilePlanFacts) -> FilePlan {
    let mut problems = Vec::new();
    let LoadPlan { set, plans: jobs, .. } = jobs(files, facts, &mut problems);
    let mut sets = vec![set];
    let web = web_service(files, facts, &mut problems);
    let (web_service, set) = web.map_or((None, None), |(plan, set)| (Some(plan), Some(set)));
    sets.extend(set);
    let limits = &facts.jobs.namespace.limits;
    let owned = owned_objects(files, facts, &mut problems);
    let manifests = manifests(files, facts, &owned, &mut problems);
    sets.push(ChangeSet::new(manifests, limits));
    let limit_ranges = limits.limit_ranges.clone();
    FilePlan { set: ChangeSet::of_all(sets, limits), problems, jobs, web_service, limit_ranges }
}

/// Returns the changes of the jobs of all files together.
fn jobs(files: &[FileContents], facts: &FilePlanFacts, problems: &mut Vec<FileProblem>) -> LoadPlan {
    let jobs: Vec<(usize, &FileJob)> = files
        .iter()
        .enumerate()
        .flat_map(|(file, contents)| {
            let jobs = contents.jobs.iter().flat_map(|list| &list.jobs);
            jobs.map(move |job| (file, job))
        })
        .collect();
    let mut requests: Vec<JobRequest> = Vec::new();
    for (file, job) in &jobs {
        if requests.iter().any(|known| known.name == job.request.name) {
            let message = format!("a second job {}", job.request.name);
            problems.push(FileProblem {
                file: *file,
                location: Some(job.location),
                workloads: vec![workload_of(&job.request)],
                kind: FileProblemKind::Repeated(Untrusted::new(message)),
            });
        } else {
            requests.push(job.request.clone());
        }
    }
    let waited = jobs.iter().filter(|(_, job)| job.wait.is_some());
    let waits_for = waited.map(|(_, job)| job.request.name.clone()).collect();
    let options = LoadOptions { waits_for, ..LoadOptions::default() };
    let load = plan_load(&requests, &facts.jobs, &options);
    problems.extend(load.problems.iter().cloned().map(|problem| {
        let found = match problem.jobs() {
            [name] => jobs.iter().find(|(_, job)| job.request.name == *name),
            _ => None,
        };
        let is_image = matches!(problem, LoadProblem::Plan { .. });
        let location = |job: &FileJob| if is_image { job.image_location } else { job.location };
        FileProblem {
            file: found.map_or(0, |(file, _)| *file),
            location: found.map(|(_, job)| location(job)),
            workloads: load.workloads_with(&problem).collect(),
            kind: FileProblemKind::Job(problem),
        }
    }));
    load
}

/// Returns the changes of the web service, if a file is a template.
fn web_service(
    files: &[FileContents],
    facts: &FilePlanFacts,
    problems: &mut Vec<FileProblem>,
) -> Option<(WebServicePlan, ChangeSet)> {
    let mut templates = files
        .iter()
        .enumerate()
        .flat_map(|(file, contents)| contents.templates.iter().map(move |found| (file, found)));
    let (file, found) = templates.next()?;
    let tool = facts.jobs.namespace.tool.as_str();
    let mut problem = |file, location, kind| {
        let workloads = vec![Workload::new(WorkloadKind::WebService, tool, None)];
        problems.push(FileProblem { file, location: Some(location), workloads, kind });
    };
    for (file, other) in templates {
        let reason = "a second service.template; a tool has only one web service";
        problem(file, other.location, FileProblemKind::Repeated(Untrusted::new(reason)));
    }
    match web_service_set(&found.template.options, facts) {
        Ok(set) => Some(set),
        Err(error) => {
            let location = error.key().and_then(|key| found.location_of(key)).unwrap_or(found.location);
            let reason = Untrusted::new(error.to_string());
            problem(file, location, FileProblemKind::WebService(reason));
            None
        }
    }
}

/// Why a template cannot be applied.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum TemplateError {
    Resolve(#[from] ResolveError),
    Plan(#[from] PlanError),
}

impl TemplateError {
    /// Returns the key of the template that the error is about.
    fn key(&self) -> Option<&'static str> {
        match self {
            Self::Resolve(ResolveError::Mount(WebServiceOptionsError::HomeRequired { .. })) => Some("mount"),
            Self::Plan(PlanError::Type(_)) => Some("type"),
            Self::Resolve(_) | Self::Plan(PlanError::Foreign { .. }) => None,
        }
    }
}

fn web_service_set(
    template: &WebServiceOptions,
    facts: &FilePlanFacts,
) -> Result<(WebServicePlan, ChangeSet), TemplateError> {
    let web = facts.for_web_service();
    let live = observe_web_service_request(&web);
    let mut settings = WebServiceSettings::new(WebServiceOptions::default());
    settings.template = template.clone();
    let resolved = resolve_request(settings, live, &web.namespace)?;
    let plan = WebServicePlan::new(resolved.request, &web, PlanOptions::default())?;
    let set = web_service_changes(&plan, &web, StartTime::Keep);
    Ok((plan, set))
}

fn workload_of(request: &JobRequest) -> Workload {
    Workload::new(WorkloadKind::of(&request.kind), request.name.as_str(), None)
}

/// The objects of jobs and of the web service, by group, kind and name, with the workload that each belongs to.
type OwnedObjects = BTreeMap<(String, String, String), Workload>;

/// Returns the objects that jobs and the web service consist of; reports a job that would have an object of the web service.
fn owned_objects(
    files: &[FileContents],
    facts: &FilePlanFacts,
    problems: &mut Vec<FileProblem>,
) -> OwnedObjects {
    let mut owned = OwnedObjects::new();
    let id = |kind: ObjectKind, name: &str| (kind.group().to_owned(), kind.to_string(), name.to_owned());
    if files.iter().any(|contents| !contents.templates.is_empty()) {
        let name = facts.jobs.namespace.tool.as_str();
        for kind in [ObjectKind::Deployment, ObjectKind::Service] {
            owned.insert(id(kind, name), Workload::new(WorkloadKind::WebService, name, None));
        }
    }
    for (file, contents) in files.iter().enumerate() {
        for job in contents.jobs.iter().flat_map(|list| &list.jobs) {
            let name = job.request.name.as_str();
            let port = job.request.kind.port();
            let service = port.map(|_| ObjectKind::Service);
            let route = port.filter(|port| port.is_public()).map(|_| ObjectKind::HttpRoute);
            let workload = workload_of(&job.request);
            for kind in
                [WorkloadKind::of(&job.request.kind).object_kind(), service, route].into_iter().flatten()
            {
                let owner = owned.entry(id(kind, name)).or_insert_with(|| workload.clone());
                if *owner != workload {
                    let reason = format!("a second {kind} {name}; {owner} has one");
                    let kind = FileProblemKind::Repeated(Untrusted::new(reason));
                    let workloads = vec![workload.clone()];
                    problems.push(FileProblem { file, location: Some(job.location), workloads, kind });
                }
            }
        }
    }
    owned
}

/// Returns the changes of the objects of all files.
fn manifests(
    files: &[FileContents],
    facts: &FilePlanFacts,
    owned: &OwnedObjects,
    problems: &mut Vec<FileProblem>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut known = std::collections::BTreeSet::new();
    for (file, contents) in files.iter().enumerate() {
        for manifest in &contents.manifests {
            let id = (&manifest.kind.group, &manifest.kind.kind, &manifest.name);
            let location = Some(manifest.location);
            let object = manifest.object_name();
            let workloads = vec![Workload::new(WorkloadKind::Manifest, &manifest.name, Some(&object))];
            if !manifest.is_name_generated && !known.insert(id) {
                let kind = FileProblemKind::Repeated(Untrusted::new(format!("a second {manifest}")));
                problems.push(FileProblem { file, location, workloads, kind });
                continue;
            }
            let id = (manifest.kind.group.clone(), manifest.kind.kind.clone(), manifest.name.clone());
            if let Some(owner) = owned.get(&id).filter(|_| !manifest.is_name_generated) {
                let reason = format!("a second {manifest}; {owner} has one");
                problems.push(FileProblem {
                    file,
                    location,
                    workloads,
                    kind: FileProblemKind::Repeated(Untrusted::new(reason)),
                });
                continue;
            }
            let live = facts.live.of(manifest);
            if let Some(field) = live.and_then(|live| changed_immutable(manifest, live)) {
                let kind = FileProblemKind::Immutable { object: manifest.to_string(), field };
                problems.push(FileProblem { file, location, workloads, kind });
                continue;
            }
            let afterwards = applied(manifest, live);
            let action = action_of(manifest, &afterwards, live);
            let shortfalls = run_shortfalls(&afterwards, &facts.jobs.namespace.limits);
            if !shortfalls.is_empty() && action != Action::Keep {
                let (object, name) = (manifest.to_string(), manifest.name.clone());
                let kind = FileProblemKind::NeverFits { object, name, shortfalls };
                problems.push(FileProblem { file, location, workloads, kind });
            }
            changes.push(change_of(&afterwards, action, facts));
        }
    }
    changes
}

/// Returns the resources that one run of a CronJob exceeds even in an empty namespace; a violated limit is reported as
/// such. A suspended one has no runs.
fn run_shortfalls(manifest: &Manifest, limits: &Limits) -> Vec<ResourceCheck> {
    let ManifestObject::CronJob(cron_job) = &manifest.object else { return Vec::new() };
    let Some(pod) = manifest.object.pod_spec() else { return Vec::new() };
    let Some(spec) = cron_job_spec(cron_job).and_then(|spec| spec.job_template.spec.as_ref()) else {
        return Vec::new();
    };
    if cron_job_spec(cron_job).is_some_and(|spec| spec.suspend == Some(true)) {
        return Vec::new();
    }
    let run = least_run_demand(spec, &pod_demand(pod, &limits.limit_ranges));
    let pod = stated_pod(pod).with_defaults(&limits.limit_ranges);
    shortfalls_when_empty(&run, &[pod], limits)
}
