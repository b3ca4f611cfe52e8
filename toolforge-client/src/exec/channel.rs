use bytes::{BufMut, Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::json;
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

/// A command that runs in a container: what it is told, and what it says.
#[derive(Debug)]
pub struct RemoteProcess {
    /// What it is told.
    pub input: RemoteInput,
    /// What it says.
    pub output: RemoteOutput,
}

/// The input of a command that runs in a container.
#[derive(Debug)]
pub struct RemoteInput {
    sink: SplitSink<Socket, Message>,
    closes_input: bool,
}

/// The output of a command that runs in a container.
#[derive(Debug)]
pub struct RemoteOutput {
    stream: SplitStream<Socket>,
    end: Option<RemoteEnd>,
}

/// Something that a command said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// On its standard output, or its terminal.
    Stdout(Bytes),
    /// On its standard error.
    Stderr(Bytes),
    /// It has ended; nothing follows.
    Ended(RemoteEnd),
}

impl RemoteProcess {
    pub(super) fn new(socket: Socket, closes_input: bool) -> Self {
        let (sink, stream) = socket.split();
        Self { input: RemoteInput { sink, closes_input }, output: RemoteOutput { stream, end: None } }
    }
}

impl RemoteInput {
    /// Gives the command bytes to read.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send(STDIN, bytes).await
    }

    /// Tells the command that its input has ended. A server before Kubernetes 1.30 cannot be told.
    ///
    /// # Errors
    /// When the connection is gone.
    pub async fn close(&mut self) -> Result<(), Error> {
        if self.closes_input { self.send(CLOSE, &[STDIN]).await } else { Ok(()) }
    }

    /// Tells the command's terminal its size.
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
        self.sink.send(Message::Binary(message.freeze())).await.map_err(|error| lost(&error))
    }
}

impl RemoteOutput {
    /// Returns what the command says next.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Said, Error> {
        loop {
            let message = match self.stream.next().await {
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

    fn ended(&mut self) -> Said {
        Said::Ended(self.end.take().unwrap_or(RemoteEnd::Lost))
    }
}

fn lost(error: &SocketError) -> Error {
    TransportError::Lost { reason: error.to_string().into() }.into()
}
