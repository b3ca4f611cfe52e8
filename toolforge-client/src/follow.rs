//! Waiting by watch: the web service's objects are kept up to date, and a decision is asked for after every change.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use http_body_util::BodyExt;
use k8s_openapi::Metadata;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::Instant;
use toolforge_render::facts::LiveWebService;

use crate::connection::Connection;
use crate::error::ClientError;
use crate::facts::selector;
use crate::read::{paths, request};
use crate::refusal::RefusalKind;

/// How long to wait before a watch that the server ended is opened again.
const BETWEEN_WATCHES: Duration = Duration::from_millis(300);

/// How a wait ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Followed<T> {
    /// The decision fell.
    Decided(T),
    /// The time was over first.
    TimedOut,
}

impl Connection {
    /// Watches the Deployment, its ReplicaSets and its pods, and asks `decide` after every change until it returns
    /// something or the time is over. `live` holds the last state then.
    ///
    /// # Errors
    /// When the API server cannot be reached or refuses.
    pub async fn follow<T>(
        &self,
        live: &mut LiveWebService,
        timeout: Duration,
        mut decide: impl FnMut(&LiveWebService) -> Option<T>,
    ) -> Result<Followed<T>, ClientError> {
        let namespace = self.tool().namespace();
        let by_name = format!("fieldSelector={}", paths::escaped(&format!("metadata.name={}", self.tool())));
        let by_label = selector(self.tool());
        let collection = |group, resource| paths::collection(group, &namespace, resource);
        let mut deployments = Watch::<Deployment>::new(collection("apps/v1", "deployments"), by_name);
        let mut replica_sets =
            Watch::<ReplicaSet>::new(collection("apps/v1", "replicasets"), by_label.clone());
        let mut pods = Watch::<Pod>::new(collection("v1", "pods"), by_label);
        let end = Instant::now() + timeout;
        loop {
            // Nothing is decided on a half-read state.
            if deployments.is_read && replica_sets.is_read && pods.is_read {
                live.deployment = deployments.objects.values().next().cloned();
                live.replica_sets = replica_sets.objects.values().cloned().collect();
                live.pods = pods.objects.values().cloned().collect();
                if let Some(decision) = decide(live) {
                    return Ok(Followed::Decided(decision));
                }
            }
            tokio::select! {
                changed = deployments.change(self) => changed?,
                changed = replica_sets.change(self) => changed?,
                changed = pods.change(self) => changed?,
                () = tokio::time::sleep_until(end) => return Ok(Followed::TimedOut),
            }
        }
    }
}

/// A collection that is kept up to date: listed once, then watched from there.
///
/// All state is in the struct, so a change that is waited for may be dropped and waited for again.
struct Watch<T> {
    path: String,
    query: String,
    objects: BTreeMap<String, T>,
    is_read: bool,
    version: String,
    stream: Option<Body>,
    buffer: Vec<u8>,
    reopen_at: Option<Instant>,
}

#[derive(Deserialize)]
struct Event {
    r#type: String,
    object: Value,
}

impl<T: DeserializeOwned + Metadata<Ty = ObjectMeta>> Watch<T> {
    fn new(path: String, query: String) -> Self {
        Self {
            path,
            query,
            objects: BTreeMap::new(),
            is_read: false,
            version: String::new(),
            stream: None,
            buffer: Vec::new(),
            reopen_at: None,
        }
    }

    /// Waits until something has changed.
    async fn change(&mut self, connection: &Connection) -> Result<(), ClientError> {
        if !self.is_read {
            let (objects, version) = connection.list_at::<T>(&self.path, &self.query).await?;
            let keyed = objects.into_iter().map(|object| (uid(&object), object));
            self.objects = keyed.collect();
            self.version = version;
            self.is_read = true;
            return Ok(());
        }
        loop {
            if let Some(event) = self.buffered_event()? {
                if self.take(event)? {
                    return Ok(());
                }
                continue;
            }
            self.fill(connection).await?;
        }
    }

    /// Reads on, opening the watch where it is not open.
    async fn fill(&mut self, connection: &Connection) -> Result<(), ClientError> {
        if let Some(moment) = self.reopen_at {
            tokio::time::sleep_until(moment).await;
            self.reopen_at = None;
        }
        if self.stream.is_none() {
            let Self { path, query, version, .. } = self;
            let url = format!("{path}?watch=true&allowWatchBookmarks=true&resourceVersion={version}&{query}");
            match connection.open(request(Method::GET, &url, None)).await {
                Ok(response) => self.stream = Some(response.into_body()),
                Err(ClientError::Refused(refusal)) if refusal.kind() == RefusalKind::Gone => {
                    self.begin_anew();
                }
                Err(error) => return Err(error),
            }
            return Ok(());
        }
        let Some(stream) = &mut self.stream else { return Ok(()) };
        match stream.frame().await {
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    self.buffer.extend_from_slice(&bytes);
                }
            }
            // The server ends every watch after some minutes, and may fall over at any time: go on from the last
            // version. Where it is gone for good, opening says so.
            Some(Err(_)) | None => {
                self.stream = None;
                self.buffer.clear();
                self.reopen_at = Some(Instant::now() + BETWEEN_WATCHES);
            }
        }
        Ok(())
    }

    fn buffered_event(&mut self) -> Result<Option<Event>, ClientError> {
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else { return Ok(None) };
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        serde_json::from_slice(&line).map(Some).map_err(|source| self.not_understood(source))
    }

    /// Takes an event in; returns whether it changed an object.
    fn take(&mut self, event: Event) -> Result<bool, ClientError> {
        let version =
            event.object.pointer("/metadata/resourceVersion").and_then(Value::as_str).map(str::to_owned);
        match event.r#type.as_str() {
            "ADDED" | "MODIFIED" | "DELETED" => {
                let is_gone = event.r#type == "DELETED";
                let object: T =
                    serde_json::from_value(event.object).map_err(|source| self.not_understood(source))?;
                if is_gone {
                    self.objects.remove(&uid(&object));
                } else {
                    self.objects.insert(uid(&object), object);
                }
                self.version = version.unwrap_or_default();
                Ok(true)
            }
            "BOOKMARK" => {
                self.version = version.unwrap_or_default();
                Ok(false)
            }
            // An error in the stream is mostly a version that the server has forgotten; listing says what else.
            _ => {
                self.begin_anew();
                Ok(false)
            }
        }
    }

    fn begin_anew(&mut self) {
        self.is_read = false;
        self.stream = None;
        self.buffer.clear();
        self.reopen_at = Some(Instant::now() + BETWEEN_WATCHES);
    }

    fn not_understood(&self, source: serde_json::Error) -> ClientError {
        ClientError::NotUnderstood { request: format!("GET {}?watch=true", self.path), source }
    }
}

fn uid(object: &impl Metadata<Ty = ObjectMeta>) -> String {
    object.metadata().uid.clone().unwrap_or_default()
}
