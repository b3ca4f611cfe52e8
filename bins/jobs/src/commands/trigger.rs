use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, print_text};
use toolforge_client::{ApplyOptions, ChangeOutcome, Client, JobFetchOptions};
use toolforge_render::change::ChangeSet;
use toolforge_render::job::{JobFacts, JobObjects, Workload, observe_job, trigger_job};

use super::{apply, facts, wait};
use crate::arguments::{Arguments, TriggerArguments};
use crate::{failures, report};

/// How many runs may be started by hand within one second.
const TRIES: i64 = 5;

/// Runs a scheduled job now; a current run continues.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &TriggerArguments,
) -> Result<ExitCode, Failure> {
    let wanted = JobFetchOptions { limits: true, catalog: true, ..JobFetchOptions::for_names() };
    let facts = facts::facts(session, arguments, wanted)?;
    let job = facts::job(&facts, &options.name)?;
    if !matches!(job.workload, Workload::Scheduled(_)) {
        return Err(Failure::new(
            ExitCode::Failed,
            format!("job {} is {}; only scheduled jobs can be triggered", job.name, job.workload.job_kind()),
        ));
    }
    let now = Timestamp::now();
    let set = trigger_job(&job, &facts, now).map_err(|error| failures::of_run_now(error, &job))?;
    refuse_what_does_not_fit(&set)?;
    if options.dry_run.dry_run == Some(DryRunOption::Client) {
        print_text(&format!("job {} would run now\n", job.name))?;
        return Ok(ExitCode::Success);
    }
    let (runtime, client) = session.cluster()?;
    let sent = apply::options(options.dry_run.dry_run.is_some());
    runtime.block_on(async {
        let name = start(client, (&job, &facts), set, now, sent).await?;
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
                    "run {name} of job {} started; `toolforge jobs logs {} --follow` shows its output",
                    job.name,
                    job.name
                );
                Ok(ExitCode::Success)
            }
        }
    })
}

/// Refuses a run that exceeds the quota or the limits, before anything is sent.
pub(super) fn refuse_what_does_not_fit(set: &ChangeSet) -> Result<(), Failure> {
    if set.fits() {
        return Ok(());
    }
    let failure = Failure::new(ExitCode::DoesNotFit, "a run does not fit now, and nothing was sent");
    Err(report::with_what_does_not_fit(failure, set))
}

/// Creates a run and returns its Job's name. Where somebody started another one in the same second, it is named after the
/// next.
pub(super) async fn start(
    client: &Client,
    (job, facts): (&JobObjects, &JobFacts),
    mut set: ChangeSet,
    now: Timestamp,
    options: ApplyOptions,
) -> Result<String, Failure> {
    let mut second = 0;
    loop {
        let report = client.apply_changes(&facts.tool, &set, options).await;
        if second < TRIES && apply::is_name_taken(&report) {
            second += 1;
            let moment = now.checked_add(SignedDuration::from_secs(second)).unwrap_or(now);
            set = trigger_job(job, facts, moment).map_err(|error| failures::of_run_now(error, job))?;
            refuse_what_does_not_fit(&set)?;
            continue;
        }
        for change in report.changes {
            if let ChangeOutcome::Failed(error) = change.outcome {
                return Err(error.into());
            }
            if let Some(written) = change.written.into_iter().next() {
                return Ok(written.id.name);
            }
        }
        return Err(Failure::new(ExitCode::Cluster, "the cluster did not create a run"));
    }
}
