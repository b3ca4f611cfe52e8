use std::path::PathBuf;
use std::process::Output;

use serde_json::Value;

use crate::{Page, Sandbox};

/// A tool for one test, with its namespace and home. It is removed when it is dropped, unless `TOOLFORGE_E2E_KEEP` is
/// set.
#[derive(Debug)]
pub struct Tool {
    sandbox: Sandbox,
    name: String,
}

/// The result of a command.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The exit code.
    pub code: i32,
    /// Its standard output.
    pub stdout: String,
    /// Its standard error.
    pub stderr: String,
}

impl Tool {
    /// Returns a new tool, named after its test.
    ///
    /// # Panics
    /// There is no sandbox, or it cannot create the tool.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self::with_quota(name, "tools-2023")
    }

    /// Returns a new tool with a quota profile.
    ///
    /// # Panics
    /// There is no sandbox, or it cannot create the tool.
    #[must_use]
    pub fn with_quota(name: &str, profile: &str) -> Self {
        Self::on(Sandbox::for_tests(), name, profile)
    }

    /// Returns a new tool on a sandbox.
    ///
    /// # Panics
    /// The sandbox cannot create the tool.
    #[must_use]
    pub fn on(sandbox: Sandbox, name: &str, profile: &str) -> Self {
        // A killed test may have left it behind.
        let _ = sandbox.run(&["tool", "remove", name]);
        let added = sandbox.run(&["tool", "add", name, "--quota", profile]);
        assert!(added.status.success(), "tool add {name}: {}", String::from_utf8_lossy(&added.stderr));
        Self { sandbox, name: name.to_owned() }
    }

    /// Returns the sandbox.
    #[must_use]
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// Returns the tool's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the tool's namespace.
    #[must_use]
    pub fn namespace(&self) -> String {
        format!("tool-{}", self.name)
    }

    /// Runs a command as the tool, as on the login host.
    #[must_use]
    pub fn run(&self, command: &[&str]) -> Outcome {
        Outcome::of(&self.sandbox.run(&[&["as", &self.name, "--"], command].concat()))
    }

    /// Runs a shell command line as the tool.
    #[must_use]
    pub fn shell(&self, line: &str) -> Outcome {
        self.run(&["/bin/sh", "-c", line])
    }

    /// Runs `webservice` as the tool.
    #[must_use]
    pub fn webservice(&self, arguments: &[&str]) -> Outcome {
        self.run(&[&["webservice"], arguments].concat())
    }

    /// Runs `jobs` as the tool.
    #[must_use]
    pub fn jobs(&self, arguments: &[&str]) -> Outcome {
        self.run(&[&["jobs"], arguments].concat())
    }

    /// Repeats a command until its outcome is the expected one, which it is within the given seconds on a machine with nothing else
    /// to do; a busy machine has four times as long.
    ///
    /// # Panics
    /// The outcome is not the expected one in that time. The message shows the last outcome.
    pub fn until(
        &self,
        seconds: u64,
        what: &str,
        command: impl Fn(&Self) -> Outcome,
        is_expected: impl Fn(&Outcome) -> bool,
    ) {
        let seconds = 4 * seconds;
        let started = std::time::Instant::now();
        loop {
            let outcome = command(self);
            if is_expected(&outcome) {
                return;
            }
            assert!(
                started.elapsed().as_secs() < seconds,
                "{what}: not within {seconds} s\nstdout: {}\nstderr: {}",
                outcome.stdout,
                outcome.stderr
            );
            std::thread::sleep(std::time::Duration::from_millis(500));
        }
    }

    /// Writes a file in the tool's home, as the tool.
    ///
    /// # Panics
    /// The file cannot be written.
    pub fn write(&self, file: &str, text: &str) {
        let quoted = text.replace('\'', r"'\''");
        let line = format!("mkdir -p \"$(dirname ~/{file})\" && printf %s '{quoted}' > ~/{file}");
        let written = self.shell(&line);
        assert_eq!(written.code, 0, "{file}: {}", written.stderr);
    }

    /// Fetches a page of the tool through the front door.
    #[must_use]
    pub fn page(&self, path: &str) -> Page {
        Page::fetch(self.sandbox.pages(), &format!("{}.localhost", self.name), path)
    }

    /// Runs kubectl as the cluster's admin in the tool's namespace.
    ///
    /// # Panics
    /// It fails.
    #[must_use]
    pub fn kubectl(&self, arguments: &[&str]) -> String {
        self.sandbox.kubectl(&[arguments, &["--namespace", &self.namespace()]].concat())
    }

    /// Returns an object of the tool's namespace as JSON.
    ///
    /// # Panics
    /// There is none.
    #[must_use]
    #[expect(clippy::panic, reason = "a test must not continue without its object")]
    pub fn object(&self, kind: &str, name: &str) -> Value {
        let text = self.kubectl(&["get", kind, name, "-o", "json"]);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{kind} {name}: {error}"))
    }

    /// Sets limits of the tool's quota, for example `{"limits.memory": "1Gi"}`, and waits until they count.
    ///
    /// # Panics
    /// They do not count within twenty seconds.
    pub fn set_quota(&self, hard: &Value) {
        let quota = self.namespace();
        let patch = serde_json::json!({"spec": {"hard": hard}}).to_string();
        let _ = self.kubectl(&["patch", "resourcequota", &quota, "--patch", &patch]);
        let started = std::time::Instant::now();
        loop {
            let found = self.object("resourcequota", &quota);
            if found["status"]["hard"] == found["spec"]["hard"] {
                return;
            }
            assert!(started.elapsed().as_secs() < 20, "the quota is not updated: {found}");
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
    }

    /// Returns the path of the tool's home, as the tool sees it.
    #[must_use]
    pub fn home(&self) -> PathBuf {
        PathBuf::from("/data/project").join(&self.name)
    }
}

impl Drop for Tool {
    fn drop(&mut self) {
        if std::env::var_os("TOOLFORGE_E2E_KEEP").is_none() {
            let _ = self.sandbox.run(&["tool", "remove", &self.name]);
        }
    }
}

impl Outcome {
    fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Checks the exit code and returns the outcome.
    ///
    /// # Panics
    /// The exit code is another one. The message shows the output.
    #[must_use]
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Checks that the output contains a text, on either stream, and returns the outcome.
    ///
    /// # Panics
    /// It does not. The message shows the output.
    #[must_use]
    pub fn says(self, text: &str) -> Self {
        let is_printed = self.stdout.contains(text) || self.stderr.contains(text);
        assert!(is_printed, "`{text}` is not in\nstdout: {}\nstderr: {}", self.stdout, self.stderr);
        self
    }

    /// Ends a chain of checks.
    pub fn and_that_is_all(self) {}
}
