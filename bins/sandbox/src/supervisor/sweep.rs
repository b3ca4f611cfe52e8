//! Removes what a sandbox left behind: the empty cgroups and the files of a run.

use std::fs;
use std::io;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::{Failure, OrFail};
use crate::folder::Sandbox;
use crate::supervisor::{cgroup, survey};

/// How long the kernel may take to end all processes of a namespace whose first process has ended.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits until no process of the last run is left, then removes its cgroups and files. Does nothing where there
/// is nothing. The caller makes sure that no supervisor runs.
pub(crate) fn sweep(sandbox: &Sandbox) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let left = survey::pids(sandbox)?;
        if left.is_empty() {
            break;
        }
        if Instant::now() >= deadline {
            let pids: Vec<_> = left.iter().map(ToString::to_string).collect();
            return Err(Failure::new(format!("processes of the sandbox do not end: {}", pids.join(" "))));
        }
        sleep(Duration::from_millis(20));
    }
    cgroup::remove(&sandbox.cgroup())?;
    let runtime = sandbox.runtime();
    match fs::remove_dir_all(&runtime) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).or_fail(format!("cannot remove {}", runtime.display()))
        }
        _ => Ok(()),
    }
}
