//! `down`: stops the sandbox.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};

use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::progress::Report;
use crate::supervisor::outside;

/// How long the supervisor may take to exit after a signal.
const PATIENCE: Duration = Duration::from_secs(10);

/// How to stop a sandbox.
#[derive(Debug, Clone, Args)]
pub(crate) struct DownArguments {
    /// Also delete the sandbox's data: its tools, their homes, its certificates.
    #[arg(long)]
    pub(crate) delete: bool,
}

/// Stops the sandbox and cleans up after it; with `--delete`, also deletes its data.
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
    let lock = sandbox.command_lock_file()?;
    lock.lock().or_fail("cannot lock the sandbox's directory")?;
    if sandbox.is_running() {
        report.step(format!("Stop the sandbox {}", sandbox.name()), |_| stop(sandbox))?;
    } else {
        report.note(format!("The sandbox {} is not running.", sandbox.name()));
    }
    outside::clean_up(sandbox)?;
    if *delete {
        report.step("Delete its data", |_| {
            fs::remove_dir_all(sandbox.directory())
                .or_fail(format!("cannot delete {}", sandbox.directory().display()))
        })?;
    }
    Ok(ExitCode::SUCCESS)
}

fn stop(sandbox: &Sandbox) -> Result<(), Failure> {
    for signal in [Signal::TERM, Signal::KILL] {
        // Without a PID file the supervisor is just starting or stopping, and nothing runs inside.
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
    Err(Failure::new("the supervisor does not exit"))
}
