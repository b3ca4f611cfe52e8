//! Writing objects.

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use toolforge_model::{Untrusted, platform};

use crate::client::Call;
use crate::path::with_query;
use crate::retry::Repeat;
use crate::{Client, Collection, Error, ObjectPath};

/// How a whole object is written.
const JSON: &str = "application/json";

/// How an object is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApplyOptions<'a> {
    /// Under which name the API server keeps which fields were written.
    pub field_manager: &'a str,
    /// Whether fields of other managers are taken over; otherwise they are a conflict.
    pub force: bool,
    /// Whether the server only says what it would do.
    pub dry_run: bool,
}

impl Default for ApplyOptions<'_> {
    /// Returns a forced apply under the house's field manager, so that what other tools made is adopted.
    fn default() -> Self {
        Self { field_manager: platform::FIELD_MANAGER, force: true, dry_run: false }
    }
}

/// How an object is created or merged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreateOptions<'a> {
    /// Under which name the API server keeps which fields were written.
    pub field_manager: &'a str,
    /// Whether the server only says what it would do.
    pub dry_run: bool,
}

impl Default for CreateOptions<'_> {
    /// Returns a creation under the house's field manager.
    fn default() -> Self {
        Self { field_manager: platform::FIELD_MANAGER, dry_run: false }
    }
}

impl<'a> CreateOptions<'a> {
    fn query(self) -> [(&'static str, Option<&'a str>); 2] {
        [("dryRun", self.dry_run.then_some("All")), ("fieldManager", Some(self.field_manager))]
    }
}

/// How an object is deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeleteOptions {
    /// The object's uid: another object of the same name is left alone.
    pub uid: Option<String>,
    /// The object's resource version: an object that was changed since is left alone.
    pub resource_version: Option<String>,
    /// What becomes of the objects that belong to it; the server's default for the kind where it is `None`.
    pub propagation: Option<Propagation>,
    /// Whether the server only says what it would do.
    pub dry_run: bool,
}

/// What becomes of the objects that belong to a deleted one (Kubernetes' `propagationPolicy`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Propagation {
    /// They go first, and the object stays until they are gone.
    Foreground,
    /// The object goes at once, and they follow.
    Background,
    /// They stay.
    Orphan,
}

/// What came of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The server deletes the object, at once or when its finalizers are done.
    Accepted,
    /// There was no such object.
    AlreadyGone,
}

impl Client {
    /// Applies an object on the server's side and returns it as it stands then.
    ///
    /// # Errors
    /// As every request. Sent again where the server is busy, because applying twice is as applying once.
    pub async fn apply<T: DeserializeOwned>(
        &self,
        path: &ObjectPath,
        object: &impl Serialize,
        options: ApplyOptions<'_>,
    ) -> Result<T, Error> {
        let ApplyOptions { field_manager, force, dry_run } = options;
        let query = [
            ("dryRun", dry_run.then_some("All")),
            ("fieldManager", Some(field_manager)),
            ("force", force.then_some("true")),
        ];
        let path = with_query(&path.path()?, &query);
        // JSON is YAML, and the API server reads it faster.
        self.send(Method::PATCH, path, "application/apply-patch+yaml", object, Repeat::Always).await
    }

    /// Merges an object into the one that stands (strategic merge patch) and returns it as it stands then.
    ///
    /// A `null` removes a field, whoever owns it; applying does not do that for the items of another manager's list.
    ///
    /// # Errors
    /// As every request. Sent again where the server is busy, because merging twice is as merging once.
    pub async fn merge<T: DeserializeOwned>(
        &self,
        path: &ObjectPath,
        object: &impl Serialize,
        options: CreateOptions<'_>,
    ) -> Result<T, Error> {
        let path = with_query(&path.path()?, &options.query());
        let content_type = "application/strategic-merge-patch+json";
        self.send(Method::PATCH, path, content_type, object, Repeat::Always).await
    }

    /// Creates an object and returns it as it stands then.
    ///
    /// # Errors
    /// As every request. Sent again only where the server certainly did not create it: it was busy, or another
    /// request counted on the same quota at the same moment.
    pub async fn create<T: DeserializeOwned>(
        &self,
        collection: &Collection,
        object: &impl Serialize,
        options: CreateOptions<'_>,
    ) -> Result<T, Error> {
        self.post(with_query(&collection.path()?, &options.query()), object, Repeat::IfNotDone).await
    }

    /// Replaces an object by another one and returns it as it stands then. Where it states a resource version, only
    /// the object that was seen is replaced.
    ///
    /// # Errors
    /// As every request. Sent again only where the server certainly did not replace it.
    pub async fn replace<T: DeserializeOwned>(
        &self,
        path: &ObjectPath,
        object: &impl Serialize,
        options: CreateOptions<'_>,
    ) -> Result<T, Error> {
        let path = with_query(&path.path()?, &options.query());
        self.send(Method::PUT, path, JSON, object, Repeat::IfNotDone).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: String,
        object: &impl Serialize,
        repeat: Repeat,
    ) -> Result<T, Error> {
        self.send(Method::POST, path, JSON, object, repeat).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: String,
        content_type: &'static str,
        object: &impl Serialize,
        repeat: Repeat,
    ) -> Result<T, Error> {
        let body = body(&path, object)?;
        self.json(&Call { method, path, content_type: Some(content_type), body, repeat }).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// As every request. Where the object is not the one that the options name, the refusal is a
    /// [`Conflict`](crate::RefusalKind::Conflict).
    pub async fn delete(&self, object: &ObjectPath, options: &DeleteOptions) -> Result<Deleted, Error> {
        let DeleteOptions { uid, resource_version, propagation, dry_run } = options;
        let path = with_query(&object.path()?, &[("dryRun", dry_run.then_some("All"))]);
        let mut fields = Map::new();
        fields.insert("apiVersion".to_owned(), json!("v1"));
        fields.insert("kind".to_owned(), json!("DeleteOptions"));
        let mut preconditions = Map::new();
        preconditions.extend(uid.as_ref().map(|uid| ("uid".to_owned(), json!(uid))));
        preconditions
            .extend(resource_version.as_ref().map(|version| ("resourceVersion".to_owned(), json!(version))));
        if !preconditions.is_empty() {
            fields.insert("preconditions".to_owned(), Value::Object(preconditions));
        }
        if let Some(propagation) = propagation {
            let policy = match propagation {
                Propagation::Foreground => "Foreground",
                Propagation::Background => "Background",
                Propagation::Orphan => "Orphan",
            };
            fields.insert("propagationPolicy".to_owned(), json!(policy));
        }
        let call = Call {
            method: Method::DELETE,
            body: body(&path, &Value::Object(fields))?,
            path,
            content_type: Some(JSON),
            repeat: Repeat::Always,
        };
        match self.answer(&call).await {
            Ok(_) => Ok(Deleted::Accepted),
            Err(error) if error.is_not_found() => Ok(Deleted::AlreadyGone),
            Err(error) => Err(error),
        }
    }
}

fn body(path: &str, object: &impl Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(object).map(Bytes::from).map_err(|error| Error::Malformed {
        request: Untrusted::new(path),
        reason: Untrusted::new(error.to_string()),
    })
}
