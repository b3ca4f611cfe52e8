//! Reads from a kubeconfig everything that a connection needs, without network access.

mod certificate;
mod error;
mod file;
mod kubeconfig;
mod kubeconfig_document;
mod sources;

pub use certificate::ClientCertificate;
pub use error::{ConnectError, IdentityError, KubeconfigError};
pub use file::{CredentialSource, FileProblem, FileRole};
pub use kubeconfig::{Kubeconfig, kubeconfig_paths};

pub(crate) use file::{read_text, shown};
