//! The recorded objects of the platform's tool of 2019 (webservice 0.74), case by case: this tool renders the same request,
//! and observes the old objects.
//!
//! Every difference is one of [`ALLOWED`], by its path and its reason; a reason that no case needs, and a case that is not
//! visited, fail the test. Amounts compare as numbers.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::{Cpu, Memory, ToolName, WebServiceOptions};
use toolforge_render::convert::{Converter, with_current_version};
use toolforge_render::manifest::{Manifests, file_documents};
use toolforge_render::namespace::Namespace;
use toolforge_render::object::Object;
use toolforge_render::web_service::{
    PlanOptions, Routing, WebServiceFacts, WebServicePlan, observe_web_service_request,
};

/// The differences from the objects of 2019: the start of the path, and the reason.
const ALLOWED: [(&str, &str); 12] = [
    ("deployment.metadata.labels", "the labels are those since webservice 0.77"),
    ("service.metadata.labels", "the labels are those since webservice 0.77"),
    ("ingress.metadata.labels", "the labels are those since webservice 0.77"),
    ("deployment.spec.selector", "the labels are those since webservice 0.77"),
    ("deployment.spec.template.metadata.labels", "the labels are those since webservice 0.77"),
    ("deployment.metadata.annotations", "what resolving would lose"),
    ("deployment.spec.strategy", "an old pod terminates only after a new one is ready"),
    (
        "deployment.spec.template.spec.containers[0].resources",
        "every pod states its limits since webservice 0.82",
    ),
    (
        "deployment.spec.template.spec.containers[0].readinessProbe",
        "traffic moves to a pod only once it listens",
    ),
    (
        "deployment.spec.template.spec.containers[0].lifecycle",
        "a terminating pod serves until every gateway has removed it",
    ),
    ("ingress.apiVersion", "the version of 2019 is gone from Kubernetes"),
    ("ingress.spec.rules[0].http", "an Ingress of today has a path, and names its Service otherwise"),
];

/// Parts that are not objects, or belong to a shell, which was one shared pod in 2019.
const OTHER_PARTS: [&str; 4] = ["is_deprecated", "label_selector", "shell_label_selector", "shell_pod"];

#[test]
fn cases_of_2019_round_trip() {
    let types: Value =
        serde_json::from_str(&toolforge_fixtures::read("parity/webservice/seed-era-0.74/_types.json"))
            .unwrap();
    let (mut visited, mut used, mut wrong) = (0, BTreeSet::new(), Vec::new());
    for path in toolforge_fixtures::files("parity/webservice/seed-era-0.74", ".json") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('_') {
            continue;
        }
        visited += 1;
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (input, expected) = (&case["input"], &case["expected"]);
        for part in expected.as_object().unwrap().keys() {
            let known = ["deployment", "service", "ingress"].contains(&part.as_str());
            assert!(known || OTHER_PARTS.contains(&part.as_str()), "{name}: {part}");
        }
        let text = |key: &str| input.get(key).and_then(Value::as_str);
        let type_name = text("wstype").unwrap();
        assert!(types.get(type_name).is_some(), "{name}: {type_name} is not among the types of 2019");
        let options = WebServiceOptions {
            type_name: Some(type_name.parse().unwrap()),
            cpu: text("cpu").map(|text| text.parse().unwrap()),
            memory: text("mem").map(|text| text.parse().unwrap()),
            replicas: input.get("replicas").map(|count| count.to_string().parse().unwrap()),
            arguments: serde_json::from_value(input.get("extra_args").cloned().unwrap_or(json!([]))).unwrap(),
            ..WebServiceOptions::default()
        };
        let tool: ToolName = text("tool").unwrap().parse().unwrap();
        let mut facts = WebServiceFacts::new(Namespace::new(&tool, catalog(type_name, expected)));
        let request = options.merge_into(&tool, None, type_name.parse().unwrap()).unwrap();
        let routing = PlanOptions::default().with_routing(Some(Routing::Ingress));
        let objects = WebServicePlan::new(request.clone(), &facts, routing).unwrap().objects();
        let objects: Vec<Value> = objects.iter().map(Object::to_json).collect();
        for (part, ours) in ["deployment", "service", "ingress"].into_iter().zip(&objects) {
            compare(&expected[part], ours, part, &mut |path, theirs, ours| match ALLOWED
                .iter()
                .find(|(allowed, _)| path.starts_with(allowed))
            {
                Some((allowed, _)) => drop(used.insert(*allowed)),
                None => wrong.push(format!("{name}: {path}: in 2019 {theirs}, here {ours}")),
            });
        }
        // And the other way round: the old objects are the request.
        facts.live.deployment = serde_json::from_value(expected["deployment"].clone()).ok();
        assert_eq!(observe_web_service_request(&facts).unwrap(), request, "{name}");
    }
    println!("{visited} cases, {} reasons for differences", used.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(visited >= 4, "only {visited} cases were visited");
    for (path, why) in ALLOWED {
        assert!(used.contains(path), "no case differs at {path}: {why}");
    }
}

#[test]
fn objects_of_2019_become_a_template() {
    let mut out = String::new();
    for path in toolforge_fixtures::files("parity/webservice/seed-era-0.74", ".json") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.starts_with('_') {
            continue;
        }
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let (type_name, expected) = (case["input"]["wstype"].as_str().unwrap(), &case["expected"]);
        let tool: ToolName = case["input"]["tool"].as_str().unwrap().parse().unwrap();
        let mut manifests = Manifests::default();
        for part in ["deployment", "service", "ingress"] {
            for document in &file_documents(&expected[part].to_string()).documents {
                manifests.read(&with_current_version(&document.node), &tool);
            }
        }
        let namespace = Namespace::new(&tool, catalog(type_name, expected));
        let mut converter = Converter::new(&namespace, None);
        converter.add_manifests(&manifests.manifests);
        let conversion = converter.finish();
        assert_eq!((conversion.jobs.len(), conversion.unconverted.len()), (0, 0), "{name}");
        assert_eq!(conversion.dependents.len(), 2, "{name}");
        out.push_str(&format!("--- {name}\n{}", conversion.web_service.unwrap().template));
    }
    assert_snapshot!(out);
}

/// Returns a catalog with the case's type, by the recorded image and runner: most no longer exist.
fn catalog(type_name: &str, expected: &Value) -> Catalog {
    let container = &expected["deployment"]["spec"]["template"]["spec"]["containers"][0];
    let image = container["image"].as_str().unwrap().trim_end_matches(":latest");
    let word = match container["command"][2].as_str().unwrap() {
        "nodejs" => "js",
        "uwsgi-python" => "python",
        other => other,
    };
    let entry = json!({type_name: {
        "state": "stable", "variants": {"webservice": {"image": image, "extra": {"wstype": word}}},
    }});
    Catalog::parse(&entry.to_string()).unwrap()
}

fn compare(theirs: &Value, ours: &Value, path: &str, found: &mut impl FnMut(&str, &Value, &Value)) {
    match (theirs, ours) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let side =
                    |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                compare(&side(left), &side(right), &format!("{path}.{key}"), found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(left, right, &format!("{path}[{index}]"), found);
            }
        }
        (theirs, ours) if theirs == ours => {}
        (Value::Null, Value::Bool(false)) | (Value::Bool(false), Value::Null) => {}
        (Value::String(left), Value::String(right))
            if path.ends_with(".cpu") && Cpu::parse_quantity(left) == Cpu::parse_quantity(right) => {}
        (Value::String(left), Value::String(right))
            if path.ends_with(".memory") && Memory::parse_quantity(left) == Memory::parse_quantity(right) => {
        }
        (theirs, ours) => found(path, theirs, ours),
    }
}
