//! Reading objects.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toolforge_model::Untrusted;

use crate::client::Call;
use crate::error::RefusalKind;
use crate::path::with_query;
use crate::{Client, Collection, Error, ObjectPath, Selector};

/// How many objects one page of a list has: as fast as 5,000 and a tenth of the memory.
const PAGE: &str = "500";

/// How often a list is begun anew because its next page became too old to be told.
const RESTARTS: u32 = 3;

/// A whole list, as it was at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T> {
    /// The objects.
    pub items: Vec<T>,
    /// The moment, in the API server's own count; a watch can go on from it.
    pub resource_version: String,
}

#[derive(Deserialize)]
struct Page<T> {
    #[serde(default)]
    metadata: PageMetadata,
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

impl Client {
    /// Returns an object. `T` may have only the fields that are wanted.
    ///
    /// # Errors
    /// As every request; that the object does not exist is an error, too.
    pub async fn get<T: DeserializeOwned>(&self, object: &ObjectPath) -> Result<T, Error> {
        self.json(&Call::get(object.path()?)).await
    }

    /// Returns an object, or `None` where it does not exist.
    ///
    /// # Errors
    /// As every request.
    pub async fn find<T: DeserializeOwned>(&self, object: &ObjectPath) -> Result<Option<T>, Error> {
        match self.get(object).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the last lines that a container of a pod wrote, of its previous run where that is asked for.
    ///
    /// # Errors
    /// As every request; that there is no such pod, container or run is an error, too.
    pub async fn last_lines(
        &self,
        pod: &ObjectPath,
        container: &str,
        previous: bool,
        lines: u32,
    ) -> Result<Untrusted, Error> {
        let lines = lines.to_string();
        let query = [
            ("container", Some(container)),
            ("previous", previous.then_some("true")),
            ("tailLines", Some(lines.as_str())),
        ];
        let answer = self.answer(&Call::get(with_query(&format!("{}/log", pod.path()?), &query))).await?;
        Ok(Untrusted::new(String::from_utf8_lossy(&answer)))
    }

    /// Returns the objects of a collection, fetched in pages of 500. `T` may have only the fields that are wanted.
    ///
    /// # Errors
    /// As every request. A list whose pages become too old in between is begun anew three times.
    pub async fn list<T: DeserializeOwned>(
        &self,
        collection: &Collection,
        selector: &Selector,
    ) -> Result<List<T>, Error> {
        let (path, labels, fields) = (collection.path()?, selector.label_query(), selector.field_query());
        let mut items = Vec::new();
        let mut next: Option<String> = None;
        let mut restarts = 0;
        loop {
            let query = [
                ("continue", next.as_deref()),
                ("fieldSelector", Some(fields.as_str())),
                ("labelSelector", Some(labels.as_str())),
                ("limit", Some(PAGE)),
            ];
            let page: Page<T> = match self.json(&Call::get(with_query(&path, &query))).await {
                Ok(page) => page,
                Err(error) if next.is_some() && is_gone(&error) && restarts < RESTARTS => {
                    restarts += 1;
                    items.clear();
                    next = None;
                    continue;
                }
                Err(error) => return Err(error),
            };
            items.extend(page.items.into_iter().flatten());
            next = page.metadata.next.filter(|token| !token.is_empty());
            if next.is_none() {
                let resource_version = page.metadata.resource_version.unwrap_or_default();
                return Ok(List { items, resource_version });
            }
        }
    }
}

pub(crate) fn is_gone(error: &Error) -> bool {
    error.refusal().is_some_and(|refusal| *refusal.kind() == RefusalKind::Gone)
}
