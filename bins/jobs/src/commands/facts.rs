//! The facts that the verbs work from.

use toolforge_cli::{ExitCode, Failure, Session, Source};
use toolforge_client::JobFetchOptions;
use toolforge_images::Catalog;
use toolforge_model::{JobName, suggest};
use toolforge_render::job::{JobFacts, JobObjects};
use toolforge_report::FailureCode;

use crate::arguments::Arguments;

/// The lowest number of a tool's user: below are people and the system (maintain-kubeusers, 2023).
const FIRST_TOOL_UID: u32 = 50_000;

/// Returns the facts for a verb that changes or explains something.
pub(super) fn facts(
    session: &Session,
    arguments: &Arguments,
    wanted: JobFetchOptions,
) -> Result<JobFacts, Failure> {
    let uid = uid(arguments);
    match &session.source {
        Source::Files(documents) => Ok(documents.job_facts(
            &session.tool,
            i64::from(uid.unwrap_or(FIRST_TOOL_UID)),
            session.platform.clone(),
        )?),
        Source::Cluster { runtime, client } => {
            let objects = runtime.block_on(client.fetch_jobs(&session.tool, wanted))?;
            let uid = i64::from(uid.unwrap_or(FIRST_TOOL_UID));
            let (tool, platform) = (session.tool.clone(), session.platform.clone());
            if !wanted.catalog {
                return Ok(objects.facts(tool, uid, Some(Catalog::default()), platform)?);
            }
            let without_catalog = objects.clone();
            match objects.facts(tool.clone(), uid, None, platform.clone()) {
                Ok(facts) => Ok(facts),
                // What only looks does not need every image's name.
                Err(problem) if !wanted.limits => {
                    anstream::eprintln!("warning: {problem}");
                    Ok(without_catalog.facts(tool, uid, Some(Catalog::bundled()), platform)?)
                }
                Err(problem) => Err(problem.into()),
            }
        }
    }
}

/// Returns the facts for a verb that writes a job's objects, which hold the number of the tool's user.
pub(super) fn facts_to_write(session: &Session, arguments: &Arguments) -> Result<JobFacts, Failure> {
    needs_uid(arguments)?;
    facts(session, arguments, JobFetchOptions::for_plan())
}

/// Refuses where the number of the tool's user is not known.
pub(super) fn needs_uid(arguments: &Arguments) -> Result<(), Failure> {
    if uid(arguments).is_none() {
        return Err(Failure::new(
            ExitCode::Failed,
            "a job runs as the tool's user, and this process runs as another one",
        )
        .hint("Become the tool first, `become TOOL`, or name its user: `--uid NUMBER`, as `id -u tools.TOOL` prints it."));
    }
    Ok(())
}

/// Returns the number of the tool's user: from the options, else that of this process, where it is a tool's.
fn uid(arguments: &Arguments) -> Option<u32> {
    let own = rustix::process::getuid().as_raw();
    arguments.global.uid.or(Some(own).filter(|uid| *uid >= FIRST_TOOL_UID))
}

/// Returns a job by its name.
pub(super) fn job(facts: &JobFacts, name: &JobName) -> Result<JobObjects, Failure> {
    facts.live.job(&facts.tool, name).ok_or_else(|| {
        let jobs = facts.live.jobs_of(&facts.tool);
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
