//! The facts that the verbs work from.

use toolforge_cli::{ExitCode, Failure, Session, Source, catalog_or_bundled};
use toolforge_client::{FactsError, FetchedNamespace, JobFetchOptions};
use toolforge_images::Catalog;
use toolforge_model::{JobName, suggest};
use toolforge_render::job::{JobFacts, JobObjects};
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
}

/// Returns the facts for a verb that only shows jobs, which works without the cluster's image catalog, too.
pub(super) fn facts_to_show(session: &Session, wanted: JobFetchOptions) -> Result<JobFacts, Failure> {
    session.block_on(fetch(session, wanted, |fetched| Ok(catalog_or_bundled(fetched))))?
}

async fn fetch(
    session: &Session,
    wanted: JobFetchOptions,
    catalog: impl FnOnce(&FetchedNamespace) -> Result<Catalog, FactsError>,
) -> Result<JobFacts, Failure> {
    match &session.source {
        Source::Files(documents) => Ok(documents.job_facts(session.namespace_of(documents)?)?),
        Source::Cluster { client, .. } => {
            let objects = client.fetch_jobs(&session.tool, wanted).await?;
            let namespace = session.namespace(catalog(&objects.namespace)?);
            Ok(objects.facts(namespace))
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

/// Returns a job by its name.
pub(super) fn job(facts: &JobFacts, name: &JobName) -> Result<JobObjects, Failure> {
    facts.live.job(&facts.namespace.tool, name).ok_or_else(|| {
        let jobs = facts.live.jobs_of(&facts.namespace.tool);
        let names: Vec<String> = jobs.iter().map(|job| job.name.to_string()).collect();
        let near = suggest(name.as_str(), names.iter().map(String::as_str));
        let near = near.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
        let failure = Failure::new(ExitCode::Failed, format!("job '{name}' does not exist{near}"))
            .with_code(FailureCode::NotFound);
        match names.as_slice() {
            [] => failure.hint("There are no jobs; a one-off job is gone half a minute after its end."),
            names if names.len() <= 12 => failure.hint(format!("The jobs are {}.", names.join(", "))),
            _ => failure.hint("`toolforge jobs list --output name` lists the jobs."),
        }
    })
}
