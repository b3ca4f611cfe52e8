use toolforge_model::Untrusted;
use toolforge_render::pod::AdmissionRefusal;

/// The kind of a refusal.
///
/// The API server's admission plugins explain themselves in sentences only, so some kinds are parsed from messages; if a
/// message is not known, the kind is that of the HTTP code.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatusKind {
    /// An admission plugin refuses the object.
    Admission(AdmissionRefusal),
    /// The user is not authorized.
    Forbidden {
        /// The user, the verb and the resource, if the message states them.
        denied: Option<Denied>,
    },
    /// The namespace is terminating.
    NamespaceTerminating,
    /// The caller is not authenticated.
    Unauthorized,
    /// The object, the namespace or the kind does not exist.
    NotFound,
    /// An object of that name exists.
    AlreadyExists,
    /// The object was changed by somebody else, or a precondition is not met.
    Conflict,
    /// Another request changed the same quota at the same moment; the request can be repeated.
    QuotaConflict,
    /// The object is invalid.
    Invalid,
    /// The resource version or continue token has expired.
    Gone,
    /// The server asks for fewer requests.
    TooManyRequests,
    /// The server is unavailable.
    Unavailable,
    /// The server did not finish in time; the request may have been applied.
    Timeout,
    /// Internal error of the server.
    Internal,
    /// Anything else.
    Other,
}

/// A denial of the API server's authorization.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Denied {
    /// The user of the request.
    pub user: Untrusted,
    /// The verb, like `delete`.
    pub verb: Untrusted,
    /// The resource, like `pods/exec`.
    pub resource: Untrusted,
}

impl StatusKind {
    pub(crate) fn of(code: u16, reason: &str, message: &str, object_kind: &str) -> Self {
        AdmissionRefusal::parse(message).map_or_else(
            || match (code, reason) {
                (401, _) => Self::Unauthorized,
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
            },
            Self::Admission,
        )
    }
}

/// Parses `User "x" cannot delete resource "pods" in API group "" …`.
fn denied(message: &str) -> Option<Denied> {
    let (user, rest) = message.split_once("User \"")?.1.split_once('"')?;
    let (verb, rest) = rest.strip_prefix(" cannot ")?.split_once(' ')?;
    let (resource, _) = rest.strip_prefix("resource \"")?.split_once('"')?;
    Some(Denied { user: user.into(), verb: verb.into(), resource: resource.into() })
}

#[cfg(test)]
#[path = "refusal_tests.rs"]
mod tests;
