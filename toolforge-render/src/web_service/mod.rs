//! Web services: from a request to Kubernetes objects, and back.

mod adjust;
mod change;
mod demand;
mod facts;
mod labels;
mod local;
mod objects;
mod observe;
mod patch;
mod plan;
mod requirements;
mod resolve;
mod shell;

pub(crate) use crate::object::is_web_service;
pub use adjust::{WebServiceForecast, largest_web_service, web_service_adjustments};
pub(crate) use adjust::{set_options_size, sized};
pub use change::{StartTime, web_service_changes, web_service_deletion};
pub use facts::{LiveWebService, WebServiceFacts};
pub(crate) use labels::labels;
pub use local::{LocalOptions, LocalUser, local_command};
pub(crate) use objects::{RUNNER, environment};
pub use observe::{
    ObserveError, RouteStatus, WebServiceObservation, WebServiceState, WebServiceStatus, is_web_service_pod,
    newest_ready_pod, observe_web_service, observe_web_service_request, web_service_causes,
    web_service_log_file, web_service_progress,
};
pub(crate) use observe::{health_check, mount, type_of_command, web_container};
pub use plan::{PlanError, PlanOptions, PlanWarning, Routing, WebServicePlan};
pub(crate) use requirements::missing_requirement;
pub(crate) use requirements::proposed_type;
pub use requirements::{HomeFiles, MissingRequirement, check_requirements};
pub use resolve::{
    DEFAULT_TYPE, ResolveError, ResolvedRequest, TypeSource, WebServiceSettings, default_type,
    resolve_request,
};
pub use shell::{
    OrphanedShell, ParseShellOwnerError, ShellHost, ShellName, ShellOwner, ShellProcess, ShellProgress,
    orphaned_shells, shell_command, shell_pod, shell_progress, shell_verdict,
};
