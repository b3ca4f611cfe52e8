//! `kubectl`: runs kubectl as the cluster's admin.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

use clap::Args;

use crate::build::golang::Toolchain;
use crate::build::kubernetes;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::progress::Report;

/// Arguments for kubectl.
#[derive(Debug, Clone, Args)]
pub(crate) struct KubectlArguments {
    /// Arguments for kubectl.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub(crate) arguments: Vec<OsString>,
}

/// Replaces this process with kubectl, in the version of the cluster.
pub(crate) fn run(
    sandbox: &Sandbox,
    arguments: &KubectlArguments,
    report: &Report,
) -> Result<ExitCode, Failure> {
    let KubectlArguments { arguments } = arguments;
    sandbox.ports()?;
    let programs = kubernetes::build(&Toolchain::new(report), report)?;
    let error = Command::new(programs.join("kubectl"))
        .args(arguments)
        .env("KUBECONFIG", sandbox.admin_kubeconfig())
        // The cache of this cluster is deleted with the sandbox and kept apart from those of other clusters.
        .env("KUBECACHEDIR", sandbox.directory().join("kubectl"))
        .exec();
    Err(error).or_fail("cannot run kubectl")
}
