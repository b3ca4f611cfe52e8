use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// A sandbox that is up.
#[derive(Clone, Debug)]
pub struct Sandbox {
    program: PathBuf,
    name: String,
    pages: u16,
}

impl Sandbox {
    /// Returns the sandbox that `cargo sandbox test` started for the tests.
    ///
    /// # Panics
    /// When there is none: a test that needs a cluster must not pass without one.
    #[must_use]
    #[expect(clippy::panic, reason = "a test that needs a cluster must not pass without one")]
    pub fn of_the_tests() -> Self {
        Self::found_by(|variable| std::env::var(variable).ok()).unwrap_or_else(|missing| panic!("{missing}"))
    }

    /// Returns the sandbox that the variables `TOOLFORGE_SANDBOX` (its name) and `TOOLFORGE_SANDBOX_BIN` (the
    /// program) name.
    ///
    /// # Errors
    /// When a variable is missing or the sandbox is not up: what to type.
    pub fn found_by(variable: impl Fn(&str) -> Option<String>) -> Result<Self, String> {
        let advice = "this test needs a sandbox: run `cargo sandbox test`, which starts one of its own; or \
                      `cargo sandbox up`, then set TOOLFORGE_SANDBOX to its name and TOOLFORGE_SANDBOX_BIN to \
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
                return Err(format!("{advice}\nits status is:\n{text}{stderr}"));
            }
        }
        Ok(sandbox)
    }

    /// Returns another sandbox of the same program, which need not be up.
    #[must_use]
    pub fn beside(&self, suffix: &str) -> Self {
        Self { program: self.program.clone(), name: format!("{}-{suffix}", self.name), pages: 0 }
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

    /// Returns the folder of the built programs, beside the sandbox's own.
    #[must_use]
    pub fn programs(&self) -> &Path {
        self.program.parent().unwrap_or(Path::new("."))
    }

    /// Returns a verb of `cargo sandbox` on this sandbox, to be run.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.env("TOOLFORGE_SANDBOX", &self.name).args(arguments).stdin(std::process::Stdio::null());
        command
    }

    /// Runs a verb of `cargo sandbox` on this sandbox.
    ///
    /// # Panics
    /// When the program cannot be run.
    #[must_use]
    #[expect(clippy::panic, reason = "without its program the sandbox cannot be tested on")]
    pub fn run(&self, arguments: &[&str]) -> Output {
        let output = self.command(arguments).output();
        output.unwrap_or_else(|error| panic!("{}: {error}", self.program.display()))
    }

    /// Runs kubectl as the cluster's admin and returns what it printed.
    ///
    /// # Panics
    /// When it fails.
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

    /// Creates or applies objects as the cluster's admin.
    ///
    /// # Panics
    /// When the API server refuses one.
    #[expect(clippy::panic, reason = "a test whose objects are not there must not go on")]
    pub fn create(&self, objects: &Value) {
        use std::io::Write;
        let mut command = self.command(&["kubectl", "create", "-f", "-"]);
        command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("kubectl: {error}"));
        if let Some(mut stdin) = child.stdin.take() {
            stdin
                .write_all(objects.to_string().as_bytes())
                .unwrap_or_else(|error| panic!("kubectl: {error}"));
        }
        let output = child.wait_with_output().unwrap_or_else(|error| panic!("kubectl: {error}"));
        assert!(output.status.success(), "kubectl create: {}", String::from_utf8_lossy(&output.stderr));
    }
}
