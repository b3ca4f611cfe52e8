use std::fmt;
use std::str::FromStr;

use crate::ToolName;
use crate::job::{JobName, JobValueError};

/// Into which files a job writes its output, besides or instead of the pod's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum FileLog {
    /// None: the pod's log has it.
    #[default]
    Off,
    /// Standard output and standard error are appended to files; the pod's log is empty.
    On {
        /// The file of standard output, an absolute path.
        stdout: LogPath,
        /// The file of standard error, an absolute path; it may be the same.
        stderr: LogPath,
    },
    /// There is no file log, and yet a file is named; the platform appends to it all the same, as a path from the
    /// folder in which the job runs.
    Redirected {
        /// The file of standard output.
        stdout: Option<LogPath>,
        /// The file of standard error.
        stderr: Option<LogPath>,
    },
}

impl FileLog {
    /// Returns the files of standard output and standard error.
    #[must_use]
    pub fn paths(&self) -> (Option<&LogPath>, Option<&LogPath>) {
        match self {
            Self::Off => (None, None),
            Self::On { stdout, stderr } => (Some(stdout), Some(stderr)),
            Self::Redirected { stdout, stderr } => (stdout.as_ref(), stderr.as_ref()),
        }
    }

    /// Returns whether it is a file log by name.
    #[must_use]
    pub fn is_on(&self) -> bool {
        matches!(self, Self::On { .. })
    }

    /// Returns what a choice and paths, each given or not, mean for a job (jobs-api, 2026).
    pub(crate) fn of(
        is_on: bool,
        (stdout, stderr): (Option<LogPath>, Option<LogPath>),
        (tool, name): (&ToolName, &JobName),
    ) -> Self {
        if is_on {
            let path = |given: Option<LogPath>, ending| match given {
                Some(path) => path.below(tool),
                None => LogPath::default_of(tool, name, ending),
            };
            return Self::On { stdout: path(stdout, "out"), stderr: path(stderr, "err") };
        }
        if stdout.is_none() && stderr.is_none() { Self::Off } else { Self::Redirected { stdout, stderr } }
    }
}

/// The path of a log file.
///
/// At least one character, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPath(String);

impl LogPath {
    /// Returns the path where none is named: `/data/project/TOOL/NAME.out` or `.err` (jobs-api, 2026).
    #[must_use]
    pub fn default_of(tool: &ToolName, name: &JobName, ending: &str) -> Self {
        Self(format!("{}/{name}.{ending}", tool.home()))
    }

    /// Returns the path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns an absolute path as it is, and any other as one below the tool's home.
    fn below(self, tool: &ToolName) -> Self {
        if self.0.starts_with('/') { self } else { Self(format!("{}/{}", tool.home(), self.0)) }
    }
}

impl FromStr for LogPath {
    type Err = JobValueError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.chars().any(char::is_control) {
            return Err(JobValueError::new(
                text,
                "the path of a log file",
                "a path like logs/job.out or /dev/null",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for LogPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
