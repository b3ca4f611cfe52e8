use std::time::Duration;

use bytes::Bytes;
use http::header::HeaderValue;
use http::{Request, Response};
use http_body_util::BodyExt;
use kube::client::Body;
use toolforge_model::ToolName;

use crate::connect::{Kubeconfig, KubeconfigError};
use crate::error::ClientError;
use crate::refusal::Refusal;
use crate::transport::{self, ConnectError, Credentials};

/// How long one answer may take: the API server itself gives up on a request after a minute.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(20);

/// A connection to the API server on behalf of one tool.
#[derive(Clone)]
pub struct Connection {
    client: kube::Client,
    tool: ToolName,
}

impl Connection {
    /// Connects as a kubeconfig says; the first request makes the connection. Needs a tokio runtime.
    ///
    /// `user_agent` is what the API server's log shows; `impersonate` is the user as whom an admin asks.
    ///
    /// # Errors
    /// When the kubeconfig's token or authority cannot be used, or a name cannot stand in a header.
    pub fn new(
        kubeconfig: &Kubeconfig,
        tool: ToolName,
        user_agent: &str,
        impersonate: Option<&str>,
    ) -> Result<Self, KubeconfigError> {
        let header = |text: &str, field| {
            HeaderValue::try_from(text).map_err(|_| KubeconfigError::Field {
                path: kubeconfig.path().to_path_buf(),
                field,
                reason: "it has characters that no header may have",
            })
        };
        let credentials = Credentials {
            user_agent: header(user_agent, "user agent")?,
            impersonate: impersonate.map(|user| header(user, "user to ask as")).transpose()?,
        };
        Ok(Self { client: transport::client(kubeconfig, &credentials)?, tool })
    }

    /// Uses a client of the caller's own.
    #[must_use]
    pub fn with_client(client: kube::Client, tool: ToolName) -> Self {
        Self { client, tool }
    }

    /// Returns the tool on whose behalf it asks.
    #[must_use]
    pub fn tool(&self) -> &ToolName {
        &self.tool
    }

    /// Sends a request and returns the whole answer, or what the API server refused it with.
    pub(crate) async fn send(&self, request: Request<Body>) -> Result<Bytes, ClientError> {
        let answer = async {
            let response = self.open(request).await?;
            let body = response
                .into_body()
                .collect()
                .await
                .map_err(|error| ClientError::Broken { source: error.into() })?;
            Ok(body.to_bytes())
        };
        tokio::time::timeout(ANSWER_TIMEOUT, answer)
            .await
            .unwrap_or(Err(ClientError::NoAnswer { seconds: ANSWER_TIMEOUT.as_secs() }))
    }

    /// Sends a request and returns the answer, its body still to be read, or what the API server refused it with.
    pub(crate) async fn open(&self, request: Request<Body>) -> Result<Response<Body>, ClientError> {
        let opened = tokio::time::timeout(ANSWER_TIMEOUT, self.client.send(request));
        let response = match opened.await {
            Err(_) => return Err(ClientError::NoAnswer { seconds: ANSWER_TIMEOUT.as_secs() }),
            Ok(Err(error)) => return Err(not_sent(error)),
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let retry_after =
            response.headers().get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after = retry_after.and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
        let body = response
            .into_body()
            .collect()
            .await
            .map_err(|error| ClientError::Broken { source: error.into() })?;
        Err(ClientError::Refused(Refusal::new(status.as_u16(), &body.to_bytes(), retry_after)))
    }
}

/// Returns why a request got no answer: the connector's own words where there are some.
fn not_sent(error: kube::Error) -> ClientError {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(&error);
    while let Some(current) = source {
        if let Some(connect) = current.downcast_ref::<ConnectError>() {
            return ClientError::Connect(connect.clone());
        }
        source = current.source();
    }
    ClientError::Broken { source: error.into() }
}
