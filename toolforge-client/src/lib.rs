//! The only crate of the workspace that touches the world: it connects to Toolforge's Kubernetes with a tool's
//! own kubeconfig, fetches facts, applies and deletes objects, waits by watch, and reads and follows logs.
//!
//! It decides nothing: what is applied, and whether a rollout has come to its end, is said by the caller, who
//! asks `toolforge-render`. It reads no environment variable: paths are handed over. It needs a tokio runtime,
//! and is content with one on the calling thread; no request starts another thread, so that it works under
//! `ulimit -u 1`.
//!
//! All requests of a [`Client`] share one HTTP/2 connection, so the tool's RSA key signs once.
//!
//! ```
//! use toolforge_client::{Client, ConnectOptions, Kubeconfig, KubeconfigError, kubeconfig_paths};
//!
//! let paths = kubeconfig_paths(None, Some("/nonexistent/home".as_ref()));
//! match Kubeconfig::load(&paths) {
//!     Ok(kubeconfig) => {
//!         let client = Client::connect(&kubeconfig, &ConnectOptions::new("example/0.1.0"))?;
//!         // client.fetch_web_service(&kubeconfig.tool()?, FetchOptions::for_status()).await?
//!     }
//!     Err(error @ KubeconfigError::File { .. }) => {
//!         assert_eq!(error.to_string(), "kubeconfig /nonexistent/home/.kube/config does not exist");
//!     }
//!     Err(error) => return Err(error.into()),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod client;
mod connect;
mod error;
mod exchange;
mod exec;
mod jobs;
mod log;
mod objects;
mod path;
mod platform_files;
mod retry;
mod server;
mod status;
mod transport;
mod watch;
mod web_service;
mod yaml;

#[cfg(feature = "scripted")]
pub mod scripted;

pub use {http, kube};

pub use client::Client;
pub use connect::{
    ClientCertificate, ConnectError, FileProblem, FileRole, IdentityError, Kubeconfig, KubeconfigError,
    Place, kubeconfig_paths,
};
pub use error::Error;
pub use exec::{RemoteEnd, RemoteEvent, RemoteInput, RemoteOutput, RemoteProcess};
pub use jobs::{JobFetchOptions, JobObject, JobObjects, JobRun};
pub use log::{LogItem, LogOptions, LogOwner, LogReader, LogSince, LogTail, LogTarget};
pub use objects::{Deleted, List, apply_params, merge_params, post_params};
pub use path::{Collection, ObjectPath, ResourceType};
pub use platform_files::{PlatformFiles, PlatformFilesError};
pub use retry::RetryPolicy;
pub use server::{OwnRules, ServerVersion};
pub use status::{ApiStatus, Denied, Exceeded, StatusKind};
pub use transport::{ConnectOptions, TransportError};
pub use watch::{WaitOptions, WaitOutcome, WatchEvent, WatchOptions};
pub use web_service::{
    FactsError, FetchOptions, FoundTemplate, ManifestError, TemplateError, ToolHome, WebServiceObjects,
};
