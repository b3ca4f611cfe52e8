use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Session, applied_changes, planned_changes, print_for_people,
    wait_for_room, warn_of_unread,
};
use toolforge_client::{ApplyOptions, ChangeOutcome, Client, JobFetchOptions};
use toolforge_render::change::ChangeSet;
use toolforge_render::job::{JobFacts, JobObjects, JobWorkload, observe_job, trigger_job};
use toolforge_report::AppliedChange;

use super::finish::finish;
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
    let mut wanted = JobFetchOptions::for_names();
    wanted.namespace.limits = true;
    wanted.namespace.catalog = true;
    let mut facts = facts::facts(session, wanted)?;
    let mut job = facts::job(&facts, &options.name)?;
    if !matches!(job.workload, JobWorkload::Scheduled(_)) {
        return Err(Failure::new(
            ExitCode::Failed,
            format!("job {} is {}; only scheduled jobs can be triggered", job.name, job.workload.job_kind()),
        ));
    }
    let now = Timestamp::now();
    let planned = |facts: &JobFacts, job: &JobObjects| {
        trigger_job(job, facts, now).map_err(|error| failures::of_run_now(error, job))
    };
    let mut set = planned(&facts, &job)?;
    if options.dry_run.dry_run.is_none() {
        let again = || {
            facts = facts::facts(session, wanted)?;
            job = facts::job(&facts, &options.name)?;
            planned(&facts, &job)
        };
        set = wait_for_room(set, ChangeSet::terminating, again)?;
    }
    warn_of_unread(&facts.namespace.limits);
    refuse_what_does_not_fit(&set)?;
    let (format, dry_run) = (arguments.output.of_document(), options.dry_run.dry_run);
    if dry_run == Some(DryRunOption::Client) {
        print_for_people(&format!("job {} would run now\n", job.name), format)?;
        return finish(session, arguments, (&set, planned_changes(&set)), dry_run, Ok(ExitCode::Success));
    }
    let (runtime, client) = session.cluster()?;
    let sent = apply::options(dry_run.is_some());
    let request = observe_job(&job, &facts);
    let logs = wait::LogMarks::of(&request);
    let Started { name, set, changes } = runtime.block_on(start(client, (&job, &facts), set, now, sent))?;
    let name = match name {
        Ok(name) => name,
        Err(failure) => return finish(session, arguments, (&set, changes), dry_run, Err(failure)),
    };
    let ended = runtime.block_on(async {
        match options.wait {
            Some(seconds) if !sent.dry_run => wait::until_end(client, &request, &name, seconds, &logs).await,
            _ if sent.dry_run => {
                print_for_people(&format!("job {} would run as {name}\n", job.name), format)?;
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
    });
    finish(session, arguments, (&set, changes), dry_run, ended)
}

/// A run that was sent.
pub(super) struct Started {
    /// The name of its Job, if it was created.
    name: Result<String, Failure>,
    set: ChangeSet,
    changes: Vec<AppliedChange>,
}

/// Refuses a run that exceeds the quota or the limits, before anything is sent.
pub(super) fn refuse_what_does_not_fit(set: &ChangeSet) -> Result<(), Failure> {
    if set.fits() {
        return Ok(());
    }
    let failure = Failure::new(ExitCode::DoesNotFit, "a run does not fit now, and nothing was sent");
    Err(report::with_what_does_not_fit(failure, set))
}

/// Sends a run and returns its Job's name, or why it was not created. Where somebody started another one in the same second, it is named after the
/// next.
pub(super) async fn start(
    client: &Client,
    (job, facts): (&JobObjects, &JobFacts),
    mut set: ChangeSet,
    now: Timestamp,
    options: ApplyOptions,
) -> Result<Started, Failure> {
    let mut second = 0;
    loop {
        let report = client.apply_changes(&facts.namespace.tool, &set, options).await;
        if second < TRIES && apply::is_name_taken(&report) {
            second += 1;
            let moment = now.checked_add(SignedDuration::from_secs(second)).unwrap_or(now);
            set = trigger_job(job, facts, moment).map_err(|error| failures::of_run_now(error, job))?;
            refuse_what_does_not_fit(&set)?;
            continue;
        }
        let changes = applied_changes(&report);
        let mut name = Err(Failure::new(ExitCode::Cluster, "the cluster did not create a run"));
        for change in report.changes {
            if let ChangeOutcome::Failed(error) = change.outcome {
                name = Err(error.into());
                break;
            }
            name = name
                .or_else(|none| change.written.into_iter().next().map(|written| written.id.name).ok_or(none));
        }
        return Ok(Started { name, set, changes });
    }
}
