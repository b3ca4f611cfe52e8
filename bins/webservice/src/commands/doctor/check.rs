use toolforge_cli::Failure;
use toolforge_report::CheckLevel;

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
            Self::Fail => CheckLevel::Failed,
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
    pub(super) name: &'static str,
    pub(super) level: Level,
    pub(super) found: String,
    pub(super) advice: Option<String>,
}

impl Check {
    pub(super) fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, level: Level::Ok, found: found.into(), advice: None }
    }

    pub(super) fn warn(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, level: Level::Warn, found: found.into(), advice: Some(advice.into()) }
    }

    pub(super) fn fail(name: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { name, level: Level::Fail, found: found.into(), advice: Some(advice.into()) }
    }

    pub(super) fn skipped(name: &'static str, why: &str) -> Self {
        Self { name, level: Level::Skip, found: why.to_owned(), advice: None }
    }

    /// Returns a failed check with the texts of a failure.
    pub(super) fn failed(name: &'static str, failure: &Failure) -> Self {
        let text = failure.to_string();
        let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        let lines = message.trim_start_matches("error: ").lines().map(str::trim);
        let found = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        let hint = hint.trim().to_owned();
        Self { name, level: Level::Fail, found, advice: Some(hint).filter(|hint| !hint.is_empty()) }
    }
}
