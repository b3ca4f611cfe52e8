use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};

use super::RemoteEnd;
use crate::Error;
use crate::transport::TransportError;

type Socket = WebSocketStream<TokioIo<Upgraded>>;

/// The channels of Kubernetes' remote command protocol: the first byte of every message.
const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
const CLOSE: u8 = 255;

/// How often the server is pinged, so that no proxy takes a quiet connection for an abandoned one: Toolforge's own cuts
/// after an hour, others after a few minutes.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// How long a ping may take to be written.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the server may leave pings unanswered.
const SILENCE: Duration = Duration::from_secs(60);

/// The most bytes of input without a sign of the server that leave it time for a ping: a server that waits for the
/// command to read more than that does not answer either.
const PENDING_INPUT: usize = 4096;

/// A command that runs in a container.
#[derive(Debug)]
pub struct RemoteProcess {
    /// Its standard input.
    pub input: RemoteInput,
    /// Its standard output and standard error.
    pub output: RemoteOutput,
}

/// The input of a command that runs in a container.
#[derive(Debug)]
pub struct RemoteInput {
    shared: Arc<Shared>,
    closes_input: bool,
}

/// The output of a command that runs in a container.
#[derive(Debug)]
pub struct RemoteOutput {
    stream: SplitStream<Socket>,
    shared: Arc<Shared>,
    end: Option<RemoteEnd>,
    /// When the server was heard last.
    heard: Instant,
    next_ping: Instant,
}

#[derive(Debug)]
struct Shared {
    sink: Mutex<SplitSink<Socket, Message>>,
    /// How many bytes of input have been sent since the server was heard last.
    unanswered: AtomicUsize,
}

/// Output of a command, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Standard output, or what a terminal shows.
    Stdout(Bytes),
    /// Standard error.
    Stderr(Bytes),
    /// The command has ended; nothing follows.
    Ended(RemoteEnd),
}

impl RemoteProcess {
    pub(super) fn new(socket: Socket, closes_input: bool) -> Self {
        let (sink, stream) = socket.split();
        let shared = Arc::new(Shared { sink: Mutex::new(sink), unanswered: AtomicUsize::new(0) });
        let now = Instant::now();
        let output = RemoteOutput {
            stream,
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
    /// When the connection is gone.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send(STDIN, bytes).await
    }

    /// Closes the command's standard input. A server before Kubernetes 1.30 cannot do that; the input stays open there.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn close(&mut self) -> Result<(), Error> {
        if self.closes_input { self.send(CLOSE, &[STDIN]).await } else { Ok(()) }
    }

    /// Sets the size of the command's terminal.
    ///
    /// # Errors
    /// When the connection is gone.
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
    /// Returns the next output. Nothing is lost where the caller stops waiting.
    ///
    /// The server is pinged while this waits.
    ///
    /// # Errors
    /// When the connection breaks, or the server has not answered for 60 seconds.
    pub async fn next(&mut self) -> Result<Said, Error> {
        loop {
            let received = tokio::select! {
                received = self.stream.next() => received,
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
                // A server that goes away without a word, after its last one.
                Some(Err(_)) if self.end.is_some() => return Ok(self.ended()),
                Some(Err(error)) => return Err(lost(&error)),
            };
            let Some((channel, bytes)) = message.split_first() else { continue };
            let bytes = message.slice_ref(bytes);
            match *channel {
                STDOUT if !bytes.is_empty() => return Ok(Said::Stdout(bytes)),
                STDERR if !bytes.is_empty() => return Ok(Said::Stderr(bytes)),
                // What was written before may still come, so the end is told when the server closes.
                STATUS => self.end = Some(RemoteEnd::read(&bytes)),
                _ => {}
            }
        }
    }

    async fn ping(&mut self) -> Result<(), Error> {
        let may_wait_for_input = self.shared.unanswered.load(Ordering::Relaxed) > PENDING_INPUT;
        if self.heard.elapsed() > SILENCE && !may_wait_for_input {
            return Err(TransportError::Silent.into());
        }
        self.next_ping = Instant::now() + PING_INTERVAL;
        // Where input is being sent, that is as good as a ping.
        if let Ok(mut sink) = self.shared.sink.try_lock() {
            // A failure shows when the answer is read.
            let _ = timeout(PING_TIMEOUT, sink.send(Message::Ping(Bytes::new()))).await;
        }
        Ok(())
    }

    fn ended(&mut self) -> Said {
        Said::Ended(self.end.take().unwrap_or(RemoteEnd::Lost))
    }
}

fn lost(error: &SocketError) -> Error {
    TransportError::Lost { reason: error.to_string().into() }.into()
}
