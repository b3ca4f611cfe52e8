use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use serde_json::Value;

use crate::Sandbox;

/// The API server as its admin sees it, through `kubectl proxy`. It ends when it is dropped.
#[derive(Debug)]
pub struct Api {
    proxy: Child,
    port: u16,
}

/// One connection to the API server, for many requests.
#[derive(Debug)]
pub struct Connection(BufReader<TcpStream>);

impl Api {
    /// Starts `kubectl proxy` on a free port.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn of(sandbox: &Sandbox) -> Self {
        Self::start(sandbox, &["kubectl", "proxy", "--port=0"])
    }

    /// Starts `kubectl proxy` on a free port, for requests with the rights of a tool.
    ///
    /// # Panics
    /// It does not start.
    #[must_use]
    pub fn impersonating(sandbox: &Sandbox, tool: &str) -> Self {
        let (user, groups) =
            (format!("--as={tool}"), ["--as-group=toolforge", "--as-group=system:authenticated"]);
        Self::start(sandbox, &["kubectl", &user, groups[0], groups[1], "proxy", "--port=0"])
    }

    #[expect(clippy::panic, reason = "no test can run without the API server")]
    fn start(sandbox: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = sandbox.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut proxy = child.unwrap_or_else(|error| panic!("kubectl proxy: {error}"));
        let mut line = String::new();
        if let Some(stdout) = proxy.stdout.take() {
            let read = BufReader::new(stdout).read_line(&mut line);
            assert!(read.is_ok(), "kubectl proxy: {read:?}");
        }
        match line.trim().rsplit(':').next().and_then(|port| port.parse().ok()) {
            Some(port) => Self { proxy, port },
            None => panic!("kubectl proxy printed {line:?}"),
        }
    }

    /// Opens a connection.
    ///
    /// # Panics
    /// The proxy does not accept it.
    #[must_use]
    #[expect(clippy::panic, reason = "no test can run without the API server")]
    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(("127.0.0.1", self.port));
        Connection(BufReader::new(stream.unwrap_or_else(|error| panic!("kubectl proxy: {error}"))))
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

impl Connection {
    /// Sends a request and returns the status and the body of its answer.
    ///
    /// # Panics
    /// The connection ends, or the answer is not JSON.
    #[expect(clippy::panic, reason = "a test must not continue without an answer")]
    pub fn request(&mut self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        self.try_request(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends a request and returns the status and the text of its answer, which may be no JSON.
    ///
    /// # Panics
    /// The connection ends.
    #[expect(clippy::panic, reason = "a test must not continue without an answer")]
    pub fn try_text(&mut self, method: &str, path: &str, body: &Value) -> (u16, String) {
        let (status, answer) =
            self.exchange(method, path, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"));
        (status, String::from_utf8_lossy(&answer).into_owned())
    }

    /// Watches for so long as the path's `timeoutSeconds` says, and returns the events.
    ///
    /// # Panics
    /// The connection ends, or an event is not JSON.
    #[expect(clippy::panic, reason = "a test must not continue without the events")]
    pub fn watch(&mut self, path: &str) -> Vec<Value> {
        let answer = self.exchange("GET", path, &Value::Null).and_then(|(_, answer)| {
            let events = serde_json::Deserializer::from_slice(&answer).into_iter();
            Ok(events.collect::<Result<Vec<Value>, _>>()?)
        });
        answer.unwrap_or_else(|error| panic!("GET {path}: {error}"))
    }

    fn try_request(&mut self, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, Value)> {
        let (status, answer) = self.exchange(method, path, body)?;
        Ok((status, serde_json::from_slice(&answer)?))
    }

    fn exchange(&mut self, method: &str, path: &str, body: &Value) -> std::io::Result<(u16, Vec<u8>)> {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let kind = if method == "PATCH" { "application/merge-patch+json" } else { "application/json" };
        write!(
            self.0.get_mut(),
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\nContent-Type: {kind}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        let status = self.line()?.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
        let (mut length, mut is_chunked) = (0, false);
        loop {
            let line = self.line()?.to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            is_chunked |= line.starts_with("transfer-encoding:") && line.contains("chunked");
        }
        let mut answer = Vec::new();
        if is_chunked {
            loop {
                let size = usize::from_str_radix(&self.line()?, 16).unwrap_or(0);
                self.append(size, &mut answer)?;
                let _ = self.line()?;
                if size == 0 {
                    break;
                }
            }
        } else {
            self.append(length, &mut answer)?;
        }
        Ok((status, answer))
    }

    fn line(&mut self) -> std::io::Result<String> {
        let mut line = String::new();
        if self.0.read_line(&mut line)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn append(&mut self, count: usize, answer: &mut Vec<u8>) -> std::io::Result<()> {
        let start = answer.len();
        answer.resize(start + count, 0);
        self.0.read_exact(&mut answer[start..])
    }
}
