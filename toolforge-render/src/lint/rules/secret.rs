//! Environment variables, and secrets in them.

use super::super::check::Check;
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::scope::Scope;

/// What names of secrets contain.
const SECRETS: [&str; 10] = [
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "SECRET",
    "TOKEN",
    "APIKEY",
    "API_KEY",
    "PRIVATE_KEY",
    "ACCESS_KEY",
    "CREDENTIAL",
];

/// How names end that are not secrets themselves.
const NOT_SECRET: [&str; 9] = ["_FILE", "_PATH", "_URL", "_NAME", "_DIR", "_USER", "_ID", "_TTL", "_LENGTH"];

/// Checks the environment of a container.
pub(crate) fn check(check: &mut Check<'_>, scope: Scope<'_>, path: &str, node: &Node) {
    let object = scope.object;
    for (index, variable) in node.get("env").map(Node::items).unwrap_or_default().iter().enumerate() {
        let field = |name: &str| scope.pods.field(format_args!("{path}.env[{index}].{name}"));
        let Some(name) = variable.get("name").filter(|name| name.text() != Some("")) else {
            check
                .at(Rule::MissingField, variable, "the environment variable has no name")
                .answered(object.invalid(format_args!("{}: Required value", field("name"))));
            continue;
        };
        let text = name.text().unwrap_or_default();
        if text.contains('=') {
            check
                .at(
                    Rule::InvalidName,
                    name,
                    format!("the name \"{text}\" of the environment variable has '='"),
                )
                .answered(object.invalid(format_args!("{}: Invalid value: \"{text}\"", field("name"))));
        }
        let value = variable.get("value");
        if let Some(from) = variable.get("valueFrom")
            && value.and_then(Node::text).is_some_and(|value| !value.is_empty())
        {
            check
                .at(
                    Rule::InvalidValue,
                    from,
                    format!("{text} has both value and valueFrom; remove one of them"),
                )
                .answered(object.invalid(format_args!(
                    "{}: Invalid value: \"\": may not be specified when `value` is not empty",
                    field("valueFrom")
                )));
        }
        if is_secret(text, value.and_then(Node::string).unwrap_or_default()) {
            let message = format!("{text} looks like a secret, and its value is in the file");
            check.at(Rule::PlainSecret, name, message);
        }
    }
}

/// Returns whether a variable is a secret that is written out.
fn is_secret(name: &str, value: &str) -> bool {
    let name = name.to_uppercase();
    let is_named =
        SECRETS.iter().any(|word| name.contains(word)) && !NOT_SECRET.iter().any(|end| name.ends_with(end));
    // A path, or another variable.
    let is_elsewhere = value.starts_with(['/', '$', '~', '.']);
    is_named && value.len() >= 4 && !is_elsewhere
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_from_settings() {
        for (name, value, expected) in [
            ("DB_PASSWORD", "hunter2", true),
            ("botToken", "abcd", true),
            ("PASSWORD_FILE", "/data/project/x/pw", false),
            ("PASSWORD", "/data/project/x/pw", false),
            ("PASSWORD", "$(OTHER)", false),
            ("PASSWORD", "", false),
            ("HOME", "hunter2", false),
        ] {
            assert_eq!(is_secret(name, value), expected, "{name}={value}");
        }
    }
}
