//! What a web service's verbs ask of the cluster.

mod fetch;
mod follow;
mod log;
mod pod_log;
mod wait;

pub use fetch::{FactsError, Wanted, WebServiceObjects};
pub use follow::LogFollow;
pub use log::{LogItem, LogOptions, WebServiceLog};
pub use wait::{WaitOptions, Waited};

use toolforge_model::{ToolName, platform};

use crate::Selector;

/// Returns the selector of a web service's pods and ReplicaSets: the label by which its Service selects, too.
fn selector(tool: &ToolName) -> Selector {
    Selector::all().label(platform::LABEL_NAME, tool.as_str())
}
