//! From live objects back to the request, and to what a person wants to know of them.

mod cause;
mod last_end;
mod log_file;
mod progress;
mod request;
mod run;
mod status;

pub use cause::{Cause, Evidence, causes};
pub(crate) use cause::{of_pod as causes_of_pod, of_refusal as cause_of_refusal};
pub use last_end::LastEnd;
pub(crate) use last_end::last_end;
pub use log_file::log_file;
pub use progress::{Progress, progress};
pub use request::{Unobservable, observe_request};
pub(crate) use request::{mount, web_container};
pub use run::{Run, main_container, runs, serves};
pub(crate) use status::restarts;
pub use status::{RouteStatus, WebServiceState, WebServiceStatus, newest_ready_pod, status};

use toolforge_model::{ToolName, WebServiceRequest};

use crate::facts::Facts;

/// What stands in the cluster, in the words of a request, and how it fares.
#[derive(Clone, Debug)]
pub struct Observation {
    /// The request that the live objects carry out, or why they carry out none that can be named.
    pub request: Result<WebServiceRequest, Unobservable>,
    /// How it fares.
    pub status: WebServiceStatus,
}

/// Returns what the live objects are.
///
/// For every plan, observing what [`render`](crate::render::render) made of it gives the plan's request.
#[must_use]
pub fn observe(tool: &ToolName, facts: &Facts) -> Observation {
    Observation { request: observe_request(tool, facts), status: status(tool, facts) }
}
