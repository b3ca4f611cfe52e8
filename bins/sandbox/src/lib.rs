//! A real Kubernetes on one machine, provisioned like Toolforge, for experiments and for the tests.
//!
//! `cargo sandbox up` builds the missing components (Kubernetes and etcd as one binary, CoreDNS, the images of the
//! web services), starts them under one supervisor in separate namespaces, and provisions the cluster as the platform
//! does. Only the supervisor runs in the host's namespaces, and the only ports are on 127.0.0.1. Killing the
//! supervisor removes every process, mount, network device and firewall rule.
//!
//! Users of the platform do not install it, and no library or program of this workspace depends on it.
//!
//! ```
//! // The same as `cargo sandbox --help`.
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
mod own_program;
mod pki;
mod progress;
mod provision;
mod root;
mod saved_state;
mod supervisor;

pub use dispatch::{run, run_with};
