use std::error::Error;
use std::fmt;

/// How a command ends; the number is the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitCode {
    /// Done, or it fits.
    Success,
    /// A wrong request or a negative answer.
    Failed,
    /// The command line is not understood.
    Usage,
    /// It does not fit the quota or the limits; nothing was sent.
    DoesNotFit,
    /// The cluster refused, or cannot be reached.
    Cluster,
    /// The rollout failed or took too long.
    Rollout,
    /// Partly done; the report says what.
    Partial,
    /// As a command ended that was run, or by the signal that ended this one.
    Propagated(u8),
}

impl ExitCode {
    /// Returns the exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::DoesNotFit => 3,
            Self::Cluster => 4,
            Self::Rollout => 5,
            Self::Partial => 6,
            Self::Propagated(code) => code,
        }
    }
}

/// Why a command did not do what was asked: what is wrong, what belongs to it, and what to type next.
///
/// Everything in it is ready for a terminal: texts from outside have been escaped.
#[derive(Clone, Debug)]
pub struct Failure {
    exit_code: ExitCode,
    message: String,
    details: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// Returns a failure with its sentence: a lowercase fragment without a full stop.
    #[must_use]
    pub fn new(exit_code: ExitCode, message: impl Into<String>) -> Self {
        Self { exit_code, message: message.into(), details: Vec::new(), hints: Vec::new() }
    }

    /// Returns a failure with an error's sentence, its sources below it.
    #[must_use]
    pub fn from_error(exit_code: ExitCode, error: &dyn Error) -> Self {
        let mut failure = Self::new(exit_code, error.to_string());
        let mut source = error.source();
        while let Some(current) = source {
            failure.details.push(current.to_string());
            source = current.source();
        }
        failure
    }

    /// Adds a line below the sentence.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
        self
    }

    /// Adds a sentence that can be acted on.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Returns the failure as one of another kind.
    #[must_use]
    pub fn with_exit_code(mut self, exit_code: ExitCode) -> Self {
        self.exit_code = exit_code;
        self
    }

    /// Returns how the command ends.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        self.exit_code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.message)?;
        for detail in &self.details {
            for line in detail.lines() {
                writeln!(f, "  {line}")?;
            }
        }
        for hint in &self.hints {
            writeln!(f, "\nhint: {hint}")?;
        }
        Ok(())
    }
}
