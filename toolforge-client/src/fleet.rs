//! The ResourceQuotas of all namespaces, page by page.

use std::collections::VecDeque;

use futures_util::future::join_all;
use k8s_openapi::api::core::v1::{Namespace, ResourceQuota};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::ListParams;
use toolforge_model::ToolName;

use crate::{Client, Error, Pages, ResourceType};

/// How many namespaces are read at the same time if they have to be read one by one.
const AT_ONCE: usize = 16;

/// How often a list is started again because its next page has expired.
const RESTARTS: u32 = 3;

/// The ResourceQuotas of all namespaces, in pages of up to 500, sorted by namespace and name.
///
/// If the caller may not list them in the whole cluster, the namespaces of tools are read one by one; see
/// [`Client::all_quotas`].
pub struct QuotaPages {
    client: Client,
    source: Source,
    /// The last quota of the pages so far.
    last: Option<String>,
    restarts: u32,
}

enum Source {
    Cluster(Box<Pages<ResourceQuota>>),
    Namespaces(VecDeque<String>),
}

/// A page of quotas.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct QuotaPage {
    /// The quotas.
    pub quotas: Vec<ResourceQuota>,
    /// The namespaces whose quotas cannot be read; empty if all quotas are one list.
    pub refused: Vec<RefusedNamespace>,
}

/// A namespace whose quotas cannot be read.
#[derive(Debug)]
#[non_exhaustive]
pub struct RefusedNamespace {
    /// The name of the namespace.
    pub namespace: String,
    /// The response of the API server.
    pub error: Error,
}

impl Client {
    /// Returns the quotas of all namespaces, with one request for each page of 500.
    ///
    /// If the API server forbids the list, the namespaces of tools are listed and read one by one, 16 at a time.
    #[must_use]
    pub fn all_quotas(&self) -> QuotaPages {
        QuotaPages {
            client: self.clone(),
            source: Source::Cluster(Box::new(self.quota_list())),
            last: None,
            restarts: 0,
        }
    }

    fn quota_list(&self) -> Pages<ResourceQuota> {
        self.pages(&ResourceType::of::<ResourceQuota>().all_namespaces(), &ListParams::default())
    }

    async fn tool_namespaces(&self) -> Result<VecDeque<String>, Error> {
        let collection = ResourceType::of::<Namespace>().all_namespaces();
        let namespaces = self.list::<Namespace>(&collection, &ListParams::default()).await?;
        let names = namespaces.items.into_iter().filter_map(|namespace| namespace.metadata.name);
        Ok(names.filter(|name| ToolName::from_namespace(name).is_some()).collect())
    }

    async fn quotas_of(&self, namespace: &str) -> Result<Vec<ResourceQuota>, Error> {
        let collection = ResourceType::of::<ResourceQuota>().in_namespace(namespace);
        Ok(self.list(&collection, &ListParams::default()).await?.items)
    }
}

impl QuotaPages {
    /// Returns the next page, or `None` after the last one.
    ///
    /// # Errors
    /// Those of every request, but not the refusal to read one of several namespaces. A list whose pages expire is
    /// continued after the last quota, up to three times.
    pub async fn next(&mut self) -> Result<Option<QuotaPage>, Error> {
        loop {
            match &mut self.source {
                Source::Cluster(pages) => match pages.next().await {
                    Ok(None) => return Ok(None),
                    Ok(Some(page)) => {
                        let quotas = self.after_last(page.items);
                        if !quotas.is_empty() {
                            return Ok(Some(QuotaPage { quotas, refused: Vec::new() }));
                        }
                    }
                    Err(error) if error.is_forbidden() && !pages.has_started() && self.last.is_none() => {
                        self.source = Source::Namespaces(self.client.tool_namespaces().await?);
                    }
                    Err(error) if error.is_gone() && pages.has_started() && self.restarts < RESTARTS => {
                        self.restarts += 1;
                        self.source = Source::Cluster(Box::new(self.client.quota_list()));
                    }
                    Err(error) => return Err(error),
                },
                Source::Namespaces(names) => {
                    let count = names.len().min(AT_ONCE);
                    let names: Vec<String> = names.drain(..count).collect();
                    return if names.is_empty() { Ok(None) } else { self.namespaces(names).await.map(Some) };
                }
            }
        }
    }

    /// Returns the quotas that were in no page before, and remembers the last one.
    fn after_last(&mut self, mut quotas: Vec<ResourceQuota>) -> Vec<ResourceQuota> {
        if let Some(last) = &self.last {
            quotas.retain(|quota| key(&quota.metadata) > *last);
        }
        if let Some(quota) = quotas.last() {
            self.last = Some(key(&quota.metadata));
        }
        quotas
    }

    async fn namespaces(&self, names: Vec<String>) -> Result<QuotaPage, Error> {
        let answers = join_all(names.iter().map(|namespace| self.client.quotas_of(namespace))).await;
        let mut page = QuotaPage::default();
        for (namespace, answer) in names.into_iter().zip(answers) {
            match answer {
                Ok(quotas) => page.quotas.extend(quotas),
                Err(error) if error.is_forbidden() => {
                    page.refused.push(RefusedNamespace { namespace, error });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(page)
    }
}

/// Returns the key by which the server sorts a list: `tool-a-b/x` comes before `tool-a/x`.
fn key(metadata: &ObjectMeta) -> String {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    format!("{}/{}", text(&metadata.namespace), text(&metadata.name))
}
