//! What the API server says about itself and about what the caller may do.

use http::header::DATE;
use http_body_util::BodyExt as _;
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use k8s_openapi::apimachinery::pkg::version::Info;
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

/// What the caller may do in a namespace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnRules {
    /// The rules, as the API server states them.
    pub rules: Vec<ResourceRule>,
    /// Whether there may be more rules than the API server could find out.
    pub incomplete: bool,
}

impl OwnRules {
    /// Returns whether a rule allows a verb on every object of a resource. Subresources are written as `pods/log`.
    #[must_use]
    pub fn allow(&self, verb: &str, group: &str, resource: &str) -> bool {
        let has = |list: &[String], word: &str| list.iter().any(|one| one == "*" || one == word);
        let has_some =
            |list: &Option<Vec<String>>, word: &str| list.as_ref().is_some_and(|list| has(list, word));
        self.rules.iter().any(|rule| {
            has(&rule.verbs, verb)
                && has_some(&rule.api_groups, group)
                && has_some(&rule.resources, resource)
                && rule.resource_names.as_ref().is_none_or(Vec::is_empty)
        })
    }
}

impl Client {
    /// Returns what the API server says about itself.
    ///
    /// # Errors
    /// As every request.
    pub async fn server_version(&self) -> Result<ServerVersion, Error> {
        let call = Call::get("/version".to_owned());
        let response = self.open(&call).await?;
        let date = response.headers().get(DATE).and_then(|value| value.to_str().ok());
        let now = date.and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|moment| moment.timestamp());
        let malformed =
            |reason: String| Error::Malformed { request: call.name(), reason: Untrusted::new(reason) };
        let body = response.into_body().collect().await.map_err(|error| malformed(error.to_string()))?;
        let version: Info =
            serde_json::from_slice(&body.to_bytes()).map_err(|error| malformed(error.to_string()))?;
        Ok(ServerVersion { version: Untrusted::new(version.git_version), now })
    }

    /// Returns what the caller may do in a namespace.
    ///
    /// # Errors
    /// As every request.
    pub async fn own_rules(&self, namespace: &str) -> Result<OwnRules, Error> {
        let review = SelfSubjectRulesReview {
            spec: SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) },
            ..SelfSubjectRulesReview::default()
        };
        let path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews".to_owned();
        let review: SelfSubjectRulesReview = self.post(path, &review, Repeat::Always).await?;
        let status = review.status.unwrap_or_default();
        Ok(OwnRules { rules: status.resource_rules, incomplete: status.incomplete })
    }
}
