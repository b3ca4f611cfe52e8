//! Which pods of a text are selected by their labels.

use std::cell::Cell;
use std::collections::HashMap;

use super::super::check::{Object, Pods};
use super::super::syntax::{Entry, Node};

/// The most pods of a text whose labels are compared with selectors. No file that somebody wrote has more, and of a larger one nothing
/// is reported.
const MOST_COMPARED: usize = 500_000;

/// The objects with pods, by the labels of these.
pub(crate) struct Selection<'n> {
    all: Vec<Object<'n>>,
    by_label: HashMap<(&'n str, &'n str), Vec<Object<'n>>>,
    /// How many more comparisons are made.
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

    /// Returns the first object whose pods have some labels, and for which something is true; `None` if that is too much work.
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
