//! What became of the objects that an adoption has deleted.

use toolforge_cli::{ExitCode, Failure, Notice};
use toolforge_client::{AdoptionOutcome, DeletedObject, LostReason};
use toolforge_model::Untrusted;
use toolforge_render::convert::as_created;
use toolforge_render::job::JobObjects;
use toolforge_report::{DetailCode, FailureCode};

/// Returns whether the cluster has no definition of an object, and no job of it.
pub(super) fn is_lost(deleted: &DeletedObject) -> bool {
    matches!(deleted.outcome, AdoptionOutcome::Lost(_))
}

/// Returns whether this object is a lost one.
pub(super) fn is_lost_as(deleted: &DeletedObject, job: &JobObjects) -> bool {
    is_lost(deleted) && deleted.object.workload.metadata().uid == job.workload.metadata().uid
}

/// Returns the failure of an adoption with what became of the objects that it has deleted: at worst, their manifests.
pub(super) fn with_deleted(failure: Failure, deleted: &[DeletedObject]) -> Failure {
    let Some((last, others)) = deleted.split_last() else { return failure };
    let failure = of_last(failure, last);
    others.iter().fold(failure, |failure, found| {
        failure.detail(lost_line(found)).coded_detail(DetailCode::Manifest, manifest(found))
    })
}

fn of_last(failure: Failure, found: &DeletedObject) -> Failure {
    let subject = found.object.workload_ref();
    let message = match &found.outcome {
        AdoptionOutcome::Unchanged => return failure,
        AdoptionOutcome::Recreated => {
            format!("{subject} did not become a job: it was deleted and re-created unchanged")
        }
        AdoptionOutcome::Job => {
            format!("{subject} was deleted and created again, but not all of the job may have been created")
        }
        AdoptionOutcome::Lost(_) if found.is_accepted => {
            format!("{subject} was deleted, and is not a job yet; this is its manifest:")
        }
        _ => format!("{subject} may have been deleted; this is its manifest:"),
    };
    let exit_code = match (&found.outcome, failure.exit_code()) {
        (_, signal @ ExitCode::Propagated(_)) => signal,
        (AdoptionOutcome::Recreated, ExitCode::Partial) => ExitCode::Cluster,
        (AdoptionOutcome::Recreated, exit_code) => exit_code,
        _ => ExitCode::Partial,
    };
    // The other hints are about partial changes.
    let failure = match failure.exit_code() {
        ExitCode::DoesNotFit | ExitCode::Failed => failure,
        _ => failure.without_hints(),
    };
    let reported = failure.with_message(message).with_exit_code(exit_code);
    match &found.outcome {
        AdoptionOutcome::Lost(reason) => {
            let reason = match reason {
                LostReason::NameTaken => {
                    "another object of its name exists, so it cannot be created again".to_owned()
                }
                LostReason::Request(error) => {
                    let error = Failure::from_error(ExitCode::Cluster, error);
                    format!("it could not be created again: {}", error.message())
                }
                _ => "it still terminates, so it cannot be created again now".to_owned(),
            };
            reported
                .with_code(FailureCode::PartiallyDone)
                .detail(reason)
                .coded_detail(DetailCode::Manifest, manifest(found))
                .hint(format!(
                    "Save the manifest: `kubectl create -f FILE` creates {subject} again, and `toolforge jobs convert FILE` prints it \
                     for a jobs file."
                ))
        }
        AdoptionOutcome::Job => {
            reported.hint(format!("`toolforge jobs show {}` shows its state.", found.object.name))
        }
        _ => reported,
    }
}

/// Prints the manifest of an object that somebody else has replaced before its job was created.
pub(super) fn print_lost(found: &DeletedObject) {
    Notice::warning(lost_line(found)).details(manifest(found).lines()).print();
}

fn lost_line(found: &DeletedObject) -> String {
    format!(
        "{} was deleted, and somebody else has created another object of its name since; this is its manifest:",
        found.object.workload_ref()
    )
}

fn manifest(found: &DeletedObject) -> String {
    let text = as_created(&found.object).to_yaml();
    Untrusted::new(text.trim_start_matches("---\n")).lines_escaped().to_string()
}
