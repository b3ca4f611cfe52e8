use std::error::Error;
use std::fmt;

pub use toolforge_report::ExitCode;

/// Why a command failed: the error, its details, and hints about what to do next.
///
/// All texts must be escaped already.
#[derive(Clone, Debug)]
pub struct Failure {
    exit_code: ExitCode,
    message: String,
    details: Vec<String>,
    hints: Vec<String>,
}

impl Failure {
    /// Returns a failure with its message: a lowercase phrase without a full stop.
    #[must_use]
    pub fn new(exit_code: ExitCode, message: impl Into<String>) -> Self {
        Self { exit_code, message: message.into(), details: Vec::new(), hints: Vec::new() }
    }

    /// Returns a failure with the message of an error, and its sources as details.
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

    /// Adds a line below the message.
    #[must_use]
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.details.push(line.into());
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

    /// Returns the message.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns the lines below the message.
    pub fn details(&self) -> impl Iterator<Item = &str> {
        self.details.iter().map(String::as_str)
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
