use std::path::PathBuf;

use jiff::Timestamp;
use toolforge_model::{ToolNameError, Untrusted};

use crate::connect::file::{FileProblem, FileRole, Place, shown};

/// Why a kubeconfig gives no way to the cluster.
///
/// No variant holds or prints a key or a token.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KubeconfigError {
    /// A file could not be read.
    #[error("{role} {} {problem}", shown(path))]
    File {
        /// What the file is for.
        role: FileRole,
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        problem: FileProblem,
    },
    /// No path is known: no `KUBECONFIG`, no home folder.
    #[error("no kubeconfig is named, and there is no home folder in which to look for .kube/config")]
    NoPath,
    /// The kubeconfig is not YAML.
    #[error("kubeconfig {} is not YAML: line {line}, column {column}: {}", shown(path), reason.escaped())]
    NotYaml {
        /// The kubeconfig.
        path: PathBuf,
        /// The line of the mistake, from 1; 0 where it is not known.
        line: u64,
        /// The column of the mistake, from 1; 0 where it is not known.
        column: u64,
        /// What the reader says.
        reason: Untrusted,
    },
    /// The kubeconfig is YAML, but its fields are not those of a kubeconfig.
    #[error("{} is YAML, but not a kubeconfig: see line {line}, column {column}", shown(path))]
    NotAKubeconfig {
        /// The kubeconfig.
        path: PathBuf,
        /// The line of the field, from 1; 0 where it is not known.
        line: u64,
        /// The column of the field, from 1; 0 where it is not known.
        column: u64,
    },
    /// The kubeconfig says which contexts there are, but not which one holds.
    #[error("kubeconfig {} has no `current-context`", shown(path))]
    NoCurrentContext {
        /// The kubeconfig.
        path: PathBuf,
    },
    /// A name leads to no entry.
    #[error("kubeconfig {} has no {kind} {}", shown(path), name.quoted())]
    NotFound {
        /// The kubeconfig.
        path: PathBuf,
        /// `context`, `cluster` or `user`.
        kind: &'static str,
        /// The name that was looked for.
        name: Untrusted,
    },
    /// The user's credentials come from another program, which is not run.
    #[error(
        "user {} in kubeconfig {} gets credentials from a program (`{plugin}`), which is not run",
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
    /// A field that would change who is spoken to, or as whom, and that is not understood.
    #[error("kubeconfig {} has `{field}`, which is not supported", shown(path))]
    Unsupported {
        /// The kubeconfig.
        path: PathBuf,
        /// The field.
        field: &'static str,
    },
    /// The cluster's address is missing or cannot be used.
    #[error("kubeconfig {} has server {}; it must be like https://HOST:PORT", shown(path), server.quoted())]
    Server {
        /// The kubeconfig.
        path: PathBuf,
        /// What was found.
        server: Untrusted,
    },
    /// The cluster speaks TLS, and nothing says whose certificates to believe.
    #[error("kubeconfig {} names no certificate authority for the cluster", shown(path))]
    NoAuthority {
        /// The kubeconfig.
        path: PathBuf,
    },
    /// A field with `-data` in its name is not base64.
    #[error("{place} is not base64")]
    NotBase64 {
        /// The field.
        place: Place,
    },
    /// A certificate, a key or an authority is not in PEM.
    #[error("{role} {place} is not in PEM")]
    NotPem {
        /// What it is for.
        role: FileRole,
        /// Where it stands.
        place: Place,
    },
    /// A certificate, a key or a token is in the right wrapping, but cannot be used.
    #[error("{role} {place} cannot be used")]
    Unusable {
        /// What it is for.
        role: FileRole,
        /// Where it stands.
        place: Place,
    },
    /// A certificate without a key, or a key without a certificate.
    #[error("kubeconfig {} has a {present} without a {absent}", shown(path))]
    HalfACredential {
        /// The kubeconfig.
        path: PathBuf,
        /// Which half is there.
        present: FileRole,
        /// Which half is missing.
        absent: FileRole,
    },
    /// The client certificate's time is over.
    #[error("client certificate {place} expired at {not_after}")]
    Expired {
        /// Where it stands.
        place: Place,
        /// Its last moment.
        not_after: Timestamp,
    },
    /// The client certificate's time has not come, or this machine's clock is late.
    #[error(
        "client certificate {place} is valid from {not_before}, which is later than now by this machine's clock"
    )]
    NotYetValid {
        /// Where it stands.
        place: Place,
        /// Its first moment.
        not_before: Timestamp,
    },
    /// The certificate and the key belong to different pairs.
    #[error("client certificate {certificate} and client key {key} do not belong together")]
    Mismatch {
        /// Where the certificate stands.
        certificate: Place,
        /// Where the key stands.
        key: Place,
    },
}

impl KubeconfigError {
    /// Returns whether files that are being renewed at this moment can look like this: they are rewritten one
    /// after the other and in place.
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

/// Why a kubeconfig does not say which tool it is for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdentityError {
    /// The context's namespace is no tool's.
    #[error("the kubeconfig's namespace is {}; a tool's is tool-NAME", namespace.quoted())]
    Namespace {
        /// The namespace.
        namespace: Untrusted,
    },
    /// The context has no namespace, and there is no certificate whose name could say it.
    #[error("the kubeconfig names neither a namespace nor a client certificate, so no tool")]
    NoCertificate,
    /// The certificate's common name is missing or is no tool's.
    #[error("the client certificate's common name {} is not a tool's", common_name.quoted())]
    CommonName {
        /// The common name, empty where there is none.
        common_name: Untrusted,
        /// Which rule it breaks.
        #[source]
        source: ToolNameError,
    },
}

/// Why a kubeconfig that was read is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// There is no tokio runtime, on which a client's connection runs.
    #[error("a client needs a tokio runtime: connect inside one")]
    NoRuntime,
    /// The kubeconfig turns the check of the server's certificate off, and the caller does not agree.
    #[error("the kubeconfig has `insecure-skip-tls-verify`, so anybody could answer in the cluster's place")]
    Insecure,
    /// A text cannot stand in a header.
    #[error("{header} {} cannot be sent; it may hold visible ASCII characters only", value.quoted())]
    Header {
        /// Which one.
        header: &'static str,
        /// The text.
        value: Untrusted,
    },
    /// The TLS library refuses the settings.
    #[error("the TLS settings are refused: {reason}")]
    Tls {
        /// What the library says.
        reason: String,
    },
}
