//! Reading and writing objects, with kube's parameters.

use std::collections::HashSet;
use std::marker::PhantomData;

use bytes::Bytes;
use http::Request;
use kube::api::{DeleteParams, GetParams, ListParams, LogParams, Patch, PatchParams, PostParams};
use kube::core::request;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use toolforge_model::{Untrusted, platform};

use crate::api_path::{Collection, ObjectPath};
use crate::request_limits::{ANSWER_LIMIT, OBJECT_LIMIT};
use crate::request_name::name;
use crate::response::read_json;
use crate::{Client, Error};

/// The number of objects in one page of a list: as fast as 5,000, with a tenth of the memory.
const PAGE: u32 = 500;

/// How often a list is started again because its next page has expired.
const RESTARTS: u32 = 3;

/// A whole list, as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct List<T> {
    /// The objects.
    pub items: Vec<T>,
    /// The resource version of the list, from which a watch can continue.
    pub resource_version: String,
}

/// The pages of a list, each with up to 500 objects. The server sorts them by namespace and name.
pub struct Pages<T> {
    client: Client,
    collection: Collection,
    params: ListParams,
    /// The tokens of the pages so far.
    tokens: HashSet<String>,
    is_done: bool,
    items: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Pages<T> {
    /// Returns the next page, or `None` after the last one.
    ///
    /// # Errors
    /// Those of every request; if the list has expired, which takes a few minutes, [`is_gone`](Error::is_gone) is true.
    /// A list that repeats a page, or has more pages than the [limits](crate::RequestLimits) allow, is
    /// [`Error::Malformed`].
    pub async fn next(&mut self) -> Result<Option<List<T>>, Error> {
        if self.is_done {
            return Ok(None);
        }
        let request = self.collection.requests()?.list(&self.params)?.map(Bytes::from);
        let answer = self.client.exchange().send(&request, ANSWER_LIMIT).await?;
        let Page { metadata, items } = read_json(&request, &answer)?;
        let list = List {
            items: items.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
        };
        let Some(token) = metadata.next.filter(|token| !token.is_empty()) else {
            self.is_done = true;
            return Ok(Some(list));
        };
        self.params.continue_token = Some(token.clone());
        let pages = self.client.exchange().limits.pages;
        let endless = if !self.tokens.insert(token) {
            Some("it repeats a page".to_owned())
        } else if self.tokens.len() >= usize::try_from(pages).unwrap_or(usize::MAX) {
            Some(format!("it has more than {pages} pages"))
        } else {
            None
        };
        match endless {
            Some(reason) => Err(Error::Malformed { request: name(&request), reason: reason.into() }),
            None => Ok(Some(list)),
        }
    }

    /// Returns whether the first page has been returned.
    pub(crate) fn has_started(&self) -> bool {
        self.is_done || self.params.continue_token.is_some()
    }
}

/// The outcome of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deleted {
    /// The server deletes the object, at once or when its finalizers are done.
    Accepted,
    /// There was no such object.
    AlreadyGone,
}

#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    /// Required, so another document is not taken for an empty list; it may be null.
    #[serde(deserialize_with = "Option::deserialize")]
    items: Option<Vec<T>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(default)]
    resource_version: Option<String>,
    #[serde(default, rename = "continue")]
    next: Option<String>,
}

/// Returns the parameters of a server-side apply as our field manager. It is forced, so objects that other tools
/// created are adopted.
#[must_use]
pub fn apply_params() -> PatchParams {
    PatchParams::apply(platform::FIELD_MANAGER).force()
}

/// Returns the parameters of a merge patch as our field manager.
#[must_use]
pub fn merge_params() -> PatchParams {
    PatchParams::apply(platform::FIELD_MANAGER)
}

/// Returns the parameters of a creation or replacement as our field manager.
#[must_use]
pub fn post_params() -> PostParams {
    PostParams { field_manager: Some(platform::FIELD_MANAGER.to_owned()), ..PostParams::default() }
}

impl Client {
    /// Returns an object. `T` may have only the fields that are needed.
    ///
    /// # Errors
    /// Those of every request; also if the object does not exist.
    pub async fn get<T: DeserializeOwned>(&self, object: &ObjectPath) -> Result<T, Error> {
        let (requests, name) = object.requests()?;
        self.exchange().json(requests.get(&name, &GetParams::default())?).await
    }

    /// Returns an object, or `None` if it does not exist.
    ///
    /// # Errors
    /// Those of every request.
    pub async fn get_opt<T: DeserializeOwned>(&self, object: &ObjectPath) -> Result<Option<T>, Error> {
        match self.get(object).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the objects of a collection that the parameters select, in pages of 500; the parameters' own limit and
    /// token are ignored. `T` may have only the fields that are needed. All pages [share one time
    /// limit](Self::sharing_read_time).
    ///
    /// # Errors
    /// Those of every request. A list whose pages expire is started again up to three times. A list that repeats a page,
    /// or has more pages than the [limits](crate::RequestLimits) allow, is [`Error::Malformed`].
    pub async fn list<T: DeserializeOwned>(
        &self,
        collection: &Collection,
        params: &ListParams,
    ) -> Result<List<T>, Error> {
        let client = self.sharing_read_time();
        let mut items = Vec::new();
        let mut restarts = 0;
        let mut pages = client.pages(collection, params);
        let mut resource_version = String::new();
        loop {
            match pages.next().await {
                Ok(Some(page)) => {
                    items.extend(page.items);
                    resource_version = page.resource_version;
                }
                Ok(None) => return Ok(List { items, resource_version }),
                Err(error) if pages.has_started() && error.is_gone() && restarts < RESTARTS => {
                    restarts += 1;
                    items.clear();
                    pages = client.pages(collection, params);
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Returns the pages of a list, so a large one need not be held in memory; see [`list`](Self::list).
    #[must_use]
    pub fn pages<T: DeserializeOwned>(&self, collection: &Collection, params: &ListParams) -> Pages<T> {
        Pages {
            client: self.clone(),
            collection: collection.clone(),
            params: ListParams { limit: Some(PAGE), continue_token: None, ..params.clone() },
            tokens: HashSet::new(),
            is_done: false,
            items: PhantomData,
        }
    }

    /// Returns the log of a container, at most 64 MiB. `follow` is ignored; for that, see
    /// [`LogReader`](crate::LogReader).
    ///
    /// # Errors
    /// Those of every request; also if there is no such pod, container or run.
    pub async fn logs(&self, pod: &ObjectPath, params: &LogParams) -> Result<Untrusted, Error> {
        let (requests, name) = pod.requests()?;
        let request = requests.logs(&name, &LogParams { follow: false, ..params.clone() })?;
        let answer = self.exchange().send(&request.map(Bytes::from), ANSWER_LIMIT).await?;
        Ok(Untrusted::new(String::from_utf8_lossy(answer.body())))
    }

    /// Applies an object with server-side apply and returns the stored object. See [`apply_params`].
    ///
    /// ```
    /// # async fn example(client: toolforge_client::Client) -> Result<(), toolforge_client::Error> {
    /// use k8s_openapi::api::core::v1::ConfigMap;
    /// use serde_json::json;
    /// use toolforge_client::{ResourceType, apply_params};
    ///
    /// let path = ResourceType::of::<ConfigMap>().in_namespace("tool-stashbot").named("notes");
    /// let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"color": "blue"}});
    /// // What would happen:
    /// let stored: ConfigMap = client.apply(&path, &map, &apply_params().dry_run()).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of every request. Repeated when the server is busy.
    pub async fn apply<T: DeserializeOwned>(
        &self,
        object: &ObjectPath,
        document: &impl Serialize,
        params: &PatchParams,
    ) -> Result<T, Error> {
        self.patch(object, &Patch::Apply(document), params).await
    }

    /// Merges fields into an object and returns the stored object: `null` removes a field, and lists of named items are
    /// merged by name. It can change fields that a server-side apply cannot remove because another manager owns them.
    /// See [`merge_params`].
    ///
    /// # Errors
    /// Those of every request. Repeated when the server is busy.
    pub async fn merge<T: DeserializeOwned>(
        &self,
        object: &ObjectPath,
        document: &impl Serialize,
        params: &PatchParams,
    ) -> Result<T, Error> {
        self.patch(object, &Patch::Strategic(document), params).await
    }

    pub(crate) async fn patch<T: DeserializeOwned, D: Serialize>(
        &self,
        object: &ObjectPath,
        patch: &Patch<D>,
        params: &PatchParams,
    ) -> Result<T, Error> {
        let (requests, name) = object.requests()?;
        self.exchange().json(requests.patch(&name, params, patch)?).await
    }

    /// Creates an object and returns the stored object. See [`post_params`].
    ///
    /// # Errors
    /// Those of every request. Repeated only if the server certainly did not create the object: it was busy, or another
    /// request changed the same quota at the same moment.
    pub async fn create<T: DeserializeOwned>(
        &self,
        collection: &Collection,
        document: &impl Serialize,
        params: &PostParams,
    ) -> Result<T, Error> {
        self.exchange().json(collection.requests()?.create(params, body(document)?)?).await
    }

    /// Lets the API server check the creation of an object with strict validation, including admission; it stores nothing.
    ///
    /// If an object of that name exists, the server says so only after it has found nothing else, except the quota.
    ///
    /// # Errors
    /// Those of [`create`](Self::create); a field that the kind does not have is also refused.
    pub async fn check_creation(
        &self,
        collection: &Collection,
        document: &impl Serialize,
    ) -> Result<(), Error> {
        let params = PostParams { dry_run: true, ..post_params() };
        let mut request = collection.requests()?.create(&params, body(document)?)?;
        let strict = format!("{}&fieldValidation=Strict", request.uri()).parse();
        *request.uri_mut() = strict.map_err(|error: http::uri::InvalidUri| Error::InvalidRequest {
            reason: Untrusted::new(error.to_string()),
        })?;
        self.exchange().json::<IgnoredAny>(request).await?;
        Ok(())
    }

    /// Replaces an object and returns the stored object. A document with a resource version replaces only that version.
    ///
    /// # Errors
    /// Those of every request. Repeated only if the server certainly did not replace the object.
    pub async fn replace<T: DeserializeOwned>(
        &self,
        object: &ObjectPath,
        document: &impl Serialize,
        params: &PostParams,
    ) -> Result<T, Error> {
        let (requests, name) = object.requests()?;
        self.exchange().json(requests.replace(&name, params, body(document)?)?).await
    }

    /// Deletes an object.
    ///
    /// # Errors
    /// Those of every request. An object that does not meet the preconditions is a
    /// [`Conflict`](crate::StatusKind::Conflict).
    pub async fn delete(&self, object: &ObjectPath, params: &DeleteParams) -> Result<Deleted, Error> {
        let (requests, name) = object.requests()?;
        let request: Request<Vec<u8>> = requests.delete(&name, params)?;
        let request = request.map(Bytes::from);
        match self.exchange().send(&request, OBJECT_LIMIT).await {
            // A proxy's page is not a success.
            Ok(answer) => match read_json::<IgnoredAny>(&request, &answer) {
                Ok(_) => Ok(Deleted::Accepted),
                Err(error) => Err(error.of_request(&request)),
            },
            Err(error) if error.is_not_found() => Ok(Deleted::AlreadyGone),
            Err(error) => Err(error),
        }
    }
}

fn body(document: &impl Serialize) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(document).map_err(|error| request::Error::SerializeBody(error).into())
}
