use toolforge_cli::Failure;
use toolforge_report::{CheckCode, CheckLevel};

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    Warn,
    Fail,
    /// Not checked, because an earlier check failed.
    Skip,
}

impl Level {
    pub(super) fn code(self) -> CheckLevel {
        match self {
            Self::Ok => CheckLevel::Ok,
            Self::Warn => CheckLevel::Warning,
            Self::Fail => CheckLevel::Error,
            Self::Skip => CheckLevel::Skipped,
        }
    }

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        }
    }
}

/// A check. All texts are escaped already.
#[derive(Clone, Debug)]
pub(super) struct Check {
    pub(super) code: CheckCode,
    pub(super) level: Level,
    pub(super) message: String,
    pub(super) hints: Vec<String>,
}

impl Check {
    pub(super) fn ok(code: CheckCode, message: impl Into<String>) -> Self {
        Self { code, level: Level::Ok, message: message.into(), hints: Vec::new() }
    }

    pub(super) fn warn(code: CheckCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, level: Level::Warn, message: message.into(), hints: vec![hint.into()] }
    }

    pub(super) fn fail(code: CheckCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code, level: Level::Fail, message: message.into(), hints: vec![hint.into()] }
    }

    pub(super) fn skipped(code: CheckCode, why: &str) -> Self {
        Self { code, level: Level::Skip, message: why.to_owned(), hints: Vec::new() }
    }

    /// Returns a failed check with the texts of a failure.
    pub(super) fn failed(code: CheckCode, failure: &Failure) -> Self {
        let message = std::iter::once(failure.message().to_owned())
            .chain(failure.details())
            .collect::<Vec<_>>()
            .join("; ");
        Self { code, level: Level::Fail, message, hints: failure.hints().to_vec() }
    }
}
