//! A real Kubernetes on one machine, provisioned like Toolforge: for trying things, and for the tests.
//!
//! `cargo sandbox up` builds what is missing (Kubernetes and etcd as one binary, CoreDNS, the images of the web
//! services), starts it under one supervisor in namespaces of its own, and provisions it as the platform does.
//! Nothing but the supervisor runs in the host's namespaces, and nothing listens elsewhere than on 127.0.0.1:
//! killing the supervisor removes every process, mount, network device and firewall rule.
//!
//! It is no part of what a user of the platform installs, and no library or program of this workspace knows it.
//!
//! ```
//! // What `cargo sandbox --help` does.
//! let arguments = ["sandbox", "--help"];
//! assert_eq!(toolforge_sandbox::run_with(arguments), std::process::ExitCode::SUCCESS);
//! ```

mod admission;
mod api_server;
mod build;
mod commands;
mod directory;
mod dispatch;
mod failure;
mod front_door;
mod pki;
mod provision;
mod report;
mod root;
mod state;
mod supervisor;

pub use dispatch::{run, run_with};
