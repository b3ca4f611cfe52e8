//! Reads live objects: as a request, as a status, and as causes of failure.

mod log_file;
mod request;
mod status;

pub use log_file::web_service_log_file;
pub use request::{ObserveError, observe_web_service_request};
pub(crate) use request::{health_check, mount, type_of_command, web_container};
pub use status::{
    RouteStatus, WebServiceState, WebServiceStatus, is_web_service_pod, newest_ready_pod, web_service_causes,
    web_service_progress,
};

use k8s_openapi::jiff::Timestamp;
use toolforge_model::WebServiceRequest;

use crate::web_service::WebServiceFacts;

/// The request and the status of a live web service.
#[derive(Clone, Debug)]
pub struct WebServiceObservation {
    /// The request of the live objects, or why they match no request.
    pub request: Result<WebServiceRequest, ObserveError>,
    /// The status.
    pub status: WebServiceStatus,
}

/// Returns the request and the status of the live objects at `now`.
///
/// The objects that a plan renders are observed as the plan's request.
#[must_use]
pub fn observe_web_service(facts: &WebServiceFacts, now: Timestamp) -> WebServiceObservation {
    let request = observe_web_service_request(facts);
    WebServiceObservation { status: status::status(facts, request.as_ref().ok(), now), request }
}
