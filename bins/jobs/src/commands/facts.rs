//! The facts that the verbs work from.

use toolforge_cli::{ExitCode, Failure, Session, Source, catalog_or_bundled, warn_of_unread_kinds};
use toolforge_client::{FactsError, FetchedNamespace, JobFetchOptions, Unread};
use toolforge_images::Catalog;
use toolforge_model::suggest;
use toolforge_render::job::{FoundWorkload, JobFacts, JobObjects, WorkloadLookupError, WorkloadRef};
use toolforge_render::object::ObjectKind;
use toolforge_report::FailureCode;

/// Returns the facts for a verb that changes or explains something. The image catalog is read if `wanted` says so.
pub(super) fn facts(session: &Session, wanted: JobFetchOptions) -> Result<JobFacts, Failure> {
    session.block_on(fetch_facts(session, wanted))?
}

/// Fetches the facts as [`facts`] does.
pub(super) async fn fetch_facts(session: &Session, wanted: JobFetchOptions) -> Result<JobFacts, Failure> {
    fetch(
        session,
        wanted,
        |fetched| {
            if wanted.namespace.catalog { fetched.catalog() } else { Ok(Catalog::default()) }
        },
    )
    .await
    .map(|shown| shown.facts)
}

/// The facts for a verb that only shows jobs, without what the user may not read.
pub(super) struct ShownFacts {
    pub(super) facts: JobFacts,
    /// The exit code of an answer from them.
    pub(super) exit_code: ExitCode,
    unread: Vec<Unread>,
}

impl ShownFacts {
    /// Returns what a name on the command line refers to.
    pub(super) fn find(&self, wanted: &WorkloadRef) -> Result<FoundWorkload, Failure> {
        find(&self.facts, wanted).map_err(|failure| self.unless_unread(failure, wanted))
    }

    /// Returns the failure of a name that was not found; if it can be that of an object that the user may not read, says so.
    pub(super) fn unless_unread(&self, failure: Failure, wanted: &WorkloadRef) -> Failure {
        let is_named = |unread: &&Unread| {
            matches!(
                unread.object_kind(),
                Some(ObjectKind::Deployment | ObjectKind::CronJob | ObjectKind::Job | ObjectKind::Pod)
            )
        };
        match self.unread.iter().find(is_named) {
            Some(unread) if failure.code() == FailureCode::NotFound => {
                let unknown = format!("without {}, it is unknown whether {wanted} exists", unread.resource);
                Failure::from(unread.clone().into_error()).detail(unknown)
            }
            _ => failure,
        }
    }

    /// Returns a kind of objects that is missing.
    pub(super) fn unread(&self, kind: ObjectKind) -> Option<&Unread> {
        self.unread.iter().find(|unread| unread.object_kind() == Some(kind))
    }
}

/// Returns the facts for a verb that only shows jobs. It works without the cluster's image catalog, and, if `wanted` says so,
/// without what the user may not read.
pub(super) fn facts_to_show(session: &Session, wanted: JobFetchOptions) -> Result<ShownFacts, Failure> {
    let catalog = |fetched: &FetchedNamespace| {
        if wanted.namespace.catalog { catalog_or_bundled(fetched) } else { Catalog::default() }
    };
    session.block_on(fetch(session, wanted, |fetched| Ok(catalog(fetched))))?
}

async fn fetch(
    session: &Session,
    wanted: JobFetchOptions,
    catalog: impl FnOnce(&FetchedNamespace) -> Result<Catalog, FactsError>,
) -> Result<ShownFacts, Failure> {
    match &session.source {
        Source::Files(documents) => {
            let facts = documents.job_facts(session.namespace_of(documents)?)?;
            Ok(ShownFacts { facts, exit_code: ExitCode::Success, unread: Vec::new() })
        }
        Source::Cluster { client, .. } => {
            let objects = client.fetch_jobs(&session.tool, wanted).await?;
            let namespace = session.namespace(catalog(&objects.namespace)?);
            let unread = objects.unread.clone();
            let is_unread =
                |kind: &ObjectKind| unread.iter().any(|unread| unread.object_kind() == Some(*kind));
            // Without any of these, nothing can be shown.
            let workloads = [ObjectKind::Deployment, ObjectKind::CronJob, ObjectKind::Job];
            if workloads.iter().all(is_unread)
                && let Some(first) = unread.first()
            {
                return Err(first.clone().into_error().into());
            }
            let exit_code = warn_of_unread_kinds(&unread);
            Ok(ShownFacts { facts: objects.facts(namespace), exit_code, unread })
        }
    }
}

/// Fetches the facts for a verb that writes a job's objects, which hold the id of the tool's user.
pub(super) async fn fetch_facts_to_write(session: &Session) -> Result<JobFacts, Failure> {
    needs_uid(session)?;
    fetch_facts(session, JobFetchOptions::for_plan()).await
}

/// Refuses if the id of the tool's user is not known.
pub(super) fn needs_uid(session: &Session) -> Result<(), Failure> {
    if session.uid.is_none() {
        return Err(Failure::new(
            ExitCode::Failed,
            "a job runs as the tool's user, and this process runs as another one",
        )
        .hint("Become the tool first, `become TOOL`, or name its user: `--uid NUMBER`, as `id -u tools.TOOL` prints it."));
    }
    Ok(())
}

/// Returns what a name on the command line refers to.
pub(super) fn find(facts: &JobFacts, wanted: &WorkloadRef) -> Result<FoundWorkload, Failure> {
    facts.live.find(&facts.namespace.tool, wanted).map_err(|error| match error {
        WorkloadLookupError::NotFound { wanted } => not_found(facts, &wanted),
        error @ WorkloadLookupError::Ambiguous { .. } => {
            Failure::from_error(ExitCode::Failed, &error).hint("Name one with its kind, like `cronjob/NAME`.")
        }
        error @ WorkloadLookupError::WebService { .. } => Failure::from_error(ExitCode::Failed, &error)
            .hint("Use `webservice status`, `logs`, `restart` or `stop` for the web service."),
        error => Failure::from_error(ExitCode::Failed, &error),
    })
}

fn not_found(facts: &JobFacts, wanted: &WorkloadRef) -> Failure {
    let tool = &facts.namespace.tool;
    let jobs = facts.live.jobs_of(tool);
    let mut names: Vec<String> = jobs.iter().map(|job| job.name.to_string()).collect();
    names.extend(facts.live.unmanaged(tool).iter().map(|job| job.workload_ref().to_string()));
    let near = match wanted.kind {
        Some(_) => suggest(&wanted.to_string(), names.iter().map(String::as_str)),
        None => {
            let alone = |name: &'_ String| name.rsplit('/').next().unwrap_or_default().to_owned();
            let alone: Vec<String> = names.iter().map(alone).collect();
            let near = suggest(wanted.name.as_str(), alone.iter().map(String::as_str));
            near.and_then(|near| alone.iter().position(|name| name == near))
                .and_then(|index| names.get(index))
                .map(String::as_str)
        }
    };
    let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    let message = match wanted.kind {
        Some(_) => format!("{wanted} does not exist{near}"),
        None => format!("job '{wanted}' does not exist{near}"),
    };
    let failure = Failure::new(ExitCode::Failed, message).with_code(FailureCode::NotFound);
    match names.as_slice() {
        [] => failure.hint("There are no jobs; one-off jobs are deleted 30 seconds after they finish."),
        names if names.len() <= 12 => failure.hint(format!("The jobs are {}.", names.join(", "))),
        _ => failure.hint("`toolforge jobs list --output name` lists the jobs."),
    }
}

/// Returns a job, or a Deployment, CronJob or Job that no tool manages.
pub(super) fn job(facts: &JobFacts, wanted: &WorkloadRef) -> Result<JobObjects, Failure> {
    let pod = match find(facts, wanted)? {
        FoundWorkload::Job(job) => return Ok(*job),
        FoundWorkload::Pod(pod) => pod,
    };
    let name = &wanted.name;
    let failure = Failure::new(ExitCode::Failed, format!("pod/{name} is a single pod, not a job"));
    Err(match facts.live.owner_of(&facts.namespace.tool, &pod) {
        Some(owner) => failure.hint(format!(
            "It is one of the pods of {}; `toolforge jobs delete pod/{name}` deletes it, and another one replaces it.",
            reference(&owner)
        )),
        None => failure.hint(format!(
            "`toolforge jobs logs`, `show`, `exec` and `delete` work on it; nothing creates pod/{name} again."
        )),
    })
}

/// Returns the name of a job, or the name with its kind of an object that no tool manages.
pub(super) fn reference(job: &JobObjects) -> String {
    if job.is_managed() { job.name.to_string() } else { job.workload_ref().to_string() }
}

/// Returns the subject of a sentence: `job bot`, `deployment/bot`.
pub(super) fn subject(job: &JobObjects) -> String {
    if job.is_managed() { format!("job {}", job.name) } else { job.workload_ref().to_string() }
}
