//! The only crate of the workspace that touches the world: the Kubernetes API of one tool's namespace.
//!
//! [`Kubeconfig`] is read without a request; [`Connection`] speaks to the API server that it names over one HTTP/2
//! connection, so that a command signs with the tool's key once however many requests it makes side by side.
//! [`Connection::web_service_facts`] fetches what a plan is made from, [`Connection::apply`] and
//! [`Connection::delete`] change it, [`Connection::follow`] waits by watch until a decision falls.
//!
//! It decides nothing: what to send and whether a rollout is done is `toolforge-render`'s to say.
//!
//! ```
//! use toolforge_client::{Connection, scripted::Script};
//! use toolforge_model::ToolName;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
//! let script = Script::default().answer(
//!     "GET /api/v1/namespaces/tool-stashbot/services/stashbot",
//!     200,
//!     r#"{"metadata": {"name": "stashbot"}}"#,
//! );
//! // A client of the caller's own: here one that plays a script.
//! let connection = Connection::with_client(script.client(), "stashbot".parse()?);
//! let service: Option<serde_json::Value> =
//!     connection.get("/api/v1/namespaces/tool-stashbot/services/stashbot").await?;
//! assert_eq!(service.unwrap()["metadata"]["name"], "stashbot");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod connect;
mod connection;
mod error;
mod facts;
mod follow;
mod platform_files;
mod read;
mod refusal;
mod transport;
mod write;

#[cfg(feature = "scripted")]
pub mod scripted;

pub use connect::{CertificateError, Kubeconfig, KubeconfigError};
pub use connection::Connection;
pub use error::ClientError;
pub use facts::FactsError;
pub use follow::Followed;
pub use platform_files::{PlatformFilesError, Project, read_platform_files};
pub use read::paths;
pub use refusal::{Exceeded, Refusal, RefusalKind};
pub use transport::ConnectError;
pub use write::DryRun;
