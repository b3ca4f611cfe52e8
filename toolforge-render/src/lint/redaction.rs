//! The secrets of a text, and the text without them.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use toolforge_model::Untrusted;

use super::finding::{Edit, Finding};
use super::plain_secret::{anywhere, last_applied, values_near_secrets, values_of_secrets};
use super::rule::Rule;
use super::syntax::{self, Node, Text};
use super::whole_text::{MAX_BYTES, is_broken};
use crate::manifest::values_in_lines;
use crate::secret::{SHORTEST, is_secret_name, of_lines, tokens};

/// What is shown in place of a secret.
const HIDDEN: &str = "***";

/// Secrets that are as long as this are hidden wherever they occur; shorter ones only where they are written as secrets.
const DISTINCT: usize = 8;

/// The most secrets that are searched in the whole text, or one by one in a value.
const MOST: usize = 100;

/// The most words near a finding that are searched in its message.
const MOST_WORDS: usize = 10_000;

/// The secrets of a text, as far as they are found: everything that is written like those of the rule `plain-secret`, and all
/// values of a Secret. In a text that cannot be read, everything near a secret counts as one.
#[derive(Clone, Default)]
pub struct Secrets {
    /// The bytes of the text, sorted; none overlaps another.
    spans: Vec<Range<usize>>,
    /// The secrets, the longest first.
    values: Vec<String>,
    /// Whether the text cannot be read and may have secrets.
    is_broken: bool,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("spans", &self.spans).finish_non_exhaustive()
    }
}

impl Secrets {
    /// Returns the secrets of a text, even of one that cannot be read.
    #[must_use]
    pub fn of(text: &str) -> Self {
        if text.len() > MAX_BYTES {
            return Self::default();
        }
        Self::of_parsed(text, &syntax::parse(text))
    }

    pub(crate) fn of_parsed(text: &str, parsed: &Text) -> Self {
        let mut secrets = Self::default();
        let mut counts: HashMap<usize, usize> = HashMap::new();
        for found in parsed.documents.iter().flat_map(anywhere) {
            let count = counts.entry(found.node.span.start).or_default();
            *count += 1;
            match (*count).cmp(&MOST) {
                Ordering::Less => secrets.add(text, found.node, found.secret),
                Ordering::Equal => secrets.add_whole(text, found.node),
                Ordering::Greater => {}
            }
        }
        for node in parsed.documents.iter().flat_map(values_of_secrets) {
            secrets.add(text, node, node.text().unwrap_or_default().to_owned());
        }
        for (node, is_secret) in parsed.documents.iter().flat_map(last_applied) {
            if is_secret || node.text().is_some_and(has_secrets) {
                secrets.add_whole(text, node);
            }
        }
        // If a key is repeated, only the last one is in the documents.
        if !parsed.problems.is_empty() {
            secrets.add_lines(text);
            secrets.is_broken = is_broken(parsed) && !secrets.spans.is_empty();
        }
        secrets.finish(text);
        secrets
    }

    /// Returns whether the text cannot be read and may have secrets, so no message quotes it.
    pub(crate) fn are_in_broken_text(&self) -> bool {
        self.is_broken
    }

    /// Returns whether an edit writes a secret, or something of a line that may have one.
    #[must_use]
    pub fn edit_contains_secret(&self, edit: &Edit) -> bool {
        let Edit { span, replacement } = edit;
        let next = self.spans.partition_point(|found| found.end <= span.start);
        let is_near = self.is_broken && self.spans.get(next).is_some_and(|found| found.start < span.end);
        (is_near && !replacement.is_empty())
            || self.values.iter().any(|value| value.len() >= SHORTEST && replacement.contains(value.as_str()))
    }

    /// Returns the text, or a part of it that begins at an offset, with `***` in place of each secret; the lines are kept.
    #[must_use]
    pub fn hide<'t>(&self, part: &'t str, offset: usize) -> Cow<'t, str> {
        let end = offset + part.len();
        let first = self.spans.partition_point(|span| span.end <= offset);
        let found = self.spans.get(first..).unwrap_or_default().iter().take_while(|span| span.start < end);
        let mut shown = String::new();
        let mut position = 0;
        for span in found {
            let start = span.start.max(offset) - offset;
            let end = span.end.min(end) - offset;
            let (Some(before), Some(secret)) = (part.get(position..start), part.get(start..end)) else {
                continue;
            };
            shown.push_str(before);
            for line in secret.split_inclusive('\n') {
                let content = line.trim_end_matches(['\r', '\n']);
                let spaces = content.len() - content.trim_start().len();
                shown.push_str(content.get(..spaces).unwrap_or_default());
                if spaces < content.len() {
                    shown.push_str(HIDDEN);
                }
                shown.push_str(line.get(content.len()..).unwrap_or_default());
            }
            position = end;
        }
        if position == 0 {
            return Cow::Borrowed(part);
        }
        shown.push_str(part.get(position..).unwrap_or_default());
        Cow::Owned(shown)
    }

    /// Hides the secrets that a finding quotes.
    pub(crate) fn hide_in(&self, finding: &mut Finding, text: &str) {
        if finding.rule == Rule::PlainSecret {
            finding.message = Untrusted::new(self.hide_in_names(finding.message.as_raw()));
            return;
        }
        if self.is_broken {
            self.hide_quoted(finding, text);
        }
        let before = text.get(..finding.span.start).unwrap_or_default();
        let start = before.rfind('\n').map_or(0, |end| end + 1);
        let rest = text.get(finding.span.end..).unwrap_or_default();
        let end = finding.span.end + rest.find('\n').unwrap_or(rest.len());
        let first = self.spans.partition_point(|span| span.end < start);
        let near = self.spans.get(first..).unwrap_or_default().iter().take_while(|span| span.start <= end);
        let near: Vec<&str> = near.take(MOST).filter_map(|span| text.get(span.clone())).collect();
        let values = self.values.iter().map(String::as_str).take(MOST);
        let values = values.filter(|value| !near.is_empty() || value.len() >= DISTINCT);
        let values = near.iter().copied().chain(values).filter(|value| value.len() >= SHORTEST);
        for value in values {
            for found in [Some(&mut finding.message), finding.answer.as_mut()].into_iter().flatten() {
                if found.as_raw().contains(value) {
                    *found = Untrusted::new(found.as_raw().replace(value, HIDDEN));
                }
            }
        }
    }

    /// Returns a message that names what has a secret, without the secrets that are whole parts of the name. Others may only be
    /// spelled like a part of it: `MY_T` in `MY_TOKEN`.
    fn hide_in_names(&self, message: &str) -> String {
        let tokens = tokens(message).into_iter().map(|(_, token)| token.to_owned()).collect::<Vec<_>>();
        let values =
            self.values.iter().take(MOST).filter(|value| value.len() >= SHORTEST && !is_secret_name(value));
        tokens.iter().chain(values).fold(message.to_owned(), |shown, secret| {
            let mut hidden = String::new();
            let mut rest = shown.as_str();
            let mut last = None;
            while let Some((before, after)) = rest.split_once(secret.as_str()) {
                let previous = before.chars().next_back().or(last);
                let is_part =
                    [previous, after.chars().next()].into_iter().flatten().all(|c| !c.is_alphanumeric());
                hidden.push_str(before);
                hidden.push_str(if is_part { HIDDEN } else { secret });
                last = secret.chars().next_back();
                rest = after;
            }
            hidden + rest
        })
    }

    /// Hides what a finding quotes of a text that cannot be read.
    fn hide_quoted(&self, finding: &mut Finding, text: &str) {
        let first = self.spans.partition_point(|span| span.end < finding.span.start).saturating_sub(MOST / 2);
        let near = self.spans.get(first..).unwrap_or_default().iter().take(MOST);
        let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '{' | '}' | '[' | ']');
        let words = near.filter_map(|span| text.get(span.clone())).flat_map(|span| span.split(is_end));
        let words = words.filter(|word| word.len() >= SHORTEST).take(MOST_WORDS);
        let message = finding.message.as_raw();
        let is_common = |word: &str| word.len() < DISTINCT && word.chars().all(|c| c.is_ascii_lowercase());
        let is_quoted = |word: &str| {
            ['"', '\'', '`'].iter().any(|quote| message.contains(&format!("{quote}{word}{quote}")))
        };
        let mut quoted: Vec<&str> = words
            .filter(|word| message.contains(word) && (!is_common(word) || is_quoted(word)))
            .take(MOST)
            .collect();
        if quoted.is_empty() {
            return;
        }
        quoted.sort_by_key(|word| std::cmp::Reverse(word.len()));
        let hidden = quoted.iter().fold(message.to_owned(), |message, word| message.replace(word, HIDDEN));
        finding.message = Untrusted::new(hidden);
    }

    /// Adds a secret in a value.
    fn add(&mut self, text: &str, node: &Node, secret: String) {
        let Some(source) = text.get(node.span.clone()) else { return };
        let found =
            || source.match_indices(secret.as_str()).map(|(index, found)| (index, index + found.len()));
        let start = node.span.start;
        if found().next().is_some() {
            self.spans.extend(found().map(|(first, last)| start + first..start + last));
        } else {
            // It is written with escapes, or in several lines.
            self.add_whole(text, node);
        }
        self.values.push(secret);
    }

    /// Adds a value as a whole, without its quotes.
    fn add_whole(&mut self, text: &str, node: &Node) {
        let Some(source) = text.get(node.span.clone()) else { return };
        let quote = usize::from(source.starts_with(['"', '\'']));
        let start = node.span.start + quote;
        self.spans.push(start..node.span.end.saturating_sub(quote).max(start));
    }

    /// Adds what looks like a secret in the lines of a text that is not YAML.
    fn add_lines(&mut self, text: &str) {
        self.values.extend(of_lines(text).into_iter().map(|written| written.secret));
        self.spans.extend(values_near_secrets(text));
        self.spans.extend(values_in_lines(text));
    }

    /// Adds other places of the same secrets, and sorts the spans.
    fn finish(&mut self, text: &str) {
        self.values.retain(|value| !value.trim().is_empty());
        self.values.sort_by(|left, right| right.len().cmp(&left.len()).then_with(|| left.cmp(right)));
        self.values.dedup();
        for value in self.values.iter().filter(|value| value.len() >= DISTINCT).take(MOST) {
            self.spans
                .extend(text.match_indices(value.as_str()).map(|(index, found)| index..index + found.len()));
        }
        self.spans.retain(|span| span.start < span.end && text.get(span.clone()).is_some());
        self.spans.sort_by_key(|span| (span.start, span.end));
        self.spans.dedup_by(|next, span| {
            let is_within = next.start <= span.end;
            if is_within {
                span.end = span.end.max(next.end);
            }
            is_within
        });
    }
}

/// Returns whether a manifest, as kubectl keeps it, has secrets.
fn has_secrets(manifest: &str) -> bool {
    let parsed = syntax::parse(manifest);
    is_broken(&parsed)
        || parsed
            .documents
            .iter()
            .any(|document| !values_of_secrets(document).is_empty() || !anywhere(document).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lint::LintContext;

    fn hidden(text: &str) -> String {
        let secrets = Secrets::of(text);
        let shown = secrets.hide(text, 0).into_owned();
        // The parts are those of the whole.
        let middle =
            (0..=text.len() / 2).rev().find(|index| text.is_char_boundary(*index)).unwrap_or_default();
        let (before, after) = text.split_at(middle);
        let parts = secrets.hide(before, 0).into_owned() + &secrets.hide(after, middle);
        assert_eq!(parts.replace("***", ""), shown.replace("***", ""));
        shown
    }

    #[test]
    fn secrets_are_hidden_where_they_are() {
        let text = "# not hunter2222\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  password: \"hunter2222\"\n  \
                    token: \"a\\tb\\tc\"\n  file: |\n    user = me\n    password = é12345 # x\n  other: me12\n---\napiVersion: \
                    v1\nkind: Secret\nmetadata: {name: a}\nstringData:\n  key: |\n    one\n\n    two\n  b: 1\n";
        insta::assert_snapshot!(hidden(text), @r#"
        # not ***
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: a}
        data:
          password: "***"
          token: "***"
          file: |
            user = me
            password = *** # x
          other: me12
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: a}
        stringData:
          key: |
            ***

            ***
          b: ***
        "#);
    }

    #[test]
    fn misspelled_and_broken_secrets_are_hidden() {
        for text in [
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nstringdata: {mine: xyz12}\n",
            "apiVersion: v1\nkind: Secret\nmetadata: {name: a}\nbad: {pw: [xyz12]}\n",
            "apiVersion: v1\nkind: Secrets\ndata: {pw: xyz12}\n",
            "apiVersion: v1\nkind: secret\ndata: {pw: xyz12}\n",
            "apiVersion: v1\nkind: Secert\ndata: {pw: xyz12}\n",
            "apiVersion: v1\nkind: SecretList\nitems: [{data: {pw: xyz12, pw: abc}}]\n",
            "apiVersion: v1\nkind: Secret\ndata:\n  pw: xyz12\n  pw: abc\n",
            "stringData: {pw: xyz12}\n",
            "apiVersion: v1\nkind: Secret\nstringData:\n  mine: xyz12: 'it''s'\n",
            "apiVersion: v1\nkind: Secret\nstringData:\n  mine: \"xyz12\n",
            "apiVersion: v1\nkind: Secret\nstringData:\n\tmine: xyz12\n",
            "apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - env:\n    - value: xyz12\n    :  name: DB_PASS\n    image: a\n",
            "apiVersion: v1\nkind: Secret\nmetadata:\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n      \
             {\"kind\":\"Secret\",\"stringData\":{\"pw\":\"xyz12\"}}\n",
            "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  annotations:\n    \
             kubectl.kubernetes.io/last-applied-configuration: '{\"kind\":\"Deployment\",\"spec\":{\"template\":{\"spec\":\
             {\"containers\":[{\"env\":[{\"name\":\"DB_PASS\",\"value\":\"xyz12\"}]}]}}}}'\n",
        ] {
            assert!(!hidden(text).contains("xyz12"), "{text}: {}", hidden(text));
            for finding in crate::lint::lint(text, &LintContext::offline(None)) {
                assert!(!finding.message.as_raw().contains("xyz12"), "{text}: {finding:?}");
            }
        }
        let other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  a: xyz12: b\n";
        assert_eq!(hidden(other), other);
    }

    #[test]
    fn remedies_of_broken_secrets_are_kept() {
        let message = |text: &str| {
            let found = crate::lint::lint(text, &LintContext::offline(None));
            found[0].message.as_raw().to_owned()
        };
        for (lines, expected) in [
            ("stringData:\n\tmine: xyz12\n", "line 4 is indented with a tab; use spaces"),
            ("? [a, b]\n: xyz12\n", "this key is a mapping or a list; keys must be strings"),
            ("stringData:\n  mine: xyz12: b\n", "mapping values are not allowed in this context"),
        ] {
            let found = message(&format!("apiVersion: v1\nkind: Secret\n{lines}"));
            assert!(found.ends_with(expected) && !found.contains("xyz12"), "{found}");
        }
    }

    /// A name is not hidden because a part of it is the value.
    #[test]
    fn names_of_secrets_are_not_hidden() {
        let text = "- {name: a, image: bookworm, command: ./a, env: {MY_TOKEN: MY_T}}\n";
        let found = crate::lint::lint(text, &LintContext::offline(None));
        let found = found.iter().find(|found| found.rule == Rule::PlainSecret).unwrap();
        assert_eq!(found.message.as_raw(), "MY_TOKEN looks like a secret, and its value is in the file");
        let text = text.replace("{MY_TOKEN: MY_T}", "{DB_PASSWORD_s3cretpw: s3cretpw}");
        let found = crate::lint::lint(&text, &LintContext::offline(None));
        let found = found.iter().find(|found| found.rule == Rule::PlainSecret).unwrap();
        assert_eq!(
            found.message.as_raw(),
            "DB_PASSWORD_*** looks like a secret, and its value is in the file"
        );
    }

    #[test]
    fn secrets_of_several_lines_are_hidden() {
        let container = |env: &str| {
            format!(
                "apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    env:\n{env}"
            )
        };
        for text in [
            "- name: a\n  command: ./a\n  image: python3.11\n  env: {PASSWORD: \"hunter6\\nhunter7\"}\n"
                .to_owned(),
            container("    - {name: DB_PASSWORD, value: \"my hunter2\\tpass\\nword hunter3\"}\n"),
            container(
                "    - name: PRIVATE_KEY\n      value: |\n        -----BEGIN KEY-----\n        hunter4\n        hunter5\n",
            ),
        ] {
            assert!(!hidden(&text).contains("hunter"), "{}", hidden(&text));
        }
    }

    /// As long as a text may be, with a secret on every line. This would take hours if each line were compared with all.
    #[test]
    fn many_secrets_are_hidden() {
        let lines: String = (0..50_000).map(|number| format!("    password = 'hunter{number}'\n")).collect();
        for head in ["apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  file: |\n", "a: [\n"] {
            assert!(!hidden(&format!("{head}{lines}")).contains("hunter"));
        }
    }
}
