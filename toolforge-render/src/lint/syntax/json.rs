//! JSON values one after the other, as kubectl reads them.

use std::ops::Range;

use serde::de::IgnoredAny;
use toolforge_model::{Diagnostic, Location};

use super::node::{Node, Value};
use super::parse::{Problem, ProblemKind, Text, parse_yaml};
use crate::manifest::json_error;

/// Reads a text of several JSON values; `None` if it is something else.
pub(super) fn parse_stream(text: &str) -> Option<Text> {
    let json = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !json.trim_start().starts_with('{') {
        return None;
    }
    let (values, error) = values(json);
    let end = values.last().map_or(0, |value| value.end);
    let is_stream = match &error {
        None => values.len() > 1,
        // A YAML document may follow, after `---`.
        Some(_) => !values.is_empty() && json.get(end..)?.trim_start().starts_with('{'),
    };
    if !is_stream {
        return None;
    }
    let mark = text.len() - json.len();
    let mut place = Place::default();
    let mut found = Text::default();
    for value in values {
        place.advance(json.get(place.offset..value.start)?);
        let Text { mut documents, mut problems, .. } = parse_yaml(json.get(value)?);
        let place = Place { offset: place.offset + mark, ..place };
        documents.iter_mut().for_each(|document| place.shift(&mut document.root));
        problems.iter_mut().for_each(|problem| place.shift_problem(problem));
        found.documents.append(&mut documents);
        found.problems.append(&mut problems);
    }
    if let Some(Diagnostic { location, message, .. }) = error {
        let span = text.len()..text.len();
        found.problems.push(Problem { span, location, kind: ProblemKind::Json(message.as_raw().to_owned()) });
    }
    Some(found)
}

/// Returns the bytes of JSON values that follow each other, and why the text after the last one is not one.
fn values(text: &str) -> (Vec<Range<usize>>, Option<Diagnostic>) {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut found = Vec::new();
    let mut end = 0;
    while let Some(value) = stream.next() {
        if let Err(error) = value {
            return (found, Some(json_error(&error)));
        }
        let spaces = text.get(end..).map_or(0, |rest| rest.len() - rest.trim_start().len());
        found.push(end + spaces..stream.byte_offset());
        end = stream.byte_offset();
    }
    (found, None)
}

/// What precedes a value in a text.
#[derive(Clone, Copy, Default)]
struct Place {
    /// The bytes.
    offset: usize,
    /// The lines.
    lines: u64,
    /// The characters in the line of the value.
    columns: u64,
}

impl Place {
    /// Moves the place past some more text.
    fn advance(&mut self, text: &str) {
        self.offset += text.len();
        for c in text.chars() {
            (self.lines, self.columns) =
                if c == '\n' { (self.lines + 1, 0) } else { (self.lines, self.columns + 1) };
        }
    }

    fn shift_span(self, span: &mut Range<usize>, location: &mut Location) {
        *span = span.start + self.offset..span.end + self.offset;
        if location.line == 1 {
            location.column += self.columns;
        }
        location.line += self.lines;
    }

    fn shift(self, node: &mut Node) {
        self.shift_span(&mut node.span, &mut node.location);
        match &mut node.value {
            Value::Scalar(_) => {}
            Value::Sequence(items) => items.iter_mut().for_each(|item| self.shift(item)),
            Value::Mapping { entries, .. } => entries.iter_mut().for_each(|entry| {
                self.shift(&mut entry.key);
                self.shift(&mut entry.value);
            }),
        }
    }

    fn shift_problem(self, problem: &mut Problem) {
        self.shift_span(&mut problem.span, &mut problem.location);
        if let ProblemKind::DuplicateKey { first } = &mut problem.kind {
            *first += self.lines;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Text {
        parse_stream(text).unwrap_or_else(|| parse_yaml(text))
    }

    #[test]
    fn values_have_their_places() {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}{{\"é\": \"x\"}} {{\"b\": 1}}\n{{\n\t\"c\": 2,\n\t\"c\": 3}}\n");
            let found = parse(&text);
            let shown: Vec<String> = found
                .documents
                .iter()
                .map(|document| {
                    let entry = &document.root.entries()[0];
                    let Location { line, column } = entry.key.location;
                    let source = &text[entry.value.span.clone()];
                    format!("{line}:{column} {} {source}", &text[entry.key.span.clone()])
                })
                .collect();
            assert_eq!(shown, ["1:2 \"é\" \"x\"", "1:13 \"b\" 1", "4:2 \"c\" 3"]);
            assert_eq!(found.problems.len(), 1);
            assert_eq!(found.problems[0].kind, ProblemKind::DuplicateKey { first: 3 });
            assert_eq!(found.problems[0].location, Location { line: 4, column: 2 });
        }
    }

    #[test]
    fn other_texts_are_not_streams() {
        for text in [
            "{\"a\": 1}\n",
            "{a: 1}\n",
            "{\"a\": 1}\n---\n{\"b\": 2}\n",
            "{\"a\": 1}\n---\nb: 2\n",
            "[1]\n[2]\n",
        ] {
            assert!(parse_stream(text).is_none(), "{text}");
        }
        assert_eq!(parse("{\"a\": 1}\n---\nb: 2\n").documents.len(), 2);
    }

    #[test]
    fn error_in_a_later_value_is_found() {
        let found = parse("{\"a\": 1}\n{\"b\" 2}\n");
        assert_eq!(found.documents.len(), 1);
        assert_eq!(found.problems[0].kind, ProblemKind::Json("invalid JSON: expected `:`".to_owned()));
        assert_eq!(found.problems[0].location, Location { line: 2, column: 6 });
    }
}
