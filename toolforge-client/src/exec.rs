//! Running a command in a container, over a WebSocket.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Sink, SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::AttachParams;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use toolforge_model::Untrusted;

use crate::transport::TransportError;
use crate::{Client, Error, ObjectPath};

type Socket = WebSocketStream<TokioIo<Upgraded>>;
type Messages = BoxStream<'static, Result<Message, SocketError>>;
type MessageSink = Pin<Box<dyn Sink<Message, Error = SocketError> + Send>>;

/// The channels of Kubernetes' remote command protocol: the first byte of every message.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

/// How often the server is pinged, so proxies do not close a quiet connection; kubectl's own interval.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// How long a ping may take to be written; output is not read in the meantime.
const PING_TIMEOUT: Duration = Duration::from_millis(200);

/// How long pings may remain without a response from the server.
const SILENCE: Duration = Duration::from_secs(60);

/// The maximum number of bytes of input since the last message from the server for which pings still need a response: a
/// server that waits for the command to read more than that does not respond to pings either.
const PENDING_INPUT: usize = 4096;

/// A command that runs in a container.
pub struct RemoteProcess {
    /// Its standard input.
    pub input: RemoteInput,
    /// Its standard output and standard error.
    pub output: RemoteOutput,
}

/// The input of a command that runs in a container.
pub struct RemoteInput {
    shared: Arc<Shared>,
    closes_input: bool,
}

/// The output of a command that runs in a container.
pub struct RemoteOutput {
    messages: Messages,
    shared: Arc<Shared>,
    end: Option<RemoteExit>,
    /// When the last message from the server arrived.
    heard: Instant,
    next_ping: Instant,
}

struct Shared {
    sink: Mutex<MessageSink>,
    /// How many bytes of input have been sent since the last message from the server.
    unanswered: AtomicUsize,
}

/// Output of a command, or its termination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteEvent {
    /// Standard output, or what a terminal shows.
    Stdout(Bytes),
    /// Standard error.
    Stderr(Bytes),
    /// The command has terminated; nothing follows.
    Exited(RemoteExit),
}

/// How a command in a container terminated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RemoteExit {
    /// With this exit code; 128 and more after a signal.
    Code(u8),
    /// It could not be run, or its container terminated; this is the cluster's message.
    Failed(Untrusted),
    /// Unknown: the connection was lost first.
    Lost,
}

impl Client {
    /// Runs a command in a container of a pod, like `kube::Api::exec`, but without losing output that arrives when the
    /// command terminates.
    ///
    /// It uses a connection of its own, because the protocol needs HTTP/1.1. A terminal needs
    /// `AttachParams::interactive_tty()`: its standard error is part of its standard output.
    ///
    /// # Errors
    /// Those of every request; also if the server does not support the protocol.
    pub async fn exec(
        &self,
        pod: &ObjectPath,
        command: &[String],
        params: &AttachParams,
    ) -> Result<RemoteProcess, Error> {
        let (requests, name) = pod.requests()?;
        let request = requests.exec(&name, command, params)?;
        let connection = self.kube().connect(request).await?;
        let closes_input = connection.supports_stream_close();
        Ok(RemoteProcess::new(connection.into_stream(), closes_input))
    }
}

impl RemoteProcess {
    fn new(socket: Socket, closes_input: bool) -> Self {
        let (sink, messages) = socket.split();
        Self::of_parts(Box::pin(sink), messages.boxed(), closes_input)
    }

    fn of_parts(sink: MessageSink, messages: Messages, closes_input: bool) -> Self {
        let shared = Arc::new(Shared { sink: Mutex::new(sink), unanswered: AtomicUsize::new(0) });
        let now = Instant::now();
        let output = RemoteOutput {
            messages,
            shared: Arc::clone(&shared),
            end: None,
            heard: now,
            next_ping: now + PING_INTERVAL,
        };
        Self { input: RemoteInput { shared, closes_input }, output }
    }
}

impl RemoteInput {
    /// Sends bytes to the command's standard input.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send(STDIN, bytes).await
    }

    /// Closes the command's standard input. A server before Kubernetes 1.30 cannot do that; the input stays open there.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn close(&mut self) -> Result<(), Error> {
        if self.closes_input { self.send(CLOSE, &[STDIN]).await } else { Ok(()) }
    }

    /// Sets the size of the command's terminal.
    ///
    /// # Errors
    /// When the connection is lost.
    pub async fn resize(&mut self, columns: u16, rows: u16) -> Result<(), Error> {
        self.send(RESIZE, json!({"Width": columns, "Height": rows}).to_string().as_bytes()).await
    }

    async fn send(&mut self, channel: u8, bytes: &[u8]) -> Result<(), Error> {
        let mut message = BytesMut::with_capacity(bytes.len() + 1);
        message.put_u8(channel);
        message.put_slice(bytes);
        self.shared.unanswered.fetch_add(bytes.len(), Ordering::Relaxed);
        let mut sink = self.shared.sink.lock().await;
        sink.send(Message::Binary(message.freeze())).await.map_err(|error| lost(&error))
    }
}

impl RemoteOutput {
    /// Returns the next output. Nothing is lost if the caller stops waiting.
    ///
    /// The server is pinged while this waits.
    ///
    /// # Errors
    /// When the connection breaks, or the server has not responded for 60 seconds.
    pub async fn next(&mut self) -> Result<RemoteEvent, Error> {
        loop {
            let received = tokio::select! {
                received = self.messages.next() => received,
                () = sleep_until(self.next_ping) => {
                    self.ping().await?;
                    continue;
                }
            };
            self.heard = Instant::now();
            self.shared.unanswered.store(0, Ordering::Relaxed);
            let message = match received {
                Some(Ok(Message::Binary(message))) => message,
                Some(Ok(Message::Text(text))) => Bytes::copy_from_slice(text.as_bytes()),
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Ok(Message::Close(_))) | None => return Ok(self.ended()),
                // The server closes the connection without a close frame, after the status.
                Some(Err(_)) if self.end.is_some() => return Ok(self.ended()),
                Some(Err(error)) => return Err(lost(&error)),
            };
            let Some((channel, bytes)) = message.split_first() else { continue };
            let bytes = message.slice_ref(bytes);
            match *channel {
                STDOUT if !bytes.is_empty() => return Ok(RemoteEvent::Stdout(bytes)),
                STDERR if !bytes.is_empty() => return Ok(RemoteEvent::Stderr(bytes)),
                // Output that was written before may still arrive, so this is reported when the server closes.
                STATUS => self.end = Some(RemoteExit::read(&bytes)),
                _ => {}
            }
        }
    }

    async fn ping(&mut self) -> Result<(), Error> {
        let may_wait_for_input = self.shared.unanswered.load(Ordering::Relaxed) > PENDING_INPUT;
        if self.heard.elapsed() > SILENCE && !may_wait_for_input {
            return Err(TransportError::Silent.into());
        }
        // Sent input has the effect of a ping.
        if let Ok(mut sink) = self.shared.sink.try_lock() {
            // A failure shows when the response is read.
            let _ = timeout(PING_TIMEOUT, sink.send(Message::Ping(Bytes::new()))).await;
        }
        self.next_ping = Instant::now() + PING_INTERVAL;
        Ok(())
    }

    fn ended(&mut self) -> RemoteEvent {
        RemoteEvent::Exited(self.end.take().unwrap_or(RemoteExit::Lost))
    }
}

fn lost(error: &SocketError) -> Error {
    TransportError::Lost { reason: error.to_string().into() }.into()
}

impl RemoteExit {
    /// Reads the `Status` that the server sends when a command has terminated; its causes contain the exit code
    /// (`remotecommand`, v4).
    fn read(bytes: &[u8]) -> Self {
        let message_text = || Untrusted::new(String::from_utf8_lossy(bytes));
        let Ok(status) = serde_json::from_slice::<Status>(bytes) else { return Self::Failed(message_text()) };
        let Status { status, reason, message, details, metadata: _, code: _ } = status;
        if status.as_deref() == Some("Success") {
            return Self::Code(0);
        }
        let causes = details.and_then(|details| details.causes).unwrap_or_default();
        let code = causes
            .iter()
            .find(|cause| cause.reason.as_deref() == Some("ExitCode"))
            .and_then(|cause| cause.message.as_deref()?.parse::<u8>().ok());
        match (reason.as_deref(), code) {
            (Some("NonZeroExitCode"), Some(code)) => Self::Code(code),
            _ => Self::Failed(message.map_or_else(message_text, Untrusted::new)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex as StdMutex, PoisonError};

    use futures_util::{sink, stream};

    use super::*;

    type Sent = Arc<StdMutex<Vec<Message>>>;

    /// Returns a process whose server sends `messages` and is silent then, and the messages sent to the server.
    fn process(messages: Vec<Message>) -> (RemoteProcess, Sent) {
        let sent = Sent::default();
        let sink = sink::unfold(Arc::clone(&sent), |sent, message| async move {
            sent.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            Ok(sent)
        });
        let messages = stream::iter(messages.into_iter().map(Ok)).chain(stream::pending());
        (RemoteProcess::of_parts(Box::pin(sink), messages.boxed(), true), sent)
    }

    fn pings(sent: &Sent) -> usize {
        sent.lock().unwrap().iter().filter(|message| message.is_ping()).count()
    }

    #[tokio::test(start_paused = true)]
    async fn quiet_connection_is_pinged() {
        let (mut process, sent) = process(Vec::new());
        assert!(timeout(Duration::from_secs(12), process.output.next()).await.is_err());
        assert_eq!(pings(&sent), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn silent_server_is_lost_after_a_minute() {
        let (mut process, _) = process(vec![Message::Pong(Bytes::new())]);
        let start = Instant::now();
        let error = process.output.next().await.unwrap_err();
        assert_eq!(error.to_string(), "the cluster stopped answering");
        assert_eq!(start.elapsed().as_secs(), 65);
    }

    #[tokio::test(start_paused = true)]
    async fn command_that_does_not_read_is_not_lost() {
        let (mut process, _) = process(Vec::new());
        process.input.write(&[0; 2 * PENDING_INPUT]).await.unwrap();
        assert!(timeout(Duration::from_secs(600), process.output.next()).await.is_err());
    }

    #[tokio::test]
    async fn output_after_the_status_is_kept() {
        let message = |bytes: &'static [u8]| Message::Binary(Bytes::from_static(bytes));
        let status = message(b"\x03{\"status\":\"Success\"}");
        let (mut process, _) =
            process(vec![message(b"\x01a"), status, message(b"\x01b"), Message::Close(None)]);
        let expected = [
            RemoteEvent::Stdout(Bytes::from_static(b"a")),
            RemoteEvent::Stdout(Bytes::from_static(b"b")),
            RemoteEvent::Exited(RemoteExit::Code(0)),
        ];
        for event in expected {
            assert_eq!(process.output.next().await.unwrap(), event);
        }
    }

    #[test]
    fn exit_code_is_read_from_causes() {
        let status = |text: &str| RemoteExit::read(text.as_bytes());
        assert_eq!(status(r#"{"metadata":{},"status":"Success"}"#), RemoteExit::Code(0));
        let seven = r#"{"status":"Failure","message":"command terminated with non-zero exit code","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"7"}]}}"#;
        assert_eq!(status(seven), RemoteExit::Code(7));
        let missing = r#"{"status":"Failure","message":"exec: \"nope\": executable file not found in $PATH","reason":"InternalError"}"#;
        assert_eq!(
            status(missing),
            RemoteExit::Failed(Untrusted::new("exec: \"nope\": executable file not found in $PATH"))
        );
        assert_eq!(status("half"), RemoteExit::Failed(Untrusted::new("half")));
    }
}
