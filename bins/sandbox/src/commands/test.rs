//! `test`: runs all tests on a sandbox of their own.

use std::process::{Command, ExitCode};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::build::debian;
use crate::commands::down::DownArguments;
use crate::commands::{demo, down, up};
use crate::directory::{Sandbox, checkout};
use crate::failure::{Failure, OrFail};
use crate::own_program;
use crate::progress::Report;
use crate::saved_state::Settings;

/// Suffix of the sandbox's name. It is not the checkout's default sandbox, so the demo is not disturbed.
const SUFFIX: &str = "test";

/// How many tests run concurrently: they wait for the cluster most of the time.
const THREADS: &str = "4";

/// The packages that only the tests need, each with a program that it contains: shells with completion, and a check of man
/// pages.
const PACKAGES: [(&str, &str); 3] = [("fish", "fish"), ("mandoc", "mandoc"), ("zsh", "zsh")];

/// Which tests to run.
#[derive(Debug, Clone, Args)]
pub(crate) struct TestArguments {
    /// Run only tests whose names contain this.
    pub(crate) filter: Option<String>,
}

/// Starts a sandbox for the tests, runs them, and deletes the sandbox unless it was already running.
pub(crate) fn run(
    sandbox: &Sandbox,
    arguments: &TestArguments,
    report: &Report,
) -> Result<ExitCode, Failure> {
    let TestArguments { filter } = arguments;
    debian::ensure(&PACKAGES, report)?;
    let sandbox = Sandbox::named(Some(&format!("{}-{SUFFIX}", sandbox.name())))?;
    demo::build_programs(report)?;
    demo::build_examples(report)?;
    let was_up = sandbox.is_running();
    up::ensure_up(&sandbox, &Settings::default(), report)?;
    // Ctrl-C terminates cargo and its tests, but not this process, which must still delete the sandbox.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _interrupt = runtime.block_on(async { signal(SignalKind::interrupt()) })?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut test = Command::new(cargo);
    // A run takes so long that it should report all of its failures.
    test.args(["test", "--workspace", "--no-fail-fast"]).args(filter).current_dir(checkout());
    test.env("TOOLFORGE_SANDBOX", sandbox.name()).env("TOOLFORGE_SANDBOX_BIN", own_program::file()?);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        test.env("RUST_TEST_THREADS", THREADS);
    }
    let status = test.status().or_fail("cannot run cargo test")?;
    if !was_up && std::env::var_os("TOOLFORGE_E2E_KEEP").is_none() {
        down::run(&sandbox, &DownArguments { delete: true }, report)?;
    }
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}
