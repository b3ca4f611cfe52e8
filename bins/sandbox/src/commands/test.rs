//! `test`: runs every test, on a sandbox of the tests' own.

use std::process::{Command, ExitCode};

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use crate::commands::down::DownArguments;
use crate::commands::{demo, down, up};
use crate::directory::{Sandbox, checkout};
use crate::failure::{Failure, OrFail};
use crate::report::Report;
use crate::state::Settings;

/// Beside the checkout's own sandbox, so that a demo goes on undisturbed.
const SUFFIX: &str = "test";

/// How many tests run side by side: they wait for the cluster most of the time.
const THREADS: &str = "4";

/// Which tests.
#[derive(Debug, Clone, Args)]
pub(crate) struct TestArguments {
    /// Only the tests whose names contain this.
    pub(crate) filter: Option<String>,
}

/// Starts a sandbox for the tests, runs them, and takes it down again if it was not up before.
pub(crate) fn run(
    sandbox: &Sandbox,
    arguments: &TestArguments,
    report: &Report,
) -> Result<ExitCode, Failure> {
    let TestArguments { filter } = arguments;
    let sandbox = Sandbox::named(Some(&format!("{}-{SUFFIX}", sandbox.name())))?;
    demo::build_programs(report)?;
    let was_up = sandbox.is_running();
    up::ensure_up(&sandbox, &Settings::default(), report)?;
    // Ctrl-C ends cargo and its tests, and then this goes on: the sandbox must not stay behind.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let _interrupt = runtime.block_on(async { signal(SignalKind::interrupt()) })?;
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut test = Command::new(cargo);
    test.args(["test", "--workspace"]).args(filter).current_dir(checkout());
    test.env("TOOLFORGE_SANDBOX", sandbox.name()).env("TOOLFORGE_SANDBOX_BIN", std::env::current_exe()?);
    if std::env::var_os("RUST_TEST_THREADS").is_none() {
        test.env("RUST_TEST_THREADS", THREADS);
    }
    let status = test.status().or_fail("cannot run cargo test")?;
    if !was_up && std::env::var_os("TOOLFORGE_E2E_KEEP").is_none() {
        down::run(&sandbox, &DownArguments { delete: true }, report)?;
    }
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}
