//! volume-admission: tools' pods get the home and the platform's files, and no other directory of the node.

use serde_json::{Value, json};

use super::review::{Answer, Review};

/// What is mounted, each at the path where it lives: name, path, type, whether read-only.
const VOLUMES: [(&str, &str, &str, bool); 11] = [
    ("dumps", "/public/dumps", "Directory", true),
    ("dumpsrc-clouddumps1001", "/mnt/nfs/dumps-clouddumps1001.wikimedia.org", "Directory", true),
    ("dumpsrc-clouddumps1002", "/mnt/nfs/dumps-clouddumps1002.wikimedia.org", "Directory", true),
    ("home", "/data/project", "Directory", false),
    ("wmcs-project", "/etc/wmcs-project", "File", true),
    ("scratch", "/data/scratch", "Directory", false),
    ("etcldap-conf", "/etc/ldap.conf", "File", true),
    ("etcldap-yaml", "/etc/ldap.yaml", "File", true),
    ("etcnovaobserver-yaml", "/etc/novaobserver.yaml", "File", true),
    ("etcopenstack-clouds", "/etc/openstack/clouds.yaml", "File", true),
    ("sssd-pipes", "/var/lib/sss/pipes", "Directory", false),
];

/// The label that says whether the home is wanted.
const MOUNT_STORAGE: &str = "toolforge.org/mount-storage";

/// Reviews a pod.
pub(super) fn review(review: &Review<'_>) -> Answer {
    let Some(tool) = review.tool() else {
        return Answer::Denied("Only tools can have tool volumes mounted to them".to_owned());
    };
    let spec = &review.object["spec"];
    for (index, volume) in spec["volumes"].as_array().into_iter().flatten().enumerate() {
        let Some(path) = volume.get("hostPath") else { continue };
        let (name, directory) =
            (volume["name"].as_str().unwrap_or_default(), path["path"].as_str().unwrap_or_default());
        if (name, directory) != ("home", "/data/project") {
            let kind = path["type"].as_str().map_or_else(|| "nil".to_owned(), |kind| format!("*{kind}"));
            return Answer::Denied(format!(
                "No hostPath volumes allowed, got one under /spec/volumes/{index} Name:{name} \
                 HostPath:&HostPathVolumeSource{{Path:{directory},Type:{kind},}}"
            ));
        }
    }
    match review.object["metadata"]["labels"][MOUNT_STORAGE].as_str().unwrap_or("all") {
        "all" => Answer::Changed(with_home(spec.clone(), tool)),
        "none" => Answer::Changed(away_from_nfs(spec.clone())),
        _ => Answer::Denied(format!("Invalid value for {MOUNT_STORAGE} label")),
    }
}

fn with_home(mut spec: Value, tool: &str) -> Value {
    let standing: Vec<String> = names(&spec["volumes"], "name");
    for (name, path, kind, read_only) in VOLUMES {
        // A volume of this name is the pod's own, and so are its mounts.
        if standing.iter().any(|standing| standing == name) {
            continue;
        }
        push(&mut spec["volumes"], json!({"name": name, "hostPath": {"path": path, "type": kind}}));
        for container in spec["containers"].as_array_mut().into_iter().flatten() {
            if !names(&container["volumeMounts"], "mountPath").iter().any(|standing| standing == path) {
                push(
                    &mut container["volumeMounts"],
                    json!({"name": name, "mountPath": path, "readOnly": read_only}),
                );
            }
        }
    }
    let home = format!("/data/project/{tool}");
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        let variables = names(&container["env"], "name");
        let has = |name: &str| variables.iter().any(|variable| variable == name);
        if has("NO_HOME") {
            container.as_object_mut().map(|fields| fields.remove("workingDir"));
        } else if !has("HOME") {
            push(&mut container["env"], json!({"name": "HOME", "value": home}));
        }
        push(&mut container["env"], json!({"name": "TOOL_DATA_DIR", "value": home}));
    }
    let selector = &mut spec["nodeSelector"];
    if selector.is_null() {
        *selector = json!({});
    }
    if let Some(labels) = selector.as_object_mut() {
        labels.entry("kubernetes.wmcloud.org/nfs-mounted").or_insert_with(|| json!("true"));
    }
    spec
}

fn away_from_nfs(mut spec: Value) -> Value {
    let term = json!({"weight": 100, "preference": {"matchExpressions": [
        {"key": "kubernetes.wmcloud.org/nfs-mounted", "operator": "NotIn", "values": ["true"]},
    ]}});
    push(&mut spec["affinity"]["nodeAffinity"]["preferredDuringSchedulingIgnoredDuringExecution"], term);
    spec
}

/// Adds an item to a list that may be absent.
fn push(list: &mut Value, item: Value) {
    if let Some(items) = list.as_array_mut() {
        items.push(item);
    } else {
        *list = json!([item]);
    }
}

fn names(list: &Value, field: &str) -> Vec<String> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| item[field].as_str()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(object: &Value) -> Answer {
        review(&Review { namespace: "tool-x", name: "x", kind: "Pod", object })
    }

    #[test]
    fn a_pod_gets_the_home_and_the_platforms_files() {
        let Answer::Changed(spec) = answer(&json!({"spec": {"containers": [{"name": "c"}]}})) else {
            panic!()
        };
        assert_eq!(spec["volumes"].as_array().unwrap().len(), VOLUMES.len());
        assert_eq!(spec["containers"][0]["env"][0], json!({"name": "HOME", "value": "/data/project/x"}));
        assert_eq!(spec["nodeSelector"]["kubernetes.wmcloud.org/nfs-mounted"], "true");
    }

    #[test]
    fn a_pod_of_the_build_service_keeps_its_own_home() {
        let object = json!({"spec": {"containers": [{"workingDir": "/w", "env": [{"name": "NO_HOME", "value": "x"}]}]}});
        let Answer::Changed(spec) = answer(&object) else { panic!() };
        assert!(spec["containers"][0].get("workingDir").is_none());
        assert_eq!(names(&spec["containers"][0]["env"], "name"), ["NO_HOME", "TOOL_DATA_DIR"]);
    }

    #[test]
    fn directories_of_the_node_are_refused_in_the_webhooks_words() {
        let object = json!({"spec": {"volumes": [{"name": "v", "hostPath": {"path": "/var/log"}}]}});
        assert_eq!(
            answer(&object),
            Answer::Denied(
                "No hostPath volumes allowed, got one under /spec/volumes/0 Name:v HostPath:&HostPathVolumeSource{Path:/var/log,Type:nil,}"
                    .to_owned()
            )
        );
    }

    #[test]
    fn the_label_decides_whether_the_home_is_wanted() {
        let labelled = |value: &str| json!({"metadata": {"labels": {MOUNT_STORAGE: value}}, "spec": {"containers": [{}]}});
        let Answer::Changed(spec) = answer(&labelled("none")) else { panic!() };
        assert!(spec.get("volumes").is_none());
        assert!(matches!(answer(&labelled("some")), Answer::Denied(_)));
    }
}
