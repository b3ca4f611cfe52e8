use std::cell::Cell;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    DryRunOption, ExitCode, Failure, Notice, Session, planned_changes, print_for_people, print_message,
    warn_of_unread,
};
use toolforge_client::{Attempt, JobFetchOptions};
use toolforge_model::{JobRequest, Untrusted};
use toolforge_quota::Limits;
use toolforge_render::change::{Adjustment, ChangeSet, Rollout};
use toolforge_render::job::{JobObjects, JobWorkload, observe_job, restart_adjustments, restart_job};

use super::apply::Command;
use super::finish::finish;
use super::wait::LogMarks;
use super::{apply, delete, facts, rollout, trigger};
use crate::arguments::{Arguments, RestartArguments};
use crate::{failures, report};

/// Replaces the pods of a continuous job and waits until the new ones are ready, or deletes the runs of a scheduled job and
/// starts another one.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &RestartArguments,
) -> Result<ExitCode, Failure> {
    let mut wanted = JobFetchOptions::for_names();
    wanted.namespace.limits = true;
    let plan = async |_: &Attempt| {
        let facts = facts::fetch_facts(session, wanted).await?;
        let job = facts::job(&facts, &options.name)?;
        let set = restart_job(&job, &facts, Timestamp::now());
        let set = set.map_err(|error| failures::of_run_now(error, &job))?;
        let request = observe_job(&job, &facts);
        let logs = LogMarks::of(&request);
        // No size helps if the quota still counts deleted objects.
        let is_refused = !set.fits() && !set.counts_deleted();
        let nearest = if is_refused { nearest(session, wanted, &job).await? } else { Vec::new() };
        Ok(PlannedRestart { set, logs, request, job, limits: facts.namespace.limits, nearest })
    };
    let dry_run = options.dry_run.dry_run;
    let confirmed = Cell::new(options.yes || dry_run.is_some());
    let check = |planned: &PlannedRestart, attempt: &Attempt| {
        let PlannedRestart { set, job, limits, .. } = planned;
        if attempt.is_first() {
            warn_of_unread(limits);
        }
        refuse_what_does_not_fit(planned)?;
        if !job.is_managed() && !confirmed.get() {
            delete::confirm_others(session, &[facts::subject(job)], "restarted")?;
            confirmed.set(true);
        }
        if attempt.is_first() {
            print_notes(job, set, dry_run);
        }
        Ok(())
    };
    let command = Command::new(plan, check);
    if dry_run == Some(DryRunOption::Client) {
        let PlannedRestart { set, job, .. } = session.block_on(command.plan_only())??;
        let text = format!("{} would be restarted\n", facts::subject(&job));
        print_for_people(&text, arguments.output.of_document())?;
        let changes = planned_changes(&set);
        return finish(session, arguments, (&set, changes), dry_run, Ok(ExitCode::Success));
    }
    let applied = session.block_on(apply::apply(session, dry_run, &command))??;
    let (changes, target) = (applied.changes(), applied.rollout_target());
    let run = applied.created_run();
    let (PlannedRestart { set, job, request, logs, .. }, mut ended) = applied.end();
    if let (Ok(_), Some(run), None) = (&ended, run, dry_run) {
        trigger::record_run(session, &job, &run)?;
    }
    let has_pods = job.workload.replicas() != Some(0);
    if let (Ok(_), Some(target), None, true) = (&ended, target, dry_run, has_pods) {
        let (runtime, client) = session.cluster()?;
        ended = runtime.block_on(rollout::until_ready(client, (&job, &request), &target, &logs));
    }
    if matches!(ended, Ok(ExitCode::Success)) {
        print_message(&outcome(&job, dry_run.is_some()));
    }
    finish(session, arguments, (&set, changes), dry_run, ended)
}

/// A restart, and the job that it is of.
struct PlannedRestart {
    set: ChangeSet,
    job: JobObjects,
    request: JobRequest,
    /// The ends of the job's log files before the restart.
    logs: LogMarks,
    limits: Limits,
    /// If a restart does not fit, the nearest sizes that make it fit.
    nearest: Vec<Adjustment>,
}

impl AsRef<ChangeSet> for PlannedRestart {
    fn as_ref(&self) -> &ChangeSet {
        &self.set
    }
}

fn print_notes(job: &JobObjects, set: &ChangeSet, dry_run: Option<DryRunOption>) {
    if job.workload.replicas() == Some(0) {
        Notice::note(format!(
            "{0} has 0 replicas, so no pod starts; set `replicas` in its {1}",
            facts::subject(job),
            if job.is_managed() {
                "file and run `toolforge jobs load FILE`"
            } else {
                "manifest and apply it again"
            }
        ))
        .print();
    }
    if dry_run == Some(DryRunOption::Client) {
        return;
    }
    for change in &set.changes {
        if change.downtime.is_some() {
            Notice::note(format!(
                "downtime: the old pods of {} stop before the new ones start",
                apply::subject(change)
            ))
            .print();
        } else if change.rollout == Some(Rollout::InPlace) && set.refused_surge.is_some() {
            Notice::note("one more pod exceeds the quota, so the pods are replaced one after the other")
                .print();
        }
        for found in change.differences() {
            let value = |value: &Option<Untrusted>| {
                value.as_ref().map_or_else(|| "not set".to_owned(), |value| value.escaped().to_string())
            };
            Notice::note(format!(
                "{} is changed from {} to {}, and stays so after the restart",
                Untrusted::new(found.path.to_string()).escaped(),
                value(&found.live),
                value(&found.wanted)
            ))
            .print();
        }
    }
}

fn outcome(job: &JobObjects, dry_run: bool) -> String {
    let (subject, name) = (facts::subject(job), facts::reference(job));
    if dry_run {
        return format!("the cluster accepts the restart of {subject}; nothing was changed");
    }
    match job.workload {
        JobWorkload::Scheduled(_) => {
            format!(
                "{subject} was restarted; `toolforge jobs logs {name} --follow` shows the output of its new run"
            )
        }
        JobWorkload::Continuous(_) | JobWorkload::OneOff(_) => {
            format!("{subject} was restarted; `toolforge jobs show {name}` shows its state")
        }
    }
}

/// Returns the nearest sizes that make a restart fit. They are planned with the images, which a restart does not need.
async fn nearest(
    session: &Session,
    mut wanted: JobFetchOptions,
    job: &JobObjects,
) -> Result<Vec<Adjustment>, Failure> {
    wanted.namespace.catalog = true;
    let facts = facts::fetch_facts(session, wanted).await?;
    Ok(restart_adjustments(job, &facts, Timestamp::now()))
}

fn refuse_what_does_not_fit(planned: &PlannedRestart) -> Result<(), Failure> {
    let PlannedRestart { set, job, nearest, .. } = planned;
    if set.fits() {
        return Ok(());
    }
    match job.workload {
        JobWorkload::OneOff(_) | JobWorkload::Scheduled(_) => Err(trigger::does_not_fit(set, nearest)),
        JobWorkload::Continuous(_) => {
            let failure = Failure::new(ExitCode::DoesNotFit, "a restart does not fit; nothing was changed");
            Err(report::with_what_does_not_fit(failure, set, nearest))
        }
    }
}
