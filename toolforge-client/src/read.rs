use http::{Method, Request};
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::connection::Connection;
use crate::error::ClientError;
use crate::refusal::RefusalKind;

/// The most objects in one answer to a list: larger pages are no faster and need more memory.
const PAGE: u32 = 500;

/// The API's paths, each made of names that are DNS labels and need no escaping.
pub mod paths {
    use std::fmt::Write;

    /// Returns the path of a resource's collection in a namespace; an empty group is the core API.
    #[must_use]
    pub fn collection(group_version: &str, namespace: &str, resource: &str) -> String {
        let root = if group_version.contains('/') { "apis" } else { "api" };
        format!("/{root}/{group_version}/namespaces/{namespace}/{resource}")
    }

    /// Returns the path of one object in a namespace.
    #[must_use]
    pub fn object(group_version: &str, namespace: &str, resource: &str, name: &str) -> String {
        format!("{}/{}", collection(group_version, namespace, resource), escaped(name))
    }

    /// Returns a text as one part of a path or a query.
    #[must_use]
    pub fn escaped(text: &str) -> String {
        let mut escaped = String::new();
        for byte in text.bytes() {
            if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
                escaped.push(char::from(byte));
            } else {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "%{byte:02X}");
            }
        }
        escaped
    }
}

/// One page of a list.
#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
    #[serde(default = "Vec::new")]
    items: Vec<T>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(default)]
    r#continue: Option<String>,
    #[serde(default)]
    resource_version: Option<String>,
}

impl Connection {
    /// Returns an object, or `None` where it or its API does not exist. `T` holds the fields that are wanted.
    ///
    /// # Errors
    /// When the API server cannot be reached, refuses, or answers with something else.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, ClientError> {
        match self.get_or_refusal(path).await {
            Ok(found) => Ok(Some(found)),
            Err(ClientError::Refused(refusal))
                if matches!(refusal.kind(), RefusalKind::NotFound | RefusalKind::NotServed) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Returns all objects of a collection, fetched in pages of 500. `query` is the query without `?`, such as
    /// `labelSelector=name%3Dx`, or empty.
    ///
    /// # Errors
    /// When the API server cannot be reached, refuses, or answers with something else.
    pub async fn list<T: DeserializeOwned>(&self, path: &str, query: &str) -> Result<Vec<T>, ClientError> {
        self.list_at(path, query).await.map(|(items, _)| items)
    }

    /// Returns all objects of a collection and the version from which a watch goes on.
    pub(crate) async fn list_at<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
    ) -> Result<(Vec<T>, String), ClientError> {
        let mut items = Vec::new();
        let mut token: Option<String> = None;
        loop {
            let mut url = format!("{path}?limit={PAGE}");
            if !query.is_empty() {
                url = format!("{url}&{query}");
            }
            if let Some(token) = &token {
                url = format!("{url}&continue={}", paths::escaped(token));
            }
            let page: Page<T> = match self.get_or_refusal(&url).await {
                Ok(page) => page,
                // The server has forgotten the snapshot that the pages are of: begin anew.
                Err(ClientError::Refused(refusal))
                    if token.is_some() && refusal.kind() == RefusalKind::Gone =>
                {
                    items.clear();
                    token = None;
                    continue;
                }
                Err(error) => return Err(error),
            };
            items.extend(page.items);
            token = page.metadata.r#continue.filter(|token| !token.is_empty());
            if token.is_none() {
                return Ok((items, page.metadata.resource_version.unwrap_or_default()));
            }
        }
    }

    pub(crate) async fn get_or_refusal<T: DeserializeOwned>(&self, url: &str) -> Result<T, ClientError> {
        let answer = self.retrying(|| request(Method::GET, url, None)).await?;
        serde_json::from_slice(&answer)
            .map_err(|source| ClientError::NotUnderstood { request: format!("GET {url}"), source })
    }
}

/// Returns a request with a body and its type.
pub(crate) fn request(method: Method, url: &str, body: Option<(&'static str, Vec<u8>)>) -> Request<Body> {
    let mut builder =
        Request::builder().method(method).uri(url).header(http::header::ACCEPT, "application/json");
    let body = match body {
        Some((content_type, bytes)) => {
            builder = builder.header(http::header::CONTENT_TYPE, content_type);
            Body::from(bytes)
        }
        None => Body::empty(),
    };
    builder.body(body).expect("paths are made of DNS labels and escaped texts")
}
