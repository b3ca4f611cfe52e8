//! What is known about a file in the tool's home, and the problems with the files that a job needs.

use toolforge_model::{JobImage, Untrusted};

/// What is known about one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FileFacts {
    /// Nothing has this path.
    Missing,
    /// It is a directory.
    Directory,
    /// It is a file.
    File {
        /// Whether its owner, its group or others may execute it.
        is_executable: bool,
        /// Its first line, without the line feed; at most 256 bytes.
        first_line: Vec<u8>,
    },
}

/// A problem with a file of a job. The job is still created: the file may appear before the job runs.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JobFileWarning {
    /// The program does not exist.
    #[error("{} does not exist in the tool's home", path.escaped())]
    Missing {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The program is a directory.
    #[error("{} is a directory, and cannot be executed", path.escaped())]
    Directory {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The program is not executable.
    #[error("{} is not executable", path.escaped())]
    NotExecutable {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The first line ends with a carriage return, which becomes part of the interpreter's name.
    #[error("{} has Windows line endings, so its interpreter is not found", path.escaped())]
    WindowsLineEndings {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The lines of a shell script end with a carriage return, which becomes part of its commands.
    #[error("{} has Windows line endings, which a shell reads as part of its commands", path.escaped())]
    ShellLineEndings {
        /// The path, relative to the home.
        path: Untrusted,
    },
    /// The interpreter of a script is in the tool's home, and does not exist.
    #[error("{} needs {}, which does not exist in the tool's home", path.escaped(), interpreter.escaped())]
    MissingInterpreter {
        /// The path, relative to the home.
        path: Untrusted,
        /// The path of the interpreter, relative to the home.
        interpreter: Untrusted,
    },
    /// The image is for another language than the interpreter's.
    #[error("{} needs {}, which image {image} does not contain", path.escaped(), interpreter.escaped())]
    Interpreter {
        /// The path, relative to the home.
        path: Untrusted,
        /// The interpreter.
        interpreter: Untrusted,
        /// The image.
        image: JobImage,
    },
    /// The image is for another language than the program of the command.
    #[error("the command needs {}, which image {image} does not contain", program.escaped())]
    Program {
        /// The program.
        program: Untrusted,
        /// The image.
        image: JobImage,
    },
    /// The directory of a log file does not exist, so the job cannot start.
    #[error("the directory of its log file {} does not exist, so it cannot start", path.escaped())]
    LogDirectory {
        /// The path of the log file.
        path: Untrusted,
    },
}

impl JobFileWarning {
    /// Returns what removes the reason, as part of a sentence: ``"`chmod +x run.sh` changes that"``.
    #[must_use]
    pub fn remedy(&self) -> Option<String> {
        match self {
            Self::NotExecutable { path } => Some(format!("`chmod +x {}` changes that", path.escaped())),
            Self::WindowsLineEndings { path } | Self::ShellLineEndings { path } => {
                Some(format!("`sed -i 's/\\r$//' {}` removes them", path.escaped()))
            }
            Self::LogDirectory { path } => {
                Some(format!("`mkdir -p \"$(dirname {})\"` creates it", path.escaped()))
            }
            _ => None,
        }
    }
}
