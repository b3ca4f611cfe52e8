use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use kube::client::Body;
use serde_json::{Value, json};
use toolforge_model::platform;

use crate::connection::Connection;
use crate::error::ClientError;
use crate::read::{paths, request};
use crate::refusal::RefusalKind;

/// How often a request that the server puts off is made again, and how long to wait at first.
const TRIES: u32 = 5;
const FIRST_WAIT: Duration = Duration::from_millis(100);

/// The longest that one wait may be, whatever the server asks for: a person is waiting, too.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Whether a change is made, or only checked by the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DryRun {
    /// The change is made.
    No,
    /// The API server checks it, admission included, and stores nothing.
    Server,
}

impl DryRun {
    fn query(self) -> &'static str {
        match self {
            Self::No => "",
            Self::Server => "dryRun=All&",
        }
    }
}

impl Connection {
    /// Applies an object, server-side, with these programs' one field manager; what another manager owns of the
    /// sent fields is taken over. Returns the object as stored.
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses.
    pub async fn apply(&self, path: &str, object: &Value, dry_run: DryRun) -> Result<Value, ClientError> {
        let url = format!("{path}?{}fieldManager={}&force=true", dry_run.query(), platform::FIELD_MANAGER);
        // JSON is YAML, and the only content type by which server-side apply is asked for.
        self.patch(&url, "application/apply-patch+yaml", object).await
    }

    /// Merges an object into the one that stands (strategic merge patch): a `null` removes a field, whoever owns it,
    /// which server-side apply does not do for the items of a list. Returns the object as stored.
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses.
    pub async fn merge(&self, path: &str, object: &Value, dry_run: DryRun) -> Result<Value, ClientError> {
        let url = format!("{path}?{}fieldManager={}", dry_run.query(), platform::FIELD_MANAGER);
        self.patch(&url, "application/strategic-merge-patch+json", object).await
    }

    async fn patch(
        &self,
        url: &str,
        content_type: &'static str,
        object: &Value,
    ) -> Result<Value, ClientError> {
        let body = object.to_string().into_bytes();
        let answer =
            self.retrying(|| request(Method::PATCH, url, Some((content_type, body.clone())))).await?;
        serde_json::from_slice(&answer)
            .map_err(|source| ClientError::NotUnderstood { request: format!("PATCH {url}"), source })
    }

    /// Deletes the object with a uid, and what it owns in the background. Returns whether it was there: another
    /// object of the same name is left alone.
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses.
    pub async fn delete(&self, path: &str, uid: &str, dry_run: DryRun) -> Result<bool, ClientError> {
        let options = json!({
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"uid": uid},
            "propagationPolicy": "Background",
        });
        let query = dry_run.query().trim_end_matches('&');
        let url = if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") };
        let body = options.to_string().into_bytes();
        match self.retrying(|| request(Method::DELETE, &url, Some(("application/json", body.clone())))).await
        {
            Ok(_) => Ok(true),
            Err(ClientError::Refused(refusal))
                if matches!(refusal.kind(), RefusalKind::NotFound | RefusalKind::Conflict) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns whether the tool may do something in its namespace (`SelfSubjectAccessReview`).
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses.
    pub async fn may(&self, verb: &str, group: &str, resource: &str) -> Result<bool, ClientError> {
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {
                "namespace": self.tool().namespace(), "verb": verb, "group": group, "resource": resource,
            }},
        });
        let url = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
        let body = review.to_string().into_bytes();
        let answer =
            self.retrying(|| request(Method::POST, url, Some(("application/json", body.clone())))).await?;
        let answer: Value = serde_json::from_slice(&answer)
            .map_err(|source| ClientError::NotUnderstood { request: format!("POST {url}"), source })?;
        Ok(answer.pointer("/status/allowed") == Some(&Value::Bool(true)))
    }

    /// Returns the last lines that a container wrote, of its previous run where `previous`; nothing where there are
    /// none.
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses.
    pub async fn last_lines(
        &self,
        pod: &str,
        container: &str,
        previous: bool,
        lines: u32,
    ) -> Result<String, ClientError> {
        let path = paths::object("v1", &self.tool().namespace(), "pods", pod);
        let container = paths::escaped(container);
        let url = format!("{path}/log?container={container}&tailLines={lines}&previous={previous}");
        let answer = self.retrying(|| request(Method::GET, &url, None)).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }

    /// Sends a request that may be made twice without harm, and again where the server puts it off.
    pub(crate) async fn retrying(&self, request: impl Fn() -> Request<Body>) -> Result<Bytes, ClientError> {
        let mut wait = FIRST_WAIT;
        for _ in 1..TRIES {
            match self.send(request()).await {
                Err(ClientError::Refused(refusal)) if refusal.is_passing() => {
                    tokio::time::sleep(refusal.retry_after().unwrap_or(wait).min(LONGEST_WAIT)).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
                other => return other,
            }
        }
        self.send(request()).await
    }
}
