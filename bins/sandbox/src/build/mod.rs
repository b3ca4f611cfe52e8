//! What a sandbox is made of: built or fetched once per user, shared by all checkouts.

use std::path::PathBuf;
use std::thread;

use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::report::Report;

pub(crate) mod addons;
pub(crate) mod cache;
pub(crate) mod command;
pub(crate) mod debian;
pub(crate) mod golang;
pub(crate) mod images;
pub(crate) mod kubernetes;

/// Where everything is that a sandbox is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Parts {
    /// A directory with Kubernetes' and etcd's programs.
    pub(crate) kubernetes: PathBuf,
    /// A directory with CoreDNS' program.
    pub(crate) coredns: PathBuf,
    /// What the registry serves.
    pub(crate) images: PathBuf,
}

/// Builds what is missing. The images, which wait for the network, are built beside the rest, which computes.
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
    addons::fetch_gateway_api(report)?;
    let kubernetes = kubernetes::build(&go, report)?;
    let coredns = addons::build_coredns(&go, report)?;
    Ok((kubernetes, coredns))
}
