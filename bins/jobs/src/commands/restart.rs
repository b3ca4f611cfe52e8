use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{DryRunOption, ExitCode, Failure, Session, print_text};
use toolforge_client::JobFetchOptions;
use toolforge_render::change::{ChangeSet, Rollout};
use toolforge_render::job::{Workload, restart_job};

use super::{apply, facts, trigger};
use crate::arguments::{Arguments, RestartArguments};
use crate::{failures, report};

/// Replaces the pods of a continuous job, or deletes the runs of a scheduled one and starts another.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &RestartArguments,
) -> Result<ExitCode, Failure> {
    let facts =
        facts::facts(session, arguments, JobFetchOptions { limits: true, ..JobFetchOptions::for_names() })?;
    let job = facts::job(&facts, &options.name)?;
    let set =
        restart_job(&job, &facts, Timestamp::now()).map_err(|error| failures::of_run_now(error, &job))?;
    refuse_what_does_not_fit(&job.workload, &set)?;
    let dry_run = options.dry_run.dry_run;
    if dry_run == Some(DryRunOption::Client) {
        print_text(&format!("job {} would be restarted\n", job.name))?;
        return Ok(ExitCode::Success);
    }
    for change in &set.changes {
        if change.downtime.is_some() {
            anstream::eprintln!(
                "note: downtime: the old pods of job {} stop before the new ones start",
                change.name
            );
        } else if change.rollout == Some(Rollout::InPlace) && set.refused_surge.is_some() {
            anstream::eprintln!(
                "note: one more pod exceeds the quota, so the pods are replaced one after the other"
            );
        }
    }
    apply::apply_all(session, &set, dry_run.is_some())
}

fn refuse_what_does_not_fit(workload: &Workload, set: &ChangeSet) -> Result<(), Failure> {
    match workload {
        Workload::OneOff(_) | Workload::Scheduled(_) => trigger::refuse_what_does_not_fit(set),
        Workload::Continuous(_) if set.fits() => Ok(()),
        Workload::Continuous(_) => {
            let failure = Failure::new(ExitCode::DoesNotFit, "a restart does not fit, and nothing was sent");
            Err(report::with_what_does_not_fit(failure, set))
        }
    }
}
