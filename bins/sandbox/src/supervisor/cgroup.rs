//! The parent cgroup of all pods of a sandbox, on cgroup v1 and v2.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::{Failure, OrFail};

/// How long the kernel may take to release a cgroup after its last process has exited.
const PATIENCE: Duration = Duration::from_secs(5);

/// A cgroup hierarchy: version 1 has one per controller, version 2 a single one.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hierarchy {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Version 1 without the controller `cpuset`.
    First,
    /// Version 1 with the controller `cpuset`: a new cgroup has no CPUs until they are assigned.
    FirstWithCpuset,
    /// Version 2: a cgroup enables controllers for its children.
    Second,
}

/// Creates the cgroup `/NAME` in every hierarchy.
pub(crate) fn create(name: &str) -> Result<(), Failure> {
    let hierarchies = hierarchies()?;
    let mixed = hierarchies.iter().any(|hierarchy| hierarchy.kind != Kind::Second);
    for Hierarchy { path, kind } in &hierarchies {
        // If version 1 hierarchies exist, that of version 2 has no controllers, and the kubelet ignores it.
        if mixed && *kind == Kind::Second {
            continue;
        }
        create_in(path, &path.join(name), *kind)
            .or_fail(format!("cannot create the cgroup {}", path.join(name).display()))?;
    }
    Ok(())
}

/// Removes the cgroup `/NAME` and its children from every hierarchy, once the last process has exited.
pub(crate) fn remove(name: &str) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    for Hierarchy { path, .. } in hierarchies()? {
        let cgroup = path.join(name);
        while let Err(error) = remove_tree(&cgroup) {
            if Instant::now() >= deadline {
                return Err(error).or_fail(format!("cannot remove the cgroup {}", cgroup.display()));
            }
            sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

fn create_in(parent: &Path, cgroup: &Path, kind: Kind) -> io::Result<()> {
    if kind == Kind::Second {
        enable_controllers(parent)?;
    }
    fs::create_dir_all(cgroup)?;
    match kind {
        Kind::First => Ok(()),
        Kind::FirstWithCpuset => ["cpuset.cpus", "cpuset.mems"]
            .iter()
            .try_for_each(|file| fs::write(cgroup.join(file), fs::read(parent.join(file))?)),
        Kind::Second => enable_controllers(cgroup),
    }
}

/// Enables all controllers of this cgroup for its children.
fn enable_controllers(cgroup: &Path) -> io::Result<()> {
    let available = fs::read_to_string(cgroup.join("cgroup.controllers"))?;
    let enabled = fs::read_to_string(cgroup.join("cgroup.subtree_control"))?;
    let missing: Vec<_> = available
        .split_whitespace()
        .filter(|controller| !enabled.split_whitespace().any(|enabled| enabled == *controller))
        .map(|controller| format!("+{controller}"))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let enable = || fs::write(cgroup.join("cgroup.subtree_control"), missing.join(" "));
    match enable() {
        // A cgroup other than the machine's root, such as a container's, cannot have both processes and controllers for
        // its children.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            let leaf = cgroup.join("init");
            fs::create_dir_all(&leaf)?;
            for process in fs::read_to_string(cgroup.join("cgroup.procs"))?.lines() {
                // The process may have exited in the meantime.
                let _ = fs::write(leaf.join("cgroup.procs"), process);
            }
            enable()
        }
        result => result,
    }
}

/// Removes a cgroup's directories, depth first. The files in them are virtual and cannot be removed.
fn remove_tree(cgroup: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(cgroup) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(cgroup)
}

fn hierarchies() -> Result<Vec<Hierarchy>, Failure> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").or_fail("cannot read /proc/self/mountinfo")?;
    let hierarchies = parse(&mounts);
    if hierarchies.is_empty() {
        return Err(Failure::new("no cgroups are mounted").hint(
            "The sandbox needs them. If this is a container, start it with `--privileged`; otherwise mount /sys/fs/cgroup.",
        ));
    }
    Ok(hierarchies)
}

/// Parses mountinfo (see `proc_pid_mountinfo(5)`).
fn parse(mounts: &str) -> Vec<Hierarchy> {
    let mut hierarchies: Vec<Hierarchy> = Vec::new();
    for line in mounts.lines() {
        let Some((mount, filesystem)) = line.split_once(" - ") else { continue };
        let mut filesystem = filesystem.split(' ');
        let (kind, options) = (filesystem.next(), filesystem.nth(1).unwrap_or_default());
        let kind = match kind {
            Some("cgroup") if options.split(',').any(|option| option == "cpuset") => Kind::FirstWithCpuset,
            Some("cgroup") => Kind::First,
            Some("cgroup2") => Kind::Second,
            _ => continue,
        };
        let Some(path) = mount.split(' ').nth(4).map(PathBuf::from) else { continue };
        if !hierarchies.iter().any(|hierarchy| hierarchy.path == path) {
            hierarchies.push(Hierarchy { path, kind });
        }
    }
    hierarchies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hierarchy(path: &str, kind: Kind) -> Hierarchy {
        Hierarchy { path: PathBuf::from(path), kind }
    }

    #[test]
    fn finds_hierarchies_of_both_versions() {
        let first = "\
24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
31 30 0:27 / /sys/fs/cgroup/cpuset rw,nosuid shared:9 - cgroup cgroup rw,cpuset
32 30 0:28 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory
33 30 0:29 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
";
        let expected = [
            hierarchy("/sys/fs/cgroup/cpuset", Kind::FirstWithCpuset),
            hierarchy("/sys/fs/cgroup/memory", Kind::First),
            hierarchy("/sys/fs/cgroup/unified", Kind::Second),
        ];
        assert_eq!(parse(first), expected);
        let second = "29 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
        assert_eq!(parse(second), [hierarchy("/sys/fs/cgroup", Kind::Second)]);
        assert!(parse("garbage\n\n - \n").is_empty());
    }
}
