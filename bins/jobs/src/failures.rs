//! What the libraries' errors mean at the edge: how the program ends, and what to run next.

use std::collections::BTreeSet;
use std::path::Path;

use toolforge_cli::{BUNDLED_HINT, ExitCode, Failure};
use toolforge_images::{ImageLookupError, TypeLookupError};
use toolforge_model::{Diagnostic, FileJob, Untrusted};
use toolforge_render::job::{JobObjects, JobPlanError, LoadPlan, LoadProblem, RunNowError};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::ObjectKind;
use toolforge_report::FailureCode;

use crate::report;

/// Returns the failure of a plan that cannot be made.
pub(crate) fn of_plan(error: &JobPlanError, namespace: &Namespace) -> Failure {
    let failure = Failure::from_error(ExitCode::Failed, error);
    match error {
        JobPlanError::NoSuchImage(error) => {
            let failure = failure.with_code(FailureCode::UnknownImage);
            image_hints(error, namespace).into_iter().fold(failure, Failure::hint)
        }
        JobPlanError::Foreign { kind, name, .. } => {
            let other = "Give the job another name";
            let hint = match kind {
                ObjectKind::Deployment | ObjectKind::CronJob | ObjectKind::Job => format!(
                    "{other}, or make this object the job: `toolforge jobs adopt {}/{}`.",
                    kind.as_str().to_lowercase(),
                    name.escaped()
                ),
                _ => format!("{other}."),
            };
            failure.with_code(FailureCode::AlreadyExists).hint(hint)
        }
        JobPlanError::HostTaken { .. } => {
            failure.hint("Stop the web service or job that has it, or leave `publish` out.")
        }
        _ => failure,
    }
}

/// Returns what to do about an image that does not exist.
fn image_hints(error: &ImageLookupError, Namespace { tool, catalog, .. }: &Namespace) -> Vec<String> {
    // Images of the build service are named after the tool.
    let is_own = |name: &str| name == tool.as_str() || name == tool.namespace();
    let is_built = match error {
        ImageLookupError::BuildService { .. } => true,
        ImageLookupError::Type(TypeLookupError::Gone { replacement, .. }) => replacement.is_none(),
        ImageLookupError::Type(TypeLookupError::Unknown { name, .. }) => is_own(name.as_str()),
        ImageLookupError::Reference { found, .. } => found.as_raw().split(':').next().is_some_and(is_own),
        _ => false,
    };
    let hint = if is_built {
        let name = tool.namespace();
        format!(
            "Build an image, `toolforge build start URL`, and name it as the job's image: `{name}/{name}:latest`."
        )
    } else {
        "`toolforge jobs images` lists the images.".to_owned()
    };
    [hint].into_iter().chain(catalog.is_bundled().then(|| BUNDLED_HINT.to_owned())).collect()
}

/// Returns the failure of a job that cannot be restarted, run now or suspended.
pub(crate) fn of_run_now(error: RunNowError, job: &JobObjects) -> Failure {
    match error {
        RunNowError::OneOff => Failure::from_error(ExitCode::Failed, &error).hint(if job.is_managed() {
            format!("`toolforge jobs delete {}`, then run it again.", job.name)
        } else {
            format!("`toolforge jobs delete {}`, then create it again.", job.workload_ref())
        }),
        RunNowError::NoTemplate => Failure::from_error(ExitCode::Cluster, &error),
        error => Failure::from_error(ExitCode::Failed, &error),
    }
}

/// Returns the failure of jobs that cannot be applied, each with its location in the file, and what else does not fit;
/// `nearest` is the hint with the nearest sizes that fit.
pub(crate) fn of_problems_and_quota(
    plan: &LoadPlan,
    jobs: &[FileJob],
    file: &Path,
    namespace: &Namespace,
    nearest: Option<String>,
) -> Failure {
    let failure = of_problems(plan, jobs, file, namespace, nearest.is_some());
    match nearest {
        nearest if !plan.fits() => report::with_planned(failure, plan, nearest),
        Some(nearest) => failure.hint(format!("{nearest} {}", report::more_quota())),
        None => failure,
    }
}

/// Returns the failure of jobs that cannot be applied, each with its location in the file; `has_sizes` is whether sizes that fit
/// are named elsewhere.
pub(crate) fn of_problems(
    plan: &LoadPlan,
    jobs: &[FileJob],
    file: &Path,
    namespace: &Namespace,
    has_sizes: bool,
) -> Failure {
    if let ([LoadProblem::Plan { name: _, error }], []) = (plan.problems.as_slice(), jobs) {
        return of_plan(error, namespace);
    }
    let file = Untrusted::new(file.display().to_string());
    let diagnostic = |problem: &LoadProblem| {
        let location = report::problem_location(problem, jobs)?;
        Some(match problem {
            LoadProblem::Plan { error: error @ JobPlanError::NoSuchImage(_), .. } => {
                Diagnostic::new(location, error)
            }
            problem => Diagnostic::new(location, problem),
        })
    };
    let line = |problem: &LoadProblem| match diagnostic(problem) {
        Some(diagnostic) => diagnostic.in_file(&file),
        None => problem.to_string(),
    };
    let add = |failure: Failure, problem: &LoadProblem| match diagnostic(problem) {
        Some(diagnostic) => failure.diagnostic(&file, &diagnostic),
        None => failure.detail(problem.to_string()),
    };
    let is_size = |problem: &LoadProblem| problem.never_fitting().is_some();
    let kind = if plan.problems.iter().all(is_size) { ExitCode::DoesNotFit } else { ExitCode::Failed };
    let message = match plan.problems.as_slice() {
        [one] => line(one),
        all => format!("{} jobs cannot be applied", all.len()),
    };
    // An error in an anchor is reported once.
    let mut known = BTreeSet::new();
    let problems = plan.problems.iter().filter(|problem| known.insert(line(problem)));
    let failure = problems.fold(Failure::new(kind, message), add);
    let foreign = plan.problems.iter().find_map(|problem| match problem {
        LoadProblem::Plan { error: error @ JobPlanError::Foreign { .. }, .. } => {
            Some(of_plan(error, namespace))
        }
        _ => None,
    });
    let failure =
        foreign.iter().flat_map(Failure::hints).fold(failure, |failure, hint| failure.hint(hint.as_str()));
    let is_unknown_image = |problem: &LoadProblem| {
        matches!(problem, LoadProblem::Plan { error: JobPlanError::NoSuchImage(_), .. })
    };
    let failure = if plan.problems.iter().all(is_unknown_image) {
        failure.with_code(FailureCode::UnknownImage)
    } else {
        failure
    };
    hints(&plan.problems, namespace, has_sizes).into_iter().fold(failure, Failure::hint)
}

fn hints(problems: &[LoadProblem], namespace: &Namespace, has_sizes: bool) -> Vec<String> {
    let mut hints: Vec<String> = Vec::new();
    for problem in problems {
        let hint = match problem {
            LoadProblem::Recorded { .. } => {
                "`--adopt` takes it over: the record is deleted, and the job stays."
            }
            LoadProblem::UnderWay { .. } => {
                "Wait until it finishes, or delete it: `toolforge jobs delete NAME`."
            }
            LoadProblem::SeveralPublic { .. } => "Leave `publish` at one of them.",
            LoadProblem::NeverFits { .. } if has_sizes => continue,
            LoadProblem::NeverFits { shortfalls, .. }
                if shortfalls.iter().any(|row| row.resource.is_measured()) =>
            {
                "Request less memory or CPU; `toolforge jobs quota` shows the limits."
            }
            LoadProblem::NeverFits { .. } => {
                "The quota does not allow a single run, whatever it requests; the platform's admins can change it."
            }
            LoadProblem::Plan { error: JobPlanError::NoSuchImage(error), .. } => {
                let new = image_hints(error, namespace).into_iter().filter(|hint| !hints.contains(hint));
                let new: Vec<String> = new.collect();
                hints.extend(new);
                continue;
            }
            _ => continue,
        };
        if !hints.iter().any(|known| known == hint) {
            hints.push(hint.to_owned());
        }
    }
    hints
}
