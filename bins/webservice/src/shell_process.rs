//! The owner of a shell, and whether its process still runs, from `/proc`.

use std::fs;

use toolforge_render::web_service::{ShellHost, ShellOwner, ShellProcess};

/// Returns the owner of a new shell: this process of this user on this machine.
pub(crate) fn owner() -> ShellOwner {
    let word = |file: &str| fs::read_to_string(file).unwrap_or_default().trim().to_owned();
    let pid = std::process::id();
    let user = std::env::var("USER").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    let host = ShellHost {
        name: word("/proc/sys/kernel/hostname"),
        boot_id: word("/proc/sys/kernel/random/boot_id"),
        pid_namespace: namespace.to_string_lossy().into_owned(),
    };
    ShellOwner::new(&user, &host, ShellProcess { pid, start_time: start_time(pid).unwrap_or(0) })
}

/// Returns whether a process of this host runs, and is not another one with the same id.
pub(crate) fn is_running(process: ShellProcess) -> bool {
    start_time(process.pid) == Some(process.start_time)
}

fn start_time(pid: u32) -> Option<u64> {
    let line = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold anything; the start is the 22nd (proc(5)).
    line.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_process_is_running() {
        let own = owner().process();
        assert!(own.start_time > 0);
        assert!(is_running(own));
    }

    #[test]
    fn process_with_reused_id_is_not_running() {
        let own = owner().process();
        assert!(!is_running(ShellProcess { start_time: own.start_time + 1, ..own }));
        assert!(!is_running(ShellProcess { pid: u32::MAX, ..own }));
    }
}
