//! `demo`: creates a tool, writes a page and starts its web service, on the screen.

use std::ffi::{OsStr, OsString};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use anstream::{eprintln, println};
use anstyle::{AnsiColor, Style};
use clap::Args;

use crate::commands::up::UpArguments;
use crate::commands::{as_tool, up};
use crate::directory::{Sandbox, checkout};
use crate::failure::{Failure, OrFail};
use crate::own_program;
use crate::progress::Report;
use crate::provision::tool;

/// The tool of the demo.
const TOOL: &str = "hello";

/// The style of the typed commands.
const TYPED: Style = AnsiColor::Green.on_default().bold();

/// The commands that the tool's owner types.
const COMMANDS: [&str; 5] = [
    "mkdir -p public_html",
    "echo '<?php echo \"Hello from PHP \", PHP_VERSION, \"\\n\";' > public_html/index.php",
    "webservice php8.2 start",
    "webservice status",
    "quota-check",
];

/// The command after which the page is fetched: as soon as the web service runs.
const FETCH_AFTER: &str = "webservice php8.2 start";

/// Timeout for a response of the front door.
const PATIENCE: Duration = Duration::from_secs(20);

/// How to run the demo.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    pub(crate) up: UpArguments,
}

/// Runs the demo and leaves the sandbox running.
pub(crate) fn run(
    sandbox: &Sandbox,
    arguments: &DemoArguments,
    report: &Report,
) -> Result<ExitCode, Failure> {
    let started = Instant::now();
    build_programs(report)?;
    let settings = arguments.up.settings(sandbox.state()?.map(|state| state.settings));
    let ports = up::ensure_up(sandbox, &settings, report)?;
    let tool_name = TOOL.parse().expect("a valid tool name");
    if !tool::is_complete(sandbox, &tool_name) {
        report.note(format!(
            "\nCreate a tool as the platform does: `{}`",
            sandbox.typed(&format!("tool add {TOOL}"))
        ));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(tool::add(sandbox, &tool_name, tool::DEFAULT_PROFILE, report))?;
    }
    let enter = sandbox.typed(&format!("as {TOOL}"));
    report.note(format!("\nRun commands as the tool: `{enter}`"));
    for command in COMMANDS {
        typed(command);
        let line = [OsString::from("/bin/sh"), OsString::from("-c"), OsString::from(command)];
        let status = as_tool::command_as(sandbox, TOOL, &line)?.status().or_fail("cannot run unshare")?;
        if !status.success() {
            return Err(Failure::new(format!("the demo stopped: `{command}` failed"))
                .hint(format!("Investigate as the tool: `{enter}`.")));
        }
        if command == FETCH_AFTER {
            typed(&format!("curl {}", ports.page_of(TOOL)));
            print(&fetch(ports.pages)?)?;
        }
    }
    eprintln!("\nThis took {} s; the sandbox keeps running. What to try next:", started.elapsed().as_secs());
    eprintln!("  open {} in a browser", ports.page_of(TOOL));
    let suggestions = [
        (enter.clone(), "open a shell as the tool"),
        (format!("{enter} -- webservice restart -m 1Gi"), "give it more memory"),
        (format!("{enter} -- webservice plan -m 9Gi"), "check a change first"),
        (sandbox.typed("kubectl get pods -A"), "list all pods as an admin"),
        (sandbox.typed("down"), "stop the sandbox, keep its data"),
    ];
    let width = suggestions.iter().map(|(command, _)| command.len()).max().unwrap_or_default();
    for (command, effect) in suggestions {
        eprintln!("  {command:width$}  {effect}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Builds the workspace's programs into the directory of this one.
pub(crate) fn build_programs(report: &Report) -> Result<(), Failure> {
    let programs = ["--package", "webservice", "--package", "jobs", "--package", "quota-check"];
    build(report, "Build webservice, jobs and quota-check", &programs)
}

/// Builds the libraries' examples below this program. `cargo test` builds them only if all tests run.
pub(crate) fn build_examples(report: &Report) -> Result<(), Failure> {
    build(report, "Build the examples", &["--workspace", "--examples"])
}

fn build(report: &Report, step: &str, what: &[&str]) -> Result<(), Failure> {
    report.step(step, |_| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet"]).args(what);
        build.args(build_options(&own_program::file()?));
        let status = build.current_dir(checkout()).status().or_fail("cannot run cargo")?;
        if status.success() { Ok(()) } else { Err(Failure::new("cargo build failed")) }
    })
}

/// Returns cargo's options to build other programs where this one was built: `TARGET/PROFILE/program`.
fn build_options(program: &Path) -> Vec<OsString> {
    let Some(directory) = program.parent() else { return Vec::new() };
    let (Some(profile), Some(target)) = (directory.file_name(), directory.parent()) else {
        return Vec::new();
    };
    // Cargo's directory for the profile `dev` is called `debug`.
    let profile = if profile == "debug" { OsStr::new("dev") } else { profile };
    vec!["--profile".into(), profile.to_owned(), "--target-dir".into(), target.as_os_str().to_owned()]
}

fn typed(command: &str) {
    println!("\n{TYPED}$ {command}{TYPED:#}");
}

fn print(page: &str) -> Result<(), Failure> {
    let plain: String = page.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    Ok(anstream::stdout().lock().write_all(plain.as_bytes())?)
}

/// Fetches the tool's page through the front door.
fn fetch(port: u16) -> Result<String, Failure> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).or_fail("cannot connect to the front door")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "GET / HTTP/1.1\r\nHost: {TOOL}.localhost:{port}\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).or_fail("the front door closed the connection")?;
    let answer = String::from_utf8_lossy(&answer);
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    if head.split(' ').nth(1) == Some("200") {
        return Ok(body.to_owned());
    }
    let line = head.lines().next().unwrap_or("an empty response").escape_debug().to_string();
    Err(Failure::new(format!("cannot fetch the page: the front door returned {line}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn builds_into_its_own_target_directory() {
        let options = |program: &str| build_options(Path::new(program));
        assert_eq!(options("/c/target/debug/p"), ["--profile", "dev", "--target-dir", "/c/target"]);
        assert_eq!(options("/c/target/release/p"), ["--profile", "release", "--target-dir", "/c/target"]);
    }
}
