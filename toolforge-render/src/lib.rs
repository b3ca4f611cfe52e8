//! From the request of a Toolforge tool's owner to Kubernetes objects, and back.
//!
//! This crate knows Kubernetes objects, but never talks to a cluster. Data passes through it once: a request and the facts of
//! a namespace become a plan ([`WebServicePlan`](web_service::WebServicePlan),
//! [`JobPlan`](job::JobPlan)), the plan becomes [`Object`](object::Object)s, and the difference from the
//! live objects becomes a [`ChangeSet`](change::ChangeSet): the steps, their order, and whether they fit the quota, at rest and at the peak of
//! the rollout. In the other direction, live objects are read as a request, as a status, and as the causes of failure.
//!
//! It does no I/O: facts and the current time are arguments, and the results are data. `toolforge-client` fetches facts and
//! applies change sets.
//!
//! ```
//! use toolforge_images::Catalog;
//! use toolforge_model::{HealthCheck, Replicas, ToolName, WebServiceImage, WebServiceRequest};
//! use toolforge_render::namespace::Namespace;
//! use toolforge_render::web_service::{
//!     PlanOptions, StartTime, WebServiceFacts, WebServicePlan, observe_web_service_request, web_service_changes,
//! };
//!
//! let tool: ToolName = "stashbot".parse()?;
//! let request = WebServiceRequest {
//!     image: WebServiceImage::from_type_name("php8.2".parse()?, &tool),
//!     tool: tool.clone(),
//!     cpu: None,
//!     memory: Some("1Gi".parse()?),
//!     replicas: Replicas::ONE,
//!     arguments: Vec::new(),
//!     health_check: HealthCheck::Port,
//! };
//! let mut facts = WebServiceFacts::new(Namespace::new(&tool, Catalog::bundled()));
//! let plan = WebServicePlan::new(request.clone(), &facts, PlanOptions::default())?;
//! let changes = web_service_changes(&plan, &facts, StartTime::Keep);
//! assert_eq!(changes.at_peak.to_string(), "fits");
//!
//! // The round-trip invariant: rendered objects are observed as the request that they were rendered from.
//! facts.live = changes.objects().cloned().collect();
//! assert_eq!(observe_web_service_request(&facts)?, request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod change;
pub mod convert;
pub mod files;
pub mod job;
pub mod lint;
pub mod manifest;
pub mod namespace;
pub mod object;
mod plan;
pub mod pod;
mod rendered;
mod secret;
#[cfg(test)]
mod tests;
pub mod usage;
pub mod web_service;

pub use plan::Plan;

pub use k8s_openapi::jiff;
pub use {k8s_openapi, serde_json};
