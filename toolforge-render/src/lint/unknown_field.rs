//! The fields of a text's objects that no object of their kind has.

use toolforge_model::Location;

use super::check::Check;
use super::context::LintContext;
use super::read_objects::objects;
use super::strict::{IssueKind, reader_of};
use super::syntax::parse;

/// A field that no object of the kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UnknownField {
    /// Where the object begins.
    pub(crate) object: Location,
    /// The path of the field in the object, as the API server writes it.
    pub(crate) path: String,
    /// The field that was probably meant.
    pub(crate) near: Option<&'static str>,
}

/// Returns the unknown fields of a text's objects, in their order.
pub(crate) fn unknown_fields(text: &str) -> Vec<UnknownField> {
    let context = LintContext::offline(None);
    let parsed = parse(text);
    let mut unknown = Vec::new();
    for object in objects(&mut Check::new(text, &context), &parsed.documents) {
        let issues = reader_of(object.kind).map(|read| read(object.node)).unwrap_or_default();
        unknown.extend(issues.into_iter().filter_map(|issue| match issue.kind {
            IssueKind::UnknownField { nearest } => {
                Some(UnknownField { object: object.node.location, path: issue.path, near: nearest })
            }
            IssueKind::WrongType { .. } | IssueKind::Invalid(_) => None,
        }));
    }
    unknown
}
