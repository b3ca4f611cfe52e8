use toolforge_cli::{ExitCode, Failure, Session, print_text};
use toolforge_client::kube::api::PostParams;
use toolforge_client::{JobFetchOptions, post_params};
use toolforge_model::JobName;
use toolforge_render::job::{JobFacts, LoadStep, StepKind};

use super::carry_out::carry_out;
use super::facts;
use crate::arguments::{Arguments, ChangeOptions, DeleteArguments};

/// Deletes jobs; where one of the names is no job's, nothing is deleted.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &DeleteArguments,
) -> Result<ExitCode, Failure> {
    let facts = facts::facts(session, arguments, to_delete())?;
    let is_missing = |name: &&JobName| {
        facts.live.job(&facts.tool, name).is_none() && !facts.live.recorded.contains_key(*name)
    };
    let missing: Vec<&str> = options.names.iter().filter(is_missing).map(JobName::as_str).collect();
    if let [_, _, ..] = missing.as_slice() {
        return Err(Failure::new(
            ExitCode::Failed,
            format!("these jobs do not exist, and nothing was deleted: {}", missing.join(", ")),
        )
        .hint("`toolforge jobs list --output name` lists the jobs."));
    }
    let mut steps = Vec::new();
    for name in &options.names {
        let step = step(&facts, name, options.change)?;
        if !steps.iter().any(|known: &LoadStep| known.name == step.name) {
            steps.push(step);
        }
    }
    delete(session, &steps, options.change)
}

/// Returns what has to be known before jobs are deleted.
pub(super) fn to_delete() -> JobFetchOptions {
    JobFetchOptions { addresses: true, records: true, ..JobFetchOptions::for_names() }
}

fn step(facts: &JobFacts, name: &JobName, change: ChangeOptions) -> Result<LoadStep, Failure> {
    let record = facts.live.recorded.get(name).copied();
    if record.is_some() && !change.adopt {
        return Err(Failure::new(
            ExitCode::Failed,
            format!("job {name} is kept by the platform's jobs service, which would go on listing it"),
        )
        .hint("`--adopt` deletes its record there, too."));
    }
    let live = match record {
        None => Some(facts::job(facts, name)?),
        Some(_) => facts.live.job(&facts.tool, name),
    };
    Ok(LoadStep { name: name.clone(), kind: StepKind::Delete, plan: None, live, record })
}

/// Deletes the objects of the steps, and waits until they are gone.
pub(super) fn delete(
    session: &Session,
    steps: &[LoadStep],
    change: ChangeOptions,
) -> Result<ExitCode, Failure> {
    if change.dry_run.is_some() {
        for step in steps {
            print_text(&format!("job {} would be deleted\n", step.name))?;
        }
        if change.dry_run == Some(toolforge_cli::DryRunOption::Client) {
            return Ok(ExitCode::Success);
        }
    }
    let (runtime, client) = session.cluster()?;
    let sent = PostParams { dry_run: change.dry_run.is_some(), ..post_params() };
    runtime.block_on(async {
        carry_out(client, &session.tool, steps.iter(), &sent, async |_| Ok(())).await.end()
    })
}
