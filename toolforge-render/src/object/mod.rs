//! Kubernetes objects, rendered or live: one type for all kinds, and the differences between two objects.

mod creator;
mod cron_schedule;
pub(crate) mod defaults;
mod difference;
mod field_path;
mod http_route;
mod job_end;
mod kind;
mod known_kind;
mod labels;
mod owner;
mod spec;

pub use creator::{created_by, is_kubectl};
pub use cron_schedule::CronJobSchedule;
pub(crate) use cron_schedule::interval_seconds;
pub(crate) use defaults::{GENERATED_LABELS, remove_generated_labels, with_defaults};
pub use difference::{Difference, differences};
pub(crate) use difference::{pod_spec_path, replacement_differences};
pub use field_path::{FieldPath, PathSegment};
pub use http_route::{
    HttpRoute, HttpRouteBackendRef, HttpRouteCondition, HttpRouteParentRef, HttpRouteParentStatus,
    HttpRouteRule, HttpRouteSpec, HttpRouteStatus, RouteAcceptance,
};
pub use job_end::JobEnd;
pub(crate) use job_end::{end_of, is_suspended};
pub use kind::{Object, ObjectId, ObjectKind, UnknownKindError, to_json_list, to_yaml};
pub use known_kind::KnownKind;
pub(crate) use known_kind::{count_name, split_api_version};
pub(crate) use labels::{
    LAST_APPLIED, has_label, has_labels, is_own_annotation, is_shell, is_web_service, marks_web_service,
    selects_pods,
};
pub use labels::{Labels, is_controller_annotation, label};
pub(crate) use owner::{POD_TEMPLATE_HASH, controller_of, has_hash, is_generated, is_of_deployment};
pub use owner::{is_owned_by, is_pod_of_cron_job, is_pod_of_deployment};
pub(crate) use spec::{
    condition_text, cron_job_spec, cron_job_spec_mut, daemon_set_spec, daemon_set_spec_mut,
    deployment_replicas, deployment_spec, deployment_spec_mut, expression_of, is_paused, replica_set_spec,
    replica_set_spec_mut, stateful_set_spec, stateful_set_spec_mut,
};
