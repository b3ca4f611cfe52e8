//! From what a Toolforge tool's owner asks for to Kubernetes objects, and back.
//!
//! This crate is all of the workspace that knows Kubernetes objects without talking to a cluster:
//! [`plan`] resolves a request against facts, [`render`](mod@render) makes the objects, [`demand`] counts what they
//! take of the quotas, [`change`] holds them against what stands, [`observe`](mod@observe) reads live objects back into
//! a request, a status and the causes of failure, [`shell`] has the pod in which a person types.
//!
//! It does no I/O: the facts come in as values, the clock as an argument, and what goes out is data.
//! Fetching facts and applying objects is `toolforge-client`'s work.
//!
//! ```
//! use toolforge_images::Catalog;
//! use toolforge_model::{HealthCheck, Replicas, ToolName, WebServiceImage, WebServiceRequest};
//! use toolforge_render::namespace::Platform;
//! use toolforge_render::web_service::{Facts, PlanOptions, WebServicePlan, observe_request, render};
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
//! let manifests = render(&plan);
//! assert!(manifests.to_yaml().contains("memory: 1Gi"));
//!
//! // The law of the house: what was rendered is observed as what was asked for.
//! facts.live.deployment = Some(manifests.deployment);
//! assert_eq!(observe_request(&tool, &facts)?, request);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod job;
pub mod namespace;
pub mod object;
pub mod pod;
pub mod web_service;
