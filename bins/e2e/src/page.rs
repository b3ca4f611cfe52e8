use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A response of the front door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// HTTP status, or 0 without a response.
    pub status: u16,
    /// Body, or the error without a response.
    pub body: String,
}

impl Page {
    /// Fetches the page of a host name from 127.0.0.1.
    #[must_use]
    pub fn fetch(port: u16, host: &str, path: &str) -> Self {
        Self::try_fetch(port, host, path).unwrap_or_else(|error| Self { status: 0, body: error.to_string() })
    }

    fn try_fetch(port: u16, host: &str, path: &str) -> std::io::Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        // HTTP/1.0 has no chunked responses.
        write!(stream, "GET {path} HTTP/1.0\r\nHost: {host}:{port}\r\n\r\n")?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let answer = String::from_utf8_lossy(&answer);
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Ok(Self { status, body: body.to_owned() })
    }
}
