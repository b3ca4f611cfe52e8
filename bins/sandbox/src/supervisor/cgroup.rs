//! The cgroup under which all pods of a sandbox are, on cgroup v1 and v2.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::failure::{Failure, OrFail};

/// How long the kernel may take to let go of a cgroup after its last process.
const PATIENCE: Duration = Duration::from_secs(5);

/// A tree of cgroups, as one of version 1 per controller, or the one of version 2.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Hierarchy {
    path: PathBuf,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Version 1, with any controllers but `cpuset`.
    First,
    /// Version 1 with `cpuset`, where a new cgroup has no processors until it is given some.
    FirstWithCpuset,
    /// Version 2, where controllers are passed on from cgroup to cgroup.
    Second,
}

/// Makes the cgroup `/NAME` in every hierarchy.
pub(crate) fn create(name: &str) -> Result<(), Failure> {
    let hierarchies = hierarchies()?;
    let mixed = hierarchies.iter().any(|hierarchy| hierarchy.kind != Kind::Second);
    for Hierarchy { path, kind } in &hierarchies {
        // Beside version 1, the one of version 2 has no controllers, and the kubelet does not look at it.
        if mixed && *kind == Kind::Second {
            continue;
        }
        create_in(path, &path.join(name), *kind)
            .or_fail(format!("cannot make the cgroup {}", path.join(name).display()))?;
    }
    Ok(())
}

/// Removes the cgroup `/NAME` and all below from every hierarchy, waiting for the last process to be gone.
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

/// Lets the cgroups below have all controllers that this one has.
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
        // A cgroup that is not the machine's root, as a container's, has either processes or controllers to pass on.
        Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
            let leaf = cgroup.join("init");
            fs::create_dir_all(&leaf)?;
            for process in fs::read_to_string(cgroup.join("cgroup.procs"))?.lines() {
                // It may have ended meanwhile.
                let _ = fs::write(leaf.join("cgroup.procs"), process);
            }
            enable()
        }
        result => result,
    }
}

/// Removes a cgroup's directories, depth first: the files in them are no files, and cannot be removed.
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
    let mounts = fs::read_to_string("/proc/self/mountinfo").or_fail("cannot read the list of mounts")?;
    let hierarchies = parse(&mounts);
    if hierarchies.is_empty() {
        return Err(Failure::new("no cgroups are mounted").hint(
            "Containers need them: in a container, start it with `--privileged`; else mount /sys/fs/cgroup.",
        ));
    }
    Ok(hierarchies)
}

/// Reads mountinfo, as `proc_pid_mountinfo(5)` describes it.
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
    fn finds_the_hierarchies_of_both_versions() {
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
