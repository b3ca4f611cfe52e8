use toolforge_model::Untrusted;

/// What is understood of a refusal.
///
/// The API server's admission plugins say what they mean in sentences only, so some of these are read from
/// their words; where the words are new, the kind falls back to what the code says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusKind {
    /// An admission webhook denies the request.
    Webhook {
        /// The webhook's name, like `registry-admission.tools.wmcloud.org`.
        name: Untrusted,
        /// What it says; empty where it explains nothing.
        message: Untrusted,
    },
    /// An admission webhook that must agree does not answer.
    WebhookUnreachable {
        /// The webhook's name.
        name: Untrusted,
        /// What the API server says of it.
        cause: Untrusted,
    },
    /// A `ValidatingAdmissionPolicy` denies the request.
    Policy {
        /// The policy's name.
        name: Untrusted,
        /// What it says.
        message: Untrusted,
    },
    /// A quota is full.
    Quota {
        /// The ResourceQuota's name.
        quota: Untrusted,
        /// What there is too little of.
        exceeded: Vec<Exceeded>,
    },
    /// A quota demands a statement that is missing.
    QuotaIncomplete {
        /// The ResourceQuota's name.
        quota: Untrusted,
        /// What must be stated.
        missing: Untrusted,
    },
    /// A quota is so new that what is used of it is not counted yet.
    QuotaUnknown {
        /// The ResourceQuota's name.
        quota: Untrusted,
    },
    /// A LimitRange forbids the amounts.
    LimitRange {
        /// Each broken limit, in the API server's words.
        violations: Vec<Untrusted>,
    },
    /// The user may not do this.
    Forbidden {
        /// Who asked and for what, where the API server's authorization says so.
        denied: Option<Denied>,
    },
    /// The namespace is being removed.
    NamespaceTerminating,
    /// The API server does not know the caller.
    Unauthorized,
    /// The object, the namespace or the kind does not exist.
    NotFound,
    /// An object of the name exists.
    AlreadyExists,
    /// Somebody changed the object in the meantime, or a precondition does not hold.
    Conflict,
    /// Two requests counted on the same quota at the same moment; the request can be repeated as it is.
    QuotaConflict,
    /// The object breaks a rule of its kind.
    Invalid,
    /// What was asked for is too old to be told.
    Gone,
    /// The server asks to be asked less often.
    TooManyRequests,
    /// The server cannot answer now.
    Unavailable,
    /// The server did not finish in time; it may have done what was asked.
    Timeout,
    /// The server has a fault.
    Internal,
    /// Anything else.
    Other,
}

/// One resource of which a quota has too little left; the amounts are the API server's own spellings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The resource, like `limits.memory`.
    pub resource: Untrusted,
    /// What the request needs.
    pub requested: Untrusted,
    /// What is used already.
    pub used: Untrusted,
    /// What the quota allows in all.
    pub limited: Untrusted,
}

/// What the API server's authorization denies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    /// The user as whom the request was made.
    pub user: Untrusted,
    /// The verb, like `delete`.
    pub verb: Untrusted,
    /// The resource, like `pods/exec`.
    pub resource: Untrusted,
}

impl StatusKind {
    pub(crate) fn of(code: u16, reason: &str, message: &str, object_kind: &str) -> Self {
        of_admission(message).unwrap_or_else(|| match (code, reason) {
            (401, _) => Self::Unauthorized,
            (403, _) if message.contains("because it is being terminated") => Self::NamespaceTerminating,
            (403, _) => Self::Forbidden { denied: denied(message) },
            (404, _) => Self::NotFound,
            (409, "AlreadyExists") => Self::AlreadyExists,
            (409, _) if object_kind == "resourcequotas" => Self::QuotaConflict,
            (409, _) => Self::Conflict,
            (410, _) => Self::Gone,
            (422, _) => Self::Invalid,
            (429, _) => Self::TooManyRequests,
            (503, _) => Self::Unavailable,
            (504, _) | (500, "Timeout" | "ServerTimeout") => Self::Timeout,
            (500, _) => Self::Internal,
            _ => Self::Other,
        })
    }
}

/// Reads the sentences of the admission plugins, as Kubernetes 1.29 to 1.33 writes them.
fn of_admission(message: &str) -> Option<StatusKind> {
    if let Some((name, rest)) = quoted_after(message, "admission webhook \"")
        && let Some(rest) = rest.trim_start().strip_prefix("denied the request")
    {
        let message = rest.strip_prefix(':').unwrap_or_default().trim();
        return Some(StatusKind::Webhook { name: name.into(), message: message.into() });
    }
    if let Some((name, rest)) = quoted_after(message, "failed calling webhook \"") {
        let cause = rest.trim_start_matches(':').trim();
        return Some(StatusKind::WebhookUnreachable { name: name.into(), cause: cause.into() });
    }
    if let Some((_, rest)) = message.split_once("ValidatingAdmissionPolicy '") {
        let (name, rest) = rest.split_once('\'')?;
        let message = rest.split_once("denied request:").map_or(rest, |(_, message)| message).trim();
        return Some(StatusKind::Policy { name: name.into(), message: message.into() });
    }
    if let Some((_, rest)) = message.split_once("exceeded quota: ") {
        let (quota, rest) = rest.split_once(", requested: ")?;
        return Some(StatusKind::Quota { quota: quota.into(), exceeded: exceeded(rest) });
    }
    if let Some((_, rest)) = message.split_once("failed quota: ") {
        let (quota, missing) = rest.split_once(": must specify ").unwrap_or((rest, ""));
        return Some(StatusKind::QuotaIncomplete { quota: quota.into(), missing: missing.into() });
    }
    if let Some((_, rest)) = message.split_once("status unknown for quota: ") {
        let quota = rest.split(',').next().unwrap_or_default();
        return Some(StatusKind::QuotaUnknown { quota: quota.into() });
    }
    let (_, rest) = message.split_once(" is forbidden: ")?;
    let is_limit =
        |text: &str| text.contains(" usage per ") || text.contains(" max limit to request ratio per ");
    is_limit(rest).then(|| StatusKind::LimitRange { violations: violations(rest) })
}

/// Returns the text in double quotes that begins after `start`, and what follows it.
fn quoted_after<'a>(message: &'a str, start: &str) -> Option<(&'a str, &'a str)> {
    message.split_once(start)?.1.split_once('"')
}

/// Reads `a=1,b=2, used: a=3,b=4, limited: a=5,b=6`.
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

/// Splits `[first, second]`; a limit's own sentence may hold `, but`.
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

/// Reads `User "x" cannot delete resource "pods" in API group "" …`.
fn denied(message: &str) -> Option<Denied> {
    let (user, rest) = quoted_after(message, "User \"")?;
    let (verb, rest) = rest.strip_prefix(" cannot ")?.split_once(' ')?;
    let (resource, _) = rest.strip_prefix("resource \"")?.split_once('"')?;
    Some(Denied { user: user.into(), verb: verb.into(), resource: resource.into() })
}

#[cfg(test)]
#[path = "kind_tests.rs"]
mod tests;
