//! From a kubeconfig to all that a connection needs, without a request.

mod certificate;
mod file;
mod kubeconfig;
mod reader;

pub use certificate::CertificateError;
pub use kubeconfig::{Kubeconfig, KubeconfigError};

pub(crate) use kubeconfig::Identity;
