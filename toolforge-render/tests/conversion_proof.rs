//! A converted file, read again, renders the objects that were converted, but for what the notes name.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use serde_json::Value;
use toolforge_images::Catalog;
use toolforge_model::{JobsFile, ToolName};
use toolforge_render::convert::{ConversionNote, Converter, with_current_version};
use toolforge_render::manifest::{Manifests, file_documents};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::Object;

/// The values of an object that contain no others, with their JSON Pointers.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                let key = key.replace('~', "~0").replace('/', "~1");
                leaves(value, &format!("{pointer}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{pointer}/{index}"), found);
            }
        }
        value => found.push((pointer.to_owned(), value.clone())),
    }
}

/// Returns whether a field names an object, or is one that the platform sets in every pod: its home and its command line.
fn is_own(pointer: &str, value: &Value, tool: &ToolName) -> bool {
    let names = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];
    let fields = ["/command/", "/args/", "/containers/0/name"];
    let of_server =
        ["/status/", "/metadata/creationTimestamp", "/metadata/generation", "/metadata/managedFields/"];
    let ids = ["/metadata/resourceVersion", "/metadata/uid"];
    let mut of_server = of_server.into_iter().chain(ids);
    of_server.any(|start| pointer.starts_with(start))
        || names.contains(&pointer)
        // The default of `latest`.
        || (pointer.ends_with("/imagePullPolicy") && *value == "Always")
        || pointer.starts_with("/spec/selector/")
        || fields.iter().any(|field| pointer.contains(field))
        || *value == "HOME"
        || *value == tool.home().as_str()
}

/// Returns the fields of the workloads of a file that the jobs of the converted file have otherwise, and that no note names.
fn unproven(text: &str, tool: &str) -> Vec<String> {
    let tool: ToolName = tool.parse().unwrap();
    let namespace = Namespace::new(&tool, Catalog::bundled());
    let mut manifests = Manifests::default();
    for document in &file_documents(text).documents {
        manifests.read(&with_current_version(&document.node), &tool);
    }
    let mut converter = Converter::new(&namespace, None);
    converter.add_manifests(&manifests.manifests);
    let conversion = converter.finish();
    let file = JobsFile::parse(&conversion.to_yaml(), &tool).unwrap();
    assert_eq!(file.jobs.len(), conversion.jobs.len());
    let mut found = Vec::new();
    for (converted, read) in conversion.jobs.iter().zip(&file.jobs) {
        assert_eq!(converted.request, read.request);
        let manifest = manifests.manifests.iter().find(|found| found.location == converted.location).unwrap();
        let (before, mut wanted) = (manifest.to_json(), Vec::new());
        leaves(&before, "", &mut wanted);
        let objects = namespace.job(read.request.clone()).map(|plan| plan.objects).unwrap_or_default();
        let kind = before["kind"].as_str().unwrap();
        // A pod is a part of the job's object.
        if kind == "Pod" {
            continue;
        }
        let after =
            objects.iter().map(Object::to_json).find(|object| object["kind"] == kind).unwrap_or_default();
        let is_noted = |pointer: &str| {
            converted.notes.iter().any(|note| match note {
                ConversionNote::Field { object: None, path, .. } | ConversionNote::Amount { path, .. } => {
                    let noted = path.pointer();
                    pointer.strip_prefix(&noted).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
                }
                ConversionNote::ReplacedImage { .. }
                | ConversionNote::RenamedImage { .. }
                | ConversionNote::Unplanned { .. } => pointer.ends_with("/image"),
                _ => false,
            })
        };
        found.extend(
            wanted
                .into_iter()
                .filter(|(pointer, value)| after.pointer(pointer) != Some(value))
                .filter(|(pointer, value)| !is_own(pointer, value, &tool) && !is_noted(pointer))
                .map(|(pointer, value)| {
                    format!("{manifest} {pointer}: {value}, {:?}", after.pointer(&pointer))
                }),
        );
    }
    found
}

#[test]
fn converted_files_render_the_same_objects() {
    let read = |name: &str| toolforge_fixtures::read(name);
    for (name, tool) in [
        ("lint/seed/cronjobs.yaml", "wikiloveslove"),
        ("lint/seed/deployment.yaml", "stashbot"),
        ("lint/clean.yaml", "stashbot"),
        ("facts/by-hand.yaml", "tf-test"),
    ] {
        assert_eq!(unproven(&read(name), tool), [""; 0], "{name}");
    }
}
