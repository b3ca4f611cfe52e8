use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Uri;
use k8s_openapi::jiff::Timestamp;
use rustls::pki_types::CertificateDer;
use toolforge_model::{ToolName, Untrusted};

use super::certificate::{CertificateError, ClientCertificate};

/// How often a file that is just being renewed is read again, and how long to wait between. The platform writes the
/// certificate, the key and the kubeconfig one after the other in place, so a reader can meet a torn state.
const TRIES: u32 = 3;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

/// What a kubeconfig's current context says: where the API server is, and who asks.
#[derive(Clone)]
pub struct Kubeconfig {
    pub(crate) server: Uri,
    pub(crate) authority: Vec<CertificateDer<'static>>,
    pub(crate) identity: Identity,
    pub(crate) namespace: Option<String>,
    pub(super) path: PathBuf,
}

/// How the client shows who it is.
#[derive(Clone)]
pub(crate) enum Identity {
    Certificate(ClientCertificate),
    Token(String),
    Nobody,
}

impl fmt::Debug for Kubeconfig {
    /// Keys and tokens are not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubeconfig")
            .field("path", &self.path)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

/// Why a kubeconfig cannot be used; each names the file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KubeconfigError {
    /// There is no such file.
    #[error("there is no kubeconfig at {}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be read.
    #[error("the kubeconfig {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The file holds nothing.
    #[error("the kubeconfig {} is empty", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The file is not YAML of a kubeconfig's shape.
    #[error("the kubeconfig {} cannot be understood{}: {}", path.display(), at(*place), reason.escaped())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line and column of the mistake, from 1.
        place: Option<(u64, u64)>,
        /// What the reader says.
        reason: Untrusted,
    },
    /// The file names something that it does not hold.
    #[error("the kubeconfig {} has no {what} {}", path.display(), name.quoted())]
    NotThere {
        /// The file.
        path: PathBuf,
        /// `context`, `cluster` or `user`.
        what: &'static str,
        /// The name that was looked for.
        name: Untrusted,
    },
    /// A field that is needed is absent or not usable.
    #[error("the kubeconfig {} has no usable {field}: {reason}", path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// The field.
        field: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A program would have to be run to log in.
    #[error("the kubeconfig {} asks to run a program or plugin to log in, which is not done here", path.display())]
    Plugin {
        /// The file.
        path: PathBuf,
    },
    /// TLS verification is turned off.
    #[error("the kubeconfig {} turns off the verification of the API server, which is not done here", path.display())]
    Insecure {
        /// The file.
        path: PathBuf,
    },
    /// A file that the kubeconfig names cannot be read.
    #[error("the {what} {} that the kubeconfig {} names cannot be read", file.display(), path.display())]
    FileUnreadable {
        /// The kubeconfig.
        path: PathBuf,
        /// What it is: `certificate`, `key`, `certificate authority` or `token`.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate or key cannot be used.
    #[error("the certificate of the kubeconfig {} cannot be used", path.display())]
    Certificate {
        /// The kubeconfig.
        path: PathBuf,
        /// Why.
        #[source]
        source: CertificateError,
    },
    /// The certificate authority cannot be used.
    #[error("the certificate authority of the kubeconfig {} cannot be used", path.display())]
    Authority {
        /// The kubeconfig.
        path: PathBuf,
        /// Why.
        #[source]
        source: CertificateError,
    },
    /// The kubeconfig is of no tool.
    #[error("the kubeconfig {} is not a tool's: its namespace is {}, not tool-NAME", path.display(), namespace.quoted())]
    NotATool {
        /// The file.
        path: PathBuf,
        /// The context's namespace.
        namespace: Untrusted,
    },
}

fn at(place: Option<(u64, u64)>) -> String {
    place.map(|(line, column)| format!(" (line {line}, column {column})")).unwrap_or_default()
}

impl Kubeconfig {
    /// Reads a kubeconfig and the files that its current context names, relative to its own folder.
    ///
    /// `now` is the moment at which the certificate has to be valid. A state that is torn by a renewal in place is
    /// read again up to three times, 200 ms apart.
    ///
    /// # Errors
    /// When a file is missing, unreadable, empty or not understood, the certificate has expired, is not valid yet or
    /// does not belong to the key, or a program would have to be run to log in.
    pub fn read(path: &Path, now: Timestamp) -> Result<Self, KubeconfigError> {
        let mut tries = 1;
        loop {
            let result = super::reader::read(path, now);
            let torn = matches!(
                result,
                Err(KubeconfigError::Syntax { .. }
                    | KubeconfigError::Empty { .. }
                    | KubeconfigError::Certificate {
                        source: CertificateError::Mismatch
                            | CertificateError::NotACertificate
                            | CertificateError::NotAKey,
                        ..
                    })
            );
            if !torn || tries == TRIES {
                return result;
            }
            tries += 1;
            std::thread::sleep(BETWEEN_TRIES);
        }
    }

    /// Returns the tool whose kubeconfig it is: that of the context's namespace `tool-NAME`, or, where the context has
    /// no namespace or `default`, that of the certificate's common name.
    ///
    /// # Errors
    /// When neither names a tool.
    pub fn tool(&self) -> Result<ToolName, KubeconfigError> {
        let namespace = self.namespace.as_deref().unwrap_or("default");
        let from_certificate = || match &self.identity {
            Identity::Certificate(certificate) => certificate.common_name.as_deref()?.parse().ok(),
            Identity::Token(_) | Identity::Nobody => None,
        };
        let tool =
            if namespace == "default" { from_certificate() } else { ToolName::from_namespace(namespace) };
        tool.ok_or_else(|| KubeconfigError::NotATool {
            path: self.path.clone(),
            namespace: Untrusted::new(namespace),
        })
    }

    /// Returns the file that was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}
