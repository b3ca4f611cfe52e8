//! Values of objects, as shown.

use std::cmp::Reverse;

use serde_json::Value;

use super::forms::{SHORTEST, is_secret, of_arguments, of_command_line, of_lines, passwords_of_urls};
use super::token::tokens;

/// What is shown in place of a secret.
const HIDDEN: &str = "***";

/// Returns the arguments of a command with `***` in place of each secret that the rule `plain-secret` finds.
#[must_use]
pub fn words_without_secrets(words: Vec<String>) -> Vec<String> {
    let mut value = Value::from(words);
    hide_in("", &mut value);
    let words = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.map(str::to_owned).collect()
}

/// Returns a value with `***` in place of each secret. The value is JSON, or text without quotes; `name` is the field or the variable that
/// has it.
pub(crate) fn without_secrets(name: &str, value: &str) -> String {
    if !value.starts_with('[') {
        return without_secrets_in_text(name, value);
    }
    let hidden = serde_json::from_str(value).ok().and_then(|parsed| hidden_json(name, &parsed));
    hidden.unwrap_or_else(|| without_secrets_in_text(name, value))
}

/// Returns a text with `***` in place of each secret; an object of JSON is read.
pub(crate) fn without_secrets_in_text(name: &str, text: &str) -> String {
    // Such as the manifest that kubectl keeps in an annotation.
    if text.starts_with('{')
        && let Some(hidden) = serde_json::from_str(text).ok().and_then(|parsed| hidden_json(name, &parsed))
    {
        return hidden;
    }
    // A key like `settings.ini` names a file in which only some lines may be secret.
    let is_file = text.trim_end().contains('\n') && name.contains('.');
    if !is_file && is_secret(name, text) {
        return HIDDEN.to_owned();
    }
    let lines = if text.contains('\n') { of_lines(text) } else { Vec::new() };
    let written = lines.into_iter().chain(of_command_line(text)).map(|written| written.secret);
    let known = passwords_of_urls(text).chain(tokens(text).into_iter().map(|(_, secret)| secret));
    hide(text, written.chain(known.map(str::to_owned)))
}

/// Returns a value without its secrets; `None` if it has none.
fn hidden_json(name: &str, value: &Value) -> Option<String> {
    let mut hidden = value.clone();
    hide_in(name, &mut hidden);
    (hidden != *value).then(|| hidden.to_string())
}

fn hide_in(name: &str, value: &mut Value) {
    match value {
        Value::String(text) => *text = without_secrets_in_text(name, text),
        Value::Array(items) => {
            let words: Vec<String> =
                items.iter().map(|item| item.as_str().unwrap_or_default().to_owned()).collect();
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            for (index, written) in of_arguments(&words) {
                if let Some(Value::String(word)) = items.get_mut(index) {
                    *word = hide(word, [written.secret]);
                }
            }
            items.iter_mut().for_each(|item| hide_in("", item));
        }
        Value::Object(fields) => {
            let variable = fields.get("name").and_then(Value::as_str).map(str::to_owned);
            for (key, value) in fields.iter_mut() {
                let name = variable.as_deref().filter(|_| key == "value").unwrap_or(key);
                hide_in(name, value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn hide(text: &str, secrets: impl IntoIterator<Item = String>) -> String {
    let mut secrets: Vec<String> = secrets.into_iter().filter(|secret| secret.len() >= SHORTEST).collect();
    secrets.sort_by_key(|secret| Reverse(secret.len()));
    secrets.into_iter().fold(text.to_owned(), |shown, secret| {
        if shown.contains(&secret) || shown.contains(HIDDEN) {
            shown.replace(&secret, HIDDEN)
        } else {
            // It is written with quotes or escapes inside.
            HIDDEN.to_owned()
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_values_are_hidden() {
        for (name, value, expected) in [
            ("DB_PASS", "hunter2", "***"),
            ("MODE", "hunter2", "hunter2"),
            ("PASSWORD_FILE", "/data/x", "/data/x"),
            ("command", "API_KEY=xyz123 ./bot.py -v", "API_KEY=*** ./bot.py -v"),
            (
                "command",
                r#"["/bin/sh","-c","./a --password hunter2"]"#,
                r#"["/bin/sh","-c","./a --password ***"]"#,
            ),
            ("command", r#"["./a","--token","hunter2"]"#, r#"["./a","--token","***"]"#),
            (
                "env",
                r#"[{"name":"DB_PASS","value":"hunter2"},{"name":"A","value":"b"}]"#,
                r#"[{"name":"DB_PASS","value":"***"},{"name":"A","value":"b"}]"#,
            ),
            ("env", "DB_PASS='hunter 2' A=1", "DB_PASS='***' A=1"),
            ("env", r"DB_PASS='it'\''s' A=1", "***"),
            ("URL", "mysql://me:hunter2@db/x", "mysql://me:***@db/x"),
            (
                "note",
                r#"{"spec":{"env":[{"name":"DB_PASS","value":"hunter2"}]}}"#,
                r#"{"spec":{"env":[{"name":"DB_PASS","value":"***"}]}}"#,
            ),
            ("a", r#"{"b": 1}"#, r#"{"b": 1}"#),
            ("settings.ini", "user = me\npassword = hunter2\n", "user = me\npassword = ***\n"),
            ("password", "one hunter\ntwo\n", "***"),
            ("command", "[ -e x ] && ./a --token hunter2", "[ -e x ] && ./a --token ***"),
        ] {
            assert_eq!(without_secrets(name, value), expected, "{name}: {value}");
        }
    }
}
