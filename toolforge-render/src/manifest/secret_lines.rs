//! Secrets whose kind is misspelled, or whose text cannot be read.

use std::ops::Range;

use toolforge_model::suggest;
use toolforge_model::yaml::begins_document;

/// The fields of a Secret that do not hold secrets.
pub(crate) const HEAD: [&str; 5] = ["apiVersion", "kind", "type", "metadata", "immutable"];

/// The fields that contain the values of a Secret, in lower case.
const VALUES: [&str; 2] = ["data", "stringdata"];

/// Returns whether a kind is that of Secrets or a list of them, even if it is misspelled.
pub(crate) fn is_secret_kind(kind: &str) -> bool {
    let start = kind.get(.."secret".len());
    start.is_some_and(|start| start.eq_ignore_ascii_case("secret")) || suggest(kind, ["Secret"]).is_some()
}

/// Returns the bytes of the values of Secrets in a text that is not YAML, as far as its lines show them.
pub(crate) fn values_in_lines(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut lines = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if begins_document(line) {
            add_document(&lines, &mut found);
            lines.clear();
        }
        lines.push((start, line));
        start += line.len();
    }
    add_document(&lines, &mut found);
    found
}

fn add_document(lines: &[(usize, &str)], found: &mut Vec<Range<usize>>) {
    if !lines.iter().any(|(_, line)| is_of_secret(line)) {
        return;
    }
    // The indentation of the field whose values these are.
    let mut below: Option<usize> = None;
    for (start, line) in lines {
        let content = line.trim_end();
        let rest = content.trim_start().trim_start_matches("- ");
        let indentation = content.len() - rest.len();
        let key = rest.split(':').next().unwrap_or_default().trim().trim_matches(['"', '\'']);
        let is_head = HEAD.contains(&key) || begins_document(content) || rest.starts_with('#');
        if rest.is_empty() || (is_head && below.is_none_or(|field| indentation <= field)) {
            // The values of an object in one line are in the line of its kind.
            if let Some(values) = values_of(content) {
                found.push(start + values..start + content.len());
            }
            below = below.filter(|_| rest.is_empty());
            continue;
        }
        if let Some(values) = values_of(content) {
            found.push(start + values..start + content.len());
            below = below.or(Some(indentation));
        } else if below.is_some() {
            let value = rest.find(": ").map_or(0, |colon| colon + 2);
            found.push(start + indentation + value..start + content.len());
        }
    }
}

/// Returns whether a line has the kind of a Secret, or a field that only Secrets have.
fn is_of_secret(line: &str) -> bool {
    let kinds = line.match_indices("kind").filter_map(|(index, word)| {
        let rest = line.get(index + word.len()..)?.trim_start_matches(['"', '\'']).trim_start();
        let kind = rest.strip_prefix(':')?.trim_start().trim_start_matches(['"', '\'']);
        kind.split(|c: char| !c.is_ascii_alphanumeric()).next()
    });
    kinds.into_iter().any(is_secret_kind) || line.to_ascii_lowercase().contains("stringdata")
}

/// Returns where the values begin in a line that has the field of values.
fn values_of(line: &str) -> Option<usize> {
    let lower = line.to_ascii_lowercase();
    VALUES
        .iter()
        .flat_map(|field| lower.match_indices(field))
        .filter_map(|(index, field)| {
            let before = lower.get(..index)?.chars().next_back();
            let is_start = before.is_none_or(|c| matches!(c, ' ' | '\t' | '"' | '\'' | '{' | ',' | '-'));
            let after = lower.get(index + field.len()..)?;
            let value = after.trim_start_matches(['"', '\'', ' ']).strip_prefix(':')?;
            is_start.then_some(lower.len() - value.trim_start().len())
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hidden(text: &str) -> String {
        let mut shown = String::new();
        let mut position = 0;
        for span in values_in_lines(text) {
            shown.push_str(&text[position..span.start]);
            shown.push_str(if span.is_empty() { "" } else { "***" });
            position = span.end;
        }
        shown + &text[position..]
    }

    #[test]
    fn values_of_broken_secrets_are_found() {
        for (text, expected) in [
            (
                "kind: Secret\nstringData:\n  a: x: y\n  \n  b\nmetadata:\n  name: n\n",
                "kind: Secret\nstringData:\n  a: ***\n  \n  ***\nmetadata:\n  name: n\n",
            ),
            (
                "kind: 'secrets'\ndata:\n\ta: x\n---\ndata:\n  a: x\n",
                "kind: 'secrets'\ndata:\n\ta: ***\n---\ndata:\n  a: x\n",
            ),
            ("stringdata: {a: x\nkind: b\n", "stringdata: ***\nkind: b\n"),
            (
                "{\"kind\":\"Secret\",\"stringData\":{\"a\":\"x\"\n",
                "{\"kind\":\"Secret\",\"stringData\":***\n",
            ),
            (
                "- kind: Secret\n  data:\n    kind: x\n    a: |\n      b\n- kind: Secret\n  metadata: {name: n}\n",
                "- kind: Secret\n  data:\n    kind: ***\n    a: ***\n      ***\n- kind: Secret\n  metadata: {name: n}\n",
            ),
            ("kind: ConfigMap\ndata:\n  a: x: y\n", "kind: ConfigMap\ndata:\n  a: x: y\n"),
        ] {
            assert_eq!(hidden(text), expected, "{text}");
        }
    }
}
