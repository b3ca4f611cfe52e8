//! What the libraries' errors mean at the edge: how the program ends, and what to type next.

use toolforge_cli::{ExitKind, Failure};
use toolforge_render::job::{JobPlanError, LoadProblem};

/// Returns the failure of a plan that cannot be made.
pub(crate) fn of_plan(error: &JobPlanError) -> Failure {
    let failure = Failure::from_error(ExitKind::Request, error);
    match error {
        JobPlanError::NoSuchImage(_) => failure.hint("`toolforge jobs images` lists what there is."),
        JobPlanError::Foreign { .. } => failure.hint("Give the job another name."),
        JobPlanError::HostTaken { .. } => {
            failure.hint("Stop the web service or job that has it, or leave `publish` out.")
        }
        _ => failure,
    }
}

/// Returns the failure of jobs that cannot be made what they should be.
pub(crate) fn of_problems(problems: &[LoadProblem]) -> Failure {
    if let [LoadProblem::Plan { name: _, error }] = problems {
        return of_plan(error);
    }
    let is_size = |problem: &LoadProblem| matches!(problem, LoadProblem::NeverFits { .. });
    let kind = if problems.iter().all(is_size) { ExitKind::DoesNotFit } else { ExitKind::Request };
    let failure = match problems {
        [one] => Failure::new(kind, one.to_string()),
        all => all.iter().map(ToString::to_string).fold(
            Failure::new(
                kind,
                format!("{} jobs cannot be what they should, and nothing was sent", all.len()),
            ),
            Failure::detail,
        ),
    };
    hints(problems).into_iter().fold(failure, Failure::hint)
}

fn hints(problems: &[LoadProblem]) -> Vec<String> {
    let mut hints = Vec::new();
    for problem in problems {
        let hint = match problem {
            LoadProblem::Recorded { .. } => {
                "`--adopt` takes it over: the service's record goes, the job stays."
            }
            LoadProblem::UnderWay { .. } => "Wait for its end, or end it: `toolforge jobs delete NAME`.",
            LoadProblem::SeveralPublic { .. } => "Leave `publish` at one of them.",
            LoadProblem::NeverFits { .. } => {
                "Ask for less memory or CPU; `toolforge jobs quota` shows what there is."
            }
            LoadProblem::Plan { error: JobPlanError::NoSuchImage(_), .. } => {
                "`toolforge jobs images` lists what there is."
            }
            _ => continue,
        };
        if !hints.iter().any(|known| known == hint) {
            hints.push(hint.to_owned());
        }
    }
    hints
}
