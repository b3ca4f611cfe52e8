//! The programs from Debian packages.

use std::env;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::build::build_program::run;
use crate::failure::{Failure, OrFail};
use crate::progress::Report;

/// The required Debian packages, each with a file that it contains: a program's name, or a path.
const PACKAGES: [(&str, &str); 14] = [
    ("ca-certificates", "/etc/ssl/certs/ca-certificates.crt"),
    ("catatonit", "catatonit"),
    ("containerd", "containerd"),
    ("containernetworking-plugins", "/usr/lib/cni/bridge"),
    ("curl", "curl"),
    ("debootstrap", "debootstrap"),
    ("docker-registry", "docker-registry"),
    ("iproute2", "ip"),
    ("iptables", "iptables"),
    ("openssl", "openssl"),
    ("runc", "runc"),
    ("skopeo", "skopeo"),
    ("umoci", "umoci"),
    ("util-linux", "unshare"),
];

/// Exists while systemd is running.
const SYSTEMD: &str = "/run/systemd/system";

/// Installs the missing Debian packages.
pub(crate) fn install(report: &Report) -> Result<(), Failure> {
    ensure(&PACKAGES, report)
}

/// Installs those of these packages whose file is missing. Needs root, and Debian or Ubuntu.
///
/// # Errors
/// A package cannot be installed. On other systems and without root, the error lists the missing packages.
pub(crate) fn ensure(packages: &[(&str, &str)], report: &Report) -> Result<(), Failure> {
    let missing = || -> Vec<_> {
        packages.iter().filter(|(_, file)| find(file).is_none()).map(|(package, _)| *package).collect()
    };
    let missing_packages = missing();
    if missing_packages.is_empty() {
        return Ok(());
    }
    let names = missing_packages.join(" ");
    if !is_debian(&fs::read_to_string("/etc/os-release").unwrap_or_default()) {
        return Err(Failure::new(format!("the programs of these Debian packages are missing: {names}"))
            .hint("Install them with this system's package manager (their names may differ), then run it again."));
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new(format!("these Debian packages are missing: {names}"))
            .hint(format!("Install them: `sudo apt-get install {names}`.")));
    }
    report.step(format!("Install the Debian packages {names}"), |step| {
        run(apt_get().arg("update"), |line| step.progress(line))?;
        // Removing packages would be a surprise, for example Docker's containerd.
        let mut install = apt_get();
        install.args(["install", "--yes", "--no-install-recommends", "--no-remove"]).args(&missing_packages);
        let quiet = WithoutServices::begin();
        run(&mut install, |line| step.progress(line))?;
        drop(quiet);
        disable_services(&missing_packages);
        Ok(())
    })?;
    match missing().first() {
        Some(package) => {
            Err(Failure::new(format!("the Debian package {package} does not contain the expected file")))
        }
        None => Ok(()),
    }
}

/// Returns the path of a program or of a file, if it exists.
pub(crate) fn find(file: &str) -> Option<PathBuf> {
    if file.starts_with('/') {
        return Some(PathBuf::from(file)).filter(|path| path.exists());
    }
    // A user's PATH often lacks the directories of system programs.
    let path = env::var_os("PATH").unwrap_or_default();
    let directories =
        env::split_paths(&path).chain(["/usr/sbin", "/sbin", "/usr/bin", "/bin"].map(PathBuf::from));
    directories.map(|directory| directory.join(file)).find(|path| is_program(path))
}

/// Returns the path of a program that [`install`] has installed.
pub(crate) fn program(name: &str) -> Result<PathBuf, Failure> {
    find(name).or_fail(format!("the program `{name}` is missing"))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args([
        "-q",
        "-oDpkg::Use-Pty=0",
        "-oDPkg::Lock::Timeout=120",
    ]);
    command
}

fn is_debian(os_release: &str) -> bool {
    os_release.lines().any(|line| match line.split_once('=') {
        Some(("ID" | "ID_LIKE", value)) => {
            value.trim_matches('"').split(' ').any(|id| matches!(id, "debian" | "ubuntu"))
        }
        _ => false,
    })
}

/// Keeps newly installed packages from starting their services, until it is dropped. The sandbox starts its own.
///
/// Debian reads a policy file for this (`policy-rc.d`, see invoke-rc.d(8)).
struct WithoutServices {
    created: bool,
}

impl WithoutServices {
    const FILE: &str = "/usr/sbin/policy-rc.d";
    const TEXT: &str = "#!/bin/sh\n# Made by toolforge-sandbox while it installs packages.\nexit 101\n";

    fn begin() -> Self {
        let created = match fs::read_to_string(Self::FILE) {
            // A killed run has left it.
            Ok(text) => text == Self::TEXT,
            Err(_) => Self::write().is_ok(),
        };
        Self { created }
    }

    fn write() -> std::io::Result<()> {
        fs::write(Self::FILE, Self::TEXT)?;
        fs::set_permissions(Self::FILE, fs::Permissions::from_mode(0o755))
    }
}

impl Drop for WithoutServices {
    fn drop(&mut self) {
        if self.created {
            // If the file remains, it keeps other packages' services from starting, but the error cannot be handled here.
            let _ = fs::remove_file(Self::FILE);
        }
    }
}

/// Keeps newly installed services from starting when the machine boots.
fn disable_services(installed: &[&str]) {
    if Path::new(SYSTEMD).exists() {
        for service in ["containerd", "docker-registry"] {
            if installed.contains(&service) {
                let _ = run(Command::new("systemctl").args(["disable", "--now", service]), |_| ());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognizes_debian_derivatives() {
        let cases = [
            ("ID=debian\nVERSION_ID=\"12\"\n", true),
            ("ID=ubuntu\nID_LIKE=debian\n", true),
            ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", true),
            ("ID=\"rhel\"\nID_LIKE=\"fedora\"\nPRETTY_NAME=debian\n", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(is_debian(text), expected, "{text}");
        }
    }
}
