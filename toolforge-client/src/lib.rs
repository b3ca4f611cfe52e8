//! Client for Toolforge's Kubernetes API: it connects with a tool's kubeconfig, fetches facts, applies and deletes objects,
//! waits for them, and reads and follows logs.
//!
//! Show a tool's pods that are not ready:
//!
//! ```no_run
//! use toolforge_client::{Client, ConnectOptions, Kubeconfig, WebServiceFetchOptions, kubeconfig_paths};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let home = std::env::home_dir();
//! let paths = kubeconfig_paths(std::env::var_os("KUBECONFIG").as_deref(), home.as_deref());
//! let kubeconfig = Kubeconfig::load(&paths)?;
//! let client = Client::connect(&kubeconfig, &ConnectOptions::new("example/0.1.0"))?;
//! let objects = client.fetch_web_service(&kubeconfig.tool()?, WebServiceFetchOptions::for_status()).await?;
//! for pod in &objects.live.pods {
//!     let conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
//!     if !conditions.into_iter().any(|condition| condition.type_ == "Ready" && condition.status == "True") {
//!         println!("{}", pod.metadata.name.as_deref().unwrap_or_default());
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # With kube
//!
//! [`Client::from_kube`] takes your own [`kube::Client`] instead, and [`Client::kube`] returns one for `kube::Api`: with
//! this crate's connection, retries, limits and errors. Parameters are kube's, and objects are those of k8s-openapi.
//!
//! # Behavior
//!
//! All requests of a [`Client`] share one HTTP/2 connection, so the tool's RSA key signs once. No request starts a thread: it
//! works on a current-thread tokio runtime and under `ulimit -u 1`. The crate reads no environment variable. The paths of
//! kubeconfigs are arguments; [`Client::facts`] also reads the host's own files and the tool's home directory. What to apply,
//! and whether a rollout is complete, is decided in `toolforge-render`.
//!
//! # Features
//!
//! - `v1_33` to `v1_37`, `earliest`, `latest`: the version of the Kubernetes API of k8s-openapi's types. The program
//!   chooses exactly one.
//! - `scripted`: a tower service that plays a script of responses, for tests.

mod api_path;
mod api_server;
mod change;
mod client;
mod connect;
mod error;
mod exchange;
mod exec;
mod facts;
mod file_facts;
mod fleet;
mod foreign;
mod jobs;
mod log;
mod objects;
mod platform_files;
mod request_limits;
mod request_name;
mod response;
mod retry;
mod rollout;
mod status;
mod transport;
mod unread;
mod watch;
mod web_service;

#[cfg(feature = "scripted")]
pub mod scripted;

pub use {http, jiff, k8s_openapi, kube, serde_json};

pub use api_path::{Collection, ObjectPath, ResourceType};
pub use api_server::{OwnRules, ServerVersion};
pub use change::{
    AdoptionOutcome, Applied, ApplyError, ApplyEvent, ApplyOptions, ApplyReport, Attempt, ChangeOutcome,
    ChangeReport, DeletedObject, EarlierChange, LostReason, MissingQuota, Planner, Progress, StartPlan,
    StartedWebService, StopOutcome, TERMINATION_TIMEOUT, WebServiceStart, WriteKind, Written, wait_for_quota,
};
pub use client::Client;
pub use connect::{
    ClientCertificate, ConnectError, CredentialSource, FileProblem, FileRole, IdentityError, Kubeconfig,
    KubeconfigError, kubeconfig_paths,
};
pub use error::Error;
pub use exec::{RemoteEvent, RemoteExit, RemoteInput, RemoteOutput, RemoteProcess};
pub use facts::{FactsError, FetchedNamespace, NamespaceFetchOptions};
pub use file_facts::{FetchedFileFacts, FileFetchOptions};
pub use fleet::{QuotaPage, QuotaPages, RefusedNamespace};
pub use jobs::{FetchedJobs, JobFetchOptions, JobRun, RunWaitOutcome};
pub use log::{LogItem, LogOptions, LogOwner, LogReader, LogSince, LogTail, LogTarget};
pub use objects::{Deleted, List, Pages, apply_params, merge_params, post_params};
pub use platform_files::{PlatformFiles, PlatformFilesError};
pub use request_limits::RequestLimits;
pub use retry::RetryPolicy;
pub use rollout::{LAST_LINES, ROLLOUT_TIMEOUT, RolloutEvent, RolloutOutcome, RolloutTarget};
pub use status::{AdmissionRefusal, ApiStatus, Denied, Exceeded, StatusKind};
pub use transport::{ConnectOptions, TransportError};
pub use unread::{ReadVerb, Unread};
pub use watch::{WaitOptions, WaitOutcome, WatchOptions, WatcherEvent};
pub use web_service::{
    FactsWithJobs, FetchedWebService, FoundTemplate, ManifestError, NamespaceWorkloads, PageError,
    TemplateError, ToolHome, WebServiceFetchOptions,
};
