//! The documents of a file: YAML documents, or JSON values one after the other.

use serde::de::IgnoredAny;
use toolforge_model::yaml::{self, YamlNode, YamlValue, begins_document, ends_document};
use toolforge_model::{Diagnostic, DiagnosticKind, Location};

use crate::manifest::values_in_lines;

/// One document of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileDocument {
    /// Its content, with locations in the file.
    pub node: YamlNode,
    /// Its text.
    pub text: String,
    /// How many lines of the file are before its text.
    pub lines_before: u64,
}

impl FileDocument {
    /// Returns a diagnostic about the document's text with its location in the file.
    #[must_use]
    pub fn in_file(&self, found: &Diagnostic) -> Diagnostic {
        found.clone().moved_down(self.lines_before)
    }
}

/// The documents of a file, and the errors of those that cannot be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileDocuments {
    /// The documents with content, in the order of the file.
    pub documents: Vec<FileDocument>,
    /// Syntax errors, at most one of each document.
    pub errors: Vec<Diagnostic>,
}

/// Reads all documents of a file. One that cannot be read does not affect the others.
#[must_use]
pub fn file_documents(text: &str) -> FileDocuments {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.trim_start().starts_with('{') {
        return yaml_documents(text);
    }
    json_documents(text).unwrap_or_else(|error| {
        // YAML has mappings in braces, too.
        let read = yaml_documents(text);
        if read.errors.is_empty() { read } else { FileDocuments { errors: vec![error], ..read } }
    })
}

fn yaml_documents(text: &str) -> FileDocuments {
    let mut found = FileDocuments::default();
    for (lines_before, part) in parts(text) {
        match parse(part) {
            Ok(node) if node.value == YamlValue::Null => {}
            Ok(mut node) => {
                move_node(&mut node, lines_before);
                found.documents.push(FileDocument { node, text: part.to_owned(), lines_before });
            }
            Err(error) => found.errors.push(error.moved_down(lines_before)),
        }
    }
    found
}

/// Reads a document. An error does not say how to write a value if that may be the value of a Secret.
fn parse(text: &str) -> Result<YamlNode, Diagnostic> {
    yaml::parse(text).map_err(|error| {
        if values_in_lines(text).is_empty() { error } else { error.without_quoting_remedy() }
    })
}

/// Reads the YAML document that contains a line of a text, counted from 1, or returns why it cannot be read.
pub(crate) fn parse_at(text: &str, line: u64) -> Result<YamlNode, Diagnostic> {
    let parts = parts(text);
    let after = parts.partition_point(|(lines_before, _)| *lines_before < line);
    let (lines_before, part) = parts.get(after.saturating_sub(1)).copied().unwrap_or((0, text));
    let mut node = parse(part).map_err(|error| error.moved_down(lines_before))?;
    move_node(&mut node, lines_before);
    Ok(node)
}

/// Splits a text at the lines that begin a YAML document (`---`), which stay with the document, or end one (`...`). Each
/// part has the number of lines before it.
fn parts(text: &str) -> Vec<(u64, &str)> {
    let mut parts = Vec::new();
    let (mut start, mut offset) = (0, 0);
    let (mut lines_before, mut lines) = (0, 0);
    let mut is_directive = false;
    for line in text.split_inclusive('\n') {
        let begins = begins_document(line);
        let ends = ends_document(line);
        if (begins && !is_directive) || ends {
            parts.push((lines_before, &text[start..offset]));
            (start, lines_before) = (offset, lines);
        }
        offset += line.len();
        lines += 1;
        if ends {
            (start, lines_before) = (offset, lines);
        }
        // Directives belong to the document that follows them.
        is_directive = !begins && (line.starts_with('%') || is_directive && is_comment(line));
    }
    parts.push((lines_before, &text[start..]));
    parts
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.is_empty() || line.starts_with('#')
}

/// The most characters before a value in its line that its text includes: all of them for every value would be too many.
const MOST_COLUMNS: usize = 1000;

/// Reads JSON values one after the other, or returns why the text is not JSON.
fn json_documents(text: &str) -> Result<FileDocuments, Diagnostic> {
    let mut found = FileDocuments::default();
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    let mut start = 0;
    // The lines before the value, and the characters before it in its line.
    let (mut lines, mut columns) = (0, 0);
    while let Some(value) = values.next() {
        value.map_err(|error| json_error(&error))?;
        let end = values.byte_offset();
        let part = text.get(start..end).unwrap_or_default();
        let place = Location { line: count(lines), column: count(columns) };
        let padding = if columns > MOST_COLUMNS { 0 } else { columns };
        start = end;
        if let Some((_, last)) = part.rsplit_once('\n') {
            lines += part.matches('\n').count();
            columns = last.chars().count();
        } else {
            columns += part.chars().count();
        }
        // Tabs are spaces between the values of JSON, and an error in YAML; strings have none.
        let part = part.replace('\t', " ");
        match yaml::parse(&part) {
            Ok(mut node) => {
                move_node_right(&mut node, place);
                let text = format!("{}{part}", " ".repeat(padding));
                found.documents.push(FileDocument { node, text, lines_before: place.line });
            }
            Err(mut error) => {
                error.location = moved(error.location, place);
                error.related = error.related.map(|related| moved(related, place));
                found.errors.push(error);
            }
        }
    }
    Ok(found)
}

/// Returns the location in a text of one in a part that follows some lines, and some characters in its first line.
fn moved(location: Location, Location { line, column }: Location) -> Location {
    let column = if location.line == 1 { location.column.saturating_add(column) } else { location.column };
    Location { line: location.line.saturating_add(line), column }
}

fn move_node_right(node: &mut YamlNode, place: Location) {
    move_each(node, &|location| moved(location, place));
}

/// Returns where and why a text is not JSON.
pub(crate) fn json_error(error: &serde_json::Error) -> Diagnostic {
    let location = Location { line: count(error.line()), column: count(error.column()) };
    if error.is_eof() {
        let message = "the text ends within a JSON value; is it cut off?";
        return Diagnostic::of_kind(DiagnosticKind::Syntax, location, message);
    }
    let reason = error.to_string();
    let reason = reason.trim_end_matches(&format!(" at line {} column {}", location.line, location.column));
    Diagnostic::of_kind(DiagnosticKind::Syntax, location, format_args!("invalid JSON: {reason}"))
}

fn count(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn move_node(node: &mut YamlNode, lines: u64) {
    move_each(node, &|location| location.moved_down(lines));
}

fn move_each(node: &mut YamlNode, moved: &impl Fn(Location) -> Location) {
    node.location = moved(node.location);
    match &mut node.value {
        YamlValue::Sequence(items) => items.iter_mut().for_each(|item| move_each(item, moved)),
        YamlValue::Mapping(pairs) => pairs.iter_mut().for_each(|(key, value)| {
            move_each(key, moved);
            move_each(value, moved);
        }),
        YamlValue::Null | YamlValue::String(_) | YamlValue::Plain(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the location and the content of each document, then the errors.
    fn shown(text: &str) -> Vec<String> {
        let FileDocuments { documents, errors } = file_documents(text);
        let documents = documents.iter().map(|document| {
            let Location { line, column } = document.node.location;
            let key = match &document.node.value {
                YamlValue::Mapping(pairs) => pairs.first().map(|(key, _)| key.describe()),
                _ => None,
            };
            format!("{line}:{column} {}", key.unwrap_or_else(|| document.node.describe()))
        });
        documents.chain(errors.iter().map(ToString::to_string)).collect()
    }

    #[test]
    fn yaml_documents_have_their_locations() {
        assert_eq!(
            shown("a: 1\n---\nb: 1\n--- # more\n- c\n...\n"),
            ["1:1 \"a\"", "3:1 \"b\"", "5:1 a list"]
        );
        assert_eq!(shown("# only\n---\n\n---\n# comments\n"), Vec::<String>::new());
        assert_eq!(shown("%YAML 1.2\n# comment\n---\na: 1\n"), ["4:1 \"a\""]);
        assert_eq!(shown("---\na: |\n  text\n  --- no marker\n"), ["2:1 \"a\""]);
        assert_eq!(shown("\u{feff}a: 1\n"), ["1:1 \"a\""]);
    }

    #[test]
    fn every_document_reports_its_syntax_error() {
        insta::assert_snapshot!(shown("a: [1\n---\nb: 1\n---\nc: \"x\n").join("\n"), @r#"
        3:1 "b"
        line 1, column 4: invalid YAML: unclosed bracket '['
        line 5, column 1: invalid YAML: the closing quote is missing; write c: "x"
        "#);
    }

    #[test]
    fn json_values_may_follow_each_other() {
        assert_eq!(shown("{\"a\": 1}\n{\n\t\"b\": 1} {\"c\": 2}"), ["1:1 \"a\"", "2:1 \"b\"", "3:10 \"c\""]);
        assert_eq!(shown("{a: 1}\n"), ["1:1 \"a\""]);
    }

    #[test]
    fn values_in_one_line_have_short_texts() {
        let text = "{\"a\": 1} ".repeat(2_000);
        let found = file_documents(&text);
        assert_eq!(found.documents.len(), 2_000);
        let last = found.documents.last().unwrap();
        assert_eq!(last.node.location, Location { line: 1, column: 9 * 1_999 + 1 });
        let copied: usize = found.documents.iter().map(|document| document.text.len()).sum();
        assert!(copied <= text.len() + 2_000 * MOST_COLUMNS, "{copied}");
    }

    #[test]
    fn truncated_json_is_explained() {
        insta::assert_snapshot!(shown("{\"a\": {\"b\": [1,\n 2").join("\n"), @"line 2, column 2: the text ends within a JSON value; is it cut off?");
        insta::assert_snapshot!(shown("{\"a\": 1,\n \"b\" 2}").join("\n"), @"line 2, column 6: invalid JSON: expected `:`");
    }
}
