//! From a request and the facts to a plan that cannot be wrong.

use std::collections::BTreeMap;

use toolforge_images::{Runner, State, TypeLookupError};
use toolforge_model::{TypeName, Untrusted, WebServiceImage, WebServiceRequest, platform};

use crate::namespace::Platform;
use crate::object::{ObjectKind, deployment_spec};
use crate::pod::PodResources;
use crate::web_service::{Facts, LiveWebService, is_web_service, labels};

/// How requests from outside reach a web service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Routing {
    /// An Ingress of `networking.k8s.io/v1`.
    Ingress,
    /// An HTTPRoute of `gateway.networking.k8s.io/v1`.
    HttpRoute,
}

/// What a plan is made with, besides the request and the facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlanOptions {
    /// The routing to use whatever stands; `None` keeps what stands, else takes what the cluster offers.
    pub routing: Option<Routing>,
}

/// A web service, resolved: all that rendering needs, and nothing that could fail.
///
/// Made by [`WebServicePlan::new`] only.
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

/// Why no plan can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// The catalogue has no such type.
    #[error(transparent)]
    TypeLookupError(#[from] TypeLookupError),
    /// An object with the web service's name is not a web service's.
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

/// What a person should know of a plan that can be carried out all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanWarning {
    /// The type is deprecated.
    Deprecated {
        /// The type.
        name: TypeName,
        /// The type to use instead, where the catalogue has one.
        replacement: Option<TypeName>,
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
    /// When the catalogue does not have the type, or an object with the web service's name belongs to something else.
    pub fn new(request: WebServiceRequest, facts: &Facts, options: PlanOptions) -> Result<Self, PlanError> {
        refuse_foreign(&facts.live)?;
        let mut warnings = Vec::new();
        let (image, runner, resources) = match &request.image {
            WebServiceImage::Type(name) => {
                let (image_type, web) = facts.catalog.web(name)?;
                if image_type.state != State::Current {
                    let replacement = facts.catalog.replacement(name).map(|found| found.name.clone());
                    warnings.push(PlanWarning::Deprecated { name: name.clone(), replacement });
                }
                let defaults = (web.default_cpu, web.default_memory);
                (web.reference(), Some(web.runner), PodResources::new(request.cpu, request.memory, defaults))
            }
            WebServiceImage::BuildService { image, mount: _ } => (
                format!("{}/{image}", facts.platform.build_service_repository),
                None,
                PodResources::new(request.cpu, request.memory, PodResources::DEFAULT_LIMITS),
            ),
        };
        let live_selector = facts.live.deployment.as_ref().and_then(|deployment| {
            deployment_spec(deployment).and_then(|spec| spec.selector.match_labels.clone())
        });
        Ok(Self {
            // A selector is immutable, so that of a Deployment which stands is kept.
            selector: live_selector.unwrap_or_else(|| labels(&request)),
            routing: options.routing.unwrap_or_else(|| standing_or_offered(facts)),
            platform: facts.platform.clone(),
            request,
            image,
            runner,
            resources,
            warnings,
        })
    }

    /// Returns the request that the plan carries out.
    #[must_use]
    pub fn request(&self) -> &WebServiceRequest {
        &self.request
    }

    /// Returns how requests from outside will reach the web service.
    #[must_use]
    pub fn routing(&self) -> Routing {
        self.routing
    }

    /// Returns the reference of the image that will run.
    #[must_use]
    pub fn image(&self) -> &str {
        &self.image
    }

    /// Returns what each pod asks for and may use.
    #[must_use]
    pub fn resources(&self) -> PodResources {
        self.resources
    }

    /// Returns the host name under which the web service will answer.
    #[must_use]
    pub fn host(&self) -> String {
        format!("{}.{}", self.request.tool, self.platform.public_domain)
    }

    /// Returns what a person should know of the plan.
    #[must_use]
    pub fn warnings(&self) -> &[PlanWarning] {
        &self.warnings
    }
}

fn refuse_foreign(live: &LiveWebService) -> Result<(), PlanError> {
    match live.ids().find(|(_, metadata)| !is_web_service(metadata.labels.as_ref())) {
        None => Ok(()),
        Some((kind, metadata)) => Err(PlanError::Foreign {
            kind,
            name: Untrusted::new(metadata.name.clone().unwrap_or_default()),
            label: format!("{}={}", platform::LABEL_MANAGED_BY, platform::MANAGED_BY_WEBSERVICE),
        }),
    }
}

/// Returns the routing that stands, or, where none does, HTTPRoute where the tool may write it, else Ingress.
fn standing_or_offered(facts: &Facts) -> Routing {
    if facts.live.http_route.is_some() {
        Routing::HttpRoute
    } else if facts.live.ingress.is_some() || !facts.http_routes {
        Routing::Ingress
    } else {
        Routing::HttpRoute
    }
}
