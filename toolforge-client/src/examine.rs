//! What the API server says about itself and about what the caller may do.

use http::header::DATE;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use toolforge_model::Untrusted;

use crate::client::Call;
use crate::retry::Repeat;
use crate::{Client, Error};

/// What the API server says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// Its version, like `v1.32.11`.
    pub version: Untrusted,
    /// The time on its clock, as far as it said one; whole seconds.
    pub now: Option<Timestamp>,
}

/// One rule of what the caller may do in a namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rule {
    /// Verbs, `*` for all.
    #[serde(default)]
    pub verbs: Vec<String>,
    /// API groups, `*` for all, empty for Kubernetes' core.
    #[serde(default)]
    pub api_groups: Vec<String>,
    /// Resources, with their subresource behind a `/`, `*` for all.
    #[serde(default)]
    pub resources: Vec<String>,
    /// The only names for which it holds; empty for all.
    #[serde(default)]
    pub resource_names: Vec<String>,
}

impl Rule {
    /// Returns whether the rule allows a verb on every object of a resource.
    #[must_use]
    pub fn allows(&self, verb: &str, group: &str, resource: &str) -> bool {
        let has = |list: &[String], word: &str| list.iter().any(|one| one == "*" || one == word);
        has(&self.verbs, verb)
            && has(&self.api_groups, group)
            && has(&self.resources, resource)
            && self.resource_names.is_empty()
    }
}

impl Client {
    /// Returns what the API server says about itself.
    ///
    /// # Errors
    /// As every request.
    pub async fn server_version(&self) -> Result<ServerVersion, Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            git_version: String,
        }
        let call = Call::get("/version".to_owned());
        let response = self.open(&call).await?;
        let date = response.headers().get(DATE).and_then(|value| value.to_str().ok());
        let now = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|moment| moment.timestamp());
        let malformed =
            |reason: String| Error::Malformed { request: call.name(), reason: Untrusted::new(reason) };
        let body = response.into_body().collect().await.map_err(|error| malformed(error.to_string()))?;
        let version: Version =
            serde_json::from_slice(&body.to_bytes()).map_err(|error| malformed(error.to_string()))?;
        Ok(ServerVersion { version: Untrusted::new(version.git_version), now })
    }

    /// Returns what the caller may do in a namespace.
    ///
    /// # Errors
    /// As every request.
    pub async fn own_rules(&self, namespace: &str) -> Result<Vec<Rule>, Error> {
        #[derive(Deserialize)]
        struct Review {
            status: Status,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Status {
            #[serde(default)]
            resource_rules: Vec<Rule>,
        }
        let question = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview",
            "spec": {"namespace": namespace},
        });
        let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews".to_owned();
        let review: Review = self.post(path, &question, Repeat::Always).await?;
        Ok(review.status.resource_rules)
    }
}
