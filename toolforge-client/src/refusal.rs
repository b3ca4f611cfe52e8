use std::collections::BTreeMap;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use toolforge_model::Untrusted;

/// What the API server refused a request with, in its own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    code: u16,
    reason: Untrusted,
    message: Untrusted,
    details_kind: Option<String>,
    retry_after: Option<Duration>,
    is_status: bool,
}

/// What kind of refusal it is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RefusalKind {
    /// Who asks is not known: no certificate, an expired one, a wrong token.
    Unauthorized,
    /// Who asks may not do this (RBAC).
    Forbidden,
    /// A quota has no room.
    QuotaExceeded(Exceeded),
    /// A quota has not been counted yet; a moment later it will be.
    QuotaUnknown,
    /// A pod breaks a LimitRange.
    LimitRange,
    /// An admission webhook refused it, or could not be asked.
    Webhook {
        /// The webhook's name.
        name: Untrusted,
        /// What it says.
        message: Untrusted,
    },
    /// The object does not exist.
    NotFound,
    /// The API, and not the object, does not exist on this server.
    NotServed,
    /// The object exists already.
    AlreadyExists,
    /// The object was changed by somebody else meanwhile.
    Conflict,
    /// The object is not valid.
    Invalid,
    /// The place to go on reading a list from has been forgotten.
    Gone,
    /// The server is too busy now.
    Busy,
    /// Something else.
    Other,
}

/// What of a quota is exceeded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exceeded {
    /// The quota's name.
    pub quota: Untrusted,
    /// What was requested, by resource, in the server's own spelling.
    pub requested: BTreeMap<String, String>,
    /// What is used.
    pub used: BTreeMap<String, String>,
    /// What is allowed.
    pub limited: BTreeMap<String, String>,
}

impl Refusal {
    pub(crate) fn new(code: u16, body: &[u8], retry_after: Option<Duration>) -> Self {
        let status: Option<Status> = serde_json::from_slice(body).ok();
        let is_status =
            status.as_ref().is_some_and(|status| status.status.is_some() || status.message.is_some());
        let status = status.unwrap_or_default();
        let message = status.message.unwrap_or_else(|| {
            let text = String::from_utf8_lossy(body);
            let text = text.trim();
            if text.is_empty() { format!("HTTP status {code}") } else { text.chars().take(500).collect() }
        });
        Self {
            code,
            reason: Untrusted::new(status.reason.unwrap_or_default()),
            message: Untrusted::new(message),
            details_kind: status.details.and_then(|details| details.kind),
            retry_after,
            is_status,
        }
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// Returns the server's one word for it; webhooks of the platform give none.
    #[must_use]
    pub fn reason(&self) -> &Untrusted {
        &self.reason
    }

    /// Returns the server's sentence.
    #[must_use]
    pub fn message(&self) -> &Untrusted {
        &self.message
    }

    /// Returns how long the server asks to wait before trying again.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// Returns whether trying the same again soon may help: the server is busy, or its own counting of a quota was
    /// overtaken by another request.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        self.code == 429
            || self.code == 503
            || (self.code == 409 && self.details_kind.as_deref() == Some("resourcequotas"))
    }

    /// Returns what kind of refusal it is, by the status and, where statuses do not tell, by the words of the API
    /// server's own admission plugins.
    #[must_use]
    pub fn kind(&self) -> RefusalKind {
        let message = self.message.as_raw();
        if let Some((name, said)) = webhook(message) {
            return RefusalKind::Webhook { name: Untrusted::new(name), message: Untrusted::new(said) };
        }
        match self.code {
            401 => RefusalKind::Unauthorized,
            403 => exceeded(message).map_or_else(
                || {
                    if message.contains("status unknown for quota") {
                        RefusalKind::QuotaUnknown
                    } else if message.contains(" usage per ") || message.contains("limit to request ratio") {
                        RefusalKind::LimitRange
                    } else {
                        RefusalKind::Forbidden
                    }
                },
                RefusalKind::QuotaExceeded,
            ),
            404 if self.is_status
                && !message.starts_with("the server could not find the requested resource") =>
            {
                RefusalKind::NotFound
            }
            404 => RefusalKind::NotServed,
            409 if self.reason.as_raw() == "AlreadyExists" => RefusalKind::AlreadyExists,
            409 => RefusalKind::Conflict,
            410 => RefusalKind::Gone,
            422 => RefusalKind::Invalid,
            429 | 503 => RefusalKind::Busy,
            _ => RefusalKind::Other,
        }
    }
}

/// Returns the name and the words of a webhook from the server's sentence about it.
fn webhook(message: &str) -> Option<(&str, &str)> {
    if let Some(rest) = message.split("admission webhook \"").nth(1) {
        let (name, rest) = rest.split_once('"')?;
        let said = rest.strip_prefix(" denied the request: ").unwrap_or(rest.trim_start());
        return Some((name, said.trim()));
    }
    let rest = message.split("failed calling webhook \"").nth(1)?;
    let (name, said) = rest.split_once('"')?;
    Some((name, said.trim_start_matches([':', ' '])))
}

/// Returns what of a quota is exceeded, from the words of the admission plugin ResourceQuota:
/// `exceeded quota: NAME, requested: a=1,b=2, used: …, limited: …`.
fn exceeded(message: &str) -> Option<Exceeded> {
    let rest = message.split("exceeded quota: ").nth(1)?;
    let (quota, rest) = rest.split_once(", requested: ")?;
    let (requested, rest) = rest.split_once(", used: ")?;
    let (used, limited) = rest.split_once(", limited: ")?;
    let amounts = |list: &str| {
        list.split(',')
            .filter_map(|pair| pair.trim().split_once('='))
            .map(|(resource, amount)| (resource.to_owned(), amount.to_owned()))
            .collect()
    };
    Some(Exceeded {
        quota: Untrusted::new(quota),
        requested: amounts(requested),
        used: amounts(used),
        limited: amounts(limited),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(code: u16, reason: &str, message: &str) -> Refusal {
        let body = serde_json::json!({"kind": "Status", "status": "Failure", "reason": reason, "message": message, "code": code});
        Refusal::new(code, body.to_string().as_bytes(), None)
    }

    #[test]
    fn a_full_quota_is_taken_apart() {
        let refusal = refusal(
            403,
            "Forbidden",
            "jobs.batch \"blah\" is forbidden: exceeded quota: tool-blah, requested: count/jobs.batch=1,pods=2, used: count/jobs.batch=15,pods=9, limited: count/jobs.batch=15,pods=10",
        );
        let RefusalKind::QuotaExceeded(exceeded) = refusal.kind() else { panic!("{:?}", refusal.kind()) };
        assert_eq!(exceeded.quota.as_raw(), "tool-blah");
        assert_eq!(exceeded.requested["pods"], "2");
        assert_eq!(exceeded.limited["count/jobs.batch"], "15");
    }

    #[test]
    fn a_webhook_is_named_with_its_words() {
        let refusal = refusal(
            400,
            "",
            "admission webhook \"registry-admission.tools.wmcloud.org\" denied the request: Only WMCS-approved docker registry allowed",
        );
        let RefusalKind::Webhook { name, message } = refusal.kind() else { panic!("{:?}", refusal.kind()) };
        assert_eq!(name.as_raw(), "registry-admission.tools.wmcloud.org");
        assert_eq!(message.as_raw(), "Only WMCS-approved docker registry allowed");
    }

    #[test]
    fn an_api_that_is_not_served_is_told_from_an_object_that_is_absent() {
        assert_eq!(Refusal::new(404, b"404 page not found\n", None).kind(), RefusalKind::NotServed);
        assert_eq!(refusal(404, "NotFound", "services \"x\" not found").kind(), RefusalKind::NotFound);
    }

    #[test]
    fn each_status_has_its_kind() {
        assert_eq!(refusal(401, "Unauthorized", "Unauthorized").kind(), RefusalKind::Unauthorized);
        let rbac = "pods is forbidden: User \"x\" cannot list resource \"pods\" in API group \"\" in the namespace \"tool-y\"";
        assert_eq!(refusal(403, "Forbidden", rbac).kind(), RefusalKind::Forbidden);
        let limit = "pods \"x\" is forbidden: maximum cpu usage per Container is 1, but limit is 2";
        assert_eq!(refusal(403, "Forbidden", limit).kind(), RefusalKind::LimitRange);
        assert_eq!(refusal(409, "AlreadyExists", "…").kind(), RefusalKind::AlreadyExists);
        assert_eq!(refusal(409, "Conflict", "…").kind(), RefusalKind::Conflict);
        assert_eq!(refusal(422, "Invalid", "…").kind(), RefusalKind::Invalid);
        assert!(Refusal::new(429, b"", None).is_passing());
        assert_eq!(Refusal::new(502, b"", None).message().as_raw(), "HTTP status 502");
    }
}
