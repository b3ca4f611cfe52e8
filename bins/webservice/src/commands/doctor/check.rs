use toolforge_cli::Failure;

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    Warn,
    Fail,
    /// It was not looked at, because something that it needs is broken.
    Skip,
}

impl Level {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::Fail => "FAIL",
            Self::Skip => "skip",
        }
    }
}

/// One thing that was looked at. Everything in it is ready for a terminal.
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

    /// Returns what failed, with all that its failure says.
    pub(super) fn failed(name: &'static str, failure: &Failure) -> Self {
        let text = failure.to_string();
        let (message, hint) = text.split_once("\nhint: ").unwrap_or((&text, ""));
        let lines = message.trim_start_matches("error: ").lines().map(str::trim);
        let found = lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ");
        let hint = hint.trim().to_owned();
        Self { name, level: Level::Fail, found, advice: Some(hint).filter(|hint| !hint.is_empty()) }
    }
}
