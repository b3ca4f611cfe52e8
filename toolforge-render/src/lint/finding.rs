use std::fmt;
use std::ops::Range;

use toolforge_model::{Location, Untrusted};
use toolforge_quota::ObjectName;

use super::rule::{Level, Rule};

/// Something that a rule finds in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// What was found, and what is allowed.
    pub message: Untrusted,
    /// What the API server, an admission plugin or kubectl would answer, if that is known.
    pub answer: Option<Untrusted>,
    /// The object that it is in, like `CronJob list-images`.
    pub object: Option<ObjectName>,
    /// Where it begins.
    pub location: Location,
    /// The bytes of the text that it is about; may be empty.
    pub span: Range<usize>,
    /// Its fix, which does not change the meaning of the text.
    pub fix: Option<Fix>,
    /// Whether it depends on limits that are only assumed: the namespace may have others.
    pub is_assumed: bool,
}

impl Finding {
    /// Returns the level of its rule; that of an assumption is at most a warning.
    #[must_use]
    pub fn level(&self) -> Level {
        if self.is_assumed { self.rule.level().min(Level::Warning) } else { self.rule.level() }
    }
}

/// A change of the text that removes a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fix {
    /// What it does, as a sentence without a full stop: `write apps/v1`.
    pub title: Untrusted,
    /// The edits, all or none; none overlaps another.
    pub edits: Vec<Edit>,
}

/// The replacement of some bytes of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The bytes that are replaced; empty if something is added.
    pub span: Range<usize>,
    /// The new text.
    pub replacement: String,
}

impl Fix {
    /// Returns a fix of one edit.
    pub(crate) fn replace(
        title: impl fmt::Display,
        span: Range<usize>,
        replacement: impl Into<String>,
    ) -> Self {
        Self::of(title, vec![Edit { span, replacement: replacement.into() }])
    }

    /// Returns a fix of several edits.
    pub(crate) fn of(title: impl fmt::Display, edits: Vec<Edit>) -> Self {
        Self { title: Untrusted::new(title.to_string()), edits }
    }
}
