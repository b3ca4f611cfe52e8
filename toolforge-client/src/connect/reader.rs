//! The kubeconfig file, as it is written.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use http::Uri;
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;
use toolforge_model::Untrusted;

use super::certificate::{ClientCertificate, certificates};
use super::file;
use super::kubeconfig::{Identity, Kubeconfig, KubeconfigError};

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Config {
    current_context: Option<String>,
    #[serde(default)]
    clusters: Option<Vec<NamedCluster>>,
    #[serde(default)]
    users: Option<Vec<NamedUser>>,
    #[serde(default)]
    contexts: Option<Vec<NamedContext>>,
}

#[derive(Deserialize)]
struct NamedCluster {
    name: String,
    cluster: Cluster,
}

#[derive(Clone, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Cluster {
    server: Option<String>,
    certificate_authority: Option<PathBuf>,
    certificate_authority_data: Option<String>,
    insecure_skip_tls_verify: Option<bool>,
}

#[derive(Deserialize)]
struct NamedUser {
    name: String,
    #[serde(default)]
    user: Option<User>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct User {
    client_certificate: Option<PathBuf>,
    client_certificate_data: Option<String>,
    client_key: Option<PathBuf>,
    client_key_data: Option<String>,
    token: Option<String>,
    #[serde(rename = "tokenFile")]
    token_file: Option<PathBuf>,
    exec: Option<IgnoredAny>,
    auth_provider: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct NamedContext {
    name: String,
    context: Context,
}

#[derive(Deserialize)]
struct Context {
    cluster: Option<String>,
    user: Option<String>,
    namespace: Option<String>,
}

/// Reads a kubeconfig and the files that it names, once.
pub(super) fn read(path: &Path, now: Timestamp) -> Result<Kubeconfig, KubeconfigError> {
    let path = path.to_path_buf();
    let bytes = file::read(&path).map_err(|source| match source.kind() {
        ErrorKind::NotFound => KubeconfigError::Missing { path: path.clone() },
        _ => KubeconfigError::Unreadable { path: path.clone(), source },
    })?;
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(KubeconfigError::Empty { path });
    }
    let config: Config = serde_saphyr::from_slice(&bytes).map_err(|error| KubeconfigError::Syntax {
        path: path.clone(),
        place: error.location().map(|location| (location.line(), location.column())),
        reason: Untrusted::new(error.without_snippet().to_string()),
    })?;
    let Config { current_context, clusters, users, contexts } = config;
    let not_there =
        |what, name: &str| KubeconfigError::NotThere { path: path.clone(), what, name: Untrusted::new(name) };
    let field = |field, reason| KubeconfigError::Field { path: path.clone(), field, reason };

    let current = current_context.filter(|name| !name.is_empty());
    let current = current.ok_or_else(|| field("current-context", "it is absent"))?;
    let named = contexts.into_iter().flatten().find(|context| context.name == current);
    let Context { cluster, user, namespace } = named.ok_or_else(|| not_there("context", &current))?.context;
    let cluster = cluster.ok_or_else(|| field("cluster", "the current context names none"))?;
    let found = clusters.into_iter().flatten().find(|named| named.name == cluster);
    let cluster = found.ok_or_else(|| not_there("cluster", &cluster))?.cluster;
    let user = match user {
        None => User::default(),
        Some(user) => {
            let found = users.into_iter().flatten().find(|named| named.name == user);
            found.ok_or_else(|| not_there("user", &user))?.user.unwrap_or_default()
        }
    };

    if cluster.insecure_skip_tls_verify == Some(true) {
        return Err(KubeconfigError::Insecure { path });
    }
    let server: Uri = cluster
        .server
        .as_deref()
        .ok_or_else(|| field("server", "the cluster names none"))?
        .parse()
        .map_err(|_| field("server", "it is not an address like https://HOST:6443"))?;
    if !matches!(server.scheme_str(), Some("https" | "http")) || server.host().is_none() {
        return Err(field("server", "it is not an address like https://HOST:6443"));
    }
    let files = Files { path: &path };
    let authority = files
        .bytes(
            "certificate authority",
            cluster.certificate_authority_data.as_deref(),
            cluster.certificate_authority.as_deref(),
        )?
        .map(|pem| {
            certificates(&pem).map_err(|source| KubeconfigError::Authority { path: path.clone(), source })
        })
        .transpose()?
        .unwrap_or_default();
    if authority.is_empty() && server.scheme_str() == Some("https") {
        return Err(field("certificate-authority", "without one the API server cannot be verified"));
    }
    let identity = identity(&files, &user, now)?;
    let namespace = namespace.filter(|name| !name.is_empty());
    Ok(Kubeconfig { server, authority, identity, namespace, path })
}

fn identity(files: &Files<'_>, user: &User, now: Timestamp) -> Result<Identity, KubeconfigError> {
    let path = || files.path.to_path_buf();
    let certificate = files.bytes(
        "certificate",
        user.client_certificate_data.as_deref(),
        user.client_certificate.as_deref(),
    )?;
    let key = files.bytes("key", user.client_key_data.as_deref(), user.client_key.as_deref())?;
    if let (Some(certificate), Some(key)) = (&certificate, &key) {
        let failed = |source| KubeconfigError::Certificate { path: path(), source };
        let certificate = ClientCertificate::from_pem(certificate, key).map_err(failed)?;
        certificate.valid_at(now).map_err(failed)?;
        return Ok(Identity::Certificate(certificate));
    }
    if certificate.is_some() || key.is_some() {
        let reason = "a certificate and a key belong together, and one is absent";
        return Err(KubeconfigError::Field { path: path(), field: "client-certificate", reason });
    }
    let token = match (&user.token, &user.token_file) {
        (Some(token), _) => Some(token.clone()),
        (None, Some(file)) => {
            let bytes = files.file("token", file)?;
            Some(String::from_utf8_lossy(&bytes).trim().to_owned())
        }
        (None, None) => None,
    };
    if let Some(token) = token {
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            let reason = "it is empty or has characters that no token has";
            return Err(KubeconfigError::Field { path: path(), field: "token", reason });
        }
        return Ok(Identity::Token(token));
    }
    if user.exec.is_some() || user.auth_provider.is_some() {
        return Err(KubeconfigError::Plugin { path: path() });
    }
    Ok(Identity::Nobody)
}

/// The files that a kubeconfig names, relative to its own folder.
struct Files<'a> {
    path: &'a Path,
}

impl Files<'_> {
    /// Returns data that stands in the kubeconfig in base64, or else in the file that it names.
    fn bytes(
        &self,
        what: &'static str,
        data: Option<&str>,
        file: Option<&Path>,
    ) -> Result<Option<Vec<u8>>, KubeconfigError> {
        if let Some(data) = data.filter(|data| !data.is_empty()) {
            // `ByteString` is the API's own reader of base64.
            let json = serde_json::Value::String(data.to_owned());
            let bytes = serde_json::from_value::<k8s_openapi::ByteString>(json).map_err(|_| {
                KubeconfigError::Field {
                    path: self.path.to_path_buf(),
                    field: what,
                    reason: "its data is not base64",
                }
            })?;
            return Ok(Some(bytes.0));
        }
        file.map(|file| self.file(what, file)).transpose()
    }

    fn file(&self, what: &'static str, file: &Path) -> Result<Vec<u8>, KubeconfigError> {
        let file = self.path.parent().unwrap_or(Path::new("")).join(file);
        file::read(&file).map_err(|source| KubeconfigError::FileUnreadable {
            path: self.path.to_path_buf(),
            what,
            file,
            source,
        })
    }
}
