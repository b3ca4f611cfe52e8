//! Secrets in objects and in files of the platform's tools.

use super::super::check::{Object, Pods};
use super::super::syntax::{Document, Node, Value};
use crate::manifest::{HEAD, is_secret_kind};
use crate::object::LAST_APPLIED;
use crate::secret::{
    Written, assigned, is_identifier, is_secret_name, is_written_out, of_arguments, of_command_line,
    of_lines, passwords_of_urls, tokens,
};

/// A secret that is written out.
pub(crate) struct PlainSecret<'n> {
    /// What contains it, like `BOT_PASSWORD` or `the argument --password`.
    pub(crate) subject: String,
    /// The node that a finding is about.
    pub(crate) place: &'n Node,
    /// The value that contains it.
    pub(crate) node: &'n Node,
    /// The secret.
    pub(crate) secret: String,
}

/// Returns the secrets of an object that are written out, except for the values of a Secret.
pub(crate) fn of_object(object: Object<'_>) -> Vec<PlainSecret<'_>> {
    let mut found = Vec::new();
    for (_, container) in object.pods().iter().flat_map(Pods::containers) {
        of_environment(container, &mut found);
        let words: Vec<&Node> = ["command", "args"]
            .into_iter()
            .filter_map(|list| container.get(list))
            .flat_map(Node::items)
            .collect();
        of_words(&words, &mut found);
        // A text instead of a list is an error, which quotes the line.
        for (node, line) in ["command", "args"].into_iter().filter_map(|field| {
            let node = container.get(field)?;
            Some((node, node.string()?))
        }) {
            of_line(node, line, &mut found);
        }
    }
    if object.kind.name == "ConfigMap" {
        for entry in object.node.get("data").map(Node::entries).unwrap_or_default() {
            of_entry(&entry.key, &entry.value, &mut found);
        }
    }
    found
}

/// Returns everything in a document that is written as a secret, wherever it is: a misspelled field is still an error that quotes
/// the line.
pub(crate) fn anywhere(document: &Document) -> Vec<PlainSecret<'_>> {
    let mut found = Vec::new();
    add_anywhere(&document.root, &mut found);
    found
}

fn add_anywhere<'n>(node: &'n Node, found: &mut Vec<PlainSecret<'n>>) {
    match &node.value {
        Value::Scalar(scalar) => {
            // Lines of a file with a misspelled block.
            let of_text = assigned(&scalar.text).into_iter();
            found.extend(of_text.map(|secret| argument(node, Written { name: String::new(), secret })));
            add_tokens(node, node, &scalar.text, "", found);
        }
        Value::Sequence(items) => {
            let words: Vec<&Node> = items.iter().filter(|item| item.text().is_some()).collect();
            of_words(&words, found);
            items.iter().for_each(|item| add_anywhere(item, found));
        }
        Value::Mapping { entries, .. } => {
            let texts = || entries.iter().map(|entry| &entry.value).filter(|value| value.text().is_some());
            // A variable whose name is in another place, as after a stray `:`, may be a secret.
            if let Some(value) = node.get("value")
                && node.get("name").is_none()
                && node.get("type").is_none()
                && let Some(text) = value.text().filter(|text| is_written_out(text))
            {
                found.push(argument(value, Written { name: String::new(), secret: text.to_owned() }));
            }
            for entry in entries {
                of_entry(&entry.key, &entry.value, found);
                if let Some(line) = entry.value.string() {
                    of_line(&entry.value, line, found);
                }
                add_anywhere(&entry.value, found);
            }
            // A variable: objects have no such names.
            let is_variable = |name: &str| name.contains(|c: char| c == '_' || c.is_ascii_uppercase());
            let is_secret = |name: &str| is_identifier(name) && is_variable(name) && is_secret_name(name);
            for name in texts().filter(|name| name.text().is_some_and(is_secret)) {
                texts()
                    .filter(|value| !std::ptr::eq(*value, name))
                    .for_each(|value| of_entry(name, value, found));
                // A value that became a key, as after `&"value": `.
                let keys = entries.iter().filter(|entry| entry.value.is_null()).map(|entry| &entry.key);
                keys.filter(|key| !matches!(key.text(), Some("name" | "value" | "valueFrom")))
                    .for_each(|key| of_entry(name, key, found));
            }
        }
    }
}

/// Returns the values of Secrets, which must not be shown, including Secrets whose kind or fields are misspelled.
pub(crate) fn values_of_secrets(document: &Document) -> Vec<&Node> {
    let mut found = Vec::new();
    add_values_of_secrets(&document.root, &mut found);
    found
}

fn add_values_of_secrets<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    if is_secret(node) {
        return add_values(node, found);
    }
    node.items().iter().for_each(|item| add_values_of_secrets(item, found));
    for entry in node.entries() {
        match entry.name() {
            "items" => add_values_of_secrets(&entry.value, found),
            // No other kind has it.
            name if name.eq_ignore_ascii_case("stringData") => add_scalars(&entry.value, found),
            _ => {}
        }
    }
}

fn is_secret(node: &Node) -> bool {
    node.get("kind").and_then(Node::text).is_some_and(is_secret_kind)
}

fn add_values<'n>(secret: &'n Node, found: &mut Vec<&'n Node>) {
    for entry in secret.entries() {
        match entry.name() {
            // The items of a list have no kind.
            "items" => entry.value.items().iter().for_each(|item| add_values(item, found)),
            "metadata" => {}
            name if HEAD.contains(&name) && matches!(entry.value.value, Value::Scalar(_)) => {}
            _ => add_scalars(&entry.value, found),
        }
    }
}

fn add_scalars<'n>(node: &'n Node, found: &mut Vec<&'n Node>) {
    match &node.value {
        Value::Scalar(scalar) if scalar.text.is_empty() => {}
        Value::Scalar(_) => found.push(node),
        Value::Sequence(items) => items.iter().for_each(|item| add_scalars(item, found)),
        Value::Mapping { entries, .. } => entries.iter().for_each(|entry| add_scalars(&entry.value, found)),
    }
}

/// Returns the manifests that kubectl has applied and keeps in annotations, and whether the object is a Secret.
pub(crate) fn last_applied(document: &Document) -> Vec<(&Node, bool)> {
    let mut found = Vec::new();
    add_last_applied(&document.root, false, &mut found);
    found
}

fn add_last_applied<'n>(node: &'n Node, is_in_secrets: bool, found: &mut Vec<(&'n Node, bool)>) {
    let is_secret = is_in_secrets || is_secret(node);
    found.extend(node.at(&["metadata", "annotations", LAST_APPLIED]).map(|applied| (applied, is_secret)));
    let items = node.items().iter().chain(node.get("items").map(Node::items).unwrap_or_default());
    items.for_each(|item| add_last_applied(item, is_secret, found));
}

/// Returns the secrets of a file of the platform's tools: the commands of jobs, and the arguments of a web service.
pub(crate) fn of_platform_file(document: &Document) -> Vec<PlainSecret<'_>> {
    let mut found = Vec::new();
    let root = &document.root;
    match &root.value {
        Value::Sequence(jobs) => {
            for job in jobs {
                for field in ["command", "health-check-script"] {
                    if let Some((node, line)) = job.get(field).and_then(|node| Some((node, node.string()?))) {
                        of_line(node, line, &mut found);
                    }
                }
                for entry in job.get("env").map(Node::entries).unwrap_or_default() {
                    of_entry(&entry.key, &entry.value, &mut found);
                }
            }
        }
        Value::Mapping { .. } => {
            let words: Vec<&Node> =
                root.get("extra_args").map(Node::items).unwrap_or_default().iter().collect();
            of_words(&words, &mut found);
        }
        Value::Scalar(_) => {}
    }
    found
}

fn of_environment<'n>(container: &'n Node, found: &mut Vec<PlainSecret<'n>>) {
    for variable in container.get("env").map(Node::items).unwrap_or_default() {
        let (Some(name), Some(value)) = (variable.get("name"), variable.get("value")) else { continue };
        of_entry(name, value, found);
    }
}

/// Adds the secrets of a variable, or of a key of a ConfigMap, whose value may be a whole file.
fn of_entry<'n>(name: &'n Node, value: &'n Node, found: &mut Vec<PlainSecret<'n>>) {
    let (key, Some(text)) = (name.text().unwrap_or_default(), value.text()) else { return };
    // A key like `settings.password.ini` names a file in which only some lines may be secret.
    let is_file = text.trim_end().contains('\n') && key.contains('.');
    if !is_file && crate::secret::is_secret(key, text) {
        found.push(PlainSecret {
            subject: key.to_owned(),
            place: name,
            node: value,
            secret: text.to_owned(),
        });
        return;
    }
    let of_file = |written: Written| PlainSecret {
        subject: format!("{} in {key}", written.name),
        place: name,
        node: value,
        secret: written.secret,
    };
    if text.contains('\n') {
        found.extend(of_lines(text).into_iter().map(of_file));
    }
    found.extend(passwords_of_urls(text).map(|secret| PlainSecret {
        subject: format!("the password of a URL in {key}"),
        place: name,
        node: value,
        secret: secret.to_owned(),
    }));
    add_tokens(name, value, text, &format!(" in {key}"), found);
}

/// Adds the private keys and access tokens in a value, regardless of its name.
fn add_tokens<'n>(
    place: &'n Node,
    node: &'n Node,
    text: &str,
    whose: &str,
    found: &mut Vec<PlainSecret<'n>>,
) {
    found.extend(tokens(text).into_iter().map(|(what, secret)| PlainSecret {
        subject: format!("{what}{whose}"),
        place,
        node,
        secret: secret.to_owned(),
    }));
}

fn of_words<'n>(words: &[&'n Node], found: &mut Vec<PlainSecret<'n>>) {
    let texts: Vec<&str> = words.iter().map(|word| word.text().unwrap_or_default()).collect();
    for (index, written) in of_arguments(&texts) {
        found.extend(words.get(index).map(|node| argument(node, written)));
    }
    for (node, text) in words.iter().zip(texts) {
        add_tokens(node, node, text, "", found);
    }
}

/// Adds the secrets of a command in one text.
fn of_line<'n>(node: &'n Node, line: &str, found: &mut Vec<PlainSecret<'n>>) {
    found.extend(of_command_line(line).into_iter().map(|written| argument(node, written)));
    found.extend(of_urls(node, line));
    add_tokens(node, node, line, "", found);
}

fn of_urls<'n>(node: &'n Node, text: &str) -> Vec<PlainSecret<'n>> {
    passwords_of_urls(text)
        .map(|secret| argument(node, Written { name: String::new(), secret: secret.to_owned() }))
        .collect()
}

fn argument(node: &Node, written: Written) -> PlainSecret<'_> {
    let subject = match written.name.as_str() {
        "" => "the password of a URL".to_owned(),
        name => format!("the argument {name}"),
    };
    PlainSecret { subject, place: node, node, secret: written.secret }
}
