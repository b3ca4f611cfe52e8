//! Reads that the user is not authorized for, and that a display can do without.

use toolforge_render::object::ObjectKind;

use crate::status::ApiStatus;
use crate::{Error, ResourceType};

/// A kind of object that the cluster did not let the user read.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Unread {
    /// The kind.
    pub resource: ResourceType,
    /// The verb of the request, as roles name it.
    pub verb: ReadVerb,
    /// The response.
    pub refusal: ApiStatus,
}

/// The verb of a request that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadVerb {
    /// One object is read by its name.
    Get,
    /// All objects of a collection are read.
    List,
}

impl ReadVerb {
    /// Returns the verb as roles name it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
        }
    }
}

impl Unread {
    /// Returns the kind, if it is one that the programs write.
    #[must_use]
    pub fn object_kind(&self) -> Option<ObjectKind> {
        let mut kinds = ObjectKind::ALL.iter().copied();
        kinds.find(|kind| ResourceType::of_kind(*kind) == self.resource)
    }

    /// Returns the refusal as the error of the request.
    #[must_use]
    pub fn into_error(self) -> Error {
        Error::Api(Box::new(self.refusal))
    }
}

/// The kinds that several reads leave out.
#[derive(Debug, Default)]
pub(crate) struct UnreadKinds(pub(crate) Vec<Unread>);

impl UnreadKinds {
    /// Returns what was read; if the kind is left out, records that and returns nothing.
    pub(crate) fn found<T: Default>(&mut self, read: Result<T, Unread>) -> T {
        read.unwrap_or_else(|unread| {
            self.0.push(unread);
            T::default()
        })
    }
}

/// Awaits a read; the inner error is a kind that the user may not read, if it is `optional`.
///
/// # Errors
/// Every other error.
pub(crate) async fn readable<T>(
    optional: bool,
    (verb, resource): (ReadVerb, ResourceType),
    reading: impl Future<Output = Result<T, Error>>,
) -> Result<Result<T, Unread>, Error> {
    match reading.await {
        Ok(found) => Ok(Ok(found)),
        Err(Error::Api(refusal)) if optional && refusal.is_forbidden() => {
            Ok(Err(Unread { resource, verb, refusal: *refusal }))
        }
        Err(error) => Err(error),
    }
}
