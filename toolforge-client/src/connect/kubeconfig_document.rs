//! The fields of a kubeconfig that a client needs; others are ignored.

use serde::Deserialize;
use serde::de::IgnoredAny;

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Document {
    pub(crate) current_context: Option<String>,
    pub(crate) clusters: Option<Vec<NamedCluster>>,
    pub(crate) users: Option<Vec<NamedUser>>,
    pub(crate) contexts: Option<Vec<NamedContext>>,
}

#[derive(Deserialize)]
pub(crate) struct NamedCluster {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) cluster: Option<Cluster>,
}

#[derive(Clone, Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Cluster {
    pub(crate) server: Option<String>,
    pub(crate) tls_server_name: Option<String>,
    pub(crate) insecure_skip_tls_verify: Option<bool>,
    pub(crate) certificate_authority: Option<String>,
    pub(crate) certificate_authority_data: Option<String>,
    pub(crate) proxy_url: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct NamedUser {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) user: Option<User>,
}

/// Has no `Debug`, because it contains keys and tokens.
#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct User {
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_certificate_data: Option<String>,
    pub(crate) client_key: Option<String>,
    pub(crate) client_key_data: Option<String>,
    pub(crate) token: Option<String>,
    #[serde(rename = "tokenFile")]
    pub(crate) token_file: Option<String>,
    pub(crate) username: Option<String>,
    #[serde(rename = "as")]
    pub(crate) impersonate: Option<String>,
    pub(crate) as_uid: Option<String>,
    pub(crate) as_groups: Option<Vec<String>>,
    pub(crate) as_user_extra: Option<IgnoredAny>,
    pub(crate) exec: Option<IgnoredAny>,
    pub(crate) auth_provider: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub(crate) struct NamedContext {
    pub(crate) name: String,
    #[serde(default)]
    pub(crate) context: Option<Context>,
}

#[derive(Clone, Deserialize, Default)]
pub(crate) struct Context {
    pub(crate) cluster: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) namespace: Option<String>,
}
