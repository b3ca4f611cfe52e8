//! CoreDNS, built from Go modules.

use std::path::PathBuf;

use crate::build::cache::cached;
use crate::build::command::run;
use crate::build::golang::{self, Toolchain};
use crate::failure::Failure;
use crate::report::Report;

/// Works with Kubernetes 1.33.
const VERSION: &str = "v1.14.7";
/// About how many packages go into it besides those that Kubernetes has brought, for the progress.
const PACKAGES: usize = 1_050;

/// Returns the folder of the program, building it where it is not in the cache.
pub(crate) fn build(go: &Toolchain<'_>, report: &Report) -> Result<PathBuf, Failure> {
    let inputs = [VERSION, std::env::consts::ARCH].map(str::as_bytes);
    cached(&inputs, "coredns", report, format!("Build CoreDNS {VERSION}"), |partial, step| {
        let mut command = go.command()?;
        command.env("GOBIN", partial).args([
            "install",
            "-v",
            "-buildvcs=false",
            "-trimpath",
            "-ldflags",
            "-s -w",
        ]);
        run(command.arg(format!("github.com/coredns/coredns@{VERSION}")), golang::progress(step, PACKAGES))
    })
}
