//! Objects that something else creates: a controller, or the web service.

use toolforge_model::platform;
use toolforge_model::yaml::{YamlNode, YamlValue};

use crate::manifest::Manifest;
use crate::object::{Labels, is_shell, is_web_service};

/// The kinds of objects of a web service that need no conversion in addition to its Deployment.
const OF_WEB_SERVICE: [&str; 5] = ["HTTPRoute", "Ingress", "Pod", "ReplicaSet", "Service"];

/// Returns what creates an object: the object that controls it, like `ReplicaSet bot-5c`, or the web service.
pub(super) fn creator(manifest: &Manifest) -> Option<String> {
    let metadata = manifest.node.get("metadata")?;
    if let Some(owner) = controller(metadata) {
        return Some(owner);
    }
    let labels = labels(metadata);
    if is_shell(Some(&labels)) {
        return Some(format!("`{} shell`", platform::MANAGED_BY_WEBSERVICE));
    }
    let is_part = is_web_service(Some(&labels)) && OF_WEB_SERVICE.contains(&manifest.kind.kind.as_str());
    is_part.then(|| "the web service".to_owned())
}

/// Returns the kind and the name of the object that controls one: the owner with `controller: true`.
fn controller(metadata: &YamlNode) -> Option<String> {
    let YamlValue::Sequence(owners) = &metadata.get("ownerReferences")?.value else { return None };
    let is_controller =
        |owner: &&YamlNode| owner.get("controller").is_some_and(|found| found.scalar() == Some("true"));
    let owner = owners.iter().find(is_controller)?;
    let text = |field| owner.get(field).and_then(YamlNode::scalar).unwrap_or_default();
    Some(format!("{} {}", text("kind"), text("name")))
}

fn labels(metadata: &YamlNode) -> Labels {
    let Some(YamlValue::Mapping(pairs)) = metadata.get("labels").map(|labels| &labels.value) else {
        return Labels::new();
    };
    let pair =
        |(key, value): &(YamlNode, YamlNode)| Some((key.scalar()?.to_owned(), value.scalar()?.to_owned()));
    pairs.iter().filter_map(pair).collect()
}
