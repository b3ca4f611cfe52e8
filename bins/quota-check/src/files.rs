//! Whether what files ask for fits.

use std::path::{Path, PathBuf};

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    Document, ExitCode, Failure, Notice, OutputFormat, RunConflicts, Session, WorkloadName, adjustment_goal,
    adjustments, adjustments_text, downtime, forecast_text, is_helped_by_more_quota, print, quota_rows,
    read_input, rollout, to_json, verdict_code, verdict_text, violations, warn_of_missing_kinds,
    warn_of_unread,
};
use toolforge_client::FileFetchOptions;
use toolforge_model::{Diagnostic, ExpectedDocument, Untrusted, decode_utf8};
use toolforge_quota::Verdict;
use toolforge_render::change::{Adjustment, Change, Downtime, Workload};
use toolforge_render::files::{
    FileContents, FilePlan, FilePlanFacts, FileProblem, FileProblemKind, file_adjustments, plan_files,
};
use toolforge_report::{Action, DetailCode, FailureCode, FileChange, PlanProblem, ProblemCode};

use crate::arguments::Arguments;
use crate::facts;

/// The maximum size of a file in bytes: some thousand jobs or objects.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// Prints what applying all files would do, and whether it fits.
pub(crate) fn run(
    session: &Session,
    arguments: &Arguments,
    format: OutputFormat,
) -> Result<ExitCode, Failure> {
    let files = read(session, &arguments.files)?;
    let facts = facts(session, arguments, &files)?;
    let exit_code = warn_of_unread(&facts.jobs.namespace.limits);
    let plan = plan_files(&files, &facts);
    warn_of_missing_kinds(&plan.set, &facts.jobs);
    let never_fitting: Vec<&str> = plan.never_fitting().collect();
    let conflicts = RunConflicts::of(&plan.set, &plan.jobs, &facts.jobs, Timestamp::now(), &never_fitting);
    conflicts.print_warning();
    let nearest = file_adjustments(&files, &facts, &plan, adjustment_goal(plan.fits(), &plan.set));
    // A table without what is repeated would say that everything fits.
    let is_repeated = |problem: &FileProblem| matches!(problem.kind, FileProblemKind::Repeated(_));
    let has_repeated = plan.problems.iter().any(is_repeated);
    if format != OutputFormat::Table || !has_repeated {
        print(&document(session, &plan, &nearest, &conflicts, &arguments.files)?, format)?;
    }
    let next = || next_step(&plan, &nearest);
    if !plan.problems.is_empty() {
        let failure = of_problems(&plan, &arguments.files);
        let repeated = has_repeated.then_some("Rename what is there twice, or leave one of the files out.");
        let failure = repeated.into_iter().fold(failure, Failure::hint);
        return Err(if failure.exit_code() == ExitCode::DoesNotFit { failure.hint(next()) } else { failure });
    }
    if plan.set.fits_if_known() != Some(false) {
        return Ok(exit_code);
    }
    Notice::hint(next()).print();
    Ok(ExitCode::DoesNotFit)
}

/// Returns what to do about files that do not fit.
fn next_step(plan: &FilePlan, nearest: &[Adjustment]) -> String {
    if plan.verdict() == Verdict::FitsAfterTermination {
        return "Wait until these pods have terminated, then check again.".to_owned();
    }
    let less = if nearest.is_empty() {
        "`quota-check` shows what uses the quota, and `quota-check what-if` how large a web service or a job may be"
    } else {
        "Change the file to one of the proposals above"
    };
    let is_too_little = plan.problems.is_empty() && !is_helped_by_more_quota(&plan.set);
    if is_too_little && nearest.is_empty() {
        return "Change the amounts to what the limits allow; `quota-check` shows them.".to_owned();
    }
    // Missing pods of an unchanged workload do not belong to a request.
    if is_too_little || plan.verdict() == Verdict::MissingPods {
        return format!("{less}.");
    }
    format!("{less}; `quota-check request` with the same options and files writes a request for more quota.")
}

/// What is wrong with a file.
enum FileError {
    /// It cannot be read.
    Unreadable(Failure),
    /// Something in it is wrong.
    Invalid(Untrusted, Diagnostic),
}

/// Reads all files. All of their errors are reported at once, those of files that cannot be read included.
pub(crate) fn read(session: &Session, paths: &[PathBuf]) -> Result<Vec<FileContents>, Failure> {
    let mut errors = Vec::new();
    let mut files = Vec::new();
    for path in paths {
        let shown = shown(path);
        let text = match read_text(path, &shown) {
            Ok(text) => text,
            Err(error) => {
                errors.push(error);
                continue;
            }
        };
        let expected = ExpectedDocument::of_path(&path.to_string_lossy());
        let mut contents = FileContents::parse_expected(&text, &session.tool, expected);
        for warning in &contents.warnings {
            Notice::warning(warning.in_file(&shown)).print();
        }
        if !contents.errors.is_empty() {
            contents.errors = with_images(session, &text, expected).unwrap_or(contents.errors);
        }
        let found = std::mem::take(&mut contents.errors).into_iter();
        errors.extend(found.map(|error| FileError::Invalid(shown.clone(), error)));
        files.push(contents);
    }
    let message = match errors.as_slice() {
        [] => return Ok(files),
        [FileError::Unreadable(failure)] => return Err(failure.clone()),
        [FileError::Invalid(file, error)] => error.in_file(file),
        all => format!("the files have {} errors", all.len()),
    };
    let failure = Failure::new(ExitCode::Failed, message).with_code(FailureCode::InvalidFile);
    Err(errors.iter().fold(failure, |failure, error| match error {
        FileError::Unreadable(unreadable) => {
            let reasons = unreadable.details().map(|reason| format!(": {reason}"));
            let text = std::iter::once(unreadable.message().to_owned()).chain(reasons).collect::<String>();
            let failure = failure.coded_detail(DetailCode::Source, text);
            unreadable.hints().iter().cloned().fold(failure, Failure::hint)
        }
        FileError::Invalid(file, error) => failure.diagnostic(file, error),
    }))
}

/// Returns all errors of a file, those about images of its jobs included; `None` if the cluster's images are not known.
fn with_images(session: &Session, text: &str, expected: ExpectedDocument) -> Option<Vec<Diagnostic>> {
    let catalog = session.catalog().ok()?;
    let repository = &session.platform.build_service_repository;
    Some(FileContents::parse_with_catalog(text, &session.tool, expected, &catalog, repository).errors)
}

fn read_text(path: &Path, shown: &Untrusted) -> Result<String, FileError> {
    let bytes = read_input(path, FILE_LIMIT).map_err(FileError::Unreadable)?;
    let text = decode_utf8(&bytes).map_err(|error| FileError::Invalid(shown.clone(), *error))?;
    Ok(text.to_owned())
}

fn shown(path: &Path) -> Untrusted {
    Untrusted::new(path.display().to_string())
}

/// Returns the facts of the namespace that the files need.
pub(crate) fn facts(
    session: &Session,
    arguments: &Arguments,
    files: &[FileContents],
) -> Result<FilePlanFacts, Failure> {
    let manifests: Vec<_> = files.iter().flat_map(|contents| &contents.manifests).collect();
    let wanted = FileFetchOptions::for_files(files, &manifests);
    facts::facts(session, wanted, arguments.quota.clone())
}

fn document(
    session: &Session,
    plan: &FilePlan,
    nearest: &[Adjustment],
    conflicts: &RunConflicts,
    paths: &[PathBuf],
) -> Result<Document, Failure> {
    let set = &plan.set;
    let value = toolforge_report::FilePlan {
        tool: session.tool.clone(),
        fits: if plan.problems.is_empty() { set.fits_if_known() } else { Some(false) },
        verdict: verdict_code(plan.verdict()),
        changes: set.changes.iter().map(file_change).collect(),
        quotas: quota_rows(set),
        violations: violations(set),
        problems: plan.problems.iter().flat_map(|found| problems(found, paths)).collect(),
        adjustments: adjustments(nearest.iter().chain(conflicts.schedules())),
        conflicts: conflicts.report(),
        blocked_runs: conflicts.blocked_report(),
    };
    Ok(Document { text: text(plan, nearest), value: to_json(value)? })
}

fn file_change(change: &Change) -> FileChange {
    let WorkloadName { r#type, object_kind, name } = WorkloadName::of(&change.workload());
    FileChange {
        action: Action::from_code(change.action.as_str()),
        r#type,
        object_kind,
        name,
        rollout: rollout(change),
        downtime: downtime(change),
    }
}

/// Returns a problem once for each workload that has it.
fn problems(found: &FileProblem, paths: &[PathBuf]) -> Vec<PlanProblem> {
    let location = found.location;
    let code = match &found.kind {
        FileProblemKind::WebService(_) => "plan",
        FileProblemKind::Repeated(_) => "repeated",
        FileProblemKind::Immutable { .. } => "immutable",
        FileProblemKind::NeverFits { .. } => "never-fits",
        FileProblemKind::Job(problem) => problem.code(),
        _ => "other",
    };
    let problem = |workload: &Workload| {
        let WorkloadName { r#type, object_kind, name } = WorkloadName::of(workload);
        PlanProblem {
            code: ProblemCode::from_code(code),
            r#type,
            object_kind,
            name,
            file: location.and_then(|_| paths.get(found.file)).map(|path| shown(path)),
            line: location.map(|location| location.line),
            column: location.map(|location| location.column),
            message: found.kind.to_string(),
        }
    };
    found.workloads.iter().map(problem).collect()
}

fn text(plan: &FilePlan, nearest: &[Adjustment]) -> String {
    let set = &plan.set;
    let mut text = String::new();
    for change in set.pending() {
        text.push_str(&format!("{} {}\n", change.action, change.workload()));
        if let Some(downtime) = change.downtime {
            text.push_str(match downtime {
                Downtime::BetweenPods => "  downtime: the old pods stop before the new ones are ready\n",
                _ => "  downtime: it is deleted and created again\n",
            });
        }
    }
    let kept: Vec<String> = set
        .changes
        .iter()
        .filter(|change| change.is_keep())
        .map(|change| change.workload().to_string())
        .collect();
    if !kept.is_empty() {
        text.push_str(&format!("keep {}\n", kept.join(", ")));
    }
    if !plan.problems.iter().all(|problem| problem.kind.is_size()) {
        // If an object cannot be applied, there is no verdict.
        text.push_str(&forecast_text(set));
        return text;
    }
    if set.pending().next().is_none() {
        text.push_str("nothing would change\n");
    }
    text.push_str(&verdict_text(set, plan.verdict()));
    text.push_str(&adjustments_text(plan.fits() && set.fits_with_missing_pods(), nearest));
    text
}

/// Returns the failure of what cannot be applied, each with its location.
fn of_problems(plan: &FilePlan, paths: &[PathBuf]) -> Failure {
    let is_size = plan.problems.iter().all(|problem| problem.kind.is_size());
    let exit_code = if is_size { ExitCode::DoesNotFit } else { ExitCode::Failed };
    let located = |found: &FileProblem| {
        let location = found.location?;
        Some((shown(paths.get(found.file)?), Diagnostic::new(location, &found.kind)))
    };
    let message = match plan.problems.as_slice() {
        [one] => {
            located(one).map_or_else(|| one.kind.to_string(), |(file, diagnostic)| diagnostic.in_file(&file))
        }
        all => format!("{} problems in the files", all.len()),
    };
    plan.problems.iter().fold(Failure::new(exit_code, message), |failure, found| match located(found) {
        Some((file, diagnostic)) => failure.diagnostic(&file, &diagnostic),
        None => failure.detail(found.kind.to_string()),
    })
}
