//! One request to a web service, through the API server.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::time::timeout;
use toolforge_model::{ToolName, platform};

use crate::{Client, Error};

/// How long the page may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// The error of the page of a running web service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PageError {
    /// The response is a server error: an HTTP status of 500 or above.
    Status(u16),
    /// There is no response within 5 seconds.
    NoAnswer,
}

impl Client {
    /// Requests `/` of a tool's web service once, through the proxy of its Service, and returns the error if the response is
    /// one.
    ///
    /// Returns `None` for every other response, and if the tool may not use the proxy.
    pub async fn page_error(&self, tool: &ToolName) -> Option<PageError> {
        let path =
            format!("/api/v1/namespaces/{}/services/{tool}:{}/proxy/", tool.namespace(), platform::WEB_PORT);
        let request = Request::get(path).body(Bytes::new()).ok()?;
        let Ok(answer) = timeout(TIMEOUT, self.exchange().open(&request)).await else {
            return Some(PageError::NoAnswer);
        };
        match answer {
            // If the API server reaches no pod, its own response is a `Status` with a reason; a page has none.
            Err(Error::Api(answer)) if answer.code() >= 500 && answer.reason().as_raw().is_empty() => {
                Some(PageError::Status(answer.code()))
            }
            _ => None,
        }
    }
}
