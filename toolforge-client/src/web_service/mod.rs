//! What a web service's verbs ask of the cluster.

mod fetch;
mod wait;

pub(crate) use fetch::read_catalog;
pub use fetch::{FactsError, Wanted, WebServiceObjects};
pub use wait::{WaitOptions, Waited};

use toolforge_model::{ToolName, platform};

use crate::Selector;

/// Returns the selector of a web service's pods and ReplicaSets: the label by which its Service selects, too.
fn selector(tool: &ToolName) -> Selector {
    Selector::all().label(platform::LABEL_NAME, tool.as_str())
}
