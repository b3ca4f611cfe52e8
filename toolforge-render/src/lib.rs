//! From what the owner of a Toolforge tool asks for to Kubernetes objects, and back.
//!
//! This crate is all of the workspace that knows Kubernetes objects without talking to a cluster. Data goes through it once:
//! a request and the facts of a namespace become a plan ([`web_service::WebServicePlan`], [`job::JobPlan`]), the plan becomes
//! [`Object`](object::Object)s, and those, compared with the live ones, a [`ChangeSet`](change::ChangeSet): what is done, in
//! which order, and whether it fits the quota, at rest and at the peak of the rollout. The other way round, live objects are
//! observed: as a request, as a status, and as the causes of failure.
//!
//! It does no I/O: facts come in as values, the clock as an argument, and what goes out is data. `toolforge-client` fetches
//! facts and applies change sets.
//!
//! ```
//! use toolforge_images::Catalog;
//! use toolforge_model::{HealthCheck, Replicas, ToolName, WebServiceImage, WebServiceRequest};
//! use toolforge_render::namespace::Platform;
//! use toolforge_render::web_service::{
//!     Facts, PlanOptions, StartTime, WebServicePlan, observe_request, web_service_changes,
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
//! let mut facts = Facts::new(Catalog::bundled(), Platform::default());
//! let plan = WebServicePlan::new(request.clone(), &facts, PlanOptions::default())?;
//! let changes = web_service_changes(&plan, &facts, StartTime::Keep);
//! assert_eq!(changes.at_peak.to_string(), "fits");
//!
//! // The round-trip invariant: what was rendered is observed as what was asked for.
//! facts.live = changes.objects().cloned().collect();
//! assert_eq!(observe_request(&tool, &facts)?, request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod change;
pub mod job;
pub mod namespace;
pub mod object;
mod plan;
pub mod pod;
mod rendered;
pub mod web_service;

pub use namespace::Namespace;
pub use object::{Object, to_json_list, to_yaml};
pub use plan::Plan;
