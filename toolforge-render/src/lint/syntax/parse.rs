use std::collections::{HashMap, HashSet};
use std::ops::Range;

use granit_parser::{ErrorKind, Event, Marker, Parser, ScalarStyle, ScanError, Span, StructureStyle};
use toolforge_model::Location;

use super::node::{Entry, Node, Scalar, Value};
use crate::manifest::Plain;

/// The maximum nesting of mappings and lists. No kind of Kubernetes has half as many levels.
const MAX_DEPTH: usize = 100;

/// The maximum number of values that aliases (`*name`) of one text repeat.
const MAX_REPEATED: usize = 20_000;

/// The maximum size in bytes of the values that anchors and aliases of one text repeat, as in the reader of jobs files.
const MAX_REPEATED_BYTES: usize = 8 * 1024 * 1024;

/// The bytes that are counted for each value in addition to its text.
const VALUE_BYTES: usize = 16;

/// The maximum number of comments in a row.
const MAX_COMMENTS: usize = 100_000;

/// A text, read.
#[derive(Debug, Default)]
pub(crate) struct Text {
    /// The documents that could be read.
    pub(crate) documents: Vec<Document>,
    /// What is wrong in the others.
    pub(crate) problems: Vec<Problem>,
    /// All comments.
    pub(crate) comments: Vec<Comment>,
    /// The bytes of the values that aliases repeat, for each alias.
    pub(crate) repeated: Vec<Range<usize>>,
}

/// One document of a text.
#[derive(Debug)]
pub(crate) struct Document {
    /// Its value.
    pub(crate) root: Node,
}

/// A comment.
#[derive(Debug)]
pub(crate) struct Comment {
    /// The text after `#`.
    pub(crate) text: String,
    /// Its bytes, with `#`.
    pub(crate) span: Range<usize>,
    /// Where it begins.
    pub(crate) location: Location,
}

/// Why a document cannot be read, or is read differently than it looks.
#[derive(Debug)]
pub(crate) struct Problem {
    /// The bytes that it is about.
    pub(crate) span: Range<usize>,
    /// Where it begins.
    pub(crate) location: Location,
    /// What is wrong.
    pub(crate) kind: ProblemKind,
}

/// What is wrong in a text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ProblemKind {
    /// It is not YAML; the reason.
    Syntax(String),
    /// It begins as JSON, but a later value is not JSON; the reason.
    Json(String),
    /// A tab indents a line.
    Tab,
    /// It is nested too deeply.
    TooDeep,
    /// Aliases repeat too much.
    TooManyAliases,
    /// A key occurs a second time in one mapping.
    DuplicateKey {
        /// The line of the first one.
        first: u64,
    },
    /// A key is a mapping or a list.
    ComplexKey,
    /// What is merged (`<<`) is not a mapping.
    Merge,
}

/// Reads all YAML documents of a text. One that cannot be read does not affect the others.
pub(super) fn parse_yaml(text: &str) -> Text {
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        max_buffered_comment_events: MAX_COMMENTS,
    };
    let mut parser = Parser::new_from_str_with_options(text, options);
    let mut builder = Builder { text, ..Builder::default() };
    while let Some(event) = parser.next_event() {
        let problem = match event {
            Ok((event, span)) => builder.take(event, span).err(),
            Err(error) => Some(builder.syntax(&error)),
        };
        let Some(problem) = problem else { continue };
        builder.abandon(problem);
        // Nothing more can be read.
        if !parser.proceed_next_document().unwrap_or(false) {
            break;
        }
    }
    builder.found
}

/// A mapping or a list that is not complete.
struct Open {
    start: Marker,
    anchor: usize,
    entries: Vec<Entry>,
    /// Where each key is in `entries`.
    names: HashMap<String, usize>,
    items: Vec<Node>,
    /// The key whose value comes next.
    key: Option<Node>,
    is_mapping: bool,
    is_flow: bool,
    /// The levels of its content, to which aliases may add.
    inner_depth: usize,
    size: Size,
    end: usize,
}

/// The size of a value with everything that it contains.
#[derive(Clone, Copy)]
struct Size {
    values: usize,
    bytes: usize,
}

impl Size {
    /// Returns the size of one value with a text of this length.
    fn one(length: usize) -> Self {
        Self { values: 1, bytes: length.saturating_add(VALUE_BYTES) }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            values: self.values.saturating_add(other.values),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

/// A value that an alias can repeat.
struct Anchored {
    node: Node,
    size: Size,
    depth: usize,
}

#[derive(Default)]
struct Builder<'t> {
    text: &'t str,
    found: Text,
    open: Vec<Open>,
    anchors: HashMap<usize, Anchored>,
    /// The values that aliases repeat.
    repeated: usize,
    /// The bytes of the values that anchors keep and aliases repeat.
    repeated_bytes: usize,
    /// Problems that do not keep the document from being read.
    noted: Vec<Problem>,
}

fn location(marker: Marker) -> Location {
    let number = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    Location { line: number(marker.line().max(1)), column: number(marker.col()).saturating_add(1) }
}

fn offset(marker: Marker) -> usize {
    marker.byte_offset().unwrap_or(0)
}

impl<'t> Builder<'t> {
    /// Forgets the current document.
    fn abandon(&mut self, problem: Problem) {
        self.open.clear();
        self.anchors.clear();
        self.found.problems.append(&mut self.noted);
        self.found.problems.push(problem);
    }

    fn syntax(&self, error: &ScanError) -> Problem {
        let marker = *error.marker();
        let start = offset(marker).min(self.text.len());
        let kind = match error.kind() {
            ErrorKind::TabNotAllowed | ErrorKind::TabInBlockIndentation => ProblemKind::Tab,
            ErrorKind::RecursionLimitExceeded => ProblemKind::TooDeep,
            _ => ProblemKind::Syntax(error.info()),
        };
        Problem { span: start..start, location: location(marker), kind }
    }

    fn take(&mut self, event: Event<'t>, span: Span) -> Result<(), Problem> {
        match event {
            Event::DocumentStart(..) => self.anchors.clear(),
            Event::DocumentEnd => self.found.problems.append(&mut self.noted),
            Event::Comment(text, _) => self.found.comments.push(Comment {
                text: text.into_owned(),
                span: offset(span.start)..offset(span.end),
                location: location(span.start),
            }),
            Event::Scalar(text, style, anchor, tag) => {
                let is_plain = style == ScalarStyle::Plain;
                let is_string = !is_plain || tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
                let plain = if is_string { Plain::String } else { Plain::of(&text) };
                let size = Size::one(text.len());
                let value = Value::Scalar(Scalar { text: text.into_owned(), plain, is_plain });
                let bytes = offset(span.start)..offset(span.end).max(offset(span.start));
                let node = Node { span: self.trimmed(bytes), location: location(span.start), value };
                self.add(node, anchor, size, 0)?;
            }
            Event::SequenceStart(style, anchor, _) => self.begin(span, anchor, false, style)?,
            Event::MappingStart(style, anchor, _) => self.begin(span, anchor, true, style)?,
            Event::SequenceEnd | Event::MappingEnd => self.end(span)?,
            Event::Alias(anchor) => {
                let at = |kind| Problem {
                    span: offset(span.start)..offset(span.end),
                    location: location(span.start),
                    kind,
                };
                // An alias within its own anchor would be infinite.
                let Some(Anchored { node, size, depth }) = self.anchors.get(&anchor) else {
                    return Err(at(ProblemKind::TooManyAliases));
                };
                self.repeated = self.repeated.saturating_add(size.values);
                self.repeated_bytes = self.repeated_bytes.saturating_add(size.bytes);
                if self.repeated > MAX_REPEATED || self.repeated_bytes > MAX_REPEATED_BYTES {
                    return Err(at(ProblemKind::TooManyAliases));
                }
                if self.open.len().saturating_add(*depth) > MAX_DEPTH {
                    return Err(at(ProblemKind::TooDeep));
                }
                let (node, size, depth) = (node.clone(), *size, *depth);
                self.found.repeated.push(node.span.clone());
                self.add(node, 0, size, depth)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Returns the bytes of a scalar without the line endings and comments after a block.
    fn trimmed(&self, span: Range<usize>) -> Range<usize> {
        let end = span.end.min(self.text.len());
        let kept = self.text.get(span.start..end).map_or(0, |found| found.trim_end().len());
        span.start..span.start + kept
    }

    fn begin(
        &mut self,
        span: Span,
        anchor: usize,
        is_mapping: bool,
        style: StructureStyle,
    ) -> Result<(), Problem> {
        if self.open.len() >= MAX_DEPTH {
            let start = offset(span.start);
            return Err(Problem {
                span: start..start,
                location: location(span.start),
                kind: ProblemKind::TooDeep,
            });
        }
        self.open.push(Open {
            start: span.start,
            anchor,
            entries: Vec::new(),
            names: HashMap::new(),
            items: Vec::new(),
            key: None,
            is_mapping,
            is_flow: style == StructureStyle::Flow,
            inner_depth: 0,
            size: Size::one(0),
            end: offset(span.end),
        });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Problem> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let Open { start, anchor, entries, items, is_mapping, is_flow, inner_depth, size, end, .. } = open;
        // A block ends with its last value.
        let end = if is_flow { offset(span.end) } else { end };
        let begin = offset(start);
        let value = if is_mapping {
            Value::Mapping { entries: self.merged(entries), is_flow }
        } else {
            Value::Sequence(items)
        };
        let node = Node { span: begin..end.max(begin), location: location(start), value };
        self.add(node, anchor, size, inner_depth.saturating_add(1))
    }

    /// Adds a complete value to the open mapping or list.
    fn add(&mut self, node: Node, anchor: usize, size: Size, depth: usize) -> Result<(), Problem> {
        if anchor != 0 {
            // In nested anchors, each one keeps its own content.
            self.repeated_bytes = self.repeated_bytes.saturating_add(size.bytes);
            if self.repeated_bytes > MAX_REPEATED_BYTES {
                let start = node.span.start;
                return Err(Problem {
                    span: start..start,
                    location: node.location,
                    kind: ProblemKind::TooManyAliases,
                });
            }
            self.anchors.insert(anchor, Anchored { node: node.clone(), size, depth });
        }
        let Some(open) = self.open.last_mut() else {
            self.found.documents.push(Document { root: node });
            return Ok(());
        };
        open.size = open.size.plus(size);
        open.inner_depth = open.inner_depth.max(depth);
        open.end = open.end.max(node.span.end);
        if !open.is_mapping {
            open.items.push(node);
            return Ok(());
        }
        let Some(key) = open.key.take() else {
            if node.text().is_none() {
                return Err(Problem {
                    span: node.span,
                    location: node.location,
                    kind: ProblemKind::ComplexKey,
                });
            }
            open.key = Some(node);
            return Ok(());
        };
        let is_merge = is_merge(&key);
        let name = key.text().unwrap_or_default().to_owned();
        let former =
            open.names.get(&name).filter(|_| !is_merge).and_then(|index| open.entries.get_mut(*index));
        if let Some(former) = former {
            let first = former.key.location.line;
            let (span, location) = (key.span.clone(), key.location);
            *former = Entry { key, value: node, is_merged: false };
            self.noted.push(Problem { span, location, kind: ProblemKind::DuplicateKey { first } });
        } else {
            open.names.insert(name, open.entries.len());
            open.entries.push(Entry { key, value: node, is_merged: false });
        }
        Ok(())
    }

    /// Replaces merge keys with the entries that they merge, except for keys that the mapping has itself.
    fn merged(&mut self, entries: Vec<Entry>) -> Vec<Entry> {
        let (merges, mut own): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| is_merge(&entry.key));
        if merges.is_empty() {
            return own;
        }
        let mut names: HashSet<String> = own.iter().map(|entry| entry.name().to_owned()).collect();
        for merge in merges {
            let Entry { key, value, .. } = merge;
            let sources = match value {
                Node { value: Value::Sequence(items), .. } => items,
                node => vec![node],
            };
            for source in sources {
                let Value::Mapping { entries, .. } = source.value else {
                    let (span, location) = (key.span.clone(), key.location);
                    self.noted.push(Problem { span, location, kind: ProblemKind::Merge });
                    continue;
                };
                for entry in entries {
                    if names.insert(entry.name().to_owned()) {
                        own.push(Entry { is_merged: true, ..entry });
                    }
                }
            }
        }
        own
    }
}

/// Returns whether a key is the one whose value is merged into the mapping.
fn is_merge(key: &Node) -> bool {
    matches!(&key.value, Value::Scalar(scalar) if scalar.is_plain && scalar.text == "<<")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Node {
        let mut found = parse_yaml(text);
        assert!(found.problems.is_empty(), "{text:?}: {:?}", found.problems);
        assert_eq!(found.documents.len(), 1, "{text:?}");
        found.documents.remove(0).root
    }

    fn slice<'t>(text: &'t str, node: &Node) -> &'t str {
        &text[node.span.clone()]
    }

    #[test]
    fn spans_are_the_bytes_of_values() {
        let text = "a: é\nb: 'x y'\nc:\n  - d: |\n      one\n      two\n\n# comment\ne: {f: [1, 2]}\ng: >-\n  folded\n";
        let root = one(text);
        assert_eq!(slice(text, root.get("a").unwrap()), "é");
        assert_eq!(slice(text, root.get("b").unwrap()), "'x y'");
        assert_eq!(
            slice(text, root.get("c").unwrap().items().first().unwrap()),
            "d: |\n      one\n      two"
        );
        assert_eq!(slice(text, root.get("e").unwrap()), "{f: [1, 2]}");
        assert_eq!(slice(text, root.at(&["e", "f"]).unwrap()), "[1, 2]");
        assert_eq!(slice(text, &root), text.trim_end());
        assert_eq!(root.entry("e").unwrap().key.location, Location { line: 9, column: 1 });
    }

    #[test]
    fn broken_document_does_not_affect_others() {
        let found = parse_yaml("a: 1\n---\nb: [1\n---\nc: 3\n");
        assert_eq!(found.documents.len(), 2);
        assert_eq!(found.problems.len(), 1, "{:?}", found.problems);
    }

    #[test]
    fn aliases_and_merges_are_expanded() {
        let root = one("x: &x {a: 1, b: 2}\ny: {<<: *x, b: 3}\nz: [*x, *x]\n");
        assert_eq!(root.at(&["y", "a"]).unwrap().integer(), Some(1));
        assert_eq!(root.at(&["y", "b"]).unwrap().integer(), Some(3));
        assert!(root.get("y").unwrap().entry("a").unwrap().is_merged);
        assert_eq!(root.get("z").unwrap().items().len(), 2);
    }

    #[test]
    fn repeated_key_is_noted_and_the_last_wins() {
        let found = parse_yaml("a: 1\nb: 2\na: 3\n");
        assert_eq!(found.problems[0].kind, ProblemKind::DuplicateKey { first: 1 });
        assert_eq!(found.documents[0].root.get("a").unwrap().integer(), Some(3));
    }

    #[test]
    fn json_is_read() {
        let text = "{\n\t\"a\": \"no\",\n\t\"b\": [true, null, 1.5],\n\t\"c\": \"\\u00e9\"\n}\n";
        let root = one(text);
        assert_eq!(root.get("a").unwrap().string(), Some("no"));
        assert_eq!(root.to_json().to_string(), r#"{"a":"no","b":[true,null,1.5],"c":"é"}"#);
    }
}
