use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Uri};
use jiff::Timestamp;
use rustls::RootCertStore;
use toolforge_model::{ToolName, Untrusted};

use crate::connect::certificate::{ClientCertificate, read_authorities};
use crate::connect::error::{IdentityError, KubeconfigError};
use crate::connect::file::FileRole;
use crate::connect::kubeconfig_document::{Cluster, User};
use crate::connect::sources::{Entry, Sources, bearer, material};

/// How often files that may be in the middle of a renewal are read again, and the pause before each: the platform's
/// maintain-kubeusers rewrites certificate, key and kubeconfig in place, one after the other.
const RENEWAL_ATTEMPTS: u32 = 3;
const RENEWAL_PAUSE: Duration = Duration::from_millis(200);

/// The current context of a kubeconfig, including the files that it names.
///
/// Its `Debug` shows no key and no token.
#[derive(Clone, Debug)]
pub struct Kubeconfig {
    pub(crate) server: Uri,
    pub(crate) tls_server_name: Option<String>,
    pub(crate) authorities: Option<Arc<RootCertStore>>,
    pub(crate) insecure: bool,
    pub(crate) certificate: Option<ClientCertificate>,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) impersonate: Option<String>,
    pub(crate) impersonate_groups: Vec<String>,
    namespace: Option<String>,
}

/// Returns the paths of the kubeconfig, as kubectl determines them: those in the value of the variable `KUBECONFIG`, or
/// else `.kube/config` in the home directory.
#[must_use]
pub fn kubeconfig_paths(variable: Option<&OsStr>, home: Option<&Path>) -> Vec<PathBuf> {
    let named: Vec<PathBuf> = variable
        .map(|value| std::env::split_paths(value).filter(|path| !path.as_os_str().is_empty()).collect())
        .unwrap_or_default();
    if named.is_empty() { home.map(|home| home.join(".kube/config")).into_iter().collect() } else { named }
}

impl Kubeconfig {
    /// Reads the kubeconfig and the files that its current context names.
    ///
    /// If there are several files, the first that has an entry or a `current-context` wins, and missing ones are ignored if at
    /// least one exists, as in kubectl. Paths inside are relative to the file that contains them. Only regular files of at most
    /// 1 MiB are read. Files that seem to be in the middle of a renewal are read again up to three times, 200 ms apart, so this
    /// can block for 600 ms.
    ///
    /// # Errors
    /// When a file is missing, unreadable or invalid, a name has no entry, the credentials are not valid now or do not
    /// match, or would have to come from a program.
    pub fn load(paths: &[PathBuf]) -> Result<Self, KubeconfigError> {
        Self::load_with(paths, || std::thread::sleep(RENEWAL_PAUSE))
    }

    fn load_with(paths: &[PathBuf], mut pause: impl FnMut()) -> Result<Self, KubeconfigError> {
        let mut attempt = 0;
        loop {
            match Self::load_once(paths, Timestamp::now()) {
                Err(error) if error.may_be_torn() && attempt < RENEWAL_ATTEMPTS => {
                    attempt += 1;
                    pause();
                }
                result => return result,
            }
        }
    }

    fn load_once(paths: &[PathBuf], now: Timestamp) -> Result<Self, KubeconfigError> {
        let sources = Sources::read(paths)?;
        let context = sources.current_context()?;
        let cluster = sources.cluster(&context)?;
        let user = sources.user(&context)?;
        let namespace = context.value.namespace.filter(|namespace| !namespace.is_empty());
        let Entry { value: User { impersonate, as_groups, .. }, .. } = &user;
        Ok(Self {
            server: server(&cluster)?,
            tls_server_name: cluster.value.tls_server_name.clone().filter(|name| !name.is_empty()),
            authorities: authorities(&cluster)?,
            insecure: cluster.value.insecure_skip_tls_verify == Some(true),
            certificate: certificate(&user, now)?,
            authorization: bearer(&user)?,
            impersonate: impersonate.clone().filter(|user| !user.is_empty()),
            impersonate_groups: as_groups.clone().unwrap_or_default(),
            namespace,
        })
    }

    /// Returns the address of the cluster's API server.
    #[must_use]
    pub fn server(&self) -> &Uri {
        &self.server
    }

    /// Returns the namespace of the current context.
    #[must_use]
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// Returns the client certificate, if there is one.
    #[must_use]
    pub fn certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.as_ref()
    }

    /// Returns whether the kubeconfig disables the verification of the server's certificate.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.insecure
    }

    /// Returns the kubeconfig's tool: the one of the namespace `tool-NAME`, or, if that is `default` or missing, the
    /// client certificate's common name.
    ///
    /// # Errors
    /// When neither is a tool's.
    pub fn tool(&self) -> Result<ToolName, IdentityError> {
        // Projects whose names do not start with `tools` get kubeconfigs with the namespace `default`.
        if let Some(namespace) = self.namespace().filter(|&namespace| namespace != "default") {
            return ToolName::from_namespace(namespace)
                .ok_or_else(|| IdentityError::Namespace { namespace: Untrusted::new(namespace) });
        }
        let certificate = self.certificate().ok_or(IdentityError::NoCertificate)?;
        let common_name = certificate.common_name().cloned().unwrap_or_default();
        common_name.as_raw().parse().map_err(|source| IdentityError::CommonName { common_name, source })
    }
}

fn server(cluster: &Entry<Cluster>) -> Result<Uri, KubeconfigError> {
    let text = cluster.value.server.clone().unwrap_or_default();
    let usable = |server: &Uri| {
        let has_scheme = matches!(server.scheme_str(), Some("http" | "https"));
        let plain_host = server.authority().is_some_and(|authority| !authority.as_str().contains('@'))
            && server.host() != Some("");
        has_scheme && plain_host && server.query().is_none()
    };
    text.parse()
        .ok()
        .filter(usable)
        .ok_or_else(|| KubeconfigError::Server { path: cluster.path.clone(), server: Untrusted::new(text) })
}

fn authorities(cluster: &Entry<Cluster>) -> Result<Option<Arc<RootCertStore>>, KubeconfigError> {
    let Cluster {
        certificate_authority_data, certificate_authority, insecure_skip_tls_verify, server, ..
    } = &cluster.value;
    let data = ("certificate-authority-data", certificate_authority_data);
    match material(cluster, FileRole::Authority, data, certificate_authority.as_deref())? {
        Some((origin, pem)) => Ok(Some(Arc::new(read_authorities(&origin, &pem)?))),
        None => {
            let is_plain = server.as_deref().is_some_and(|server| server.starts_with("http://"));
            if is_plain || *insecure_skip_tls_verify == Some(true) {
                return Ok(None);
            }
            Err(KubeconfigError::NoAuthority { path: cluster.path.clone() })
        }
    }
}

fn certificate(user: &Entry<User>, now: Timestamp) -> Result<Option<ClientCertificate>, KubeconfigError> {
    let User { client_certificate, client_certificate_data, client_key, client_key_data, .. } = &user.value;
    let certificate = material(
        user,
        FileRole::Certificate,
        ("client-certificate-data", client_certificate_data),
        client_certificate.as_deref(),
    )?;
    let key = material(user, FileRole::Key, ("client-key-data", client_key_data), client_key.as_deref())?;
    let half =
        |present, absent| KubeconfigError::HalfACredential { path: user.path.clone(), present, absent };
    match (certificate, key) {
        (None, None) => Ok(None),
        (Some(_), None) => Err(half(FileRole::Certificate, FileRole::Key)),
        (None, Some(_)) => Err(half(FileRole::Key, FileRole::Certificate)),
        (Some((origin, pem)), Some((key_origin, key))) => {
            ClientCertificate::read((origin, &pem), (key_origin, &key), now).map(Some)
        }
    }
}

#[cfg(test)]
#[path = "kubeconfig_tests.rs"]
mod tests;
