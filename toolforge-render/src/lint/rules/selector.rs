//! Selectors and the labels that they select.

use std::cell::Cell;
use std::collections::HashMap;

use super::super::check::{Check, Object, Pods};
use super::super::edit::{Added, insert, source};
use super::super::finding::{Edit, Fix};
use super::super::rule::Rule;
use super::super::syntax::{Entry, Node};
use super::placement::check_label_selector;

/// Checks the selector of a Deployment, ReplicaSet or StatefulSet.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>, pods: Pods<'_>) {
    let Some(spec) = object.spec() else { return };
    let Some(selector) = spec.get("selector") else {
        let edit = selector_fix(check.text, object);
        let fix = edit.map(|edit| Fix::of("select the labels of the pod template", vec![edit]));
        let place = spec.entry("template").map_or(spec, |entry| &entry.key);
        let message =
            format!("a {} needs a selector, which matches the labels of its pods", object.kind.name);
        // Old versions of the API are fixed as a whole.
        let is_old = object.node.get("apiVersion").and_then(Node::text) != Some(object.kind.api_version);
        check
            .at(Rule::Selector, place, message)
            .answered(object.invalid("spec.selector: Required value"))
            .fixed(fix.filter(|_| !is_old));
        return;
    };
    let labels = pods.labels();
    let value = |key: &str| label_of(labels, key);
    let pairs = selector.get("matchLabels").map(Node::entries).unwrap_or_default();
    let expressions = selector.get("matchExpressions").map(Node::items).unwrap_or_default();
    if pairs.is_empty() && expressions.is_empty() {
        check.at(Rule::Selector, selector, "an empty selector is not allowed; write matchLabels").answered(
            object.invalid("spec.selector: Invalid value: empty selector is invalid for deployment"),
        );
        return;
    }
    check_label_selector(check, object, selector, "spec.selector");
    let answer = || {
        object.invalid(
            "spec.template.metadata.labels: Invalid value: `selector` does not match template `labels`",
        )
    };
    for entry in pairs {
        let (key, wanted) = (entry.name(), entry.value.text().unwrap_or_default());
        let found = value(key);
        if found == Some(wanted) {
            continue;
        }
        let message = match found {
            Some(found) => format!("the selector wants {key}: {wanted}, and the pods have {key}: {found}"),
            None => format!("the selector wants {key}: {wanted}, and the pods have no label {key}"),
        };
        let has_key = labels.is_some_and(|labels| labels.entry(key).is_some());
        let source = source_of_string(check.text, &entry.value).filter(|_| !has_key);
        let fix = source.and_then(|source| label_edit(check.text, pods, key, source));
        let fix = fix.map(|edit| Fix::of(format_args!("add the label {key} to the pods"), vec![edit]));
        check.at(Rule::Selector, &entry.value, message).answered(answer()).fixed(fix);
    }
    for expression in expressions {
        let key = expression.get("key").and_then(Node::text).unwrap_or_default();
        if !matches_expression(expression, value(key)) {
            let message = format!("the labels of the pods do not match this expression of {key}");
            check.at(Rule::Selector, expression, message).answered(answer());
        }
    }
}

fn label_of<'n>(labels: Option<&'n Node>, key: &str) -> Option<&'n str> {
    labels.and_then(|labels| labels.get(key)).and_then(Node::text)
}

/// Returns whether the value of an expression's label is one that it matches; anything that is not an expression matches all.
fn matches_expression(expression: &Node, found: Option<&str>) -> bool {
    let values =
        || expression.get("values").map(Node::items).unwrap_or_default().iter().filter_map(Node::text);
    match expression.get("operator").and_then(Node::text) {
        Some("In") => found.is_some_and(|found| values().any(|value| value == found)),
        Some("NotIn") => !found.is_some_and(|found| values().any(|value| value == found)),
        Some("Exists") => found.is_some(),
        Some("DoesNotExist") => found.is_none(),
        _ => true,
    }
}

/// Returns whether a selector with `matchLabels` and `matchExpressions` selects the pods of an object.
pub(crate) fn selects(selector: &Node, pods: Pods<'_>) -> bool {
    let labels = pods.labels();
    let pairs = selector.get("matchLabels").map(Node::entries).unwrap_or_default();
    let expressions = selector.get("matchExpressions").map(Node::items).unwrap_or_default();
    let key = |expression: &'_ Node| expression.get("key").and_then(Node::text).map(str::to_owned);
    pairs.iter().all(|pair| label_of(labels, pair.name()) == Some(pair.value.text().unwrap_or_default()))
        && expressions.iter().all(|expression| {
            matches_expression(expression, label_of(labels, &key(expression).unwrap_or_default()))
        })
}

/// Returns the edit that adds a selector of all labels of the pod template; `None` if there are no labels.
pub(crate) fn selector_fix(text: &str, object: Object<'_>) -> Option<Edit> {
    if !matches!(object.kind.name, "Deployment" | "ReplicaSet" | "StatefulSet") {
        return None;
    }
    let labels = object.pods()?.labels()?.entries();
    let pair = |(key, value): (&'_ Node, &'_ Node)| {
        Some((source(text, key)?.to_owned(), source_of_string(text, value)?.to_owned()))
    };
    let pairs: Option<Vec<(String, String)>> =
        labels.iter().map(|entry| pair((&entry.key, &entry.value))).collect();
    let pairs = pairs.filter(|pairs| !pairs.is_empty())?;
    let is_json = pairs.iter().any(|(key, _)| key.starts_with('"'));
    // A quoted key would be quoted again in JSON.
    let key = |key: &'_ String| if is_json { key.trim_matches('"').to_owned() } else { key.clone() };
    let pairs: Vec<(String, String)> = pairs.iter().map(|(name, value)| (key(name), value.clone())).collect();
    let pairs = pairs.iter().map(|(key, value)| (key.as_str(), Added::Scalar(value))).collect();
    let selector = Added::Mapping(vec![("matchLabels", Added::Mapping(pairs))]);
    insert(text, object.spec()?, Some("template"), "selector", &selector)
}

/// Returns the text of a string in one line, which can be written elsewhere.
fn source_of_string<'t>(text: &'t str, node: &Node) -> Option<&'t str> {
    node.string().and_then(|_| source(text, node)).filter(|source| !source.contains('\n'))
}

/// Returns the edit that adds a label to the pods.
pub(crate) fn label_edit(text: &str, pods: Pods<'_>, key: &str, value: &str) -> Option<Edit> {
    let template = pods.template;
    let label = || Added::Mapping(vec![(key, Added::Scalar(value))]);
    match template.get("metadata") {
        Some(metadata) => match metadata.get("labels") {
            Some(labels) => insert(text, labels, None, key, &Added::Scalar(value)),
            None if metadata.entry("labels").is_some() => None,
            None => insert(text, metadata, None, "labels", &label()),
        },
        None if template.entry("metadata").is_some() => None,
        None => insert(text, template, Some("spec"), "metadata", &Added::Mapping(vec![("labels", label())])),
    }
}

/// The most pods of a text whose labels are compared with selectors. No handwritten file has more, and for a larger one nothing
/// is reported.
const MOST_COMPARED: usize = 500_000;

/// The objects with pods, by the labels of the pods.
pub(crate) struct Selection<'n> {
    all: Vec<Object<'n>>,
    by_label: HashMap<(&'n str, &'n str), Vec<Object<'n>>>,
    /// How many more comparisons may be made.
    left: Cell<usize>,
}

impl<'n> Selection<'n> {
    /// Returns the pods of the objects of a text.
    pub(crate) fn of(objects: &[Object<'n>]) -> Self {
        let all: Vec<Object<'n>> = objects.iter().copied().filter(|object| object.pods().is_some()).collect();
        let mut by_label: HashMap<(&str, &str), Vec<Object<'n>>> = HashMap::new();
        for object in &all {
            let labels = object.pods().and_then(|pods| pods.labels()).map(Node::entries).unwrap_or_default();
            for entry in labels {
                let value = entry.value.text().unwrap_or_default();
                by_label.entry((entry.name(), value)).or_default().push(*object);
            }
        }
        Self { all, by_label, left: Cell::new(MOST_COMPARED) }
    }

    /// Returns whether the text has pods.
    pub(crate) fn has_pods(&self) -> bool {
        !self.all.is_empty()
    }

    /// Returns the first object whose pods have some labels and that meets a condition; `None` if that is too much work.
    pub(crate) fn find(
        &self,
        labels: Option<&Node>,
        mut is_wanted: impl FnMut(Object<'n>, Pods<'n>) -> bool,
    ) -> Option<Option<Object<'n>>> {
        let labels = labels.map(Node::entries).unwrap_or_default();
        let candidates = match labels {
            [] => self.all.as_slice(),
            entries => entries
                .iter()
                .map(|entry| self.with_label(entry))
                .min_by_key(|found| found.len())
                .unwrap_or_default(),
        };
        for object in candidates {
            self.left.set(self.left.get().checked_sub(1)?);
            let Some(pods) = object.pods() else { continue };
            if has_labels(labels, pods) && is_wanted(*object, pods) {
                return Some(Some(*object));
            }
        }
        Some(None)
    }

    fn with_label<'s>(&'s self, entry: &'s Entry) -> &'s [Object<'n>] {
        let value = entry.value.text();
        let found = value.and_then(|value| self.by_label.get(&(entry.name(), value)));
        found.map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns whether no pod has some labels; `false` if that is too much work.
    pub(crate) fn has_none(
        &self,
        labels: Option<&Node>,
        is_wanted: impl FnMut(Object<'n>, Pods<'n>) -> bool,
    ) -> bool {
        matches!(self.find(labels, is_wanted), Some(None))
    }
}

fn has_labels(labels: &[Entry], pods: Pods<'_>) -> bool {
    let has = |entry: &Entry| entry.value.text().is_some_and(|value| pods.label(entry.name()) == Some(value));
    labels.iter().all(has)
}

#[cfg(test)]
mod tests {
    use super::super::super::syntax;
    use super::*;
    use crate::object::KnownKind;

    /// Returns how many comparisons are made for the first labels, and what is found.
    fn found(count: usize, labels: &str) -> (usize, Option<bool>) {
        let pod = |index: usize| {
            format!("---\nkind: Pod\nmetadata: {{labels: {{a: b, c: d{index}}}}}\nspec: {{}}\n")
        };
        let text: String = (0..count).map(pod).collect();
        let parsed = syntax::parse(&text);
        let kind = KnownKind::named("Pod").unwrap();
        let objects: Vec<Object<'_>> =
            parsed.documents.iter().map(|document| Object { node: &document.root, kind }).collect();
        let labels = syntax::parse(labels);
        let selection = Selection::of(&objects);
        let found = selection.find(labels.documents.first().map(|document| &document.root), |_, _| true);
        (MOST_COMPARED - selection.left.get(), found.map(|found| found.is_some()))
    }

    #[test]
    fn pods_are_found_by_their_rarest_label() {
        assert_eq!(found(500, "{a: b, c: d400}"), (1, Some(true)));
        assert_eq!(found(500, "{a: b, c: x}"), (0, Some(false)));
        assert_eq!(found(500, "{a: b}"), (1, Some(true)));
        assert_eq!(found(500, "{}"), (1, Some(true)));
    }
}
