//! What an admission plugin says when it refuses an object: the sentences of Kubernetes 1.29 to 1.33.

use toolforge_model::Untrusted;

/// The refusal of an admission plugin.
///
/// The plugins explain themselves in sentences only, so this is parsed from the message.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdmissionRefusal {
    /// An admission webhook denies the request.
    Webhook {
        /// The webhook's name, like `registry-admission.tools.wmcloud.org`.
        name: Untrusted,
        /// Its message; may be empty.
        message: Untrusted,
    },
    /// A required admission webhook does not answer.
    WebhookUnreachable {
        /// The webhook's name.
        name: Untrusted,
        /// The API server's message.
        cause: Untrusted,
    },
    /// A `ValidatingAdmissionPolicy` denies the request.
    Policy {
        /// The policy's name.
        name: Untrusted,
        /// Its message.
        message: Untrusted,
    },
    /// A quota is exceeded.
    Quota {
        /// The ResourceQuota's name.
        quota: Untrusted,
        /// The resources that exceed it.
        exceeded: Vec<Exceeded>,
    },
    /// A quota requires a field that is missing.
    QuotaIncomplete {
        /// The ResourceQuota's name.
        quota: Untrusted,
        /// The missing fields.
        missing: Untrusted,
    },
    /// A quota is new, and its usage is not counted yet.
    QuotaUnknown {
        /// The ResourceQuota's name.
        quota: Untrusted,
    },
    /// A LimitRange does not allow the amounts.
    LimitRange {
        /// The API server's message for each limit.
        violations: Vec<Untrusted>,
    },
}

/// A resource that exceeds a quota; the amounts are spelled as the API server spells them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The resource, like `limits.memory`.
    pub resource: Untrusted,
    /// The requested amount.
    pub requested: Untrusted,
    /// The used amount.
    pub used: Untrusted,
    /// The quota's limit.
    pub limited: Untrusted,
}

impl AdmissionRefusal {
    /// Parses the message of a refusal; `None` if it is not from a known plugin.
    #[must_use]
    pub fn parse(message: &str) -> Option<Self> {
        if let Some((name, rest)) = quoted_after(message, "admission webhook \"")
            && let Some(rest) = rest.trim_start().strip_prefix("denied the request")
        {
            let message = rest.strip_prefix(':').unwrap_or_default().trim();
            return Some(Self::Webhook { name: name.into(), message: message.into() });
        }
        if let Some((name, rest)) = quoted_after(message, "failed calling webhook \"") {
            let cause = rest.trim_start_matches(':').trim();
            return Some(Self::WebhookUnreachable { name: name.into(), cause: cause.into() });
        }
        if let Some((_, rest)) = message.split_once("ValidatingAdmissionPolicy '") {
            let (name, rest) = rest.split_once('\'')?;
            let message = rest.split_once("denied request:").map_or(rest, |(_, message)| message).trim();
            return Some(Self::Policy { name: name.into(), message: message.into() });
        }
        if let Some((_, rest)) = message.split_once("exceeded quota: ") {
            let (quota, rest) = rest.split_once(", requested: ")?;
            return Some(Self::Quota { quota: quota.into(), exceeded: exceeded(rest) });
        }
        if let Some((_, rest)) = message.split_once("failed quota: ") {
            let (quota, missing) = rest.split_once(": must specify ").unwrap_or((rest, ""));
            return Some(Self::QuotaIncomplete { quota: quota.into(), missing: missing.into() });
        }
        if let Some((_, rest)) = message.split_once("status unknown for quota: ") {
            let quota = rest.split(',').next().unwrap_or_default();
            return Some(Self::QuotaUnknown { quota: quota.into() });
        }
        let (_, rest) = message.split_once(" is forbidden: ")?;
        let is_limit =
            |text: &str| text.contains(" usage per ") || text.contains(" max limit to request ratio per ");
        is_limit(rest).then(|| Self::LimitRange { violations: violations(rest) })
    }
}

/// Returns the text in double quotes that begins after `start`, and what follows it.
fn quoted_after<'a>(message: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    message.split_once(start)?.1.split_once('"')
}

/// Parses `a=1,b=2, used: a=3,b=4, limited: a=5,b=6`.
fn exceeded(text: &str) -> Vec<Exceeded> {
    let (requested, rest) = text.split_once(", used: ").unwrap_or((text, ""));
    let (used, limited) = rest.split_once(", limited: ").unwrap_or((rest, ""));
    let amount = |list: &str, resource: &str| {
        let found = list.split(',').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == resource);
        Untrusted::new(found.map_or("", |(_, amount)| amount.trim()))
    };
    requested
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .map(|(resource, requested)| Exceeded {
            resource: resource.into(),
            requested: requested.into(),
            used: amount(used, resource),
            limited: amount(limited, resource),
        })
        .collect()
}

/// Splits `[first, second]`; the message of a limit may contain `, but`.
fn violations(text: &str) -> Vec<Untrusted> {
    let list = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let mut sentences: Vec<String> = Vec::new();
    for part in list.split(", ") {
        match sentences.last_mut() {
            Some(sentence) if part.starts_with("but ") => {
                sentence.push_str(", ");
                sentence.push_str(part);
            }
            _ => sentences.push(part.to_owned()),
        }
    }
    sentences.into_iter().map(Untrusted::new).collect()
}
