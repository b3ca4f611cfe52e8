use std::path::PathBuf;

use jiff::Timestamp;
use toolforge_model::{Diagnostic, Location, ToolNameError, Untrusted};

use crate::connect::file::{CredentialSource, FileProblem, FileRole, shown};

/// Why a kubeconfig cannot be used.
///
/// No variant contains or prints a key or a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KubeconfigError {
    /// A file could not be read.
    #[error("{role} {} {problem}", shown(path))]
    File {
        /// The purpose of the file.
        role: FileRole,
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        problem: FileProblem,
    },
    /// No path is known: neither `KUBECONFIG` nor a home directory.
    #[error("no kubeconfig is given, and there is no home directory with a .kube/config")]
    NoPath,
    /// The kubeconfig is not YAML.
    #[error("kubeconfig {} is not YAML: {diagnostic}", shown(path))]
    NotYaml {
        /// The kubeconfig.
        path: PathBuf,
        /// The error and its location.
        diagnostic: Diagnostic,
    },
    /// The kubeconfig is YAML, but its fields are not those of a kubeconfig.
    #[error("{} is YAML, but not a kubeconfig: see {location}", shown(path))]
    NotAKubeconfig {
        /// The kubeconfig.
        path: PathBuf,
        /// The location of the field.
        location: Location,
    },
    /// The kubeconfig has no current context.
    #[error("kubeconfig {} has no `current-context`", shown(path))]
    NoCurrentContext {
        /// The kubeconfig.
        path: PathBuf,
    },
    /// There is no entry of that name.
    #[error("kubeconfig {} has no {kind} {}", shown(path), name.quoted())]
    NotFound {
        /// The kubeconfig.
        path: PathBuf,
        /// `context`, `cluster` or `user`.
        kind: &'static str,
        /// The missing name.
        name: Untrusted,
    },
    /// The user's credentials come from a program, which is not supported.
    #[error(
        "user {} in kubeconfig {} gets credentials from a program (`{plugin}`), which is not supported",
        user.quoted(),
        shown(path)
    )]
    Plugin {
        /// The kubeconfig.
        path: PathBuf,
        /// The user's entry.
        user: Untrusted,
        /// `exec` or `auth-provider`.
        plugin: &'static str,
    },
    /// A field that would change the server or the user is not supported.
    #[error("kubeconfig {} has `{field}`, which is not supported", shown(path))]
    Unsupported {
        /// The kubeconfig.
        path: PathBuf,
        /// The field.
        field: &'static str,
    },
    /// The cluster's address is missing or invalid.
    #[error("kubeconfig {} has server {}; expected https://HOST:PORT", shown(path), server.quoted())]
    Server {
        /// The kubeconfig.
        path: PathBuf,
        /// What was found.
        server: Untrusted,
    },
    /// The cluster uses TLS, and the kubeconfig names no certificate authority.
    #[error("kubeconfig {} names no certificate authority for the cluster", shown(path))]
    NoAuthority {
        /// The kubeconfig.
        path: PathBuf,
    },
    /// A field with `-data` in its name is not base64.
    #[error("{origin} is not base64")]
    NotBase64 {
        /// The field.
        origin: CredentialSource,
    },
    /// A certificate, a key or an authority is not PEM.
    #[error("{role} {origin} is not PEM")]
    NotPem {
        /// Its purpose.
        role: FileRole,
        /// Its source.
        origin: CredentialSource,
    },
    /// The contents of a certificate, a key or a token are invalid.
    #[error("{role} {origin} cannot be used")]
    Unusable {
        /// Its purpose.
        role: FileRole,
        /// Its source.
        origin: CredentialSource,
    },
    /// A certificate without a key, or a key without a certificate.
    #[error("kubeconfig {} has a {present} without a {absent}", shown(path))]
    HalfACredential {
        /// The kubeconfig.
        path: PathBuf,
        /// The half that exists.
        present: FileRole,
        /// The half that is missing.
        absent: FileRole,
    },
    /// The client certificate has expired.
    #[error("client certificate {origin} expired at {not_after}")]
    Expired {
        /// Its source.
        origin: CredentialSource,
        /// The last moment at which it is valid.
        not_after: Timestamp,
    },
    /// The client certificate is not valid yet, or this machine's clock is slow.
    #[error(
        "client certificate {origin} is valid from {not_before}, which is in the future by this machine's clock"
    )]
    NotYetValid {
        /// Its source.
        origin: CredentialSource,
        /// The first moment at which it is valid.
        not_before: Timestamp,
    },
    /// The certificate and the key do not match.
    #[error("client certificate {certificate} and client key {key} do not match")]
    Mismatch {
        /// The source of the certificate.
        certificate: CredentialSource,
        /// The source of the key.
        key: CredentialSource,
    },
}

impl KubeconfigError {
    /// Returns whether a renewal in progress can cause this: the files are rewritten in place, one after the other.
    pub(crate) fn may_be_torn(&self) -> bool {
        match self {
            Self::File { problem, .. } => matches!(problem, FileProblem::Empty | FileProblem::NotText),
            Self::NotYaml { .. }
            | Self::NotAKubeconfig { .. }
            | Self::NoCurrentContext { .. }
            | Self::NotFound { .. }
            | Self::NotBase64 { .. }
            | Self::NotPem { .. }
            | Self::Unusable { .. }
            | Self::Mismatch { .. } => true,
            Self::NoPath
            | Self::Plugin { .. }
            | Self::Unsupported { .. }
            | Self::Server { .. }
            | Self::NoAuthority { .. }
            | Self::HalfACredential { .. }
            | Self::Expired { .. }
            | Self::NotYetValid { .. } => false,
        }
    }
}

/// Why a kubeconfig does not identify a tool.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The context's namespace is not a tool's.
    #[error("the kubeconfig's namespace is {}; a tool's is tool-NAME", namespace.quoted())]
    Namespace {
        /// The namespace.
        namespace: Untrusted,
    },
    /// The context has no namespace of a tool, and there is no client certificate.
    #[error("the kubeconfig has neither a tool's namespace nor a client certificate")]
    NoCertificate,
    /// The certificate's common name is missing or not a tool name.
    #[error("the client certificate's common name {} is not a tool name", common_name.quoted())]
    CommonName {
        /// The common name; empty if there is none.
        common_name: Untrusted,
        /// Why it is not a tool name.
        #[source]
        source: ToolNameError,
    },
}

/// Why a client cannot be created from a kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no tokio runtime.
    #[error("a client needs a tokio runtime: connect inside one")]
    NoRuntime,
    /// The kubeconfig disables the verification of the server's certificate, and the options do not allow that.
    #[error("the kubeconfig has `insecure-skip-tls-verify`, so the server's identity would not be verified")]
    Insecure,
    /// A text is not a valid header.
    #[error("{header} {} has characters other than visible ASCII", value.quoted())]
    Header {
        /// The name of the header.
        header: &'static str,
        /// The text.
        value: Untrusted,
    },
    /// The TLS library rejects the settings.
    #[error("invalid TLS settings: {reason}")]
    Tls {
        /// The library's message.
        reason: String,
    },
}
