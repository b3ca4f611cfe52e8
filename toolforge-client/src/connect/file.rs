use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use toolforge_model::Untrusted;

/// The maximum size in bytes of a kubeconfig or a file that it names; the platform's are smaller than 10,000.
pub(crate) const SIZE_LIMIT: u64 = 1024 * 1024;

/// The purpose of a file.
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
    /// This user has no permission to read it.
    NotPermitted,
    /// It is a directory, a pipe or a device.
    NotAFile,
    /// It is larger than 1 MiB.
    TooLarge,
    /// It is empty.
    Empty,
    /// It is not UTF-8 text.
    NotText,
    /// Another error of the system.
    Other(io::ErrorKind),
}

impl fmt::Display for FileProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("does not exist"),
            Self::NotPermitted => f.write_str("is not readable by this user"),
            Self::NotAFile => f.write_str("is not a regular file"),
            Self::TooLarge => f.write_str("is larger than 1 MiB"),
            Self::Empty => f.write_str("is empty"),
            Self::NotText => f.write_str("is not UTF-8 text"),
            Self::Other(kind) => write!(f, "cannot be read: {kind}"),
        }
    }
}

/// The source of a certificate, a key or a token: a file, or a field of the kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CredentialSource {
    /// A file.
    File(PathBuf),
    /// A field of the kubeconfig.
    Field {
        /// The kubeconfig.
        kubeconfig: PathBuf,
        /// The field.
        field: &'static str,
    },
}

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", shown(path)),
            Self::Field { kubeconfig, field } => write!(f, "`{field}` in {}", shown(kubeconfig)),
        }
    }
}

/// Returns a path, escaped for a terminal.
pub(crate) fn shown(path: &Path) -> impl fmt::Display {
    Untrusted::new(path.display().to_string()).escaped().to_string()
}

/// Returns the contents of a regular file of at most [`SIZE_LIMIT`] bytes.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, FileProblem> {
    // Opening a pipe would wait for its writer, so the type is checked first.
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

/// Returns the text of a regular file.
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
