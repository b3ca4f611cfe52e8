//! Secrets that are written out.

use super::super::check::{Check, Object};
use super::super::plain_secret::{PlainSecret, of_object, of_platform_file};
use super::super::rule::Rule;
use super::super::syntax::Document;

/// Checks whether an object contains secrets.
pub(crate) fn check_object(check: &mut Check<'_>, object: Object<'_>) {
    report(check, of_object(object));
}

/// Checks whether a file of the platform's tools contains secrets.
pub(crate) fn check_platform_file(check: &mut Check<'_>, document: &Document) {
    report(check, of_platform_file(document));
}

/// Adds a finding for each value that contains a secret.
fn report(check: &mut Check<'_>, found: Vec<PlainSecret<'_>>) {
    let mut last = None;
    for PlainSecret { subject, place, .. } in found {
        if last.replace(place.span.start) != Some(place.span.start) {
            let message = format!("{subject} looks like a secret, and its value is in the file");
            check.at(Rule::PlainSecret, place, message);
        }
    }
}
