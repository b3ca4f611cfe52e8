//! volume-admission: pods of tools get the home and the platform's files, and no other path of the node.

use serde_json::{Value, json};

use super::review::{Answer, Review};

/// The mounted paths, with the same path in the pod: name, path, type, whether read-only.
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

/// The label that chooses whether to mount the home.
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
    let existing: Vec<String> = names(&spec["volumes"], "name");
    for (name, path, kind, read_only) in VOLUMES {
        // The pod already has a volume of this name, with its own mounts.
        if existing.iter().any(|existing| existing == name) {
            continue;
        }
        push(&mut spec["volumes"], json!({"name": name, "hostPath": {"path": path, "type": kind}}));
        for container in spec["containers"].as_array_mut().into_iter().flatten() {
            if !names(&container["volumeMounts"], "mountPath").iter().any(|existing| existing == path) {
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

/// Adds an item to a list, or creates the list.
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
    fn pod_gets_home_and_platform_files() {
        let Answer::Changed(spec) = answer(&json!({"spec": {"containers": [{"name": "c"}]}})) else {
            panic!()
        };
        assert_eq!(spec["volumes"].as_array().unwrap().len(), VOLUMES.len());
        assert_eq!(spec["containers"][0]["env"][0], json!({"name": "HOME", "value": "/data/project/x"}));
        assert_eq!(spec["nodeSelector"]["kubernetes.wmcloud.org/nfs-mounted"], "true");
    }

    #[test]
    fn build_service_pod_keeps_its_home() {
        let object = json!({"spec": {"containers": [{"workingDir": "/w", "env": [{"name": "NO_HOME", "value": "x"}]}]}});
        let Answer::Changed(spec) = answer(&object) else { panic!() };
        assert!(spec["containers"][0].get("workingDir").is_none());
        assert_eq!(names(&spec["containers"][0]["env"], "name"), ["NO_HOME", "TOOL_DATA_DIR"]);
    }

    #[test]
    fn denies_host_paths_with_the_platforms_message() {
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
    fn label_chooses_whether_home_is_mounted() {
        let labeled = |value: &str| json!({"metadata": {"labels": {MOUNT_STORAGE: value}}, "spec": {"containers": [{}]}});
        let Answer::Changed(spec) = answer(&labeled("none")) else { panic!() };
        assert!(spec.get("volumes").is_none());
        assert!(matches!(answer(&labeled("some")), Answer::Denied(_)));
    }
}
