//! From a document to the objects in it.

use toolforge_model::yaml::{YamlNode, YamlValue};
use toolforge_model::{Diagnostic, ToolName, Untrusted, suggest};

use crate::manifest::deserialize::deserialize;
use crate::manifest::{Manifest, ManifestKind, ManifestObject, Plain, item_kind_of};
use crate::object::KnownKind;

/// The most objects of all documents; the largest namespaces have a few hundred.
const MOST_OBJECTS: usize = 10_000;

/// The objects of documents, and what is wrong with others.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Manifests {
    /// The objects without errors, in the order of the documents.
    pub manifests: Vec<Manifest>,
    /// The errors.
    pub errors: Vec<Diagnostic>,
    /// What is left out.
    pub warnings: Vec<Diagnostic>,
}

impl Manifests {
    /// Adds the objects of a document for a tool's namespace: one object, or a `List` of them, which may contain lists.
    pub fn read(&mut self, node: &YamlNode, tool: &ToolName) {
        self.add(node, None, tool);
    }

    /// Adds an object; `item_kind` is that of the items of a list like `PodList`, which do not repeat it.
    fn add(&mut self, node: &YamlNode, item_kind: Option<&ManifestKind>, tool: &ToolName) {
        match self.object(node, item_kind, tool) {
            Ok(Some(manifest)) if self.manifests.len() < MOST_OBJECTS => self.manifests.push(manifest),
            Ok(Some(_)) => {
                let message = format!("more than {MOST_OBJECTS} objects; check fewer at once");
                if self.errors.iter().all(|error| error.message.as_raw() != message) {
                    self.errors.push(Diagnostic::new(node.location, message));
                }
            }
            Ok(None) => {}
            Err(error) => self.errors.push(error),
        }
    }

    /// Returns an object; `None` if it is a list, whose items are added, or belongs to no namespace.
    fn object(
        &mut self,
        node: &YamlNode,
        item_kind: Option<&ManifestKind>,
        tool: &ToolName,
    ) -> Result<Option<Manifest>, Diagnostic> {
        let YamlValue::Mapping(_) = &node.value else {
            let found = Untrusted::new(node.describe());
            let message =
                format!("an object is a mapping that begins with `apiVersion:`, not {}", found.escaped());
            return Err(Diagnostic::new(node.location, message));
        };
        let stated = |field: &str| text(node, field);
        let kind = match (stated("apiVersion")?, stated("kind")?, item_kind) {
            (Some(api_version), Some(kind), _) => ManifestKind::new(api_version, kind),
            (None, None, Some(kind)) => kind.clone(),
            (None, _, _) => return Err(missing(node, "apiVersion: v1")),
            (_, None, _) => return Err(missing(node, "kind: Deployment")),
        };
        if let Some(item_kind) = item_kind_of(&kind.kind, node.get("items").is_some()) {
            let of_items = ManifestKind { kind: item_kind.to_owned(), ..kind.clone() };
            let of_items = (!item_kind.is_empty()).then_some(&of_items);
            match node.get("items").map(|items| (&items.value, items)) {
                Some((YamlValue::Sequence(items), _)) => {
                    items.iter().for_each(|item| self.add(item, of_items, tool));
                }
                Some((_, found)) => {
                    let text = Untrusted::new(found.describe());
                    let message = format!("items is {}; expected a list of objects", text.escaped());
                    return Err(Diagnostic::new(found.location, message));
                }
                None => {}
            }
            return Ok(None);
        }
        let metadata = node.get("metadata").ok_or_else(|| missing(node, "metadata: {name: NAME}"))?;
        let (name, is_name_generated) = match (text(metadata, "name")?, text(metadata, "generateName")?) {
            (Some(name), _) => (name, false),
            (None, Some(prefix)) => (prefix, true),
            (None, None) => return Err(missing(metadata, "name: NAME")),
        };
        if !kind.is_namespaced() {
            let message = format!("{kind} objects belong to no namespace, so no quota counts them");
            self.warnings.push(Diagnostic::new(node.location, message));
            self.warnings.extend(not_applied(&kind, node));
            return Ok(None);
        }
        let namespace = tool.namespace();
        // An empty one is the namespace that kubectl uses.
        let is_other = |found: &&YamlNode| {
            found.value != YamlValue::Null
                && !matches!(found.scalar(), Some(text) if text.is_empty() || text == namespace)
        };
        if let Some(found) = metadata.get("namespace").filter(is_other) {
            let text = Untrusted::new(found.describe());
            let message = format!(
                "namespace {} is not that of the tool; write {namespace}, or leave it out",
                text.escaped()
            );
            return Err(Diagnostic::new(found.location, message));
        }
        let object = match content(&kind, node) {
            Ok(object) => object,
            Err(mut errors) => {
                let last = errors.pop();
                self.errors.append(&mut errors);
                return last.map_or(Ok(None), Err);
            }
        };
        if object.has_pods() && object.pod_spec().is_none_or(|pod| pod.containers.is_empty()) {
            let place = node.get("spec").unwrap_or(node);
            let message = format!("this {kind} has no containers");
            return Err(Diagnostic::new(place.location, message));
        }
        if needs_selector(&object)
            && let Some(spec) = node.get("spec")
            && spec.get("selector").is_none_or(|selector| selector.value == YamlValue::Null)
        {
            let message =
                format!("this {kind} has no selector; write one that matches the labels of its pods");
            return Err(Diagnostic::new(spec.location, message));
        }
        if object.has_pods()
            && let Some(error) = below_zero(node)
        {
            return Err(error);
        }
        if let ManifestObject::DaemonSet(_) = object {
            let message =
                "a DaemonSet has a pod on each node; one is counted where the number of nodes is not known";
            self.warnings.push(Diagnostic::new(node.location, message));
        }
        if let Some(warning) = not_applied(&kind, node)
            && self.warnings.iter().all(|known| known.message != warning.message)
        {
            self.warnings.push(warning);
        }
        let (name, node) = (name.to_owned(), node.clone());
        Ok(Some(Manifest { kind, name, is_name_generated, location: node.location, node, object }))
    }
}

/// Returns a warning for an object that changes what other objects request or may request, which is not taken into account.
fn not_applied(kind: &ManifestKind, node: &YamlNode) -> Option<Diagnostic> {
    let (place, message) = match (kind.group.as_str(), kind.kind.as_str()) {
        ("autoscaling", "HorizontalPodAutoscaler") => {
            let most = node.get("spec")?.get("maxReplicas")?;
            let count = most.scalar()?.parse::<u32>().ok()?;
            let pods = if count == 1 { "pod" } else { "pods" };
            let message = format!(
                "a HorizontalPodAutoscaler may start up to {count} {pods}; only the replicas that its target states are counted"
            );
            (most, message)
        }
        ("", "ResourceQuota") => {
            let message = "the limits of a ResourceQuota in a file are not applied, as tools cannot change quotas; those of the \
                           namespace are";
            (node, message.to_owned())
        }
        ("", "LimitRange") => {
            let message = "the limits and defaults of a LimitRange in a file are not applied, as tools cannot change them; those of \
                           the namespace are";
            (node, message.to_owned())
        }
        ("scheduling.k8s.io", "PriorityClass") => {
            let default = node.get("globalDefault").filter(|default| default.scalar() == Some("true"))?;
            let message = "the default priority class of a file is not applied, as tools cannot change it";
            (default, message.to_owned())
        }
        _ => return None,
    };
    Some(Diagnostic::new(place.location, message))
}

/// Returns the content of an object for which quotas count more than its existence. Data of others is not read.
fn content(kind: &ManifestKind, node: &YamlNode) -> Result<ManifestObject, Vec<Diagnostic>> {
    if let Some(error) = not_served(kind, node) {
        return Err(vec![error]);
    }
    let found = match (kind.group.as_str(), kind.kind.as_str()) {
        ("apps", "Deployment") => ManifestObject::Deployment(Box::new(deserialize(node)?)),
        ("apps", "ReplicaSet") => ManifestObject::ReplicaSet(Box::new(deserialize(node)?)),
        ("apps", "StatefulSet") => ManifestObject::StatefulSet(Box::new(deserialize(node)?)),
        ("apps", "DaemonSet") => ManifestObject::DaemonSet(Box::new(deserialize(node)?)),
        ("batch", "Job") => ManifestObject::Job(Box::new(deserialize(node)?)),
        ("batch", "CronJob") => ManifestObject::CronJob(Box::new(deserialize(node)?)),
        ("", "ReplicationController") => ManifestObject::ReplicationController(Box::new(deserialize(node)?)),
        ("", "Pod") => ManifestObject::Pod(Box::new(deserialize(node)?)),
        ("", "Service") => ManifestObject::Service(Box::new(deserialize(node)?)),
        ("", "PersistentVolumeClaim") => ManifestObject::PersistentVolumeClaim(Box::new(deserialize(node)?)),
        _ => ManifestObject::Other,
    };
    Ok(found)
}

/// Returns the error for a version of the API that does not have the kind, or no longer has it.
fn not_served(kind: &ManifestKind, node: &YamlNode) -> Option<Diagnostic> {
    let found = node.get("apiVersion")?;
    let current = match kind.served_version() {
        Some(served) => Some(served),
        None if kind.group == "extensions" => None,
        None if KnownKind::has_all_of(&kind.group) => return Some(unknown_kind(kind, node)),
        None => return None,
    };
    if current == found.string() {
        return None;
    }
    let text = Untrusted::new(found.describe());
    let (text, kind) = (text.escaped(), kind.to_string());
    let message = match current {
        Some("") => format!("{kind} is gone from Kubernetes"),
        Some(current) => format!("the cluster has no {kind} in {text}; write `apiVersion: {current}`"),
        None => format!("the cluster does not serve {text}"),
    };
    Some(Diagnostic::new(found.location, message))
}

/// Returns the error for a kind that its group does not have, with the nearest one that a tool may create.
fn unknown_kind(kind: &ManifestKind, node: &YamlNode) -> Diagnostic {
    let location = node.get("kind").map_or(node.location, |kind| kind.location);
    let near = suggest(&kind.kind, KnownKind::writable_names());
    let near = near.map(|near| format!("; did you mean \"{near}\"?")).unwrap_or_default();
    Diagnostic::new(location, format!("unknown kind {}{near}", Untrusted::new(kind.kind.as_str()).quoted()))
}

/// Returns whether the API server refuses an object of a kind without a selector.
fn needs_selector(object: &ManifestObject) -> bool {
    match object {
        ManifestObject::Deployment(_)
        | ManifestObject::ReplicaSet(_)
        | ManifestObject::StatefulSet(_)
        | ManifestObject::DaemonSet(_) => true,
        ManifestObject::Job(_)
        | ManifestObject::CronJob(_)
        | ManifestObject::ReplicationController(_)
        | ManifestObject::Pod(_)
        | ManifestObject::Service(_)
        | ManifestObject::PersistentVolumeClaim(_)
        | ManifestObject::Other => false,
    }
}

/// Returns the error for a number of pods or runs that is below zero.
fn below_zero(node: &YamlNode) -> Option<Diagnostic> {
    let spec = node.get("spec")?;
    let of_runs = spec.get("jobTemplate").and_then(|template| template.get("spec"));
    let fields = ["replicas", "parallelism", "completions"];
    let (field, found) = fields.into_iter().find_map(|field| {
        let found = [Some(spec), of_runs].into_iter().flatten().find_map(|spec| spec.get(field))?;
        matches!(Plain::of(found.scalar()?), Plain::Integer(number) if number < 0).then_some((field, found))
    })?;
    let text = Untrusted::new(found.describe());
    let message = format!("{field} is {}; expected a whole number of at least 0", text.escaped());
    Some(Diagnostic::new(found.location, message))
}

/// Returns a field that must be text, if it is set.
fn text<'a>(node: &'a YamlNode, field: &str) -> Result<Option<&'a str>, Diagnostic> {
    let Some(found) = node.get(field) else { return Ok(None) };
    let text = found.string().filter(|text| !text.is_empty());
    text.map(Some).ok_or_else(|| {
        let shown = Untrusted::new(found.describe());
        Diagnostic::new(found.location, format_args!("{field} is {}; expected text", shown.escaped()))
    })
}

fn missing(node: &YamlNode, example: &str) -> Diagnostic {
    let field = example.split(':').next().unwrap_or_default();
    Diagnostic::new(node.location, format_args!("no {field}; expected a line like `{example}`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::file_documents;

    fn read(text: &str) -> Manifests {
        let mut found = Manifests::default();
        let tool = "stashbot".parse().unwrap();
        let documents = file_documents(text);
        assert_eq!(documents.errors, []);
        documents.documents.iter().for_each(|document| found.read(&document.node, &tool));
        found
    }

    /// Returns the objects with their lines, then the errors and warnings.
    fn shown(text: &str) -> String {
        let Manifests { manifests, errors, warnings } = read(text);
        let manifests = manifests.iter().map(|found| format!("{}: {found}", found.location.line));
        let found = errors.iter().chain(&warnings).map(ToString::to_string);
        manifests.chain(found).collect::<Vec<_>>().join("\n")
    }

    const POD: &str = "{containers: [{name: a, image: x}]}";

    #[test]
    fn lists_and_lists_in_lists_are_flattened() {
        let text = format!(
            "apiVersion: v1\nkind: List\nitems:\n- {{apiVersion: v1, kind: Secret, metadata: {{name: a}}}}\n\
             - apiVersion: v1\n  kind: PodList\n  items:\n  - {{metadata: {{name: b}}, spec: {POD}}}\n\
             - {{apiVersion: v1, kind: List}}\n---\n{{apiVersion: v1, kind: Pod, metadata: {{generateName: c-}}, spec: {POD}}}\n"
        );
        insta::assert_snapshot!(shown(&text), @"
        4: Secret a
        8: Pod b
        11: Pod c-
        ");
    }

    #[test]
    fn every_error_has_its_location() {
        let text = "apiVersion: v1\nkind: List\nitems:\n- {kind: Pod}\n- {apiVersion: v1}\n- 5\n\
                    - {apiVersion: v1, kind: Pod}\n- {apiVersion: v1, kind: Pod, metadata: {}}\n\
                    - {apiVersion: v1, kind: Pod, metadata: {name: 5}}\n\
                    - {apiVersion: v1, kind: Pod, metadata: {name: a}}\n\
                    - {apiVersion: v1, kind: Pod, metadata: {name: a, namespace: tool-other}, spec: {}}\n\
                    - {apiVersion: apps/v1beta1, kind: Deployment, metadata: {name: a}}\n\
                    - {apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: two}}\n\
                    - {apiVersion: apps/v1, kind: StatefulSet, metadata: {name: a}, spec: {template: {spec: {containers: [{}]}}}}\n\
                    - {apiVersion: v1, kind: Namespace, metadata: {name: a}}\n\
                    ---\napiVersion: v1\nkind: List\nitems: {}\n";
        insta::assert_snapshot!(shown(text), @r#"
        line 4, column 3: no apiVersion; expected a line like `apiVersion: v1`
        line 5, column 3: no kind; expected a line like `kind: Deployment`
        line 6, column 3: an object is a mapping that begins with `apiVersion:`, not 5
        line 7, column 3: no metadata; expected a line like `metadata: {name: NAME}`
        line 8, column 41: no name; expected a line like `name: NAME`
        line 9, column 48: name is 5; expected text
        line 10, column 3: this Pod has no containers
        line 11, column 62: namespace "tool-other" is not that of the tool; write tool-stashbot, or leave it out
        line 12, column 16: the cluster has no Deployment in "apps/v1beta1"; write `apiVersion: apps/v1`
        line 13, column 81: found string "two"; expected a whole number
        line 14, column 71: this StatefulSet has no selector; write one that matches the labels of its pods
        line 19, column 8: items is a mapping; expected a list of objects
        line 15, column 3: Namespace objects belong to no namespace, so no quota counts them
        "#);
    }

    #[test]
    fn limits_of_files_are_not_applied() {
        let quota = "{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, spec: {hard: {pods: '9'}}}\n";
        let scaler = |most: &str| {
            format!(
                "{{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {{name: h}}, spec: {{{most}}}}}\n"
            )
        };
        let class = |default: bool| {
            format!(
                "{{apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {{name: p}}, globalDefault: {default}}}\n"
            )
        };
        let documents = [
            quota,
            quota,
            "{apiVersion: v1, kind: LimitRange, metadata: {name: l}}\n",
            &scaler("minReplicas: 2, maxReplicas: 9"),
            &scaler("maxReplicas: 1"),
            &scaler(""),
            &class(true),
            &class(false),
        ];
        let mut found = shown(&documents.join("---\n"));
        found = found.lines().filter(|line| line.starts_with("line")).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(found, @"
        line 1, column 1: the limits of a ResourceQuota in a file are not applied, as tools cannot change quotas; those of the namespace are
        line 5, column 1: the limits and defaults of a LimitRange in a file are not applied, as tools cannot change them; those of the namespace are
        line 7, column 118: a HorizontalPodAutoscaler may start up to 9 pods; only the replicas that its target states are counted
        line 9, column 102: a HorizontalPodAutoscaler may start up to 1 pod; only the replicas that its target states are counted
        line 13, column 1: PriorityClass objects belong to no namespace, so no quota counts them
        line 13, column 93: the default priority class of a file is not applied, as tools cannot change it
        line 15, column 1: PriorityClass objects belong to no namespace, so no quota counts them
        ");
    }

    #[test]
    fn every_wrong_value_of_an_object_is_an_error() {
        let text = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec:\n  replicas: two\n  selector: x\n  \
                    template: {spec: {hostNetwork: \"no\", containers: [{name: a, image: x, command: sleep}]}}\n";
        insta::assert_snapshot!(shown(text), @r#"
        line 5, column 13: found string "two"; expected a whole number
        line 6, column 13: found string "x"; expected a mapping
        line 7, column 34: found string "no"; expected a boolean
        line 7, column 82: found string "sleep"; expected a list
        "#);
    }

    #[test]
    fn versions_match_the_kind() {
        let found = |version: &str, kind: &str| {
            shown(&format!("{{apiVersion: {version}, kind: {kind}, metadata: {{name: a}}}}\n"))
        };
        let errors = [
            ("extensions/v1beta1", "Ingress"),
            ("networking.k8s.io/v1beta1", "Ingress"),
            ("apps/v1", "Ingress"),
            ("extensions/v1beta1", "NetworkPolicy"),
            ("networking.k8s.io/v2", "NetworkPolicy"),
            ("batch/v1beta1", "CronJob"),
            ("batch/v1", "Deployment"),
            ("v2", "Secret"),
            ("autoscaling/v2beta1", "HorizontalPodAutoscaler"),
            ("extensions/v1beta1", "PodSecurityPolicy"),
            ("extensions/v1beta1", "Pony"),
            ("apps/v2", "Pony"),
        ];
        insta::assert_snapshot!(errors.map(|(version, kind)| found(version, kind)).join("\n"), @r#"
        line 1, column 14: the cluster has no Ingress in "extensions/v1beta1"; write `apiVersion: networking.k8s.io/v1`
        line 1, column 14: the cluster has no Ingress in "networking.k8s.io/v1beta1"; write `apiVersion: networking.k8s.io/v1`
        line 1, column 14: the cluster has no Ingress in "apps/v1"; write `apiVersion: networking.k8s.io/v1`
        line 1, column 14: the cluster has no NetworkPolicy in "extensions/v1beta1"; write `apiVersion: networking.k8s.io/v1`
        line 1, column 14: the cluster has no NetworkPolicy in "networking.k8s.io/v2"; write `apiVersion: networking.k8s.io/v1`
        line 1, column 14: the cluster has no CronJob in "batch/v1beta1"; write `apiVersion: batch/v1`
        line 1, column 14: the cluster has no Deployment in "batch/v1"; write `apiVersion: apps/v1`
        line 1, column 14: the cluster has no Secret in "v2"; write `apiVersion: v1`
        line 1, column 14: the cluster has no HorizontalPodAutoscaler in "autoscaling/v2beta1"; write `apiVersion: autoscaling/v2`
        line 1, column 14: PodSecurityPolicy is gone from Kubernetes
        line 1, column 14: the cluster does not serve "extensions/v1beta1"
        line 1, column 29: unknown kind "Pony"
        "#);
        for (version, kind) in [
            ("autoscaling/v1", "HorizontalPodAutoscaler"),
            ("events.k8s.io/v1", "Event"),
            ("gateway.networking.k8s.io/v1beta1", "HTTPRoute"),
            ("networking.k8s.io/v1", "Ingress"),
            ("networking.internal.knative.dev/v1alpha1", "Ingress"),
            ("serving.knative.dev/v1", "Service"),
        ] {
            assert_eq!(found(version, kind), format!("1: {kind} a"), "{version}");
        }
    }

    #[test]
    fn unknown_kinds_are_objects() {
        assert_eq!(shown("{apiVersion: example.com/v1, kind: Pony, metadata: {name: a}}\n"), "1: Pony a");
    }

    #[test]
    fn number_of_objects_is_bounded() {
        let item = "- {apiVersion: v1, kind: Secret, metadata: {name: a}}\n";
        let found = read(&format!("apiVersion: v1\nkind: List\nitems:\n{}", item.repeat(MOST_OBJECTS + 2)));
        assert_eq!((found.manifests.len(), found.errors.len()), (MOST_OBJECTS, 1));
    }
}
