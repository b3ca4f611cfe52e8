//! Web services: from what is asked for to Kubernetes objects, and back.

mod change;
mod demand;
mod documents;
mod facts;
mod labels;
mod local;
mod objects;
mod observe;
mod plan;
mod requirements;
mod resolve;
mod shell;

pub use change::{StartTime, web_service_changes, web_service_deletion};
pub use facts::{Facts, LiveWebService};
pub(crate) use labels::{is_web_service, labels};
pub use local::{LocalOptions, local_command};
pub(crate) use objects::{RUNNER, environment};
pub use observe::{
    Observation, Progress, RouteStatus, Unobservable, WebServiceState, WebServiceStatus, causes, log_file,
    newest_ready_pod, observe, observe_request, progress, serves, status,
};
pub(crate) use observe::{mount, web_container};
pub use plan::{PlanError, PlanOptions, PlanWarning, Routing, WebServicePlan};
pub use requirements::{HomeFiles, MissingNeed, find_needs};
pub use resolve::{ResolveError, ResolvedRequest, default_type, resolve_request};
pub use shell::{
    Holder, Leftover, NoShellOwner, ShellName, ShellOwner, ShellProgress, holders, leftovers, shell_command,
    shell_pod, shell_progress, shell_verdict,
};
