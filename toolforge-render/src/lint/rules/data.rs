//! Keys of ConfigMaps and Secrets.

use k8s_openapi::ByteString;
use serde_json::{Map, Value as Json};

use super::super::check::{Check, Object};
use super::super::rule::Rule;
use super::super::syntax::Node;
use super::names::not_a_data_key;
use super::value_checks::{invalid, required};

/// The annotation that names the account of a token.
const SERVICE_ACCOUNT: &str = "kubernetes.io/service-account.name";

/// The maximum size of all values in bytes (`MaxSecretSize` of Kubernetes, also for ConfigMaps).
const MOST_BYTES: usize = 1024 * 1024;

/// Checks the keys of the data, each of which can be the name of a file.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>) {
    for field in ["data", "binaryData", "stringData"] {
        for entry in object.node.get(field).map(Node::entries).unwrap_or_default() {
            let key = entry.name();
            if let Some(reason) = not_a_data_key(key) {
                let answer = object.invalid(format_args!("{field}[{key}]: Invalid value: \"{key}\""));
                check
                    .at(Rule::InvalidName, &entry.key, format!("the key \"{key}\" {reason}"))
                    .answered(answer);
            }
        }
    }
    check_size(check, object);
    if object.kind.name == "Secret" {
        check_type(check, object);
        check_plain_values(check, object);
    } else {
        let data = object.node.get("data").map(Node::entries).unwrap_or_default();
        let binary = object.node.get("binaryData");
        for entry in
            data.iter().filter(|entry| binary.is_some_and(|binary| binary.entry(entry.name()).is_some()))
        {
            let key = entry.name();
            let message = format!("the key \"{key}\" is in both data and binaryData");
            let path = format!("data[{key}]");
            invalid(check, object, &entry.key, &path, (message, "duplicate of key present in binaryData"));
        }
    }
}

/// Checks that all values together are not too large.
fn check_size(check: &mut Check<'_>, object: Object<'_>) {
    let is_secret = object.kind.name == "Secret";
    let size: usize = ["data", "binaryData", "stringData"]
        .into_iter()
        .filter_map(|field| Some((field, object.node.get(field)?)))
        .flat_map(|(field, data)| data.entries().iter().map(move |entry| (field, &entry.value)))
        .map(|(field, value)| {
            let text = value.text().unwrap_or_default();
            let is_base64 = field == "binaryData" || field == "data" && is_secret;
            let digits = || text.bytes().filter(|byte| !matches!(byte, b'=' | b'\n' | b'\r')).count();
            if is_base64 { digits() * 3 / 4 } else { text.len() }
        })
        .sum();
    if size > MOST_BYTES {
        let message = format!(
            "the values have {size} bytes; a {} has at most {MOST_BYTES}: keep large files in the tool's home",
            object.kind.name
        );
        let place = object.node.get("data").and_then(|_| object.node.entry("data")).map(|entry| &entry.key);
        let answer = object.invalid(format_args!("data: Too long: may not be more than {MOST_BYTES} bytes"));
        check.at(Rule::InvalidValue, place.unwrap_or(object.head()), message).answered(answer);
    }
}

/// Checks that a Secret has the keys of its type.
fn check_type(check: &mut Check<'_>, object: Object<'_>) {
    let Some(node) = object.node.get("type") else { return };
    let has = |key: &str| {
        let list = |field: &str| object.node.get(field).is_some_and(|data| data.entry(key).is_some());
        list("data") || list("stringData")
    };
    let kind = node.text().unwrap_or_default();
    let account = object.node.at(&["metadata", "annotations", SERVICE_ACCOUNT]);
    if kind == "kubernetes.io/service-account-token" && account.is_none_or(|name| name.text() == Some("")) {
        let message = format!("a Secret of type {kind} needs the annotation {SERVICE_ACCOUNT}");
        required(check, object, node, &format!("metadata.annotations[{SERVICE_ACCOUNT}]"), message);
    }
    let keys: &[&str] = match kind {
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/basic-auth" if !has("username") => &["password"],
        _ => &[],
    };
    for key in keys.iter().filter(|key| !has(key)) {
        let message = format!("a Secret of type {kind} needs the key {key}");
        required(check, object, node, &format!("data[{key}]"), message);
    }
    if let [key @ (".dockerconfigjson" | ".dockercfg")] = keys {
        check_json(check, object, key);
    }
}

/// Checks that a value of a Secret is a JSON object.
fn check_json(check: &mut Check<'_>, object: Object<'_>, key: &str) {
    let value = |field: &str| object.node.get(field)?.entry(key);
    let (entry, bytes) = match (value("stringData"), value("data")) {
        (Some(entry), _) => (entry, entry.value.string().map(|text| text.as_bytes().to_vec())),
        (None, Some(entry)) => {
            let text = entry.value.string().map(|text| text.replace(['\n', '\r'], ""));
            let bytes = text.and_then(|text| serde_json::from_value::<ByteString>(text.into()).ok());
            (entry, bytes.map(|bytes| bytes.0))
        }
        (None, None) => return,
    };
    let is_object = |bytes: &[u8]| serde_json::from_slice::<Option<Map<String, Json>>>(bytes).is_ok();
    if bytes.is_some_and(|bytes| !is_object(&bytes)) {
        let path = format!("data[{key}]");
        let answer = object.invalid(format_args!("{path}: Invalid value: \"<secret contents redacted>\""));
        check.at(Rule::InvalidValue, &entry.key, format!("{key} is not a JSON object")).answered(answer);
    }
}

/// Adds a finding for values of a Secret that are written out.
fn check_plain_values(check: &mut Check<'_>, object: Object<'_>) {
    let values = object.node.get("stringData").map(Node::entries).unwrap_or_default();
    if let Some(first) = values.iter().find(|entry| entry.value.text().is_some_and(|text| !text.is_empty())) {
        let message = format!("the value of {} is in the file", first.name());
        check.at(Rule::PlainSecret, &first.key, message);
    }
}
