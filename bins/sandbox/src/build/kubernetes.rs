//! Kubernetes, etcd and metrics-server, built from Go modules as one binary.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::build::build_program::run;
use crate::build::cache::cached;
use crate::build::golang::{self, Toolchain};
use crate::failure::Failure;
use crate::progress::Report;

/// The version nearest to the platform's 1.32 for which every module is available.
pub(crate) const VERSION: &str = "v1.33.13";
/// The programs in the binary, which runs the one that it is called as.
const NAMES: [&str; 8] = [
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubectl",
    "kubelet",
    "metrics-server",
];
/// Approximate number of packages, for the progress.
const PACKAGES: u32 = 2_750;

const MEBIBYTE: u64 = 1024 * 1024;
/// Required disk space in bytes: the modules (0.8 GB), Go's cache (1.6 GB), the programs and the images.
const REQUIRED_SPACE: u64 = 3_500 * MEBIBYTE;

const GO_MOD: &str = include_str!("../../../../fixtures/cluster/kubernetes/go.mod");
const GO_SUM: &str = include_str!("../../../../fixtures/cluster/kubernetes/go.sum");
const MAIN_GO: &str = include_str!("../../../../fixtures/cluster/kubernetes/main.go");

/// Returns the directory of the programs, and builds them if they are not in the cache.
pub(crate) fn build(go: &Toolchain<'_>, report: &Report) -> Result<PathBuf, Failure> {
    let link = link_flags();
    let inputs = [GO_MOD, GO_SUM, MAIN_GO, &link, std::env::consts::ARCH].map(str::as_bytes);
    let what = format!("Build Kubernetes {VERSION} (several minutes, once)");
    cached(&inputs, "kubernetes", report, what, |partial, step| {
        check_disk_space(partial)?;
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

/// Checks before the build that it will not fill the disk.
fn check_disk_space(directory: &Path) -> Result<(), Failure> {
    let filesystem = rustix::fs::statvfs(directory)?;
    let free = filesystem.f_bavail.saturating_mul(filesystem.f_frsize);
    if free < REQUIRED_SPACE {
        let (free, required, directory) = (free / MEBIBYTE, REQUIRED_SPACE / MEBIBYTE, directory.display());
        return Err(Failure::new(format!(
            "{directory} has {free} MiB of free disk space; the build needs {required} MiB"
        ))
        .hint("Free some disk space, or set XDG_CACHE_HOME to a directory on another disk."));
    }
    Ok(())
}

/// Returns the linker's flags. They set the version in both packages; otherwise clients assume a wrong server version.
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
    fn version_matches_go_mod() {
        assert!(GO_MOD.contains(&format!("k8s.io/kubernetes {VERSION}\n")));
        assert!(link_flags().contains("-X k8s.io/client-go/pkg/version.gitMinor=33 "));
    }

    #[test]
    fn main_go_has_every_program() {
        for name in NAMES {
            assert!(MAIN_GO.contains(&format!("\"{name}\"")), "{name}");
        }
    }
}
