//! What a web service's verbs ask of the cluster.

mod fetch;
mod home;
mod rollout;
mod wait;

pub(crate) use fetch::read_catalog;
pub use fetch::{FactsError, FetchOptions, WebServiceObjects};
pub use home::{FoundTemplate, ManifestError, TemplateError, ToolHome};
pub use rollout::{RolloutEvent, RolloutOutcome};

use kube::api::ListParams;
use toolforge_model::{ToolName, platform};

/// Returns the selector of a web service's pods and ReplicaSets: the label by which its Service selects, too.
fn selector(tool: &ToolName) -> ListParams {
    ListParams::default().labels(&format!("{}={tool}", platform::LABEL_NAME))
}
