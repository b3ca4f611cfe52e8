use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toolforge_model::Untrusted;

/// The most bytes that a kubeconfig or a file that it names may have; the platform's have fewer than 10,000.
pub(crate) const SIZE_LIMIT: u64 = 1024 * 1024;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileRole {
    /// The kubeconfig itself.
    Kubeconfig,
    /// The client certificate.
    Certificate,
    /// The client certificate's private key.
    Key,
    /// The certificate authority of the cluster.
    Authority,
    /// The bearer token.
    Token,
    /// A file with the platform's settings, below `/etc`.
    Settings,
    /// The template of a web service.
    Template,
    /// The manifest of a web service.
    Manifest,
}

impl fmt::Display for FileRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kubeconfig => "kubeconfig",
            Self::Certificate => "client certificate",
            Self::Key => "client key",
            Self::Authority => "certificate authority",
            Self::Token => "token",
            Self::Settings => "settings file",
            Self::Template => "template",
            Self::Manifest => "manifest",
        })
    }
}

/// Why a file could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileProblem {
    /// It does not exist.
    Missing,
    /// This user may not read it.
    NotPermitted,
    /// It is a folder, a pipe or a device.
    NotAFile,
    /// It has more than 1 MiB.
    TooLarge,
    /// It holds nothing.
    Empty,
    /// It is not UTF-8 text.
    NotText,
    /// Anything else that the system says.
    Other(io::ErrorKind),
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("does not exist"),
            Self::NotPermitted => f.write_str("may not be read by this user"),
            Self::NotAFile => f.write_str("is not a regular file"),
            Self::TooLarge => f.write_str("has more than 1 MiB"),
            Self::Empty => f.write_str("is empty"),
            Self::NotText => f.write_str("is not text in UTF-8"),
            Self::Other(kind) => write!(f, "cannot be read: {kind}"),
        }
    }
}

/// Where a certificate, a key or a token stands: in a file, or in the kubeconfig itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Place {
    /// In a file of its own.
    File(PathBuf),
    /// In a field of the kubeconfig.
    Field {
        /// The kubeconfig.
        kubeconfig: PathBuf,
        /// The field.
        field: &'static str,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", shown(path)),
            Self::Field { kubeconfig, field } => write!(f, "`{field}` in {}", shown(kubeconfig)),
        }
    }
}

/// Returns a path as a terminal may print it.
pub(crate) fn shown(path: &Path) -> impl fmt::Display {
    Untrusted::new(path.display().to_string()).escaped().to_string()
}

/// Returns what a regular file of at most [`SIZE_LIMIT`] bytes holds.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileProblem> {
    // Opening a pipe would wait for its writer, so it is looked at first.
    if !std::fs::metadata(path).map_err(problem)?.is_file() {
        return Err(FileProblem::NotAFile);
    }
    let file = File::open(path).map_err(problem)?;
    let mut bytes = Vec::new();
    file.take(SIZE_LIMIT + 1).read_to_end(&mut bytes).map_err(problem)?;
    match bytes.len() as u64 {
        0 => Err(FileProblem::Empty),
        length if length > SIZE_LIMIT => Err(FileProblem::TooLarge),
        _ => Ok(bytes),
    }
}

/// Returns what a regular file holds, as text.
pub(crate) fn read_text(path: &Path) -> Result<String, FileProblem> {
    String::from_utf8(read(path)?).map_err(|_| FileProblem::NotText)
}

#[expect(clippy::needless_pass_by_value, reason = "`map_err` hands the error over")]
fn problem(error: io::Error) -> FileProblem {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => FileProblem::Missing,
        io::ErrorKind::PermissionDenied => FileProblem::NotPermitted,
        io::ErrorKind::IsADirectory => FileProblem::NotAFile,
        kind => FileProblem::Other(kind),
    }
}
