//! The fields of an object that its job lacks or changes.

use std::collections::BTreeSet;

use serde_json::{Map, Value};
use toolforge_model::{Cpu, Memory, MountStorage, ToolName, Untrusted, platform};

use crate::convert::ConversionNote;
use crate::object::{
    Difference, FieldPath, Object, ObjectKind, PathSegment, is_own_annotation, pod_spec_path,
    replacement_differences,
};

/// Where the platform mounts its own volumes (volume-admission, 2026; before 2024 also the sockets of SSSD).
const PLATFORM_MOUNTS: [&str; 7] = [
    "/data/project",
    "/data/scratch",
    "/public/dumps",
    "/mnt/nfs",
    "/etc/wmcs-project",
    "/etc/ldap",
    "/var/lib/sss/pipes",
];

/// The fields of `metadata` that name an object, or that the API server sets.
const OWN_METADATA: [&str; 10] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "managedFields",
    "selfLink",
];

/// The fields of a pod that the platform requires of every pod, or that only prefer a node.
const PLATFORM_FIELDS: [&str; 2] = ["securityContext", "topologySpreadConstraints"];

/// The fields of an object that its job has in another form. List items are identified by their index only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Carried {
    /// Fields, with everything below them.
    fields: BTreeSet<FieldPath>,
    /// Items of lists, as a whole.
    items: BTreeSet<FieldPath>,
    /// The resources that the converted file does not set.
    defaults: BTreeSet<&'static str>,
}

impl Carried {
    /// Returns the fields of an object that every conversion keeps, or that only name it.
    pub(super) fn of(object: &Value, tool: &ToolName, mount: MountStorage) -> Self {
        let own: [&[&str]; 4] = [&["apiVersion"], &["kind"], &["status"], &["spec", "selector"]];
        let mut carried = Self { fields: own.map(FieldPath::of).into(), ..Self::default() };
        let metadata = FieldPath::of(&["metadata"]);
        for field in OWN_METADATA {
            carried.fields.insert(metadata.field(field));
        }
        for key in own_annotations(object) {
            carried.fields.insert(metadata.field("annotations").field(key));
        }
        let Some((path, pod)) = pod_spec(object) else { return carried };
        // The command contains the log files.
        for template in [Some(FieldPath::default()), path.parent()].into_iter().flatten() {
            carried.fields.insert(template.field("metadata").field("labels").field(platform::LABEL_FILE_LOG));
        }
        let container = first_container(&path);
        for field in ["name", "command", "args"] {
            carried.fields.insert(container.field(field));
        }
        let first = &pod["containers"][0];
        if let Some(home) = position(&first["env"], |variable| {
            variable["name"] == "HOME" && variable["value"] == tool.home().as_str()
        }) {
            carried.items.insert(container.field("env").item(home, None));
        }
        if mount == MountStorage::All {
            carried.add_volumes(&path, pod);
        }
        carried
    }

    /// Adds the volumes that the platform mounts itself, at the same paths.
    fn add_volumes(&mut self, pod_path: &FieldPath, pod: &Value) {
        let mounts = &pod["containers"][0]["volumeMounts"];
        for (index, volume) in pod["volumes"].as_array().into_iter().flatten().enumerate() {
            let path = volume["hostPath"]["path"].as_str().unwrap_or_default().trim_end_matches('/');
            let is_below = |mount: &str| {
                path.strip_prefix(mount).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
            };
            if !PLATFORM_MOUNTS.into_iter().any(is_below) {
                continue;
            }
            let is_same_path = |mount: &Value| {
                let keys = mount.as_object().into_iter().flatten().map(|(key, _)| key.as_str());
                let target = mount["mountPath"].as_str().unwrap_or_default().trim_end_matches('/');
                target == path && keys.into_iter().all(|key| matches!(key, "name" | "mountPath"))
            };
            let mut is_elsewhere = false;
            for (index, mount) in mounts.as_array().into_iter().flatten().enumerate() {
                if mount["name"] != volume["name"] {
                    continue;
                }
                if is_same_path(mount) {
                    self.items.insert(first_container(pod_path).field("volumeMounts").item(index, None));
                } else {
                    is_elsewhere = true;
                }
            }
            if !is_elsewhere {
                self.items.insert(pod_path.field("volumes").item(index, None));
            }
        }
    }

    /// Adds a field of the first container, which another note describes or which means the same in the job.
    pub(super) fn add(&mut self, object: &Value, field: &[&str]) {
        if let Some((path, _)) = pod_spec(object) {
            let field = field.iter().fold(first_container(&path), |path, field| path.field(field));
            self.fields.insert(field);
        }
    }

    /// Removes a field of the first container, which is compared like the others.
    pub(super) fn remove(&mut self, object: &Value, field: &str) {
        if let Some((path, _)) = pod_spec(object) {
            self.fields.remove(&first_container(&path).field(field));
        }
    }

    /// Records which amounts are the platform's defaults: those that the converted file does not name.
    pub(super) fn set_defaults(&mut self, cpu: Option<Cpu>, memory: Option<Memory>) {
        let amounts = [("cpu", cpu.is_none()), ("memory", memory.is_none())];
        self.defaults =
            amounts.into_iter().filter(|(_, is_default)| *is_default).map(|(key, _)| key).collect();
    }

    /// Adds the containers after the first.
    pub(super) fn add_other_containers(&mut self, object: &Value) {
        let Some((path, pod)) = pod_spec(object) else { return };
        for index in 1..pod["containers"].as_array().map_or(0, Vec::len) {
            self.items.insert(path.field("containers").item(index, None));
        }
    }

    fn has(&self, found: &Difference) -> bool {
        let path = found.path.without_names();
        found.wanted.is_none() && self.items.contains(&path)
            || self.fields.iter().any(|field| path.is_within(field))
    }

    /// Returns the notes about what the rendered objects of a job lack or change compared with an object.
    pub(super) fn notes_of_job(&self, object: &Value, rendered: &[Object]) -> Vec<ConversionNote> {
        let is_workload = |object: &&Object| {
            matches!(object.kind(), ObjectKind::Deployment | ObjectKind::CronJob | ObjectKind::Job)
        };
        let Some(workload) = rendered.iter().find(is_workload) else { return Vec::new() };
        let mut after = workload.to_json();
        let kind = match object["kind"] == "Pod" {
            true => {
                // Only the pods of the two can be compared.
                let template = after["spec"]["template"].take();
                after = template;
                ObjectKind::Pod
            }
            false => workload.kind(),
        };
        self.notes(replacement_differences(kind, object, &after)).collect()
    }

    /// Returns the notes about the differences between an object and its job.
    pub(super) fn notes(
        &self,
        differences: impl IntoIterator<Item = Difference>,
    ) -> impl Iterator<Item = ConversionNote> {
        differences
            .into_iter()
            .flat_map(amounts)
            .filter(|found| !self.has(found) && (found.live.is_some() || !is_of_platform(&found.path)))
            .map(|found| match found.path.resource() {
                Some(resource) if found.wanted.is_some() => {
                    let is_default = self.defaults.contains(resource);
                    let Difference { path, live: before, wanted: after, .. } = found;
                    ConversionNote::Amount { path, before, after, is_default }
                }
                _ => ConversionNote::of_difference(found, None),
            })
    }
}

/// Returns one difference for each amount of a container's resources; any other difference is unchanged.
fn amounts(found: Difference) -> Vec<Difference> {
    let is = |segment: Option<&PathSegment>, names: &[&str]| matches!(segment, Some(PathSegment::Field(name)) if names.contains(&name.as_str()));
    let mut last = found.path.segments().iter().rev();
    let (last, before) = (last.next(), last.next());
    let is_bound = is(last, &["limits", "requests"]) && is(before, &["resources"]);
    if !is_bound && !is(last, &["resources"]) {
        return vec![found];
    }
    let value = |text: &Option<Untrusted>| -> Map<String, Value> {
        text.as_ref().and_then(|text| serde_json::from_str(text.as_raw()).ok()).unwrap_or_default()
    };
    let (before, after) = (value(&found.live), value(&found.wanted));
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let text = |value: Option<&Value>| {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        value.map(|value| Untrusted::new(text(value)))
    };
    let of_key =
        |key: &String| Difference::new(found.path.field(key), text(before.get(key)), text(after.get(key)));
    keys.into_iter().map(of_key).flat_map(amounts).collect()
}

/// Returns whether an added field changes nothing for the pods: the platform requires it of every pod, or it identifies the job.
fn is_of_platform(path: &FieldPath) -> bool {
    let is = |segment: &PathSegment| match segment {
        PathSegment::Field(name) => name == "metadata" || PLATFORM_FIELDS.contains(&name.as_str()),
        PathSegment::Item { .. } => false,
    };
    path.segments().iter().any(is) || path.is_selector()
}

/// Returns the annotations of kubectl and of Kubernetes' controllers.
fn own_annotations(object: &Value) -> Vec<&str> {
    let all = object["metadata"]["annotations"].as_object().into_iter().flatten();
    let keys = all.map(|(key, _)| key.as_str());
    keys.filter(|key| is_own_annotation(key)).collect()
}

/// Returns the pod spec of an object, with its path.
pub(super) fn pod_spec(object: &Value) -> Option<(FieldPath, &Value)> {
    let path = pod_spec_path(object)?;
    let pod = path.value(object)?;
    Some((path, pod))
}

/// Returns the path of the first container of a pod spec.
fn first_container(pod: &FieldPath) -> FieldPath {
    pod.field("containers").item(0, None)
}

/// Returns the template of the pods of an object, or the pod itself.
pub(super) fn template(object: &Value) -> Option<&Value> {
    let (path, _) = pod_spec(object)?;
    path.parent()?.value(object)
}

fn position(list: &Value, is_wanted: impl Fn(&Value) -> bool) -> Option<usize> {
    list.as_array()?.iter().position(is_wanted)
}

/// Returns the storage that the pods see: since 2020, that of pods with the label `toolforge: tool`.
pub(super) fn mount(object: &Value) -> MountStorage {
    let labels = template(object).map(|template| &template["metadata"]["labels"]);
    let wanted = labels.and_then(|labels| labels[platform::LABEL_MOUNT_STORAGE].as_str()?.parse().ok());
    // Since 2025, the platform sets it in every pod in a tool's namespace.
    wanted.unwrap_or(MountStorage::All)
}
