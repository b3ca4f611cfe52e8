//! Pods: what all their containers share.

use std::collections::{HashMap, HashSet};

use toolforge_model::platform;

use toolforge_model::Memory;

use super::super::check::{Check, Object, Pods};
use super::super::finding::Fix;
use super::super::rule::Rule;
use super::super::syntax::{Entry, Node};
use super::names::{not_a_dns_label, not_a_dns_subdomain, not_a_label_key, not_a_label_value};
use super::scope::{Scope, check_identity, policy};
use super::selector::label_edit;
use super::value_checks::{check_allowed_or_empty, check_at_least, check_ip, invalid, required};
use super::{choices, conditions, container, files, formats, placement, resources, volumes};

/// The only volume of the node that a pod may have (volume-admission, 2026).
const HOME_VOLUME: (&str, &str) = ("home", "/data/project");

/// The volumes that the platform adds to every pod.
const PLATFORM_VOLUMES: [&str; 11] = [
    "dumps",
    "dumpsrc-clouddumps1001",
    "dumpsrc-clouddumps1002",
    "home",
    "wmcs-project",
    "scratch",
    "etcldap-conf",
    "etcldap-yaml",
    "etcnovaobserver-yaml",
    "etcopenstack-clouds",
    "sssd-pipes",
];

/// Checks the pods of an object.
pub(crate) fn check(check: &mut Check<'_>, object: Object<'_>, pods: Pods<'_>) {
    check_labels(check, object, pods);
    let Some(spec) = pods.spec else {
        let message = "the pod has no spec; write its containers";
        check
            .at(Rule::MissingField, pods.template, message)
            .answered(object.invalid(format_args!("{}: Required value", pods.field("containers"))));
        return;
    };
    let scope = Scope { object, pods, spec };
    check_security(check, scope);
    let mountable = check_volumes(check, scope);
    if spec.get("containers").is_none_or(|containers| containers.items().is_empty()) {
        let place = spec.entry("containers").map_or(spec, |entry| &entry.key);
        check
            .at(Rule::MissingField, place, "the pod has no containers")
            .answered(object.invalid(format_args!("{}: Required value", pods.field("containers"))));
    }
    if pods.path.is_empty()
        && let Some(policy) = spec.get("restartPolicy")
    {
        check_allowed_or_empty(
            check,
            object,
            policy,
            "spec.restartPolicy",
            &["Always", "OnFailure", "Never"],
        );
    }
    check_settings(check, scope);
    choices::check_pods(check, scope);
    conditions::check_pods(check, scope);
    formats::check_pods(check, scope);
    placement::check(check, scope);
    files::check(check, scope);
    volumes::check(check, scope);
    let mut names: HashMap<&str, &Node> = HashMap::new();
    for (path, node) in pods.containers() {
        if let Some(name) = node.get("name").filter(|name| name.string().is_some()) {
            let text = name.text().unwrap_or_default();
            if let Some(first) = names.insert(text, name) {
                let answer = object.invalid(format_args!(
                    "{}: Duplicate value: \"{text}\"",
                    pods.field(format_args!("{path}.name"))
                ));
                let line = first.location.line;
                let message = format!("the container on line {line} has the same name, \"{text}\"");
                check.at(Rule::InvalidValue, name, message).answered(answer);
            }
        }
        container::check(check, scope, path, node, &mountable);
    }
    resources::check(check, scope);
}

fn check_labels(check: &mut Check<'_>, object: Object<'_>, pods: Pods<'_>) {
    let mount = pods.labels().and_then(|labels| labels.get(platform::LABEL_MOUNT_STORAGE));
    if let Some(mount) = mount
        && let Some(text) = mount.string().filter(|text| !matches!(*text, "all" | "none"))
    {
        let label = platform::LABEL_MOUNT_STORAGE;
        check
            .at(Rule::InvalidValue, mount, format!("{label} is \"{text}\"; the allowed values are all and none"))
            .answered(format!(
                "admission webhook \"volume-admission.tools.wmcloud.org\" denied the request: Invalid value for {label} label"
            ));
    }
    let has_label = pods.label(platform::LABEL_TOOLFORGE) == Some(platform::TOOLFORGE_TOOL);
    if has_label || mount.and_then(Node::text) == Some("none") {
        return;
    }
    let edit = label_edit(check.text, pods, platform::LABEL_TOOLFORGE, platform::TOOLFORGE_TOOL);
    // A label with another value is not overwritten.
    let fix = edit.filter(|_| pods.label(platform::LABEL_TOOLFORGE).is_none());
    let fix = fix.map(|edit| Fix::of("add the label toolforge: tool to the pods", vec![edit]));
    let place =
        pods.labels().unwrap_or(if pods.path.is_empty() { object.head() } else { template_key(object) });
    check.at(Rule::ToolLabel, place, "the pods have no label toolforge: tool").fixed(fix);
}

/// Returns the key of the pod template.
fn template_key(object: Object<'_>) -> &Node {
    let Some((last, parents)) = object.kind.template.and_then(<[_]>::split_last) else {
        return object.head();
    };
    let entry = object.node.at(parents).and_then(|parent| parent.entry(last));
    entry.map_or(object.head(), |entry| &entry.key)
}

/// Checks settings of the whole pod.
fn check_settings(check: &mut Check<'_>, Scope { object, pods, spec }: Scope<'_>) {
    let policies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];
    if let Some(policy) = spec.get("dnsPolicy") {
        check_allowed_or_empty(check, object, policy, &pods.field("dnsPolicy"), &policies);
    }
    let path = pods.field("");
    check_at_least(check, object, Some(spec), path.trim_end_matches('.'), "activeDeadlineSeconds", 1);
    for (index, toleration) in spec.get("tolerations").map(Node::items).unwrap_or_default().iter().enumerate()
    {
        let field = pods.field(format_args!("tolerations[{index}].operator"));
        if let Some(operator) = toleration.get("operator") {
            check_allowed_or_empty(check, object, operator, &field, &["Equal", "Exists"]);
        }
        check_toleration(check, object, toleration, &field);
    }
    for field in ["hostname", "subdomain"] {
        let Some(node) = spec.get(field).filter(|node| node.text() != Some("")) else { continue };
        if let Some(reason) = node.string().and_then(not_a_dns_label) {
            let message = format!("the {field} \"{}\" {reason}", node.text().unwrap_or_default());
            invalid(check, object, node, &pods.field(field), (message, "must be a lowercase RFC 1123 label"));
        }
    }
    if let Some(policy) = spec.get("dnsPolicy").filter(|policy| policy.text() == Some("None"))
        && spec.at(&["dnsConfig", "nameservers"]).is_none_or(|servers| servers.items().is_empty())
    {
        let path = pods.field("dnsConfig.nameservers");
        required(check, object, policy, &path, "dnsPolicy None needs nameservers in dnsConfig");
    }
    let spread = spec.get("topologySpreadConstraints").map(Node::items).unwrap_or_default();
    for (index, constraint) in spread.iter().enumerate() {
        let path = pods.field(format_args!("topologySpreadConstraints[{index}]"));
        check_at_least(check, object, Some(constraint), &path, "maxSkew", 1);
    }
    for entry in spec.get("nodeSelector").map(Node::entries).unwrap_or_default() {
        let (key, path) = (entry.name(), pods.field("nodeSelector"));
        if let Some(reason) = not_a_label_key(key) {
            let message = format!("the key \"{key}\" {reason}");
            invalid(check, object, &entry.key, &path, (message, "must be a qualified name"));
        }
        if let Some(reason) = entry.value.string().and_then(not_a_label_value) {
            let message = format!("the value of {key} {reason}");
            invalid(check, object, &entry.value, &path, (message, "must be a valid label value"));
        }
    }
    for (index, volume) in spec.get("volumes").map(Node::items).unwrap_or_default().iter().enumerate() {
        let Some(size) = volume.at(&["emptyDir", "sizeLimit"]) else { continue };
        if size.amount().is_some_and(|text| Memory::parse_quantity(&text).is_err()) {
            let text = size.text().unwrap_or_default();
            let field = pods.field(format_args!("volumes[{index}].emptyDir.sizeLimit"));
            check
                .at(Rule::InvalidValue, size, format!("\"{text}\" is not an amount of memory, such as 512Mi"))
                .answered(
                    object.invalid(format_args!("{field}: quantities must match the regular expression")),
                );
        }
    }
    check_host_aliases(check, object, pods, spec);
    for field in ["serviceAccountName", "serviceAccount"] {
        let Some(account) = spec.get(field) else { continue };
        let Some(text) = account.string().filter(|text| !matches!(*text, "default" | "")) else { continue };
        let answer = format!(
            "pods \"{}\" is forbidden: error looking up service account: serviceaccount \"{text}\" not found",
            object.name()
        );
        check
            .at(Rule::ServiceAccount, account, format!("there is no service account \"{text}\""))
            .answered(answer);
    }
}

/// Checks what a toleration applies to; `path` is that of its operator.
fn check_toleration(check: &mut Check<'_>, object: Object<'_>, toleration: &Node, path: &str) {
    let text = |field: &str| toleration.get(field).and_then(Node::text).unwrap_or_default();
    let operator = text("operator");
    if let Some(value) = toleration.get("value").filter(|_| operator == "Exists" && !text("value").is_empty())
    {
        let message = "a toleration with the operator Exists has no value; remove it";
        invalid(check, object, value, path, (message, "value must be empty when `operator` is 'Exists'"));
    }
    if text("key").is_empty() && matches!(operator, "" | "Equal") {
        let message = "a toleration without a key needs the operator Exists";
        let place = toleration.get("operator").unwrap_or(toleration);
        invalid(check, object, place, path, (message, "operator must be Exists when `key` is empty"));
    }
    if let Some(value) = toleration.get("value").filter(|_| matches!(operator, "" | "Equal"))
        && let Some(reason) = value.string().and_then(not_a_label_value)
    {
        let message = format!("the value \"{}\" {reason}", text("value"));
        invalid(check, object, value, path, (message, "must be a valid label value"));
    }
    if let Some(seconds) = toleration.get("tolerationSeconds").filter(|_| text("effect") != "NoExecute") {
        let message = "tolerationSeconds needs the effect NoExecute";
        let path = path.replace(".operator", ".effect");
        invalid(
            check,
            object,
            seconds,
            &path,
            (message, "effect must be 'NoExecute' when `tolerationSeconds` is set"),
        );
    }
}

/// Checks what is added to `/etc/hosts`.
fn check_host_aliases(check: &mut Check<'_>, object: Object<'_>, pods: Pods<'_>, spec: &Node) {
    for (index, alias) in spec.get("hostAliases").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = pods.field(format_args!("hostAliases[{index}].ip"));
        match alias.get("ip") {
            Some(ip) => {
                check_ip(check, object, ip, &path);
            }
            None => required(check, object, alias, &path, "the alias has no ip"),
        }
        for (number, name) in alias.get("hostnames").map(Node::items).unwrap_or_default().iter().enumerate() {
            if let Some(reason) = name.string().and_then(not_a_dns_subdomain) {
                let path = pods.field(format_args!("hostAliases[{index}].hostnames[{number}]"));
                let message = format!("the name \"{}\" {reason}", name.text().unwrap_or_default());
                invalid(check, object, name, &path, (message, "must be a lowercase RFC 1123 subdomain"));
            }
        }
    }
}

fn check_security(check: &mut Check<'_>, scope: Scope<'_>) {
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if let Some(node) = scope.spec.get(field).filter(|node| node.boolean() == Some(true)) {
            let message = format!("{field} is not allowed on Toolforge; remove it");
            check.at(Rule::HostNamespace, node, message).answered(policy(&format!("/spec/{field}/")));
        }
    }
    if let Some(context) = scope.spec.get("securityContext") {
        check_identity(check, context, "/spec/securityContext");
    }
}

/// Checks the volumes; returns the names that containers may mount.
fn check_volumes<'n>(check: &mut Check<'_>, scope: Scope<'n>) -> HashSet<&'n str> {
    let Scope { object, pods, spec } = scope;
    let mut names = HashSet::new();
    // The platform adds its volumes to pods before they are checked, but not to the templates of other objects.
    if pods.path.is_empty() {
        names.extend(PLATFORM_VOLUMES);
    }
    names.extend(object.claim_templates());
    let mut own = HashSet::new();
    for (index, volume) in spec.get("volumes").map(Node::items).unwrap_or_default().iter().enumerate() {
        let path = format!("volumes[{index}]");
        let name = volume.get("name");
        match name.and_then(Node::string) {
            None if name.is_some() => {}
            None => {
                check.at(Rule::MissingField, volume, "the volume has no name").answered(
                    object
                        .invalid(format_args!("{}: Required value", pods.field(format_args!("{path}.name")))),
                );
            }
            Some(text) => {
                let node = name.unwrap_or(volume);
                if let Some(reason) = not_a_dns_label(text) {
                    let field = pods.field(format_args!("{path}.name"));
                    check
                        .at(Rule::InvalidName, node, format!("the name \"{text}\" {reason}"))
                        .answered(object.invalid(format_args!("{field}: Invalid value: \"{text}\"")));
                }
                if !own.insert(text) {
                    let field = pods.field(format_args!("{path}.name"));
                    check
                        .at(Rule::InvalidValue, node, format!("another volume has the name \"{text}\""))
                        .answered(object.invalid(format_args!("{field}: Duplicate value: \"{text}\"")));
                }
                names.insert(text);
            }
        }
        check_volume_source(check, scope, volume, &path);
        let Some(host_path) = volume.get("hostPath") else { continue };
        // A missing path is a finding about the missing field.
        let Some(directory) = host_path.get("path").and_then(Node::text) else { continue };
        let text = name.and_then(Node::text).unwrap_or_default();
        if (text, directory) != HOME_VOLUME {
            let answer = format!(
                "admission webhook \"volume-admission.tools.wmcloud.org\" denied the request: No hostPath volumes allowed, got \
                 one under /spec/volumes/{index} Name:{text} HostPath:&HostPathVolumeSource{{Path:{directory},Type:nil,}}"
            );
            let message = format!(
                "the volume is the path {directory} of the node; only /data/project with the name home is allowed, and it is \
                 mounted anyway"
            );
            check.at(Rule::HostPath, host_path, message).answered(answer);
        }
    }
    names
}

/// Checks that a volume has one source, which names what it needs.
fn check_volume_source(check: &mut Check<'_>, scope: Scope<'_>, volume: &Node, path: &str) {
    let Scope { object, pods, .. } = scope;
    let sources: Vec<&Entry> =
        volume.entries().iter().filter(|entry| entry.name() != "name" && !entry.value.is_null()).collect();
    if let [first, second, ..] = sources.as_slice() {
        let message = format!("the volume is both {} and {}", first.name(), second.name());
        let field = pods.field(format_args!("{path}.{}", second.name()));
        check.at(Rule::InvalidValue, &second.key, message).answered(
            object.invalid(format_args!("{field}: Forbidden: may not specify more than 1 volume type")),
        );
    }
    for (source, required) in [
        ("configMap", "name"),
        ("secret", "secretName"),
        ("persistentVolumeClaim", "claimName"),
        ("hostPath", "path"),
        ("nfs", "server"),
        ("nfs", "path"),
        ("ephemeral", "volumeClaimTemplate"),
        ("csi", "driver"),
        ("gitRepo", "repository"),
    ] {
        let Some(node) = volume.get(source) else { continue };
        if node.get(required).is_none_or(|found| found.text() == Some("")) {
            let field = pods.field(format_args!("{path}.{source}.{required}"));
            let place = volume.entry(source).map_or(node, |entry| &entry.key);
            check
                .at(Rule::MissingField, place, format!("{source} has no {required}"))
                .answered(object.invalid(format_args!("{field}: Required value")));
        }
    }
}
