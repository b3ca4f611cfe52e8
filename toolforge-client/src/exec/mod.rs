//! Running a command in a container, over a WebSocket.

mod channel;
mod end;

pub use channel::{RemoteInput, RemoteOutput, RemoteProcess, Said};
pub use end::RemoteEnd;

use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL};
use http::header::{SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kube::client::Body;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use toolforge_model::Untrusted;

use crate::client::{Call, of_kube};
use crate::path::with_query;
use crate::transport::TransportError;
use crate::{Client, Error, ObjectPath};

/// The protocols of the channels: the newer one can say that the input has ended (Kubernetes 1.30), the older one is
/// that of all servers before.
const PROTOCOLS: &str = "v5.channel.k8s.io, v4.channel.k8s.io";
const CLOSES_INPUT: &str = "v5.channel.k8s.io";

/// What is run, and how it is connected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExecOptions<'a> {
    /// The container.
    pub container: &'a str,
    /// The program and its arguments.
    pub command: &'a [String],
    /// Whether the command is given an input; otherwise it finds an empty one.
    pub stdin: bool,
    /// Whether the command is given a terminal: what it writes then comes as one stream.
    pub tty: bool,
}

impl Client {
    /// Runs a command in a container of a pod.
    ///
    /// It has a connection of its own, because the protocol is one of HTTP/1.1.
    ///
    /// # Errors
    /// As every request; where the server does not speak the protocol, the answer cannot be read.
    pub async fn exec(&self, pod: &ObjectPath, options: &ExecOptions<'_>) -> Result<RemoteProcess, Error> {
        let ExecOptions { container, command, stdin, tty } = options;
        let flag = |wanted: bool| Some(if wanted { "true" } else { "false" });
        let mut query = vec![
            ("container", Some(*container)),
            ("stdin", flag(*stdin)),
            ("stdout", flag(true)),
            // A terminal is one stream, and the server refuses to split it.
            ("stderr", flag(!tty)),
            ("tty", flag(*tty)),
        ];
        query.extend(command.iter().map(|word| ("command", Some(word.as_str()))));
        let path = with_every(&format!("{}/exec", pod.path()?), &query);
        let call = Call::get(path);
        let key = generate_key();
        let response = self.upgrade(&call, &key).await?;
        let protocol = protocol(response.headers());
        let upgraded =
            hyper::upgrade::on(response).await.map_err(|error| TransportError::of_exchange(&error))?;
        let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Client, None).await;
        Ok(RemoteProcess::new(socket, protocol == CLOSES_INPUT))
    }

    async fn upgrade(&self, call: &Call, key: &str) -> Result<Response<Body>, Error> {
        let mut request: Request<Body> = call.request()?;
        let headers = request.headers_mut();
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(PROTOCOLS));
        if let Ok(value) = HeaderValue::from_str(key) {
            headers.insert(SEC_WEBSOCKET_KEY, value);
        }
        let response = self.kube().send(request).await.map_err(of_kube)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(self.refused(response, call).await);
        }
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes())
            || protocol(response.headers()).is_empty()
        {
            let reason = Untrusted::new("it does not agree upon a protocol for running commands");
            return Err(Error::Malformed { request: call.name(), reason });
        }
        Ok(response)
    }
}

/// Returns the protocol that the server has chosen; empty where it chose none.
fn protocol(headers: &HeaderMap) -> String {
    let chosen = headers.get(SEC_WEBSOCKET_PROTOCOL).and_then(|value| value.to_str().ok());
    chosen.filter(|chosen| PROTOCOLS.split(", ").any(|known| known == *chosen)).unwrap_or_default().to_owned()
}

/// Appends the parameters, those with an empty value too: an empty word is an argument like another.
fn with_every(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    parameters.iter().fold(path.to_owned(), |path, (name, value)| match value {
        Some("") => format!("{path}&{name}="),
        value => with_query(&path, &[(name, *value)]),
    })
}
