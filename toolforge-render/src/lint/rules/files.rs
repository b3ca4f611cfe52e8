//! Files of volumes, and settings of name resolution.

use super::super::check::Check;
use super::super::syntax::Node;
use super::choices::visit;
use super::names::not_a_data_key;
use super::scope::Scope;
use super::value_checks::{check_file_path, check_ip, forbidden, invalid, required};

/// The most that the permissions of a file can be.
const ALL_PERMISSIONS: i64 = 0o777;

/// Checks the files of volumes, the servers of `dnsConfig`, and containers that may not be set.
pub(crate) fn check(check: &mut Check<'_>, scope: Scope<'_>) {
    let Scope { object, pods, spec } = scope;
    let prefix = pods.field("");
    let prefix = prefix.trim_end_matches('.');
    for source in ["configMap", "downwardAPI", "projected", "secret"] {
        visit(spec, &["volumes", "*", source, "defaultMode"], prefix, &mut |mode, path| {
            check_mode(check, scope, mode, path);
        });
        visit(spec, &["volumes", "*", source, "items", "*", "mode"], prefix, &mut |mode, path| {
            check_mode(check, scope, mode, path);
        });
    }
    for keys in [
        ["volumes", "*", "configMap", "items", "*"].as_slice(),
        &["volumes", "*", "secret", "items", "*"],
        &["volumes", "*", "projected", "sources", "*", "configMap", "items", "*"],
        &["volumes", "*", "projected", "sources", "*", "secret", "items", "*"],
    ] {
        visit(spec, keys, prefix, &mut |item, path| {
            for field in ["key", "path"] {
                let path = format!("{path}.{field}");
                match item.get(field).filter(|found| found.text() != Some("")) {
                    None => required(check, object, item, &path, format_args!("the item has no {field}")),
                    Some(node) if field == "path" => check_file_path(check, object, node, &path),
                    Some(_) => {}
                }
            }
        });
    }
    visit(spec, &["dnsConfig", "nameservers", "*"], prefix, &mut |server, path| {
        check_ip(check, object, server, path);
    });
    if let Some(entry) = spec.entry("ephemeralContainers").filter(|entry| !entry.value.items().is_empty()) {
        let message = "ephemeralContainers are added to pods that run, as with `kubectl debug`; remove them";
        let path = pods.field("ephemeralContainers");
        forbidden(check, object, &entry.key, &path, (message, "cannot be set on create"));
    }
}

fn check_mode(check: &mut Check<'_>, scope: Scope<'_>, mode: &Node, path: &str) {
    if let Some(number) = mode.integer().filter(|number| !(0..=ALL_PERMISSIONS).contains(number)) {
        let message =
            format!("{number} is not a file mode; write one from 0 to 0777, with the 0 at its beginning");
        let reason = "must be a number between 0 and 0777 (octal), both inclusive";
        invalid(check, scope.object, mode, path, (message, reason));
    }
}

/// Checks the key of a ConfigMap or a Secret that a variable refers to.
pub(crate) fn check_key(check: &mut Check<'_>, scope: Scope<'_>, key: &Node, path: &str) {
    if let Some(reason) = key.string().and_then(not_a_data_key) {
        let message = format!("the key \"{}\" {reason}", key.text().unwrap_or_default());
        let reason = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        invalid(check, scope.object, key, path, (message, reason));
    }
}
