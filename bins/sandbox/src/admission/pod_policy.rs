//! The pod policy: pods run as the tool and without privileges. On the platform, a Kyverno policy in each tool's
//! namespace enforces it. The text of that policy is not public; this module implements what the platform's functional
//! tests and the pods of its own programs show.

use std::path::Path;

use serde_json::{Value, json};

use super::review::{Answer, Review};

/// Paths of the node that pods may mount (the policy of 2019 to 2024, with the path that was added in 2025).
const HOST_PATHS: [&str; 10] = [
    "/var/lib/sss/pipes",
    "/data/project",
    "/data/scratch",
    "/public/dumps",
    "/mnt/nfs",
    "/etc/wmcs-project",
    "/etc/ldap.conf",
    "/etc/ldap.yaml",
    "/etc/novaobserver.yaml",
    "/etc/openstack",
];

/// The fields of a pod that share the node's namespaces.
const SHARED: [&str; 3] = ["hostNetwork", "hostPID", "hostIPC"];

/// Sets the defaults of a pod: it runs as the tool and without privileges.
pub(super) fn mutate(review: &Review<'_>, uid_of: &dyn Fn(&str) -> Option<u32>) -> Answer {
    let Some(uid) = review.tool().and_then(uid_of) else { return Answer::Allowed };
    let mut spec = review.object["spec"].clone();
    default(
        &mut spec["securityContext"],
        &[
            ("runAsNonRoot", json!(true)),
            ("runAsUser", json!(uid)),
            ("runAsGroup", json!(uid)),
            ("fsGroup", json!(uid)),
            ("seccompProfile", json!({"type": "RuntimeDefault"})),
        ],
    );
    for list in ["containers", "initContainers"] {
        for container in spec[list].as_array_mut().into_iter().flatten() {
            default(
                &mut container["securityContext"],
                &[
                    ("allowPrivilegeEscalation", json!(false)),
                    ("privileged", json!(false)),
                    ("capabilities", json!({"drop": ["ALL"]})),
                ],
            );
        }
    }
    if spec["initContainers"].is_null() {
        spec.as_object_mut().map(|fields| fields.remove("initContainers"));
    }
    Answer::Changed(spec)
}

fn default(context: &mut Value, fields: &[(&str, Value)]) {
    if context.is_null() {
        *context = json!({});
    }
    if let Some(context) = context.as_object_mut() {
        for (field, value) in fields {
            context.entry(*field).or_insert_with(|| value.clone());
        }
    }
}

/// Denies a pod that runs as another user or with privileges.
pub(super) fn validate(review: &Review<'_>, uid_of: &dyn Fn(&str) -> Option<u32>) -> Answer {
    let Some(uid) = review.tool().and_then(uid_of) else { return Answer::Allowed };
    match violation(&review.object["spec"], uid) {
        None => Answer::Allowed,
        Some(path) => Answer::Denied(format!(
            "\n\nresource Pod/{}/{} was blocked due to the following policies \n\ntoolforge-kyverno-pod-policy:\n  \
             toolforge-validate-pod-policy: 'validation error: pod security configuration must be correct. rule \
             toolforge-validate-pod-policy failed at path {path}'",
            review.namespace, review.name
        )),
    }
}

/// Returns the path of the first field that violates the policy.
fn violation(spec: &Value, uid: u32) -> Option<String> {
    let context = &spec["securityContext"];
    for shared in SHARED {
        if spec[shared] == json!(true) {
            return Some(format!("/spec/{shared}/"));
        }
    }
    let identity = |context: &Value, path: &str, is_pod: bool| {
        let is_other = |field: &str| !context[field].is_null() && context[field] != json!(uid);
        if context["runAsNonRoot"] == json!(false) || (is_pod && context["runAsNonRoot"].is_null()) {
            return Some(format!("{path}/runAsNonRoot/"));
        }
        ["runAsUser", "runAsGroup", "fsGroup"]
            .into_iter()
            .find(|field| is_other(field))
            .map(|field| format!("{path}/{field}/"))
    };
    if let Some(path) = identity(context, "/spec/securityContext", true) {
        return Some(path);
    }
    for list in ["containers", "initContainers"] {
        for (index, container) in spec[list].as_array().into_iter().flatten().enumerate() {
            let path = format!("/spec/{list}/{index}/securityContext");
            let context = &container["securityContext"];
            if let Some(path) = identity(context, &path, false) {
                return Some(path);
            }
            for field in ["privileged", "allowPrivilegeEscalation"] {
                if context[field] == json!(true) {
                    return Some(format!("{path}/{field}/"));
                }
            }
            if context["capabilities"]["add"].as_array().is_some_and(|added| !added.is_empty()) {
                return Some(format!("{path}/capabilities/add/"));
            }
        }
    }
    for (index, volume) in spec["volumes"].as_array().into_iter().flatten().enumerate() {
        let path = volume["hostPath"]["path"].as_str();
        if path.is_some_and(|path| !HOST_PATHS.iter().any(|allowed| Path::new(path).starts_with(allowed))) {
            return Some(format!("/spec/volumes/{index}/hostPath/path/"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(_: &str) -> Option<u32> {
        Some(50_001)
    }

    fn review(spec: &Value) -> (Answer, Value) {
        let object = json!({"spec": spec});
        let request = Review { namespace: "tool-x", name: "p", kind: "Pod", object: &object };
        let Answer::Changed(changed) = mutate(&request, &uid) else { panic!() };
        let object = json!({"spec": changed});
        let answer = validate(&Review { namespace: "tool-x", name: "p", kind: "Pod", object: &object }, &uid);
        (answer, changed)
    }

    #[test]
    fn pod_runs_as_its_tool_by_default() {
        let (answer, spec) = review(&json!({"containers": [{"name": "c"}]}));
        assert_eq!(answer, Answer::Allowed);
        assert_eq!(spec["securityContext"]["runAsUser"], 50_001);
        assert_eq!(spec["containers"][0]["securityContext"]["capabilities"]["drop"][0], "ALL");
    }

    #[test]
    fn denial_names_path_of_violation() {
        for (spec, path) in [
            (json!({"securityContext": {"runAsNonRoot": false}}), "/spec/securityContext/runAsNonRoot/"),
            (json!({"securityContext": {"runAsUser": 50_002}}), "/spec/securityContext/runAsUser/"),
            (json!({"hostNetwork": true}), "/spec/hostNetwork/"),
            (
                json!({"containers": [{"securityContext": {"privileged": true}}]}),
                "/spec/containers/0/securityContext/privileged/",
            ),
            (
                json!({"initContainers": [{"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}]}),
                "/spec/initContainers/0/securityContext/capabilities/add/",
            ),
            (
                json!({"volumes": [{"name": "a"}, {"name": "b", "hostPath": {"path": "/data/projects"}}]}),
                "/spec/volumes/1/hostPath/path/",
            ),
        ] {
            let (Answer::Denied(message), _) = review(&spec) else { panic!("{spec}") };
            let rule = format!("rule toolforge-validate-pod-policy failed at path {path}");
            assert!(message.contains(&rule), "{message}");
        }
    }
}
