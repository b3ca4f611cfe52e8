//! CoreDNS, built from Go modules.

use std::path::PathBuf;

use crate::build::cache::cached;
use crate::build::command::run;
use crate::build::golang::Toolchain;
use crate::failure::Failure;
use crate::report::Report;

/// Works with Kubernetes 1.33.
const VERSION: &str = "v1.14.7";
/// About how many packages go into it, for the progress.
const PACKAGES: usize = 1_300;

/// Returns the folder of the program, building it where it is not in the cache.
pub(crate) fn build(go: &Toolchain<'_>, report: &Report) -> Result<PathBuf, Failure> {
    let step = report.begin(format!("Build CoreDNS {VERSION}"));
    let mut built = false;
    let folder = cached(&[VERSION.as_bytes(), std::env::consts::ARCH.as_bytes()], "coredns", &step, |partial| {
        built = true;
        let mut packages = 0;
        let mut command = go.command()?;
        command.env("GOBIN", partial).args(["install", "-v", "-buildvcs=false", "-trimpath", "-ldflags", "-s -w"]);
        run(command.arg(format!("github.com/coredns/coredns@{VERSION}")), |line| {
            if line.starts_with("go: downloading ") {
                step.progress(line.trim_start_matches("go: "));
            } else {
                packages += 1;
                step.progress(format!("{packages} packages of about {PACKAGES}"));
            }
        })
    })?;
    if built { step.done() } else { step.forget() }
    Ok(folder)
}
