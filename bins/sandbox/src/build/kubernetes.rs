//! Kubernetes and etcd, built from Go modules as one program.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::build::cache::cached;
use crate::build::command::run;
use crate::build::golang::{self, Toolchain};
use crate::failure::Failure;
use crate::report::Report;

/// The nearest to the platform's 1.32 of which every module is served.
pub(crate) const VERSION: &str = "v1.33.13";
/// The programs that the one program can be; it is called by their names.
const NAMES: [&str; 7] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
];
/// About how many packages go into it, for the progress.
const PACKAGES: usize = 2_750;

const MEBIBYTE: u64 = 1024 * 1024;
/// What the modules (0.8 GB), Go's own cache (1.6 GB), the programs and the images take, in bytes.
const ROOM: u64 = 3_500 * MEBIBYTE;

const GO_MOD: &str = include_str!("../../../../fixtures/cluster/kubernetes/go.mod");
const GO_SUM: &str = include_str!("../../../../fixtures/cluster/kubernetes/go.sum");
const MAIN_GO: &str = include_str!("../../../../fixtures/cluster/kubernetes/main.go");

/// Returns the directory of the programs, building them where they are not in the cache.
pub(crate) fn build(go: &Toolchain<'_>, report: &Report) -> Result<PathBuf, Failure> {
    let link = link_flags();
    let inputs = [GO_MOD, GO_SUM, MAIN_GO, &link, std::env::consts::ARCH].map(str::as_bytes);
    let what = format!("Build Kubernetes {VERSION} (some minutes, once)");
    cached(&inputs, "kubernetes", report, what, |partial, step| {
        enough_room(partial)?;
        let source = partial.join("source");
        fs::create_dir(&source)?;
        for (file, text) in [("go.mod", GO_MOD), ("go.sum", GO_SUM), ("main.go", MAIN_GO)] {
            fs::write(source.join(file), text)?;
        }
        let mut command = go.command()?;
        command.current_dir(&source).args([
            "build",
            "-v",
            "-buildvcs=false",
            "-trimpath",
            "-ldflags",
            &link,
            "-o",
        ]);
        run(command.arg(partial.join("kubernetes")).arg("."), golang::progress(step, PACKAGES))?;
        for name in NAMES {
            symlink("kubernetes", partial.join(name))?;
        }
        Ok(fs::remove_dir_all(source)?)
    })
}

/// Refuses to begin what would end some minutes later with a full disk.
fn enough_room(directory: &Path) -> Result<(), Failure> {
    let room = rustix::fs::statvfs(directory)?;
    let free = room.f_bavail.saturating_mul(room.f_frsize);
    if free < ROOM {
        let (free, room, directory) = (free / MEBIBYTE, ROOM / MEBIBYTE, directory.display());
        return Err(Failure::new(format!("{free} MiB are free for {directory}; building needs {room} MiB"))
            .hint("Make room on the disk, or set XDG_CACHE_HOME to a directory on another one."));
    }
    Ok(())
}

/// Returns the linker's flags: without the version in both places clients misjudge what the server can do.
fn link_flags() -> String {
    let mut flags = "-s -w".to_owned();
    let mut parts = VERSION.trim_start_matches('v').split('.');
    let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    for package in ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"] {
        for (name, value) in
            [("gitVersion", VERSION), ("gitMajor", major), ("gitMinor", minor), ("gitTreeState", "clean")]
        {
            let _ = write!(flags, " -X {package}.{name}={value}");
        }
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_is_that_of_the_module() {
        assert!(GO_MOD.contains(&format!("k8s.io/kubernetes {VERSION}\n")));
        assert!(link_flags().contains("-X k8s.io/client-go/pkg/version.gitMinor=33 "));
    }

    #[test]
    fn the_program_knows_every_name() {
        for name in NAMES {
            assert!(MAIN_GO.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}
