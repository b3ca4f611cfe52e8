//! The frames of a watch's response: one JSON object on each line.

use std::time::Duration;

use bytes::BytesMut;
use http_body_util::BodyExt as _;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::client::Body;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout_at};

/// The longest line; an object has at most etcd's 1.5 MB, and its JSON a little more.
const LINE_LIMIT: usize = 16 * 1024 * 1024;

/// The response of a watch as frames.
pub(crate) struct Frames {
    body: Body,
    buffer: BytesMut,
    /// The length of the buffer's beginning without a line end.
    searched: usize,
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
    Refused(Box<Status>),
    /// The response has ended, was cut off, or is not a watch's: the watch continues after the last complete frame.
    Ended,
    /// No whole frame came in time, or it is too long: changes may have been missed.
    Stalled,
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
    /// Reads frames from a response, each within the time `idle`.
    pub(crate) fn new(body: Body, idle: Duration) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0, idle }
    }

    /// Returns the next frame.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Frame<T> {
        // A frame that arrives in pieces has to be complete in time.
        let deadline = Instant::now() + self.idle;
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|&byte| byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1);
                self.searched = 0;
                if !line.trim_ascii().is_empty() {
                    return read(&line).unwrap_or(Frame::Ended);
                }
                continue;
            }
            self.searched = self.buffer.len();
            let frame = match timeout_at(deadline, self.body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None | Some(Err(_))) => return Frame::Ended,
                Err(_) => return Frame::Stalled,
            };
            if let Some(data) = frame.data_ref() {
                self.buffer.extend_from_slice(data);
                if self.buffer.len() > LINE_LIMIT {
                    return Frame::Stalled;
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
            Some(Frame::Refused(Box::new(serde_json::from_slice::<Envelope<Status>>(line).ok()?.object)))
        }
        _ => None,
    }
}
