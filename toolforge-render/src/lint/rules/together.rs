//! The objects of a text, checked together.

use super::super::check::{Check, Object};
use super::selector::Selection;
use super::{metadata, network, ports, route, schedule, service};

/// Checks all objects of a text together.
pub(crate) fn check_together(check: &mut Check<'_>, objects: &[Object<'_>]) {
    metadata::check_duplicates(check, objects);
    let selection = Selection::of(objects);
    service::check_selectors(check, objects, &selection);
    network::check_selectors(check, objects, &selection);
    ports::check(check, objects, &selection);
    route::check_services(check, objects);
    schedule::check_cron_jobs(check, objects);
}
