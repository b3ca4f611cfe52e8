//! From a request and the facts to a plan that cannot be wrong.

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use toolforge_images::{Runner, State, TypeLookupError};
use toolforge_model::{TypeName, Untrusted, WebServiceImage, WebServiceRequest, platform};

use crate::namespace::Platform;
use crate::object::ObjectKind;
use crate::pod::PodResources;
use crate::web_service::{Facts, LiveWebService, Rollout, is_web_service, labels};

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
    /// The moment of the start that is written on the pods; a new moment replaces every pod. `None` writes none.
    pub started_at: Option<Timestamp>,
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
    pub(crate) started_at: Option<String>,
    pub(crate) rollout: Rollout,
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
            deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone())
        });
        Ok(Self {
            // A selector is immutable, so that of a Deployment which stands is kept.
            selector: live_selector.unwrap_or_else(|| labels(&request)),
            routing: options.routing.unwrap_or_else(|| standing_or_offered(facts)),
            started_at: options.started_at.map(|moment| started_at(&moment)),
            // What stands is as good as another until pods are replaced.
            rollout: facts.live.deployment.as_ref().and_then(Rollout::of).unwrap_or_default(),
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

    /// Returns how the pods are replaced.
    #[must_use]
    pub fn rollout(&self) -> Rollout {
        self.rollout
    }

    /// Returns the plan with another way of replacing the pods.
    #[must_use]
    pub fn rolled_out_by(self, rollout: Rollout) -> Self {
        Self { rollout, ..self }
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

    /// Returns the plan with another moment of the start, which replaces every pod.
    #[must_use]
    pub fn started_at(self, moment: &Timestamp) -> Self {
        Self { started_at: Some(started_at(moment)), ..self }
    }

    /// Returns the plan without a moment of the start, so that it renders the same at any time.
    #[must_use]
    pub fn without_start(self) -> Self {
        Self { started_at: None, ..self }
    }

    /// Returns the plan with the moment of the start that the live pods carry, so that nothing is replaced for it alone.
    #[must_use]
    pub fn started_with(self, live: &LiveWebService) -> Self {
        let annotation = live.deployment.as_ref().and_then(|deployment| {
            let metadata = deployment.spec.as_ref()?.template.metadata.as_ref()?;
            metadata.annotations.as_ref()?.get(platform::ANNOTATION_STARTED_AT).cloned()
        });
        Self { started_at: annotation, ..self }
    }
}

fn refuse_foreign(live: &LiveWebService) -> Result<(), PlanError> {
    let found = [
        (ObjectKind::Deployment, live.deployment.as_ref().map(|object| &object.metadata)),
        (ObjectKind::Service, live.service.as_ref().map(|object| &object.metadata)),
        (ObjectKind::Ingress, live.ingress.as_ref().map(|object| &object.metadata)),
        (ObjectKind::HttpRoute, live.http_route.as_ref().map(|object| &object.metadata)),
    ];
    for (kind, metadata) in found {
        let Some(metadata) = metadata else { continue };
        if !is_web_service(metadata.labels.as_ref()) {
            return Err(PlanError::Foreign {
                kind,
                name: Untrusted::new(metadata.name.clone().unwrap_or_default()),
                label: format!("{}={}", platform::LABEL_MANAGED_BY, platform::MANAGED_BY_WEBSERVICE),
            });
        }
    }
    Ok(())
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

/// Returns a moment as the platform writes it: UTC with microseconds and without a zone (webservice of May 2023).
fn started_at(moment: &Timestamp) -> String {
    moment.strftime("%Y-%m-%dT%H:%M:%S%.6f").to_string()
}
