//! One request to a web service, through the API server.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use tokio::time::timeout;
use toolforge_model::{ToolName, platform};

use crate::{Client, Error};

/// How long the page may take.
const TIMEOUT: Duration = Duration::from_secs(5);

impl Client {
    /// Requests `/` of a tool's web service once, through the proxy of its Service, and returns the HTTP status if it is an
    /// error of the server, from 500 on.
    ///
    /// Returns `None` for every other answer, where the tool may not use the proxy, and where the web service does not
    /// answer within 5 seconds.
    pub async fn page_error(&self, tool: &ToolName) -> Option<u16> {
        let path =
            format!("/api/v1/namespaces/{}/services/{tool}:{}/proxy/", tool.namespace(), platform::WEB_PORT);
        let request = Request::get(path).body(Bytes::new()).ok()?;
        match timeout(TIMEOUT, self.exchange().open(&request)).await.ok()? {
            // The API server's own answer, where it reaches no pod, is a `Status` with a reason; a page is none.
            Err(Error::Api(answer)) if answer.code() >= 500 && answer.reason().as_raw().is_empty() => {
                Some(answer.code())
            }
            _ => None,
        }
    }
}
