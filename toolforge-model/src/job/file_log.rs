use std::str::FromStr;

use serde::Serialize;

use crate::JobValueError;
#[cfg(feature = "schedule")]
use crate::{JobName, ToolName};

/// The files to which a job writes its output, in addition to or instead of the pod's log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(tag = "mode", rename_all = "kebab-case")]
pub enum FileLog {
    /// No files: the output is in the pod's log.
    #[default]
    Off,
    /// Standard output and standard error are appended to files; the pod's log is empty.
    On {
        /// The file of standard output, an absolute path.
        stdout: LogPath,
        /// The file of standard error, an absolute path; it may be the same.
        stderr: LogPath,
    },
    /// Log files are off, but a path is given; the platform then still appends to that file, with a relative path taken
    /// from the directory in which the job runs.
    Redirected {
        /// The file of standard output.
        stdout: Option<LogPath>,
        /// The file of standard error.
        stderr: Option<LogPath>,
    },
}

impl FileLog {
    /// Returns the file of standard output.
    #[must_use]
    pub fn stdout(&self) -> Option<&LogPath> {
        match self {
            Self::Off => None,
            Self::On { stdout, .. } => Some(stdout),
            Self::Redirected { stdout, .. } => stdout.as_ref(),
        }
    }

    /// Returns the file of standard error; it may be that of standard output.
    #[must_use]
    pub fn stderr(&self) -> Option<&LogPath> {
        match self {
            Self::Off => None,
            Self::On { stderr, .. } => Some(stderr),
            Self::Redirected { stderr, .. } => stderr.as_ref(),
        }
    }

    /// Returns whether any output is written to a file.
    #[must_use]
    pub fn has_files(&self) -> bool {
        self.stdout().is_some() || self.stderr().is_some()
    }

    /// Returns whether log files are on.
    #[must_use]
    pub fn is_on(&self) -> bool {
        matches!(self, Self::On { .. })
    }

    /// Returns the files of a job from its options (jobs-api, 2026).
    #[cfg(feature = "schedule")]
    pub(crate) fn of(
        is_on: bool,
        (stdout, stderr): (Option<LogPath>, Option<LogPath>),
        (tool, name): (&ToolName, &JobName),
    ) -> Self {
        if is_on {
            let path = |given: Option<LogPath>, ending| match given {
                Some(path) => path.below(tool),
                None => LogPath::default_for(tool, name, ending),
            };
            return Self::On { stdout: path(stdout, "out"), stderr: path(stderr, "err") };
        }
        if stdout.is_none() && stderr.is_none() { Self::Off } else { Self::Redirected { stdout, stderr } }
    }
}

/// The path of a log file, absolute or below the tool's home.
///
/// At least one character, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPath(String);

impl LogPath {
    /// Returns the default path: `/data/project/TOOL/NAME.out` or `.err` (jobs-api, 2026).
    #[cfg(feature = "schedule")]
    pub(crate) fn default_for(tool: &ToolName, name: &JobName, ending: &str) -> Self {
        Self(format!("{}/{name}.{ending}", tool.home()))
    }

    /// Returns an absolute path as it is, and a relative one below the tool's home.
    #[cfg(feature = "schedule")]
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

string_newtype!(LogPath, JobValueError);
