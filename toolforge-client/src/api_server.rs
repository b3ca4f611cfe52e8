//! The API server's version and clock, and what the caller may do.

use bytes::Bytes;
use http::Request;
use jiff::Timestamp;
use k8s_openapi::api::authorization::v1::{ResourceRule, SelfSubjectRulesReview, SelfSubjectRulesReviewSpec};
use k8s_openapi::apimachinery::pkg::version::Info;
use kube::api::PostParams;
use kube::core::request;
use toolforge_model::Untrusted;

use crate::exchange::server_time;
use crate::request_limits::SMALL_LIMIT;
use crate::response::read_json;
use crate::{Client, Error, ResourceType};

/// The version and the clock of the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerVersion {
    /// Its version, like `v1.32.11`.
    pub version: Untrusted,
    /// The time on its clock in whole seconds, if its response states it.
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
    /// Returns the version and the clock of the API server.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn server_version(&self) -> Result<ServerVersion, Error> {
        let request = Request::get("/version").body(Bytes::new()).map_err(request::Error::BuildRequest)?;
        let answer = self.exchange().send(&request, SMALL_LIMIT).await?;
        let version: Info = read_json(&request, &answer)?;
        Ok(ServerVersion { version: Untrusted::new(version.git_version), now: server_time(answer.headers()) })
    }

    /// Returns what the caller may do in a namespace.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn own_rules(&self, namespace: &str) -> Result<OwnRules, Error> {
        let review = SelfSubjectRulesReview {
            spec: SelfSubjectRulesReviewSpec { namespace: Some(namespace.to_owned()) },
            ..SelfSubjectRulesReview::default()
        };
        let collection = ResourceType::of::<SelfSubjectRulesReview>().all_namespaces();
        let review: SelfSubjectRulesReview =
            self.create(&collection, &review, &PostParams::default()).await?;
        let status = review.status.unwrap_or_default();
        Ok(OwnRules { rules: status.resource_rules, incomplete: status.incomplete })
    }
}
