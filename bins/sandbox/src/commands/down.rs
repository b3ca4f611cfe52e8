//! `down`: stops the sandbox.

use std::fs;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::arguments::DownArguments;
use crate::failure::{Failure, OrFail};
use crate::folder::Sandbox;
use crate::report::Report;
use crate::supervisor::{outside, sweep};

/// How long the supervisor may take to end by itself.
const PATIENCE: Duration = Duration::from_secs(10);

/// Stops the sandbox and removes what it left; with `--delete` its data as well.
pub(crate) fn run(
    sandbox: &Sandbox,
    arguments: &DownArguments,
    report: &Report,
) -> Result<ExitCode, Failure> {
    let DownArguments { delete } = arguments;
    if !sandbox.folder().exists() {
        report.note(format!("There is no sandbox {}.", sandbox.name()));
        return Ok(ExitCode::SUCCESS);
    }
    let turn = sandbox.turn_file()?;
    turn.lock().or_fail("cannot lock the sandbox's folder")?;
    if sandbox.is_running() {
        report.step(format!("Stop the sandbox {}", sandbox.name()), |_| stop(sandbox))?;
    } else {
        report.note(format!("The sandbox {} does not run.", sandbox.name()));
    }
    sweep::sweep(sandbox)?;
    if *delete {
        report.step("Remove its data", |_| {
            fs::remove_dir_all(sandbox.folder())
                .or_fail(format!("cannot remove {}", sandbox.folder().display()))
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
