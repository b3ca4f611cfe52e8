use std::io::{Read, Write};
use std::net::TcpStream;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

/// A running sandbox.
#[derive(Clone, Debug)]
pub struct Sandbox {
    program: PathBuf,
    name: String,
    pages: u16,
}

impl Sandbox {
    /// Returns the sandbox that `cargo sandbox test` has started for the tests.
    ///
    /// # Panics
    /// There is none: a test that needs a cluster must not pass without one.
    #[must_use]
    #[expect(clippy::panic, reason = "a test that needs a cluster must not pass without one")]
    pub fn for_tests() -> Self {
        Self::from_variables(|variable| std::env::var(variable).ok())
            .unwrap_or_else(|missing| panic!("{missing}"))
    }

    /// Returns the sandbox given by the variables `TOOLFORGE_SANDBOX` (its name) and `TOOLFORGE_SANDBOX_BIN` (its
    /// program).
    ///
    /// # Errors
    /// A variable is missing or the sandbox is not running. The message says how to start one.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let advice = "this test needs a sandbox: run `cargo sandbox test`, which starts one; or run \
                      `cargo sandbox up` and set TOOLFORGE_SANDBOX to its name and TOOLFORGE_SANDBOX_BIN to \
                      target/debug/toolforge-sandbox";
        let (Some(name), Some(program)) = (variable("TOOLFORGE_SANDBOX"), variable("TOOLFORGE_SANDBOX_BIN"))
        else {
            return Err(advice.to_owned());
        };
        let mut sandbox = Self { program: program.into(), name, pages: 0 };
        let status = sandbox.run(&["status"]);
        let text = String::from_utf8_lossy(&status.stdout).into_owned();
        let port = text
            .split(".localhost:")
            .nth(1)
            .map(|rest| rest.chars().take_while(char::is_ascii_digit).collect::<String>());
        match port.and_then(|port| port.parse().ok()) {
            Some(port) if status.status.success() => sandbox.pages = port,
            _ => {
                let stderr = String::from_utf8_lossy(&status.stderr);
                return Err(format!("{advice}\nThe status of the sandbox is:\n{text}{stderr}"));
            }
        }
        Ok(sandbox)
    }

    /// Returns the sandbox's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the port of the front door on 127.0.0.1.
    #[must_use]
    pub fn pages(&self) -> u16 {
        self.pages
    }

    /// Returns the directory of the built programs, which also contains the sandbox's program.
    #[must_use]
    pub fn programs(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("."))
    }

    /// Returns a process for a command of `cargo sandbox` on this sandbox.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env("TOOLFORGE_SANDBOX", &self.name).args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs a command of `cargo sandbox` on this sandbox.
    ///
    /// # Panics
    /// The program cannot be run.
    #[must_use]
    #[expect(clippy::panic, reason = "no test can run without the sandbox's program")]
    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output();
        output.unwrap_or_else(|error| panic!("{}: {error}", self.program.display()))
    }

    /// Runs kubectl as the cluster's admin and returns what it printed.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        let output = self.run(&[&["kubectl"], arguments].concat());
        let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(
            output.status.success(),
            "kubectl {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        stdout
    }

    /// Creates objects as the cluster's admin.
    ///
    /// # Panics
    /// The API server rejects an object.
    pub fn create(&self, objects: &Value) {
        self.kubectl_with(&["create", "-f", "-"], objects);
    }

    /// Applies objects in a namespace with `kubectl apply`, as the cluster's admin.
    ///
    /// # Panics
    /// The API server rejects an object.
    pub fn apply(&self, namespace: &str, objects: &Value) {
        self.kubectl_with(&["apply", "--namespace", namespace, "-f", "-"], objects);
    }

    /// Runs kubectl with objects as its standard input.
    #[expect(clippy::panic, reason = "a test must not continue without its objects")]
    fn kubectl_with(&self, arguments: &[&str], objects: &Value) {
        let mut command = self.command(&[&["kubectl"], arguments].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("kubectl: {error}"));
        if let Some(mut stdin) = child.stdin.take() {
            stdin
                .write_all(objects.to_string().as_bytes())
                .unwrap_or_else(|error| panic!("kubectl: {error}"));
        }
        let output = child.wait_with_output().unwrap_or_else(|error| panic!("kubectl: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {errors}");
    }
}

/// A sandbox for one test, which is stopped and deleted when it is dropped.
#[derive(Debug)]
pub struct TemporarySandbox(Sandbox);

impl TemporarySandbox {
    /// Returns a sandbox that is not running yet. Its name is that of the tests' sandbox with a suffix.
    ///
    /// # Panics
    /// There is no sandbox for the tests.
    #[must_use]
    pub fn new(suffix: &str) -> Self {
        let Sandbox { program, name, pages: _ } = Sandbox::for_tests();
        Self(Sandbox { program, name: format!("{name}-{suffix}"), pages: 0 })
    }
}

impl Deref for TemporarySandbox {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

impl Drop for TemporarySandbox {
    fn drop(&mut self) {
        let _ = self.run(&["down", "--delete"]);
    }
}

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

    /// Opens an address as a browser does.
    ///
    /// # Panics
    /// It is not of the form `http://HOST.localhost:PORT/PATH`.
    #[must_use]
    #[expect(clippy::panic, reason = "a test must not continue with an address that nobody can open")]
    pub fn open(address: &str) -> Self {
        let parts = address.strip_prefix("http://").and_then(|rest| {
            let (host, path) = rest.split_once('/')?;
            let (name, port) = host.split_once(':')?;
            Some((name, port.parse().ok()?, path))
        });
        let (name, port, path) = parts.unwrap_or_else(|| panic!("{address} cannot be opened"));
        Self::fetch(port, name, &format!("/{path}"))
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
