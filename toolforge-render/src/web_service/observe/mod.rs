//! From live objects back to the request, and to what a person wants to know of them.

mod causes;
mod log_file;
mod progress;
mod request;
mod status;

pub use causes::causes;
pub use log_file::log_file;
pub use progress::{Progress, progress};
pub use request::{Unobservable, observe_request};
pub(crate) use request::{mount, web_container};
pub use status::{RouteStatus, WebServiceState, WebServiceStatus, newest_ready_pod, serves, status};

use toolforge_model::{ToolName, WebServiceRequest};

use crate::web_service::Facts;

/// What stands in the cluster, in the words of a request, and how it fares.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The request that the live objects carry out, or why they carry out none that can be named.
    pub request: Result<WebServiceRequest, Unobservable>,
    /// How it fares.
    pub status: WebServiceStatus,
}

/// Returns the request and the status of the live objects.
///
/// For every plan, the objects that it renders are observed as the plan's request.
#[must_use]
pub fn observe(tool: &ToolName, facts: &Facts) -> Observation {
    Observation { request: observe_request(tool, facts), status: status(tool, facts) }
}
