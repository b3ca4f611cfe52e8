//! The processes of a sandbox, as seen from the host.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::supervisor::COMPONENTS;

/// The file in which the first process inside records its PID namespace.
const FILE: &str = "namespace";

/// A process of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    /// PID on the host.
    pub(crate) pid: u32,
    /// The component, if it is a component's main process.
    pub(crate) component: Option<&'static str>,
    /// Memory in KiB. Shared memory is divided among the processes that share it.
    pub(crate) memory: u64,
}

/// Records the PID namespace of this process in a file.
pub(crate) fn record_namespace(sandbox: &Sandbox) -> Result<(), Failure> {
    let path = sandbox.runtime().join(FILE);
    let cannot = || format!("cannot write {}", path.display());
    let namespace = namespace(Path::new("/proc/self")).or_fail(cannot())?;
    fs::write(&path, namespace_id(&namespace)?).or_fail(cannot())
}

/// Returns the processes of the sandbox's last run, including those in its containers. The supervisor need not be
/// running.
pub(crate) fn processes(sandbox: &Sandbox) -> Result<Vec<Process>, Failure> {
    Ok(statuses(sandbox)?.into_iter().map(|(pid, status)| process(pid, &status)).collect())
}

/// Returns the PIDs of these processes on the host.
pub(crate) fn pids(sandbox: &Sandbox) -> Result<Vec<u32>, Failure> {
    Ok(statuses(sandbox)?.into_iter().map(|(pid, _)| pid).collect())
}

/// Returns the PID of each process and the text of its `/proc/PID/status`.
fn statuses(sandbox: &Sandbox) -> Result<Vec<(u32, String)>, Failure> {
    let Ok(recorded) = fs::read_to_string(sandbox.runtime().join(FILE)) else { return Ok(Vec::new()) };
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc").or_fail("cannot read /proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Some(namespace) = namespace(&entry.path()) else { continue };
        let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
        all.push((pid, namespace_id(&namespace)? == recorded, status));
    }
    let mut ours: BTreeSet<u32> = all.iter().filter(|(_, ours, _)| *ours).map(|(pid, ..)| *pid).collect();
    // A container has its own PID namespace; its first process is a child of one of ours.
    let parent = |status: &str| field(status, "PPid").and_then(|parent| parent.parse::<u32>().ok());
    loop {
        let before = ours.len();
        for (pid, _, status) in &all {
            if parent(status).is_some_and(|parent| ours.contains(&parent)) {
                ours.insert(*pid);
            }
        }
        if ours.len() == before {
            break;
        }
    }
    Ok(all.into_iter().filter(|(pid, ..)| ours.contains(pid)).map(|(pid, _, status)| (pid, status)).collect())
}

/// Returns an identifier of a namespace. Its number is unique only since the machine was booted.
fn namespace_id(namespace: &str) -> Result<String, Failure> {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").or_fail("cannot read the boot ID")?;
    Ok(format!("{}\n{namespace}\n", boot.trim()))
}

/// Returns the PID namespace of a process, or `None` if it has exited.
fn namespace(process: &Path) -> Option<String> {
    Some(fs::read_link(process.join("ns/pid")).ok()?.to_str()?.to_owned())
}

fn process(pid: u32, status: &str) -> Process {
    let directory = PathBuf::from(format!("/proc/{pid}"));
    let command = fs::read(directory.join("cmdline")).unwrap_or_default();
    Process { pid, component: component_of(status, &command), memory: memory(&directory, status) }
}

/// Returns the component that a process is, by the name of its program.
fn component_of(status: &str, command: &[u8]) -> Option<&'static str> {
    let program = command.split(|byte| *byte == 0).next()?;
    let program = Path::new(std::str::from_utf8(program).ok()?).file_name()?.to_str()?;
    let program = if program == "docker-registry" { "registry" } else { program };
    // A process of a container is in a nested PID namespace, so it has more PIDs.
    let own_namespace = field(status, "NSpid").is_some_and(|numbers| numbers.split_whitespace().count() == 2);
    COMPONENTS.into_iter().find(|name| *name == program && own_namespace)
}

fn memory(directory: &Path, status: &str) -> u64 {
    let kib =
        |text: &str, name| field(text, name).and_then(|value| value.split_whitespace().next()?.parse().ok());
    let proportional =
        fs::read_to_string(directory.join("smaps_rollup")).ok().and_then(|text| kib(&text, "Pss"));
    proportional.or_else(|| kib(status, "VmRSS")).unwrap_or_default()
}

/// Returns the value of `NAME: value` in a file below /proc.
fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_are_found_by_program_name() {
        let status = "Name:\tx\nPPid:\t7\nNSpid:\t431\t5\n";
        let cases: [(&[u8], _); 4] = [
            (b"/parts/kubernetes/kubelet\0--x\0", Some("kubelet")),
            (b"/usr/bin/docker-registry\0serve\0", Some("registry")),
            (b"/usr/bin/containerd-shim-runc-v2\0", None),
            (b"", None),
        ];
        for (command, component) in cases {
            assert_eq!(component_of(status, command), component);
        }
    }
}
