use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, print_text};
use toolforge_client::kube::api::PostParams;
use toolforge_client::{Client, JobFetchOptions, JobObject, StatusKind, post_params};
use toolforge_model::ToolName;
use toolforge_quota::QuotaCheck;
use toolforge_render::job::{LiveWorkload, manual_run, observe_job, verdict_of_run};

use super::{facts, wait};
use crate::arguments::{Arguments, TriggerArguments};

/// How many runs may be started by hand within one second.
const TRIES: i64 = 5;

/// Runs a scheduled job now; a run that is under way goes on.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &TriggerArguments,
) -> Result<ExitCode, Failure> {
    let wanted = JobFetchOptions { limits: true, catalog: true, ..JobFetchOptions::for_names() };
    let facts = facts::facts(session, arguments, wanted)?;
    let job = facts::job(&facts, &options.name)?;
    let LiveWorkload::Scheduled(cron_job) = &job.workload else {
        return Err(Failure::new(
            ExitCode::Failed,
            format!("job {} is {}, and only a scheduled job is triggered", job.name, job.workload.job_kind()),
        ));
    };
    refuse_without_room(&verdict_of_run(&job, &facts))?;
    if options.dry_run.dry_run == Some(DryRunOption::Client) {
        print_text(&format!("job {} would run now\n", job.name))?;
        return Ok(ExitCode::Success);
    }
    let (runtime, client) = session.cluster()?;
    let sent = PostParams { dry_run: options.dry_run.dry_run.is_some(), ..post_params() };
    runtime.block_on(async {
        let name = create(client, &session.tool, cron_job, Timestamp::now(), &sent).await?;
        match options.wait {
            Some(seconds) if !sent.dry_run => {
                wait::until_end(client, &observe_job(&job, &facts), &name, seconds).await
            }
            _ if sent.dry_run => {
                print_text(&format!("job {} would run as {name}\n", job.name))?;
                Ok(ExitCode::Success)
            }
            _ => {
                anstream::eprintln!(
                    "run {name} of job {} has begun; `toolforge jobs logs {} --follow` shows what it writes",
                    job.name,
                    job.name
                );
                Ok(ExitCode::Success)
            }
        }
    })
}

/// Refuses a run for which the quota has no room, before anything is sent.
pub(super) fn refuse_without_room(verdict: &QuotaCheck) -> Result<(), Failure> {
    if verdict.fits() {
        return Ok(());
    }
    let failure = Failure::new(ExitCode::DoesNotFit, "a run does not fit now, and nothing was sent");
    let violations = verdict.violations().iter().map(|violation| format!("job {violation}"));
    let failure = violations.fold(failure, Failure::detail);
    let failure = verdict.shortfalls().fold(failure, |failure, row| failure.detail(row.to_string()));
    if verdict.shortfalls().next().is_none() {
        return Err(failure.hint("Ask for what the limits allow; `toolforge jobs quota` shows them."));
    }
    Err(failure.hint("`toolforge jobs quota` shows what is used; try again when something has ended."))
}

/// Makes a run and returns its Job's name. Where somebody started another one in the same second, it is named after the
/// next.
pub(super) async fn create(
    client: &Client,
    tool: &ToolName,
    cron_job: &CronJob,
    now: Timestamp,
    sent: &PostParams,
) -> Result<String, Failure> {
    let mut second = 0;
    loop {
        let moment = now.checked_add(SignedDuration::from_secs(second)).unwrap_or(now);
        let Some(run) = manual_run(cron_job, moment) else {
            return Err(Failure::new(ExitCode::Cluster, "the cluster's CronJob has no template to run"));
        };
        match client.create::<Job>(&JobObject::Job.of(tool), &run, sent).await {
            Ok(created) => return Ok(created.metadata.name.unwrap_or_default()),
            Err(error)
                if second < TRIES
                    && error
                        .api_status()
                        .is_some_and(|refusal| *refusal.kind() == StatusKind::AlreadyExists) =>
            {
                second += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
}
