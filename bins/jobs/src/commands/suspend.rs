use serde::de::IgnoredAny;
use serde_json::json;
use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, print_text};
use toolforge_client::kube::api::PatchParams;
use toolforge_client::{JobFetchOptions, JobObject, merge_params};
use toolforge_render::job::LiveWorkload;

use super::facts;
use crate::arguments::{Arguments, SuspendArguments};

/// Suspends a schedule, or lets it go on.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &SuspendArguments,
    suspends: bool,
) -> Result<ExitCode, Failure> {
    let facts =
        facts::facts(session, arguments, JobFetchOptions { records: true, ..JobFetchOptions::for_names() })?;
    let job = facts::job(&facts, &options.name)?;
    let LiveWorkload::Scheduled(cron_job) = &job.workload else {
        return Err(Failure::new(
            ExitCode::Failed,
            format!("job {} is {}, and only a schedule can be suspended", job.name, job.workload.job_kind()),
        ));
    };
    if facts.live.recorded.contains_key(&job.name) {
        anstream::eprintln!(
            "note: the platform's jobs service keeps job {}, and lets its schedule go on when it is loaded there again",
            job.name
        );
    }
    let (is, word) =
        if suspends { ("is suspended already", "suspended") } else { ("is not suspended", "resumed") };
    if cron_job.spec.as_ref().and_then(|spec| spec.suspend).unwrap_or(false) == suspends {
        anstream::eprintln!("job {} {is}", job.name);
        return Ok(ExitCode::Success);
    }
    if options.dry_run.dry_run == Some(DryRunOption::Client) {
        print_text(&format!("job {} would be {word}\n", job.name))?;
        return Ok(ExitCode::Success);
    }
    let (runtime, client) = session.cluster()?;
    let path = JobObject::CronJob.of(&session.tool).named(job.name.as_str());
    let params = PatchParams { dry_run: options.dry_run.dry_run.is_some(), ..merge_params() };
    let _: IgnoredAny =
        runtime.block_on(client.merge(&path, &json!({"spec": {"suspend": suspends}}), &params))?;
    Ok(ExitCode::Success)
}
