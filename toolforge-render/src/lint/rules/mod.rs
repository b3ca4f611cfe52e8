//! The rules, by subject.

mod api_version;
mod choices;
mod command;
mod conditions;
mod container;
mod data;
mod environment;
mod files;
mod formats;
mod http_route;
mod image;
mod job_policy;
mod metadata;
mod names;
mod network;
mod placement;
mod pod;
mod ports;
mod probe;
mod quota;
mod resources;
mod route;
mod schedule;
mod scope;
mod secret;
mod selector;
mod service;
mod shell_words;
mod strict_fields;
mod together;
mod value_checks;
mod volumes;
mod workload;

use super::check::{Check, Object};

pub(crate) use api_version::find_kind;
use api_version::{check_kind, is_forbidden};
pub(crate) use command::{check_job as check_job_command, check_web_service};
pub(crate) use quota::check as check_quota;
pub(crate) use schedule::corrected_schedule;
pub(crate) use schedule::{ScheduledJob, check_every_minute, check_gaps, check_same_minute};
pub(crate) use secret::check_platform_file;
pub(crate) use service::label;
pub(crate) use together::check_together;

/// Checks one object by itself.
pub(crate) fn check_object(check: &mut Check<'_>, object: Object<'_>) {
    let is_readable = check_kind(check, object);
    if is_forbidden(check, object) {
        return;
    }
    metadata::check(check, object);
    if is_readable {
        strict_fields::check(check, object);
    }
    workload::check(check, object);
    if let Some(pods) = object.pods() {
        pod::check(check, object, pods);
    }
    secret::check_object(check, object);
    choices::check(check, object);
    conditions::check(check, object);
    formats::check(check, object);
    match object.kind.name {
        "CronJob" => schedule::check(check, object),
        "ConfigMap" | "Secret" => data::check(check, object),
        "Service" => service::check(check, object),
        "Ingress" | "HTTPRoute" => route::check(check, object),
        "Endpoints" | "NetworkPolicy" => network::check(check, object),
        _ => {}
    }
}
