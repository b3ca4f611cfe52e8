//! The frames of a watch's answer: one JSON object on each line.

use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::timeout;

/// The longest line; an object has at most etcd's 1.5 MB, and its JSON a little more.
const LINE_LIMIT: usize = 16 * 1024 * 1024;

/// The answer of a watch as frames.
pub(crate) struct Frames {
    body: Body,
    buffer: BytesMut,
    idle: Duration,
}

/// One frame.
pub(crate) enum Frame<T> {
    /// An object was created or changed.
    Applied(T, Option<String>),
    /// An object was deleted.
    Deleted(T, Option<String>),
    /// Nothing changed up to this resource version.
    Bookmark(Option<String>),
    /// The server ends the watch, and this is why.
    Ended(Box<Status>),
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: String,
    object: HeadObject,
}

#[derive(Deserialize)]
struct HeadObject {
    #[serde(default)]
    metadata: HeadMetadata,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct HeadMetadata {
    #[serde(default)]
    resource_version: Option<String>,
}

#[derive(Deserialize)]
struct Envelope<T> {
    object: T,
}

impl Frames {
    /// Reads frames from an answer; when nothing comes for as long as `idle`, the answer counts as ended.
    pub(crate) fn new(body: Body, idle: Duration) -> Self {
        Self { body, buffer: BytesMut::new(), idle }
    }

    /// Returns the next frame, or `None` where the answer has ended, was cut off, or is not a watch's: in all
    /// three cases the watch continues after the last complete frame.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Option<Frame<T>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let line = self.buffer.split_to(end + 1);
                if !line.trim_ascii().is_empty() {
                    return read(&line);
                }
                continue;
            }
            let frame = timeout(self.idle, self.body.frame()).await.ok()??.ok()?;
            if let Some(data) = frame.data_ref() {
                self.buffer.extend_from_slice(data);
                if self.buffer.len() > LINE_LIMIT {
                    return None;
                }
            }
        }
    }
}

fn read<T: DeserializeOwned>(line: &[u8]) -> Option<Frame<T>> {
    let Head { kind, object } = serde_json::from_slice(line).ok()?;
    let version = object.metadata.resource_version;
    let whole = |line| Some(serde_json::from_slice::<Envelope<T>>(line).ok()?.object);
    match kind.as_str() {
        "ADDED" | "MODIFIED" => Some(Frame::Applied(whole(line)?, version)),
        "DELETED" => Some(Frame::Deleted(whole(line)?, version)),
        "BOOKMARK" => Some(Frame::Bookmark(version)),
        "ERROR" => {
            Some(Frame::Ended(Box::new(serde_json::from_slice::<Envelope<Status>>(line).ok()?.object)))
        }
        _ => None,
    }
}
