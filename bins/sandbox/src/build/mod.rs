//! The components of a sandbox: built or fetched once per user, shared by all checkouts.

use std::path::PathBuf;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::progress::Report;

pub(crate) mod build_program;
pub(crate) mod cache;
pub(crate) mod coredns;
pub(crate) mod debian;
pub(crate) mod gateway_api;
pub(crate) mod golang;
pub(crate) mod images;
pub(crate) mod kubernetes;

/// The directories of a sandbox's components.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// Programs of Kubernetes and etcd.
    pub(crate) kubernetes: PathBuf,
    /// Program of CoreDNS.
    pub(crate) coredns: PathBuf,
    /// Storage of the registry.
    pub(crate) images: PathBuf,
}

/// Builds the missing components. The images wait for the network, so they are built concurrently with the programs,
/// which need the CPU.
pub(crate) fn everything(report: &Report) -> Result<Parts, Failure> {
    debian::install(report)?;
    thread::scope(|scope| {
        let images = scope.spawn(|| images::build(report));
        let programs = programs(report);
        let images = images.join().unwrap_or_else(|_| Err(Failure::new("the build of the images panicked")));
        let (kubernetes, coredns) = programs?;
        Ok(Parts { kubernetes, coredns, images: images? })
    })
}

fn programs(report: &Report) -> Result<(PathBuf, PathBuf), Failure> {
    let go = golang::Toolchain::new(report);
    gateway_api::fetch(&go, report)?;
    Ok((kubernetes::build(&go, report)?, coredns::build(&go, report)?))
}
