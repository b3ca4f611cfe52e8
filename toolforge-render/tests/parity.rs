//! The recorded behavior of the platform's Python tool, case by case.
//!
//! Each case of `fixtures/parity/webservice` is a request and the objects that the Python tool created for it. A
//! difference is allowed only by an entry of [`allowed`]; an entry that no case needs fails the test, and so
//! does a case that is not visited. Amounts compare as numbers, rounded up to whole millis and bytes.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;
use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::{Cpu, Memory, ToolName, WebServiceOptions};
use toolforge_render::change::ChangeSet;
use toolforge_render::namespace::Namespace;
use toolforge_render::object::Object;
use toolforge_render::web_service::{
    PlanOptions, Routing, ShellHost, ShellName, ShellOwner, ShellProcess, StartTime, WebServiceFacts,
    WebServicePlan, shell_command, shell_pod, web_service_changes,
};

/// An intended difference: the case (`*` for all), the JSON path, the value of the Python tool, the value of this tool,
/// and the reason. `null` means that the field is absent.
fn allowed() -> Vec<(&'static str, &'static str, Value, Value, &'static str)> {
    let probe = json!({"periodSeconds": 2, "tcpSocket": {"port": 8000}});
    let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}});
    vec![
        (
            "*",
            "deployment.spec.template.spec.containers[0].readinessProbe",
            Value::Null,
            probe,
            "traffic moves to a pod only once it listens",
        ),
        (
            "*",
            "deployment.spec.template.spec.containers[0].lifecycle",
            Value::Null,
            json!({"preStop": {"sleep": {"seconds": 3}}}),
            "a terminating pod serves until every gateway knows",
        ),
        (
            "*",
            "deployment.spec.strategy",
            Value::Null,
            strategy,
            "an old pod terminates only after a new one is ready",
        ),
        ("*", "deployment.metadata.annotations", Value::Null, json!("*"), "what resolving would lose"),
        ("*", "shell_pod.metadata.name", json!("*"), json!(SHELL), "two shells in one second"),
        ("*", "shell_pod.spec.containers[0].name", json!("*"), json!(SHELL), "named like the pod"),
        (
            "*",
            "shell_pod.metadata.labels.name",
            json!("*"),
            json!(SHELL_LABEL),
            "the Service of a tool with the pod's name must not select it",
        ),
        ("*", "shell_pod.metadata.annotations", Value::Null, json!("*"), "whose it is, for sweeping"),
        ("*", "shell_pod.spec.activeDeadlineSeconds", Value::Null, json!(28_800), "none is left forever"),
        ("*", "shell_pod.spec.restartPolicy", Value::Null, json!("Never"), "kubectl's --restart=Never"),
        ("*", "shell_pod.spec.containers[0].command", json!("*"), json!(KEEPER), WHAT_IS_TYPED),
        ("*", "shell_pod.spec.containers[0].stdin", json!(true), Value::Null, WHAT_IS_TYPED),
        ("*", "shell_pod.spec.containers[0].tty", json!(true), Value::Null, WHAT_IS_TYPED),
    ]
}

const SHELL: &str = "shell-1684672496-bbbbbbbb";
const SHELL_LABEL: &str = "shell-1684672496.bbbbbbbb";
const KEEPER: [&str; 3] = ["/bin/sh", "-c", "trap 'exit 0' TERM; sleep 28800 & wait"];
const WHAT_IS_TYPED: &str = "what is typed runs in the pod by exec, so that none of its output can be lost";

/// Parts of a case that are not objects of a web service.
const OTHER_PARTS: [&str; 4] = ["gridengine_external", "is_deprecated", "label_selector", "runner_type"];

#[test]
fn recorded_cases_render_as_in_the_python_tool() {
    let catalog_text = toolforge_fixtures::read("parity/webservice/_image-config.json");
    let facts = WebServiceFacts::new(Namespace::new(
        &"test".parse().unwrap(),
        Catalog::parse(&catalog_text).unwrap(),
    ));
    let mut visited = 0;
    let mut used: BTreeMap<usize, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for path in toolforge_fixtures::files("parity/webservice", ".json") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let seed_era = path.parent().unwrap().ends_with("seed-era-0.74");
        if seed_era || name.starts_with('_') || name == "quantities.json" {
            continue;
        }
        visited += 1;
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let expected = case["expected"].as_object().unwrap();
        let known = ["deployment", "service", "ingress", "shell_pod"];
        for part in expected.keys() {
            assert!(known.contains(&part.as_str()) || OTHER_PARTS.contains(&part.as_str()), "{name}: {part}");
        }
        let (plan, set) = planned(&case["input"], &facts);
        let objects: Vec<Value> = set.objects().map(Object::to_json).collect();
        // The Python tool makes this the pod's own command; here, it is run with exec.
        let typed = shell_command(&plan.request().arguments);
        assert_eq!(json!(typed), expected["shell_pod"]["spec"]["containers"][0]["command"], "{name}");
        let ours = json!({
            "deployment": objects[0],
            "service": objects[1],
            "ingress": objects[2],
            "shell_pod": shell(&case["input"], &plan),
        });
        for part in known {
            let mut differences = Vec::new();
            compare(&expected[part], &ours[part], part.to_owned(), &mut differences);
            for (path, theirs, ours) in differences {
                let entry = allowed().iter().position(|(case, allowed, was, is, _)| {
                    (*case == "*" || *case == name)
                        && *allowed == path
                        && (*was == json!("*") || *was == theirs)
                        && (*is == json!("*") || *is == ours)
                });
                match entry {
                    Some(index) => *used.entry(index).or_default() += 1,
                    None => wrong.push(format!("{name}: {path}: python {theirs}, here {ours}")),
                }
            }
        }
    }
    println!("{visited} cases, {} allowed differences", used.values().sum::<usize>());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(visited >= 12, "only {visited} cases were visited");
    for (index, (_, path, ..)) in allowed().iter().enumerate() {
        assert!(used.contains_key(&index), "no case needs the difference at {path}");
    }
}

/// Returns the pod of the shell with the name of the case.
fn shell(input: &Value, plan: &WebServicePlan) -> Value {
    let second = input["shell_name"].as_str().unwrap().strip_prefix("shell-").unwrap();
    let moment = Timestamp::from_second(second.parse().unwrap()).unwrap();
    let host = ShellHost {
        name: "bastion".to_owned(),
        boot_id: "boot".to_owned(),
        pid_namespace: "namespace".to_owned(),
    };
    let owner = ShellOwner::new("tools.test", &host, ShellProcess { pid: 42, start_time: 1 });
    serde_json::to_value(shell_pod(plan, &ShellName::new(&moment, 0), &owner)).unwrap()
}

fn planned(input: &Value, facts: &WebServiceFacts) -> (WebServicePlan, ChangeSet) {
    let text = |key: &str| input.get(key).and_then(Value::as_str);
    let mut configured: BTreeMap<&str, &str> = BTreeMap::new();
    for (key, value) in input["webservice_config"].as_object().into_iter().flatten() {
        configured.insert(key, value.as_str().unwrap());
    }
    let tool: ToolName = text("tool").unwrap().parse().unwrap();
    let known = [
        "tool",
        "wstype",
        "buildservice_image",
        "mem",
        "cpu",
        "replicas",
        "extra_args",
        "project",
        "shell_name",
        "started_at",
        "webservice_config",
    ];
    for key in input.as_object().unwrap().keys() {
        assert!(known.contains(&key.as_str()), "input {key}");
    }
    let options = WebServiceOptions {
        type_name: text("wstype").map(|name| name.parse().unwrap()),
        build_service_image: text("buildservice_image").map(|image| image.parse().unwrap()),
        mount: None,
        health_check: None,
        cpu: text("cpu").map(|text| text.parse().unwrap()),
        memory: text("mem").map(|text| text.parse().unwrap()),
        replicas: input.get("replicas").map(|count| count.to_string().parse().unwrap()),
        arguments: input["extra_args"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|word| word.as_str().unwrap().to_owned())
            .collect(),
    };
    let mut facts = facts.clone();
    if let Some(domain) = configured.remove("public_domain") {
        facts.namespace.platform.public_domain = domain.to_owned();
    }
    if let Some(repository) = configured.remove("buildservice_repository") {
        facts.namespace.platform.build_service_repository = repository.to_owned();
    }
    assert!(configured.is_empty(), "{configured:?}");
    let started_at: Option<Timestamp> =
        text("started_at").map(|moment| format!("{moment}Z").parse().unwrap());
    let plan_options = PlanOptions::default().with_routing(Some(Routing::Ingress));
    let request = options.merge_into(&tool, None, "php7.4".parse().unwrap()).unwrap();
    let plan = WebServicePlan::new(request, &facts, plan_options).unwrap();
    let set = web_service_changes(&plan, &facts, started_at.map_or(StartTime::Omit, StartTime::Always));
    (plan, set)
}

/// Adds every path at which two values differ: `null` and `false` count as absent, amounts compare as numbers.
fn compare(theirs: &Value, ours: &Value, path: String, differences: &mut Vec<(String, Value, Value)>) {
    match (theirs, ours) {
        (Value::Object(left), Value::Object(right)) => {
            let keys: std::collections::BTreeSet<_> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let side =
                    |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or(Value::Null);
                compare(&side(left), &side(right), format!("{path}.{key}"), differences);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                compare(left, right, format!("{path}[{index}]"), differences);
            }
        }
        (theirs, ours) if theirs == ours => {}
        (Value::String(left), Value::String(right)) if path.ends_with(".cpu") => {
            if Cpu::parse_quantity(left).unwrap() != Cpu::parse_quantity(right).unwrap() {
                differences.push((path, theirs.clone(), ours.clone()));
            }
        }
        (Value::String(left), Value::String(right)) if path.ends_with(".memory") => {
            if Memory::parse_quantity(left).unwrap() != Memory::parse_quantity(right).unwrap() {
                differences.push((path, theirs.clone(), ours.clone()));
            }
        }
        (Value::Null, Value::Bool(false)) | (Value::Bool(false), Value::Null) => {}
        (theirs, ours) => differences.push((path, theirs.clone(), ours.clone())),
    }
}
