//! A tower service that plays a script of responses and records the requests. It stands in for a connection in tests,
//! not for an API server: it keeps no state, and a request that is not in the script is an error.
//!
//! ```
//! use serde_json::{Value, json};
//! use toolforge_client::scripted::{Answer, Script};
//! use toolforge_client::ResourceType;
//! use toolforge_client::kube::api::ListParams;
//! use k8s_openapi::api::core::v1::Pod;
//!
//! # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
//! # runtime.block_on(async {
//! let script = Script::new()
//!     .answer("GET /api/v1/namespaces/tool-x/pods", Answer::json(200, &json!({"items": [], "metadata": {}})));
//! let (client, requests) = script.client();
//! let pods = ResourceType::of::<Pod>().in_namespace("tool-x");
//! assert!(client.list::<Value>(&pods, &ListParams::default()).await?.items.is_empty());
//! assert_eq!(requests.to_string(), "GET   /api/v1/namespaces/tool-x/pods?limit=500\n");
//! # Ok::<(), toolforge_client::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
mod script;

pub use answer::Answer;
pub use script::{Requests, Script};
