//! The processes of a sandbox: one supervisor outside, one inside, and the components.
//!
//! The one outside ([`outside`]) holds the sandbox's lock, listens on the host's 127.0.0.1, and starts the one
//! inside ([`inside`]) through util-linux' `unshare`, as the first process of new PID, mount and network
//! namespaces. Killing either ends both and everything that was started: the kernel ends a PID namespace with its
//! first process, and mounts, network devices and firewall rules go with their namespaces. What remains, empty
//! cgroups and files, is swept by the supervisor's own end or by the next start ([`outside::sweep`]).

mod cgroup;
mod components;
mod configuration;
pub(crate) mod inside;
pub(crate) mod outside;
mod processes;
mod relay;
pub(crate) mod survey;

use std::fs;
use std::io;

use serde::{Deserialize, Serialize};

use crate::build::Parts;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::state::Settings;

pub(crate) use components::NAMES as COMPONENTS;

/// What the supervisor is told by `up`, in a file: it outlives the program that starts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Start {
    pub(crate) settings: Settings,
    pub(crate) parts: Parts,
}

impl Start {
    const FILE: &str = "start.json";

    /// Writes the file.
    pub(crate) fn write(&self, sandbox: &Sandbox) -> Result<(), Failure> {
        let path = sandbox.runtime().join(Self::FILE);
        fs::write(&path, serde_json::to_vec_pretty(self)?).or_fail(format!("cannot write {}", path.display()))
    }

    fn read(sandbox: &Sandbox) -> Result<Self, Failure> {
        let path = sandbox.runtime().join(Self::FILE);
        let text = fs::read(&path).or_fail(format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).or_fail(format!("cannot read {}", path.display()))
    }
}

/// Keeps what the components wrote in the run before, so that a log starts with its run.
pub(crate) fn turn_logs(sandbox: &Sandbox) -> Result<(), Failure> {
    let logs = sandbox.logs();
    for name in COMPONENTS.into_iter().chain(["supervisor"]) {
        let (log, previous) = (logs.join(format!("{name}.log")), logs.join(format!("{name}.previous.log")));
        match fs::rename(&log, &previous) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).or_fail(format!("cannot keep {}", log.display()));
            }
            _ => {}
        }
    }
    Ok(())
}
