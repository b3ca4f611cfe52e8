use std::time::Duration;

use k8s_openapi::api::batch::v1::CronJob;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use tokio::time::timeout;
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Notice, Session, planned_changes, print_for_people, print_message,
    warn_of_unread,
};
use toolforge_client::{Attempt, JobFetchOptions, ObjectPath, merge_params};
use toolforge_model::JobRequest;
use toolforge_render::change::{Adjustment, ChangeSet};
use toolforge_render::job::{
    JobFacts, JobObjects, JobWorkload, manual_run_record, observe_job, trigger_adjustments, trigger_job,
};

use super::apply::Command;
use super::finish::finish;
use super::{apply, facts, wait};
use crate::arguments::{Arguments, TriggerArguments};
use crate::{failures, report};

/// How long it may take to record the start of a run.
const RECORD_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs a scheduled job now; a current run continues.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &TriggerArguments,
) -> Result<ExitCode, Failure> {
    let mut wanted = JobFetchOptions::for_names();
    wanted.namespace.limits = true;
    wanted.namespace.catalog = true;
    let now = Timestamp::now();
    let plan = async |attempt: &Attempt| {
        let facts = facts::fetch_facts(session, wanted).await?;
        let job = facts::job(&facts, &options.name)?;
        if !matches!(job.workload, JobWorkload::Scheduled(_)) {
            return Err(Failure::new(
                ExitCode::Failed,
                if job.is_managed() {
                    format!(
                        "job {} is {}; only scheduled jobs can be triggered",
                        job.name,
                        job.workload.job_kind()
                    )
                } else {
                    format!("{} has no schedule; only a CronJob can be triggered", facts::subject(&job))
                },
            ));
        }
        // A run is named after its second, in which somebody else may have started one.
        let later = SignedDuration::from_secs(attempt.earlier_attempts.into());
        let moment = now.checked_add(later).unwrap_or(now);
        let set = trigger_job(&job, &facts, moment).map_err(|error| failures::of_run_now(error, &job))?;
        let request = observe_job(&job, &facts);
        let logs = wait::LogMarks::of(&request);
        Ok(PlannedRun { set, logs, request, job, facts })
    };
    let check = |planned: &PlannedRun, attempt: &Attempt| {
        if attempt.is_first() {
            warn_of_unread(&planned.facts.namespace.limits);
        }
        let PlannedRun { set, job, facts, .. } = planned;
        if set.fits() {
            return Ok(());
        }
        Err(does_not_fit(set, &trigger_adjustments(job, facts, now)))
    };
    let command = Command::new(plan, check);
    let (format, dry_run) = (arguments.output.of_document(), options.dry_run.dry_run);
    if dry_run == Some(DryRunOption::Client) {
        let PlannedRun { set, job, .. } = session.block_on(command.plan_only())??;
        print_for_people(&format!("{} would run now\n", facts::subject(&job)), format)?;
        return finish(session, arguments, (&set, planned_changes(&set)), dry_run, Ok(ExitCode::Success));
    }
    let applied = session.block_on(apply::apply(session, dry_run, &command))??;
    let (changes, run) = (applied.changes(), applied.created_run());
    let (PlannedRun { set, request, job, logs, .. }, mut ended) = applied.end();
    let (subject, name) = (facts::subject(&job), facts::reference(&job));
    if let (Ok(_), Some(run)) = (&ended, run) {
        if dry_run.is_none() {
            record_run(session, &job, &run)?;
        }
        if dry_run.is_some() {
            print_for_people(&format!("{subject} would run as {run}\n"), format)?;
        } else if let Some(seconds) = options.wait {
            let (runtime, client) = session.cluster()?;
            ended =
                runtime.block_on(wait::until_end(client, (&request, job.is_managed()), &run, seconds, &logs));
        } else {
            print_message(&format!(
                "run {run} of {subject} started; `toolforge jobs logs {name} --follow` shows its output"
            ));
        }
    }
    finish(session, arguments, (&set, changes), dry_run, ended)
}

/// Records on the CronJob of a job when a run of it was started, so `cron` shows the run when its Job is deleted. The run
/// itself does not depend on it.
pub(super) fn record_run(session: &Session, job: &JobObjects, run: &str) -> Result<(), Failure> {
    let Some(record) = manual_run_record(job, run) else { return Ok(()) };
    let (runtime, client) = session.cluster()?;
    let (path, params) = (ObjectPath::of(&session.tool, &record.object), merge_params());
    let merge =
        async { timeout(RECORD_TIMEOUT, client.merge::<CronJob>(&path, &record.patch, &params)).await };
    let recorded = runtime.block_on(merge);
    let problem = match recorded {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the cluster has not answered within {} seconds", RECORD_TIMEOUT.as_secs()),
    };
    let text = format!(
        "the start of the run could not be recorded, so `toolforge jobs cron` does not show it: {problem}"
    );
    Notice::warning(text).print();
    Ok(())
}

/// A run, and the job that it is of.
struct PlannedRun {
    set: ChangeSet,
    request: JobRequest,
    job: JobObjects,
    /// The ends of the job's log files before the run.
    logs: wait::LogMarks,
    facts: JobFacts,
}

impl AsRef<ChangeSet> for PlannedRun {
    fn as_ref(&self) -> &ChangeSet {
        &self.set
    }
}

/// Returns the failure of a run that exceeds the quota or the limits, before anything is sent. `nearest` are the nearest sizes
/// of the job that would make it fit.
pub(super) fn does_not_fit(set: &ChangeSet, nearest: &[Adjustment]) -> Failure {
    let failure = Failure::new(ExitCode::DoesNotFit, "a run does not fit now; nothing was changed");
    report::with_what_does_not_fit(failure, set, nearest)
}
