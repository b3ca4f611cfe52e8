//! A root file system that is the host's plus the paths of a Toolforge host.
//!
//! `/data/project`, the dumps, `/etc/wmcs-project` and the other paths of a Toolforge host are created in the root of
//! the process's own mount namespace. The host never sees them, and they disappear with the last process in it.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive, mount_change,
    unmount,
};
use rustix::process::pivot_root;

use crate::build::Parts;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};

/// Who uses the new root.
#[derive(Debug, Clone, Copy)]
pub(crate) enum View<'a> {
    /// The components and the pods. They also get a new `/proc`, an empty `/run`, the sandbox's directory as
    /// `/sandbox`, and the built components below `/parts`, so configuration files need no paths of the host.
    Node(&'a Parts),
    /// A tool's shell, on the host's network and among the host's processes.
    Tool,
}

/// Directories of the host that keep their entries and get the listed ones in addition.
const GRAFTED: [(&str, &[&str]); 6] = [
    ("data", &["project", "scratch"]),
    ("mnt", &["nfs"]),
    ("public", &["dumps"]),
    ("var", &["lib", "log"]),
    ("var/lib", &["cni", "kubelet", "sss"]),
    ("var/log", &["containers", "pods"]),
];

/// Directories that volume-admission mounts into pods, in addition to the homes and the files in `/etc`.
const DIRECTORIES: [&str; 6] = [
    "public/dumps",
    "mnt/nfs/dumps-clouddumps1001.wikimedia.org",
    "mnt/nfs/dumps-clouddumps1002.wikimedia.org",
    "data/scratch",
    "var/lib/sss/pipes",
    "etc/openstack",
];

/// Files of `/etc` that volume-admission mounts into pods. Those that hold secrets on the platform are empty here.
const FILES: [(&str, &str); 5] = [
    ("etc/wmcs-project", "tools\n"),
    ("etc/ldap.conf", ""),
    ("etc/ldap.yaml", ""),
    ("etc/novaobserver.yaml", ""),
    ("etc/openstack/clouds.yaml", ""),
];

/// Moves this process to a private root. The process must be alone in a mount namespace with private mounts, as
/// `unshare --mount` creates it. Later changes to `/etc` are visible only in this namespace.
pub(crate) fn enter(sandbox: &Sandbox, view: View<'_>) -> Result<(), Failure> {
    let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("/"));
    assemble(sandbox, view).or_fail("cannot assemble the sandbox's view of the file system")?;
    // The new root may hide the working directory.
    std::env::set_current_dir(&here).or_else(|_| std::env::set_current_dir("/")).or_fail("cannot enter /")
}

fn assemble(sandbox: &Sandbox, view: View<'_>) -> Result<(), Failure> {
    let root = sandbox.directory().join("root");
    fs::create_dir_all(&root)?;
    mount("sandbox", &root, "tmpfs", MountFlags::empty(), Some(c"mode=0755")).or_fail("tmpfs")?;
    // The sandbox's directory lies below a directory that is bound next. That bind must not include this mount.
    mount_change(&root, MountPropagationFlags::UNBINDABLE).or_fail("tmpfs")?;
    let hidden: &[&str] = match view {
        View::Node(_) => &["etc", "data", "mnt", "public", "var", "proc", "run", "sandbox", "parts"],
        View::Tool => &["etc", "data", "mnt", "public", "var"],
    };
    graft(Path::new("/"), &root, hidden)?;
    for (directory, ours) in GRAFTED {
        graft(&Path::new("/").join(directory), &root.join(directory), ours)?;
        for entry in ours {
            fs::create_dir_all(root.join(directory).join(entry))?;
        }
    }
    mount_change(&root, MountPropagationFlags::PRIVATE).or_fail("tmpfs")?;
    overlay_etc(&root)?;
    for directory in DIRECTORIES {
        fs::create_dir_all(root.join(directory))?;
    }
    fs::set_permissions(root.join("data/scratch"), fs::Permissions::from_mode(0o1777))?;
    for (file, text) in FILES {
        fs::write(root.join(file), text)?;
    }
    mount_bind(sandbox.homes(), root.join("data/project")).or_fail("/data/project")?;
    if let View::Node(parts) = view {
        fs::create_dir(root.join("run"))?;
        fs::create_dir(root.join("proc"))?;
        for (source, target) in [
            (sandbox.directory(), "sandbox"),
            (&parts.kubernetes, "parts/kubernetes"),
            (&parts.coredns, "parts/coredns"),
            (&parts.images, "parts/images"),
        ] {
            fs::create_dir_all(root.join(target))?;
            mount_bind(source, root.join(target)).or_fail(format!("/{target}"))?;
        }
        mount("proc", root.join("proc"), "proc", MountFlags::NOSUID | MountFlags::NODEV, None)
            .or_fail("/proc")?;
    }
    let old = root.join(".host");
    fs::create_dir(&old)?;
    pivot_root(&root, &old).or_fail("pivot_root")?;
    std::env::set_current_dir("/")?;
    unmount("/.host", UnmountFlags::DETACH).or_fail("/.host")?;
    fs::remove_dir("/.host")?;
    Ok(())
}

/// Creates the directory `to` with bind mounts of all entries of `from` except those `left_out`.
fn graft(from: &Path, to: &Path, left_out: &[&str]) -> Result<(), Failure> {
    fs::create_dir_all(to)?;
    let Ok(entries) = fs::read_dir(from) else { return Ok(()) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if left_out.iter().any(|left_out| OsStr::new(left_out) == name) {
            continue;
        }
        let (source, target) = (from.join(&name), to.join(&name));
        let kind = entry.file_type()?;
        if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &target)?;
        } else if kind.is_dir() {
            fs::create_dir(&target)?;
            mount_bind_recursive(&source, &target).or_fail(source.display())?;
        } else {
            fs::write(&target, "")?;
            mount_bind(&source, &target).or_fail(source.display())?;
        }
    }
    Ok(())
}

/// Mounts an overlay over the host's `/etc`, so it can be written to.
fn overlay_etc(root: &Path) -> Result<(), Failure> {
    let layer = root.join(".etc");
    let (upper, work, etc) = (layer.join("upper"), layer.join("work"), root.join("etc"));
    for directory in [&upper, &work, &etc] {
        fs::create_dir_all(directory)?;
    }
    // The paths are relative: a comma or colon in the sandbox's path would be read as a separator.
    std::env::set_current_dir(&layer)?;
    mount("overlay", &etc, "overlay", MountFlags::empty(), Some(c"lowerdir=/etc,upperdir=upper,workdir=work"))
        .or_fail("/etc")
}
