//! Splits the response of a log into lines.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use kube::client::Body;
use tokio::time::timeout;

use crate::Error;
use crate::transport::TransportError;

/// The maximum length of a line in bytes: a runtime splits at 16 KiB and the kubelet joins the pieces, so a line can have
/// any length.
const LINE_LIMIT: usize = 256 * 1024;

/// A log's response as lines. At most the limit of a line is kept in memory.
pub(crate) struct Lines<B = Body> {
    body: B,
    buffer: BytesMut,
    /// The length of the buffer's beginning without a line end.
    searched: usize,
    /// How long the response may be silent; `None` for a log that is followed.
    idle: Option<Duration>,
}

impl<B> Lines<B>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: std::error::Error + 'static,
{
    pub(crate) fn new(body: B, idle: Option<Duration>) -> Self {
        Self { body, buffer: BytesMut::new(), searched: 0, idle }
    }

    /// Returns the next whole line, or `None` at the end of the response. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Option<String>, Error> {
        loop {
            let unsearched = &self.buffer[self.searched..];
            if let Some(end) = unsearched.iter().position(|&byte| byte == b'\n') {
                let mut line = self.buffer.split_to(self.searched + end + 1);
                line.truncate(line.len() - 1);
                self.searched = 0;
                return Ok(Some(text(&line)));
            }
            // One byte more than the limit shows that the line is longer.
            self.buffer.truncate(LINE_LIMIT + 1);
            self.searched = self.buffer.len();
            let frame = match self.idle {
                Some(idle) => timeout(idle, self.body.frame()).await.map_err(|_| TransportError::Silent)?,
                None => self.body.frame().await,
            };
            match frame {
                None => return Ok(None),
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
                Some(Err(error)) => return Err(TransportError::of_exchange(&error).into()),
            }
        }
    }

    /// Returns the text after the last line end, if there is any.
    pub(crate) fn rest(&mut self) -> Option<String> {
        let rest = self.buffer.split();
        self.searched = 0;
        (!rest.is_empty()).then(|| text(&rest))
    }
}

/// Returns a line's text without a carriage return. Invalid UTF-8 is replaced, and a line beyond the limit ends in `…`.
fn text(line: &[u8]) -> String {
    if line.len() <= LINE_LIMIT {
        return String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned();
    }
    let mut end = LINE_LIMIT;
    // A character that the limit would split is left out.
    while end > 0 && line[end] & 0b1100_0000 == 0b1000_0000 {
        end -= 1;
    }
    format!("{}…", String::from_utf8_lossy(&line[..end]))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines_of(chunks: Vec<Vec<u8>>) -> (Vec<String>, Option<String>) {
        let chunks = futures_util::stream::iter(
            chunks.into_iter().map(|chunk| Ok::<_, std::io::Error>(http_body::Frame::data(chunk.into()))),
        );
        let mut lines = Lines::new(http_body_util::StreamBody::new(chunks), None);
        let mut found = Vec::new();
        while let Some(line) = lines.next().await.unwrap() {
            found.push(line);
        }
        (found, lines.rest())
    }

    #[tokio::test]
    async fn lines_do_not_depend_on_chunks() {
        let log = "a line\r\n\nGröße 日本\nthe rest".as_bytes();
        for size in 1..=log.len() {
            let (lines, rest) = lines_of(log.chunks(size).map(<[u8]>::to_vec).collect()).await;
            assert_eq!(lines, ["a line", "", "Größe 日本"], "{size}");
            assert_eq!(rest.as_deref(), Some("the rest"));
        }
    }

    #[tokio::test]
    async fn overlong_line_is_truncated() {
        // Two bytes each, and the limit is even: with one byte before them, it cuts a character.
        let long = format!("x{}", "ß".repeat(LINE_LIMIT));
        for size in [1000, 4096, long.len() + 100] {
            let log = format!("{long}\nnext\n");
            let (lines, rest) = lines_of(log.as_bytes().chunks(size).map(<[u8]>::to_vec).collect()).await;
            assert_eq!(lines.len(), 2, "{size}");
            assert_eq!(lines[0].trim_start_matches('x').trim_start_matches('ß'), "…");
            assert_eq!((lines[0].len(), lines[1].as_str()), (LINE_LIMIT - 1 + '…'.len_utf8(), "next"));
            assert_eq!(rest, None);
        }
    }
}
