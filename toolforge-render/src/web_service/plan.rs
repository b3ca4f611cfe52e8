//! From a request and the facts to a plan that cannot be invalid.

use std::collections::BTreeMap;

use toolforge_images::{Runner, State, TypeLookupError};
use toolforge_model::{BuildServiceImage, TypeName, Untrusted, WebServiceImage, WebServiceRequest, platform};
use toolforge_quota::PerResource;

use crate::change::{Workload, WorkloadKind};
use crate::namespace::Platform;
use crate::object::{HttpRoute, ObjectKind, RouteAcceptance, deployment_spec};
use crate::pod::PodResources;
use crate::web_service::{LiveWebService, WebServiceFacts, labels};

/// How requests from outside reach a web service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Routing {
    /// An Ingress of `networking.k8s.io/v1`.
    Ingress,
    /// An HTTPRoute of `gateway.networking.k8s.io/v1`.
    HttpRoute,
}

/// Options of a plan for a web service.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PlanOptions {
    /// The routing; `None` keeps that of the live web service (an Ingress alongside an HTTPRoute that the gateway refuses); without
    /// one, it is HTTPRoute if the tool may write it, otherwise Ingress.
    pub routing: Option<Routing>,
}

impl PlanOptions {
    /// Returns the options with a routing, or with the default of [`routing`](Self::routing).
    #[must_use]
    pub fn with_routing(mut self, routing: Option<Routing>) -> Self {
        self.routing = routing;
        self
    }
}

/// A resolved web service: everything that rendering needs, so rendering cannot fail.
#[derive(Clone, Debug, PartialEq)]
pub struct WebServicePlan {
    pub(crate) request: WebServiceRequest,
    pub(crate) platform: Platform,
    pub(crate) routing: Routing,
    pub(crate) selector: BTreeMap<String, String>,
    pub(crate) image: String,
    pub(crate) runner: Option<Runner>,
    pub(crate) resources: PodResources,
    pub(crate) warnings: Vec<PlanWarning>,
}

/// Why a web service cannot be planned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The catalog has no such type.
    #[error(transparent)]
    Type(#[from] TypeLookupError),
    /// An object with the web service's name belongs to something else.
    #[error("{kind} {} exists and is not a web service's: it lacks the label {label}", name.quoted())]
    Foreign {
        /// The object's kind.
        kind: ObjectKind,
        /// The object's name.
        name: Untrusted,
        /// The label that a web service's objects carry, with its value.
        label: String,
    },
}

/// A warning about a plan that can still be applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanWarning {
    /// The type is deprecated.
    #[error("type {name} is deprecated{}", replacement.as_ref().map(|name| format!("; {name} replaces it")).unwrap_or_default())]
    Deprecated {
        /// The type.
        name: TypeName,
        /// The type to use instead, if the catalog has one.
        replacement: Option<TypeName>,
    },
    /// The image does not have the form of the build service's images, so it is unlikely to exist.
    #[error("image {image} is not of the form tool-NAME/tool-NAME:TAG, as the build service's images are")]
    ImageForm {
        /// The image.
        image: BuildServiceImage,
    },
}

impl Routing {
    /// Returns the kind of the route.
    pub(crate) fn kind(self) -> ObjectKind {
        match self {
            Self::Ingress => ObjectKind::Ingress,
            Self::HttpRoute => ObjectKind::HttpRoute,
        }
    }
}

impl WebServicePlan {
    /// Resolves a request against the facts.
    ///
    /// # Errors
    /// When the catalog does not have the type, or an object with the web service's name belongs to something else.
    pub fn new(
        request: WebServiceRequest,
        facts: &WebServiceFacts,
        options: PlanOptions,
    ) -> Result<Self, PlanError> {
        refuse_foreign(&facts.live)?;
        let mut warnings = Vec::new();
        let (image, runner, resources) = match &request.image {
            WebServiceImage::Type(name) => {
                let (image_type, web) = facts.namespace.catalog.web(name)?;
                if image_type.state != State::Current {
                    let replacement =
                        facts.namespace.catalog.replacement(name).map(|found| found.name.clone());
                    warnings.push(PlanWarning::Deprecated { name: name.clone(), replacement });
                }
                let defaults = PerResource { cpu: web.default_cpu, memory: web.default_memory };
                (web.reference(), Some(web.runner), PodResources::new(request.cpu, request.memory, defaults))
            }
            WebServiceImage::BuildService { image, mount: _ } => {
                if !image.is_of_tool() {
                    warnings.push(PlanWarning::ImageForm { image: image.clone() });
                }
                (
                    format!("{}/{image}", facts.namespace.platform.build_service_repository),
                    None,
                    PodResources::new(request.cpu, request.memory, PodResources::DEFAULT_LIMITS),
                )
            }
        };
        let live_selector = facts.live.deployment.as_ref().and_then(|deployment| {
            deployment_spec(deployment).and_then(|spec| spec.selector.match_labels.clone())
        });
        Ok(Self {
            // A selector is immutable, so that of an existing Deployment is kept.
            selector: live_selector.unwrap_or_else(|| labels(&request)),
            routing: options.routing.unwrap_or_else(|| live_or_available_routing(facts)),
            platform: facts.namespace.platform.clone(),
            request,
            image,
            runner,
            resources,
            warnings,
        })
    }

    /// Returns the request of the plan.
    #[must_use]
    pub fn request(&self) -> &WebServiceRequest {
        &self.request
    }

    /// Returns what starts the container of an image type; `None` for an image of the build service.
    #[must_use]
    pub fn runner(&self) -> Option<Runner> {
        self.runner
    }

    /// Returns how requests from outside reach the web service.
    #[must_use]
    pub fn routing(&self) -> Routing {
        self.routing
    }

    /// Returns the web service.
    #[must_use]
    pub fn workload(&self) -> Workload {
        Workload::new(WorkloadKind::WebService, self.request().tool.as_str(), None)
    }

    /// Returns the reference of the image.
    #[must_use]
    pub fn image(&self) -> &str {
        &self.image
    }

    /// Returns the limits and requests of each pod.
    #[must_use]
    pub fn resources(&self) -> PodResources {
        self.resources
    }

    /// Returns the public host name of the web service.
    #[must_use]
    pub fn host(&self) -> String {
        self.platform.host(&self.request.tool)
    }

    /// Returns the URL at which people open the web service.
    #[must_use]
    pub fn url(&self) -> String {
        self.platform.url(self.host())
    }

    /// Returns the warnings about the plan.
    #[must_use]
    pub fn warnings(&self) -> &[PlanWarning] {
        &self.warnings
    }
}

fn refuse_foreign(live: &LiveWebService) -> Result<(), PlanError> {
    match live.foreign() {
        None => Ok(()),
        Some((kind, metadata)) => Err(PlanError::Foreign {
            kind,
            name: Untrusted::new(metadata.name.clone().unwrap_or_default()),
            label: format!("{}={}", platform::LABEL_MANAGED_BY, platform::MANAGED_BY_WEBSERVICE),
        }),
    }
}

/// Returns the routing of the live web service; without one, HTTPRoute if the tool may write it, otherwise Ingress. An Ingress
/// alongside an HTTPRoute that the gateway refuses still receives the requests.
fn live_or_available_routing(facts: &WebServiceFacts) -> Routing {
    let is_refused = |route: &HttpRoute| matches!(route.acceptance(), RouteAcceptance::Refused { .. });
    let route = facts.live.http_route.as_ref();
    if route.is_some_and(|route| facts.live.ingress.is_none() || !is_refused(route)) {
        Routing::HttpRoute
    } else if facts.live.ingress.is_some() || !facts.http_routes {
        Routing::Ingress
    } else {
        Routing::HttpRoute
    }
}
