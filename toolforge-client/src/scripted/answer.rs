use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::time::{Sleep, sleep};
use toolforge_model::Untrusted;

use crate::transport::TransportError;

/// One response of a script.
#[derive(Clone, Debug)]
pub struct Answer {
    code: u16,
    headers: HeaderMap,
    chunks: Vec<Bytes>,
    end: End,
    beginning: Beginning,
    /// The time before its beginning.
    delay: Duration,
}

/// Whether there is a response at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Beginning {
    Comes,
    Lost,
    Never,
}

/// The end of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Whole,
    Never,
    BrokenOff,
    /// The last chunk is repeated after this pause.
    Repeats(Duration),
}

impl Answer {
    /// Returns a response with a JSON body.
    ///
    /// # Panics
    /// When the value cannot be serialized as JSON.
    #[must_use]
    pub fn json(code: u16, body: &impl Serialize) -> Self {
        let body = serde_json::to_vec(body).expect("a test's value has text keys");
        Self::chunks(code, vec![body.into()])
    }

    /// Returns a response with a text as its body.
    #[must_use]
    pub fn text(code: u16, body: &str) -> Self {
        Self::chunks(code, vec![Bytes::copy_from_slice(body.as_bytes())])
    }

    /// Returns a refusal as the API server writes it.
    #[must_use]
    pub fn refusal(code: u16, reason: &str, message: &str) -> Self {
        Self::json(code, &status(code, reason, message, &json!({})))
    }

    /// Returns the refusal for an object that does not exist, of a resource that does.
    #[must_use]
    pub fn not_found(resource: &str, name: &str) -> Self {
        let message = format!("{resource} {name:?} not found");
        Self::json(404, &status(404, "NotFound", &message, &json!({"name": name, "kind": resource})))
    }

    /// Returns the response to a watch: one line for each frame.
    #[must_use]
    pub fn frames(frames: &[Value]) -> Self {
        Self::chunks(200, frames.iter().map(|frame| format!("{frame}\n").into()).collect())
    }

    /// Returns a response whose body arrives in these chunks.
    #[must_use]
    pub fn chunks(code: u16, chunks: Vec<Bytes>) -> Self {
        let (end, beginning, delay) = (End::Whole, Beginning::Comes, Duration::ZERO);
        Self { code, headers: HeaderMap::new(), chunks, end, beginning, delay }
    }

    /// Returns a connection that is lost before the response.
    #[must_use]
    pub fn lost() -> Self {
        Self { beginning: Beginning::Lost, ..Self::chunks(200, Vec::new()) }
    }

    /// Returns a response that never arrives.
    #[must_use]
    pub fn silent() -> Self {
        Self { beginning: Beginning::Never, ..Self::chunks(200, Vec::new()) }
    }

    /// Returns the response, or the loss of the connection, after some time.
    #[must_use]
    pub fn after(self, delay: Duration) -> Self {
        Self { delay, ..self }
    }

    /// Returns the response with another HTTP code.
    #[must_use]
    pub fn code(self, code: u16) -> Self {
        Self { code, ..self }
    }

    /// Returns the response with an endless body: its last chunk is repeated, with a pause before each.
    #[must_use]
    pub fn and_repeats(self, pause: Duration) -> Self {
        Self { end: End::Repeats(pause), ..self }
    }

    /// Returns the response with a body that does not end.
    #[must_use]
    pub fn and_stays_open(self) -> Self {
        Self { end: End::Never, ..self }
    }

    /// Returns the response with a body after which the connection is lost.
    #[must_use]
    pub fn and_breaks_off(self) -> Self {
        Self { end: End::BrokenOff, ..self }
    }

    /// Returns the response with a header.
    ///
    /// # Panics
    /// When the value is not a valid header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        let value = HeaderValue::from_str(value).expect("a test's header is plain text");
        self.headers.insert(HeaderName::from_static(name), value);
        self
    }

    pub(crate) async fn play(self) -> Result<Response<PlayedBody>, TransportError> {
        if !self.delay.is_zero() {
            sleep(self.delay).await;
        }
        match self.beginning {
            Beginning::Comes => {}
            Beginning::Lost => return Err(lost()),
            Beginning::Never => std::future::pending().await,
        }
        let last = self.chunks.last().cloned().unwrap_or_default();
        let length = self.headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse().ok());
        let body = PlayedBody { chunks: self.chunks.into(), last, end: self.end, pause: None, length };
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        *response.headers_mut() = self.headers;
        Ok(response)
    }
}

fn lost() -> TransportError {
    TransportError::Lost { reason: Untrusted::new("as the script has it") }
}

fn status(code: u16, reason: &str, message: &str, details: &Value) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "details": details, "code": code,
    })
}

/// The body of a response.
#[derive(Debug)]
pub(crate) struct PlayedBody {
    chunks: VecDeque<Bytes>,
    last: Bytes,
    end: End,
    pause: Option<Pin<Box<Sleep>>>,
    /// The length that the headers state.
    length: Option<u64>,
}

impl Body for PlayedBody {
    type Data = Bytes;
    type Error = TransportError;

    fn size_hint(&self) -> SizeHint {
        self.length.map(SizeHint::with_exact).unwrap_or_default()
    }

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, TransportError>>> {
        match (self.chunks.pop_front(), self.end) {
            (Some(chunk), _) => Poll::Ready(Some(Ok(Frame::data(chunk)))),
            (None, End::Never) => Poll::Pending,
            (None, End::Whole) => Poll::Ready(None),
            (None, End::Repeats(pause)) => {
                let pause = self.pause.get_or_insert_with(|| Box::pin(sleep(pause)));
                ready!(pause.as_mut().poll(context));
                self.pause = None;
                Poll::Ready(Some(Ok(Frame::data(self.last.clone()))))
            }
            (None, End::BrokenOff) => {
                self.end = End::Whole;
                Poll::Ready(Some(Err(lost())))
            }
        }
    }
}
