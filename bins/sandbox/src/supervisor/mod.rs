//! The processes of a sandbox: one supervisor on the host, one inside, and the components.
//!
//! The one on the host ([`outside`]) holds the sandbox's lock, listens on 127.0.0.1, and starts the one inside
//! ([`inside`]) with util-linux' `unshare`, as the first process of new PID, mount and network namespaces. Killing
//! either one kills both and everything they started: the kernel kills all processes of a PID namespace when its first
//! process exits, and mounts, network devices and firewall rules disappear with their namespaces. Empty cgroups and
//! files remain; the supervisor removes them when it exits, or else the next start does ([`outside::clean_up`]).

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
use crate::saved_state::Settings;

pub(crate) use components::NAMES as COMPONENTS;

/// What `up` passes to the supervisor, in a file.
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

/// Renames the components' logs of the previous run, so each run starts with empty logs.
pub(crate) fn rotate_logs(sandbox: &Sandbox) -> Result<(), Failure> {
    let logs = sandbox.logs();
    for name in COMPONENTS.into_iter().chain(["supervisor"]) {
        let (log, previous) = (logs.join(format!("{name}.log")), logs.join(format!("{name}.previous.log")));
        match fs::rename(&log, &previous) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).or_fail(format!("cannot rename {}", log.display()));
            }
            _ => {}
        }
    }
    Ok(())
}
