//! The owner of a shell, and whether its process still runs, from `/proc`.

use std::fs;

use toolforge_render::web_service::ShellOwner;

/// Returns the owner of a new shell: this process of this user on this machine.
pub(crate) fn owner() -> ShellOwner {
    let word = |file: &str| fs::read_to_string(file).unwrap_or_default().trim().to_owned();
    let own = std::process::id();
    let user = std::env::var("USER").unwrap_or_default();
    let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    ShellOwner::new(
        (&user, &word("/proc/sys/kernel/hostname")),
        (own, started(own).unwrap_or(0)),
        &word("/proc/sys/kernel/random/boot_id"),
        &namespace.to_string_lossy(),
    )
}

/// Returns whether the process with a number runs and is the one that started at a moment, in the kernel's own count.
pub(crate) fn runs((process, start): (u32, u64)) -> bool {
    started(process) == Some(start)
}

fn started(process: u32) -> Option<u64> {
    let line = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The second field is the program's name in parentheses, which may hold anything; the start is the 22nd (proc(5)).
    line.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_runs_and_another_with_its_number_does_not() {
        let (process, start) = owner().process();
        assert!(start > 0);
        assert!(runs((process, start)));
        assert!(!runs((process, start + 1)));
        assert!(!runs((u32::MAX, start)));
    }
}
