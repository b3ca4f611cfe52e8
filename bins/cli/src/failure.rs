use std::error::Error;
use std::fmt;

use toolforge_model::{Diagnostic, DiagnosticKind, Location, Untrusted};
use toolforge_quota::LimitViolation;
use toolforge_render::change::{ChangeSet, ResourceForecast};
use toolforge_render::pod::Evidence;
pub use toolforge_report::ExitCode;
use toolforge_report::{CauseCode, DetailCode, FailureCode, FailureDetail, QuotaRow};

use crate::last_lines::LastLines;
use crate::report::{self, WorkloadName};
use crate::table::wrap;

/// What to do with a crontab if another file is expected.
pub(crate) const CRONTAB_HINT: &str = "`toolforge jobs convert FILE` converts it to a jobs file.";

/// Why a command failed: the error, its details, and hints about what to do next.
///
/// All texts must be escaped already.
#[derive(Clone, Debug)]
pub struct Failure {
    exit_code: ExitCode,
    /// `None` for that of the exit code.
    code: Option<FailureCode>,
    message: String,
    details: Vec<FailureDetail>,
    hints: Vec<String>,
}

impl Failure {
    /// Returns a failure with its message: a lowercase phrase without a full stop.
    ///
    /// Its code is the general one of the exit code; see [`with_code`](Self::with_code).
    #[must_use]
    pub fn new(exit_code: ExitCode, message: impl Into<String>) -> Self {
        Self { exit_code, code: None, message: message.into(), details: Vec::new(), hints: Vec::new() }
    }

    /// Returns a failure with the message of an error, and its sources as details.
    #[must_use]
    pub fn from_error(exit_code: ExitCode, error: &dyn Error) -> Self {
        let mut failure = Self::new(exit_code, error.to_string());
        let mut source = error.source();
        while let Some(current) = source {
            failure = failure.coded_detail(DetailCode::Source, current.to_string());
            source = current.source();
        }
        failure
    }

    /// Adds a line below the message.
    #[must_use]
    pub fn detail(self, line: impl Into<String>) -> Self {
        self.coded_detail(DetailCode::Note, line)
    }

    /// Adds lines below the message, with a code for their subject.
    #[must_use]
    pub fn coded_detail(mut self, code: DetailCode, message: impl Into<String>) -> Self {
        self.details.push(detail(code, message));
        self
    }

    /// Adds the last lines of a log, below a line that names it.
    #[must_use]
    pub fn last_lines(self, last: &LastLines) -> Self {
        self.detail(last.title()).coded_detail(DetailCode::Log, last.lines())
    }

    /// Returns the failure with another message; the previous one becomes the first line below it.
    #[must_use]
    pub fn with_message(mut self, message: impl Into<String>) -> Self {
        let former = std::mem::replace(&mut self.message, message.into());
        self.details.insert(0, detail(DetailCode::Note, former));
        self
    }

    /// Returns the failure without its hints.
    #[must_use]
    pub fn without_hints(mut self) -> Self {
        self.hints.clear();
        self
    }

    /// Adds an error in a file, and the hint that belongs to its kind.
    #[must_use]
    pub fn diagnostic(mut self, file: &Untrusted, diagnostic: &Diagnostic) -> Self {
        if diagnostic.kind == DiagnosticKind::Crontab && !self.hints.iter().any(|hint| hint == CRONTAB_HINT) {
            self.hints.push(CRONTAB_HINT.to_owned());
        }
        self.details.push(FailureDetail {
            file: Some(file.clone()),
            line: Some(diagnostic.location.line),
            column: Some(diagnostic.location.column),
            ..detail(DetailCode::Diagnostic, diagnostic.text().escaped().to_string())
        });
        self
    }

    /// Returns the failure of a change set that does not fit; none of it was sent.
    #[must_use]
    pub fn does_not_fit(set: &ChangeSet) -> Self {
        Self::new(ExitCode::DoesNotFit, "the change does not fit; nothing was changed").exceeded(set)
    }

    /// Adds the limits and the resources of quotas that a change set exceeds: at rest, else at the peak.
    #[must_use]
    pub fn exceeded(self, set: &ChangeSet) -> Self {
        let failure = self.shortfalls(set);
        let failure = set.waiting().iter().map(report::waiting_line).fold(failure, Self::detail);
        let lines = set.terminating().iter().map(report::terminating_line);
        lines
            .fold(failure, |failure, line| failure.detail(format!("{line}, and will free the missing quota")))
    }

    fn shortfalls(mut self, set: &ChangeSet) -> Self {
        if set.at_rest.fits() {
            return set.at_peak.shortfalls().fold(self, |failure, check| {
                let is_same = |forecast: &ResourceForecast<'_>| {
                    (&forecast.at_rest.quota, &forecast.at_rest.resource) == (&check.quota, &check.resource)
                };
                let row = set.forecast().find(is_same).map(|forecast| report::quota_row(&forecast));
                let message = format!("while old and new pods run at the same time: {check}");
                failure.quota(row.unwrap_or_else(|| report::quota_row_at_rest(check)), message)
            });
        }
        self = set.at_rest.violations().iter().fold(self, |failure, found| {
            let change = set.change_of(found);
            failure.violation(found, change.map(|change| WorkloadName::of(&change.workload())))
        });
        let rows = set.forecast().filter(|forecast| !forecast.at_rest.fits());
        rows.fold(self, |failure, row| failure.quota(report::quota_row(&row), row.at_rest.to_string()))
    }

    /// Adds a limit that a container of a workload exceeds.
    #[must_use]
    pub fn violation(mut self, violation: &LimitViolation, workload: Option<WorkloadName>) -> Self {
        self.details.push(FailureDetail {
            violation: Some(report::violation(violation, workload)),
            ..detail(DetailCode::Limit, violation.to_string())
        });
        self
    }

    /// Adds a resource that exceeds a quota.
    #[must_use]
    pub fn quota(mut self, row: QuotaRow, message: impl Into<String>) -> Self {
        self.details.push(FailureDetail { quota: Some(row), ..detail(DetailCode::Quota, message) });
        self
    }

    /// Adds why something does not run; for people, it is a line if the cluster has a message about it.
    #[must_use]
    pub fn cause(mut self, Evidence { cause, object, message, .. }: &Evidence) -> Self {
        let text =
            if message.is_empty() { String::new() } else { format!("{object}: {}", message.escaped()) };
        self.details.push(FailureDetail {
            cause: Some(CauseCode::from_code(cause.code())),
            ..detail(DetailCode::Cause, text)
        });
        self
    }

    /// Adds a hint: a full sentence that says what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the failure with another exit code.
    #[must_use]
    pub fn with_exit_code(mut self, exit_code: ExitCode) -> Self {
        self.exit_code = exit_code;
        self
    }

    /// Returns the failure with a code that says more than its exit code.
    #[must_use]
    pub fn with_code(mut self, code: FailureCode) -> Self {
        self.code = Some(code);
        self
    }

    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the lines below the message, without one that repeats it.
    pub fn details(&self) -> impl Iterator<Item = String> {
        self.coded_details().map(|(_, text)| text)
    }

    fn coded_details(&self) -> impl Iterator<Item = (DetailCode, String)> {
        let details = self.details.iter().map(|detail| (detail.code, shown(detail)));
        details.filter(|(_, text)| !text.is_empty() && *text != self.message)
    }

    /// Returns the failure for people, in lines of at most `columns` characters; the lines of logs are not wrapped.
    pub(crate) fn text(&self, columns: Option<usize>) -> String {
        let columns = columns.unwrap_or(usize::MAX);
        let mut lines = wrap(&format!("error: {}", self.message), columns, 2);
        for (code, text) in self.coded_details() {
            let is_verbatim = matches!(code, DetailCode::Log | DetailCode::Manifest);
            let columns = if is_verbatim { usize::MAX } else { columns };
            for line in text.lines() {
                // Spaces at the end belong to a manifest.
                let is_kept = is_verbatim && !line.trim().is_empty();
                let line = format!("  {line}");
                lines.extend(wrap(if is_kept { &line } else { line.trim_end() }, columns, 4));
            }
        }
        for hint in &self.hints {
            lines.push(String::new());
            lines.extend(wrap(&format!("hint: {hint}"), columns, 2));
        }
        lines.into_iter().map(|line| line + "\n").collect()
    }

    /// Returns the hints.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Returns the exit code.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.exit_code
    }

    /// Returns what failed.
    #[must_use]
    pub fn code(&self) -> FailureCode {
        self.code.unwrap_or_else(|| general_code(self.exit_code))
    }

    /// Returns the failure as a document.
    #[must_use]
    pub fn report(&self) -> toolforge_report::Failure {
        let Self { exit_code, code: _, message, details, hints } = self;
        toolforge_report::Failure {
            code: self.code(),
            message: message.clone(),
            details: details.clone(),
            hints: hints.clone(),
            notes: Vec::new(),
            exit_code: exit_code.code(),
        }
    }
}

/// Returns the code of a failure if only its exit code is known.
fn general_code(exit_code: ExitCode) -> FailureCode {
    match exit_code {
        ExitCode::Success | ExitCode::Failed => FailureCode::InvalidRequest,
        ExitCode::Usage => FailureCode::InvalidArguments,
        ExitCode::DoesNotFit => FailureCode::QuotaExceeded,
        ExitCode::Cluster => FailureCode::Refused,
        ExitCode::Rollout => FailureCode::RolloutFailed,
        ExitCode::Partial => FailureCode::PartiallyDone,
        ExitCode::Propagated(_) => FailureCode::CommandFailed,
    }
}

fn detail(code: DetailCode, message: impl Into<String>) -> FailureDetail {
    let message = message.into();
    FailureDetail {
        code,
        message,
        file: None,
        line: None,
        column: None,
        quota: None,
        violation: None,
        cause: None,
    }
}

/// Returns a detail for people, with its location.
fn shown(FailureDetail { file, line, column, message, .. }: &FailureDetail) -> String {
    match (file, *line, *column) {
        (Some(file), Some(line), Some(column)) => {
            Diagnostic::new(Location { line, column }, message).in_file(file)
        }
        _ => message.clone(),
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crontab_has_one_hint() {
        let file = Untrusted::new("a");
        let crontab = toolforge_model::yaml::parse("0 3 * * * ./a.sh\n").unwrap_err();
        let failure = Failure::new(ExitCode::Failed, "the files have 2 errors");
        let failure = failure.diagnostic(&file, &crontab).diagnostic(&file, &crontab);
        assert_eq!(failure.hints(), [CRONTAB_HINT]);
        let other = Diagnostic::new(Location::START, "x");
        let failure = Failure::new(ExitCode::Failed, "x").diagnostic(&file, &other);
        assert!(failure.hints().is_empty());
    }

    #[test]
    fn failure_is_wrapped_but_not_its_log() {
        let failure = Failure::new(ExitCode::Rollout, "the web service does not start: it crashes")
            .detail("a detail of more than thirty characters")
            .last_lines(&LastLines::of_its_log(&Untrusted::new("a line of a log that stays as it is")))
            .hint("Fix the error, then run `webservice restart`.");
        insta::assert_snapshot!(failure.text(Some(32)), @"
        error: the web service does not
          start: it crashes
          a detail of more than thirty
            characters
          the last lines of its log:
          a line of a log that stays as it is

        hint: Fix the error, then run
          `webservice restart`.
        ");
        assert_eq!(failure.text(None).lines().count(), 6);
        let codes: Vec<_> = failure.report().details.iter().map(|detail| detail.code).collect();
        assert_eq!(codes, [DetailCode::Note, DetailCode::Note, DetailCode::Log]);
    }
}
