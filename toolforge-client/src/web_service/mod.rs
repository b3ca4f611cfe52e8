//! Facts of a web service, its files in the home, and its page.

mod fetch;
mod home;
mod page;

pub(crate) use fetch::counts_replica_sets;
pub use fetch::{FactsWithJobs, FetchedWebService, NamespaceWorkloads, WebServiceFetchOptions};
pub use home::{FoundTemplate, ManifestError, TemplateError, ToolHome};
pub use page::PageError;

use kube::api::ListParams;
use toolforge_model::{ToolName, platform};

/// Returns the selector of a web service's pods and ReplicaSets; its Service has the same.
pub(crate) fn selector(tool: &ToolName) -> ListParams {
    ListParams::default().labels(&format!("{}={tool}", platform::LABEL_NAME))
}
