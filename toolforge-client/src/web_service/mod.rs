//! Facts of a web service, its files in the home, and waiting for it.

mod fetch;
mod home;
mod page;
mod patience;
mod rollout;
mod wait;

pub use fetch::{FetchedWebService, Neighbors, WebServiceFetchOptions};
pub use home::{FoundTemplate, ManifestError, TemplateError, ToolHome};
pub use rollout::{RolloutEvent, RolloutOutcome, RolloutTarget};

use kube::api::ListParams;
use toolforge_model::{ToolName, platform};

/// Returns the selector of a web service's pods and ReplicaSets; its Service has the same.
fn selector(tool: &ToolName) -> ListParams {
    ListParams::default().labels(&format!("{}={tool}", platform::LABEL_NAME))
}
