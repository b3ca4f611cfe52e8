//! The files of a kubeconfig, and how names and paths in them are resolved.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::HeaderValue;
use serde::de::IgnoredAny;
use serde_saphyr::DuplicateKeyPolicy;
use toolforge_model::{Diagnostic, Location, Untrusted};

use crate::connect::error::KubeconfigError;
use crate::connect::file::{self, CredentialSource, FileProblem, FileRole};
use crate::connect::kubeconfig_document::{Cluster, Context, Document, User};

/// The files of a kubeconfig, in order of precedence.
pub(crate) struct Sources(Vec<(PathBuf, Document)>);

/// An entry with its file, to which its paths are relative.
pub(crate) struct Entry<T> {
    pub(crate) path: PathBuf,
    pub(crate) value: T,
}

impl Sources {
    pub(crate) fn read(paths: &[PathBuf]) -> Result<Self, KubeconfigError> {
        let mut found = Vec::new();
        let mut missing = Err(KubeconfigError::NoPath);
        for path in paths {
            match read(path) {
                Ok(document) => found.push((path.clone(), document)),
                Err(error @ KubeconfigError::File { problem: FileProblem::Missing, .. }) => {
                    missing = missing.or(Err(error));
                }
                Err(error) => return Err(error),
            }
        }
        if found.is_empty() { missing } else { Ok(Self(found)) }
    }

    pub(crate) fn current_context(&self) -> Result<Entry<Context>, KubeconfigError> {
        let (path, name) = self
            .0
            .iter()
            .find_map(|(path, document)| {
                let name = document.current_context.as_ref().filter(|name| !name.is_empty())?;
                Some((path, name))
            })
            .ok_or_else(|| KubeconfigError::NoCurrentContext { path: self.first_path() })?;
        self.find("context", name, path, |document| {
            let mut contexts = document.contexts.iter().flatten();
            Some(contexts.find(|entry| entry.name == *name)?.context.clone().unwrap_or_default())
        })
    }

    pub(crate) fn cluster(&self, context: &Entry<Context>) -> Result<Entry<Cluster>, KubeconfigError> {
        let name = context.value.cluster.as_deref().unwrap_or_default();
        let entry = self.find("cluster", name, &context.path, |document| {
            let mut clusters = document.clusters.iter().flatten();
            Some(clusters.find(|entry| entry.name == name)?.cluster.clone().unwrap_or_default())
        })?;
        if entry.value.proxy_url.as_ref().is_some_and(|url| !url.is_empty()) {
            return Err(KubeconfigError::Unsupported { path: entry.path, field: "proxy-url" });
        }
        Ok(entry)
    }

    pub(crate) fn user(mut self, context: &Entry<Context>) -> Result<Entry<User>, KubeconfigError> {
        let name = context.value.user.as_deref().unwrap_or_default();
        let mut found = None;
        for (path, document) in &mut self.0 {
            let entry = document.users.iter_mut().flatten().find(|entry| entry.name == name);
            if let Some(entry) = entry {
                found = Some(Entry { path: path.clone(), value: entry.user.take().unwrap_or_default() });
                break;
            }
        }
        let entry = found.ok_or_else(|| KubeconfigError::NotFound {
            path: context.path.clone(),
            kind: "user",
            name: Untrusted::new(name),
        })?;
        let User { exec, auth_provider, username, as_uid, as_user_extra, .. } = &entry.value;
        let plugins = [("exec", exec.is_some()), ("auth-provider", auth_provider.is_some())];
        if let Some((plugin, _)) = plugins.into_iter().find(|(_, present)| *present) {
            return Err(KubeconfigError::Plugin { path: entry.path, user: Untrusted::new(name), plugin });
        }
        let unsupported = [
            ("username", username.is_some()),
            ("as-uid", as_uid.is_some()),
            ("as-user-extra", as_user_extra.is_some()),
        ];
        if let Some((field, _)) = unsupported.into_iter().find(|(_, present)| *present) {
            return Err(KubeconfigError::Unsupported { path: entry.path, field });
        }
        Ok(entry)
    }

    fn find<T>(
        &self,
        kind: &'static str,
        name: &str,
        named_in: &Path,
        pick: impl Fn(&Document) -> Option<T>,
    ) -> Result<Entry<T>, KubeconfigError> {
        self.0
            .iter()
            .find_map(|(path, document)| Some(Entry { path: path.clone(), value: pick(document)? }))
            .ok_or_else(|| KubeconfigError::NotFound {
                path: named_in.to_owned(),
                kind,
                name: Untrusted::new(name),
            })
    }

    fn first_path(&self) -> PathBuf {
        self.0.first().map(|(path, _)| path.clone()).unwrap_or_default()
    }
}

/// The maximum number of values and keys that aliases (`*name`) repeat; the platform's kubeconfigs have none.
const REPLAYED_EVENTS: usize = 1000;

fn read(path: &Path) -> Result<Document, KubeconfigError> {
    let fail = |problem| KubeconfigError::File { role: FileRole::Kubeconfig, path: path.to_owned(), problem };
    let text = file::read_text(path).map_err(fail)?;
    if text.trim().is_empty() {
        return Err(fail(FileProblem::Empty));
    }
    // Syntax errors are found without the fields first: an error about a field may quote a key. For the same reason this
    // does not use the model's reader, whose hints quote values.
    let options = || {
        serde_saphyr::options! {
            duplicate_keys: DuplicateKeyPolicy::LastWins,
            alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: REPLAYED_EVENTS },
        }
    };
    serde_saphyr::from_str_with_options::<IgnoredAny>(&text, options()).map_err(|error| {
        let location = location(&error);
        let message = error.without_snippet().to_string();
        let message = message.strip_suffix(&format!(" at {location}")).unwrap_or(&message);
        KubeconfigError::NotYaml { path: path.to_owned(), diagnostic: Diagnostic::new(location, message) }
    })?;
    serde_saphyr::from_str_with_options(&text, options()).map_err(|error| KubeconfigError::NotAKubeconfig {
        path: path.to_owned(),
        location: location(&error),
    })
}

fn location(error: &serde_saphyr::Error) -> Location {
    let found = error.location();
    found.map_or(Location::START, |found| Location { line: found.line(), column: found.column() })
}

/// Returns the bytes of a certificate, key or authority: from its `-data` field, which wins, or from its file.
pub(crate) fn material<T>(
    entry: &Entry<T>,
    role: FileRole,
    (field, data): (&'static str, &Option<String>),
    file: Option<&str>,
) -> Result<Option<(CredentialSource, Vec<u8>)>, KubeconfigError> {
    if let Some(data) = data.as_ref().filter(|data| !data.is_empty()) {
        let origin = CredentialSource::Field { kubeconfig: entry.path.clone(), field };
        let packed: String = data.split_ascii_whitespace().collect();
        let bytes = BASE64_STANDARD
            .decode(packed)
            .map_err(|_| KubeconfigError::NotBase64 { origin: origin.clone() })?;
        return Ok(Some((origin, bytes)));
    }
    let Some(name) = file.filter(|name| !name.is_empty()) else { return Ok(None) };
    let path = entry.path.parent().unwrap_or(Path::new("")).join(name);
    match file::read(&path) {
        Ok(bytes) => Ok(Some((CredentialSource::File(path), bytes))),
        Err(problem) => Err(KubeconfigError::File { role, path, problem }),
    }
}

/// Returns the `Authorization` header of a user with a token.
pub(crate) fn bearer(user: &Entry<User>) -> Result<Option<HeaderValue>, KubeconfigError> {
    let field = CredentialSource::Field { kubeconfig: user.path.clone(), field: "token" };
    // The file wins over the field, as in client-go.
    let from_file = material(user, FileRole::Token, ("", &None), user.value.token_file.as_deref())?;
    let (origin, token) = match (from_file, &user.value.token) {
        (Some((origin, bytes)), _) => (origin, bytes),
        (None, Some(token)) if !token.is_empty() => (field, token.clone().into_bytes()),
        (None, _) => return Ok(None),
    };
    let mut value = b"Bearer ".to_vec();
    value.extend_from_slice(token.trim_ascii());
    let mut header = HeaderValue::from_bytes(&value)
        .map_err(|_| KubeconfigError::Unusable { role: FileRole::Token, origin })?;
    header.set_sensitive(true);
    Ok(Some(header))
}
