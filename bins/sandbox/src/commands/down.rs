//! `down`: stops the sandbox.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};

use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::report::Report;
use crate::supervisor::outside;

/// How long the supervisor may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// How to stop a sandbox.
#[derive(Debug, Clone, Args)]
pub(crate) struct DownArguments {
    /// Remove the sandbox's data as well: its tools, their homes, its certificates.
    #[arg(long)]
    pub(crate) delete: bool,
}

/// Stops the sandbox and removes what it left; with `--delete` its data as well.
pub(crate) fn run(
    sandbox: &Sandbox,
    arguments: &DownArguments,
    report: &Report,
) -> Result<ExitCode, Failure> {
    let DownArguments { delete } = arguments;
    if !sandbox.directory().exists() {
        report.note(format!("There is no sandbox {}.", sandbox.name()));
        return Ok(ExitCode::SUCCESS);
    }
    let turn = sandbox.turn_file()?;
    turn.lock().or_fail("cannot lock the sandbox's directory")?;
    if sandbox.is_running() {
        report.step(format!("Stop the sandbox {}", sandbox.name()), |_| stop(sandbox))?;
    } else {
        report.note(format!("The sandbox {} does not run.", sandbox.name()));
    }
    outside::sweep(sandbox)?;
    if *delete {
        report.step("Remove its data", |_| {
            fs::remove_dir_all(sandbox.directory())
                .or_fail(format!("cannot remove {}", sandbox.directory().display()))
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn stop(sandbox: &Sandbox) -> Result<(), Failure> {
    for signal in [Signal::TERM, Signal::KILL] {
        // Without a number the supervisor is just starting or ending, and has nothing inside yet or any more.
        if let Some(pid) = outside::pid(sandbox).and_then(Pid::from_raw) {
            let _ = kill_process(pid, signal);
        }
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if !sandbox.is_running() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Err(Failure::new("the supervisor does not end"))
}
