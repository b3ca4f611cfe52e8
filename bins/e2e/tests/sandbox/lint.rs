//! The linter and the API server, with the platform's policies, agree about generated manifests.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use toolforge_e2e::{Api, Connection, Tool};
use toolforge_images::Catalog;
use toolforge_quota::{Limits, profiles};
use toolforge_render::lint::{Level, LintContext, lint};

use crate::random::Random;

/// How many manifests are generated; `TOOLFORGE_E2E_MANIFESTS` sets another number.
const MANIFESTS: usize = 1200;

/// An image that the catalog and the sandbox have.
const IMAGE: &str = "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest";

const DEPLOYMENT: &str = "Deployment";
const CRON_JOB: &str = "CronJob";
const JOB: &str = "Job";
const POD: &str = "Pod";
const SERVICE: &str = "Service";
const CONFIG_MAP: &str = "ConfigMap";

/// Returns an object that the API server accepts, with random values.
fn clean(random: &mut Random, kind: &str) -> Value {
    let metadata =
        json!({"name": random.pick(&["a", "bot-1", "daily"]), "labels": {"name": "a", "toolforge": "tool"}});
    let spec = match kind {
        DEPLOYMENT => json!({
            "replicas": random.below(3), "selector": {"matchLabels": {"name": "a"}}, "template": template(random, "Always"),
        }),
        CRON_JOB => json!({
            "schedule": random.pick(&["5 4 * * *", "*/10 * * * *", "@daily", "0 0 1,15 * mon"]),
            "concurrencyPolicy": random.pick(&["Forbid", "Replace"]),
            "jobTemplate": {"spec": {"backoffLimit": random.below(4), "template": template(random, "Never")}},
        }),
        JOB => json!({"backoffLimit": random.below(4), "template": template(random, "OnFailure")}),
        POD => template(random, "Always")["spec"].take(),
        SERVICE => {
            json!({"selector": {"name": "a"}, "ports": [{"name": "http", "port": 8000, "targetPort": 8000}]})
        }
        _ => Value::Null,
    };
    let api_version = match kind {
        DEPLOYMENT => "apps/v1",
        CRON_JOB | JOB => "batch/v1",
        _ => "v1",
    };
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
    if spec.is_null() {
        object["data"] = json!({"a": "1", "b.txt": "two"});
    } else {
        object["spec"] = spec;
    }
    object
}

fn template(random: &mut Random, restart_policy: &str) -> Value {
    let (cpu, memory) = (random.pick(&["100m", "250m", "1"]), random.pick(&["128Mi", "512Mi", "1Gi"]));
    let container = json!({
        "name": random.pick(&["bot", "run-1"]), "image": IMAGE, "command": ["/bin/sh", "-c", "sleep 60"],
        "env": [{"name": "LANG", "value": "C"}],
        "ports": [{"name": "http", "containerPort": 8000}],
        "livenessProbe": {"httpGet": {"path": "/", "port": "http"}, "periodSeconds": 30},
        "resources": {"limits": {"cpu": cpu, "memory": memory}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [{"name": "cache", "mountPath": "/cache"}],
    });
    let spec = json!({
        "restartPolicy": restart_policy, "containers": [container], "volumes": [{"name": "cache", "emptyDir": {}}],
        "terminationGracePeriodSeconds": random.below(30),
    });
    json!({"metadata": {"labels": {"name": "a", "toolforge": "tool"}}, "spec": spec})
}

/// Returns changes below an object, a pod or a container: the path and the value, `null` to remove the field.
fn changes(place: &str) -> Vec<(&'static str, Value)> {
    let of_pod = vec![
        ("/restartPolicy", json!("Sometimes")),
        ("/restartPolicy", json!("Never")),
        ("/hostNetwork", json!(true)),
        ("/hostPID", json!(true)),
        ("/containres", json!([])),
        ("/containers", json!([])),
        ("/containers", Value::Null),
        ("/terminationGracePeriodSeconds", json!(-1)),
        ("/activeDeadlineSeconds", json!(0)),
        ("/activeDeadlineSeconds", json!(600)),
        ("/volumes", Value::Null),
        ("/volumes/0/hostPath", json!({"path": "/etc"})),
        ("/volumes/0/emptyDir", json!({"medium": "Memory", "sizeLimit": "lots"})),
        ("/nodeSelector", json!({"disk": "ssd"})),
        ("/nodeSelector", json!({"disk": 5})),
        ("/dnsPolicy", json!("Mine")),
        ("/serviceAccountName", json!("Other_Account")),
        ("/securityContext", json!({"runAsUser": 0})),
        ("/securityContext", json!({"runAsNonRoot": false})),
        ("/securityContext", json!({"fsGroup": "many"})),
        ("/tolerations", json!([{"key": "a", "operator": "Exists", "effect": "NoSchedule"}])),
        ("/tolerations", json!([{"key": "a", "operator": "Exist"}])),
        ("/containers/0/name", json!("Bot_1")),
        ("/containers/0/name", Value::Null),
        ("/containers/0/image", json!("nginx:latest")),
        ("/containers/0/image", json!("docker-registry.tools.wmflabs.org/toolforge-bookworm-sssd:latest")),
        ("/containers/0/image", json!("")),
        ("/containers/0/imagePullPolicy", json!("Sometimes")),
        ("/containers/0/imagePullPolicy", json!("Never")),
        ("/containers/0/comand", json!(["x"])),
        ("/containers/0/command", json!("sleep 60")),
        ("/containers/0/args", json!(["--port", 8000])),
        ("/containers/0/args", json!(["--port", "8000"])),
        ("/containers/0/env/0/name", json!("1 A")),
        ("/containers/0/env/0/value", json!(5)),
        ("/containers/0/env/0/value", json!(true)),
        ("/containers/0/env/0/valueFrom", json!({"fieldRef": {"fieldPath": "metadata.name"}})),
        ("/containers/0/env", json!({"LANG": "C"})),
        ("/containers/0/ports/0/containerPort", json!("8000")),
        ("/containers/0/ports/0/containerPort", json!(80000)),
        ("/containers/0/ports/0/hostPort", json!(8000)),
        ("/containers/0/ports/0/name", json!("a_very_long_port_name")),
        ("/containers/0/ports/0/protocol", json!("HTTP")),
        ("/containers/0/livenessProbe/httpGet/port", json!("other")),
        ("/containers/0/livenessProbe/httpGet/port", json!(0)),
        ("/containers/0/livenessProbe/exec", json!({"command": ["true"]})),
        ("/containers/0/livenessProbe/periodSeconds", json!(0)),
        ("/containers/0/livenessProbe/periodSeconds", json!("30s")),
        ("/containers/0/livenessProbe/successThreshold", json!(2)),
        ("/containers/0/readinessProbe", json!({"periodSeconds": 5})),
        ("/containers/0/resources/limits/memory", json!("9Gi")),
        ("/containers/0/resources/limits/memory", json!("10Mi")),
        ("/containers/0/resources/limits/memory", json!("1 Gi")),
        ("/containers/0/resources/limits/memory", json!("1GB")),
        ("/containers/0/resources/limits/cpu", json!("4")),
        ("/containers/0/resources/limits/cpu", json!(0.5)),
        ("/containers/0/resources/requests/cpu", json!("2")),
        ("/containers/0/resources/requests/cpu", json!("10m")),
        ("/containers/0/resources/requests/memory", json!("-1")),
        ("/containers/0/resources/limit", json!({"cpu": "1"})),
        ("/containers/0/resources", Value::Null),
        ("/containers/0/volumeMounts/0/name", json!("other")),
        ("/containers/0/volumeMounts/0/mountPath", json!("cache:here")),
        ("/containers/0/volumeMounts/0/mountPath", Value::Null),
        ("/containers/0/securityContext", json!({"privileged": true})),
        ("/containers/0/securityContext", json!({"runAsUser": 0})),
        ("/containers/0/securityContext", json!({"capabilities": {"add": ["NET_ADMIN"]}})),
        ("/containers/0/workingDir", json!("/data/project")),
        ("/containers/0/stdin", json!("yes")),
        ("/containers/0/lifecycle", json!({"preStop": {"exec": {"command": ["true"]}}})),
        ("/containers/0/lifecycle", json!({"preStop": {}})),
    ];
    let of_object = vec![
        ("/metadata/name", json!("Upper")),
        ("/metadata/name", json!("")),
        ("/metadata/name", json!("a".repeat(53))),
        ("/metadata/name", json!("a".repeat(64))),
        ("/metadata/name", json!("a.b")),
        ("/metadata/namespace", json!("tool-other")),
        ("/metadata/lables", json!({"a": "b"})),
        ("/metadata/labels/name", json!("not a label!")),
        ("/metadata/labels/name", json!(5)),
        ("/metadata/annotations", json!({"a": "b c"})),
        ("/metadata/annotations", json!({"a": 5})),
        ("/apiVersion", json!("v2")),
        ("/kind", json!("Deploymnet")),
        ("/speck", json!({})),
    ];
    let own = match place {
        DEPLOYMENT => vec![
            ("/apiVersion", json!("extensions/v1beta1")),
            ("/apiVersion", json!("apps/v1beta2")),
            ("/spec/replicas", json!(-1)),
            ("/spec/replicas", json!("two")),
            ("/spec/replica", json!(2)),
            ("/spec/selector", Value::Null),
            ("/spec/selector/matchLabels/name", json!("b")),
            ("/spec/selector/matchExpressions", json!([{"key": "name", "operator": "In", "values": ["a"]}])),
            ("/spec/selector/matchExpressions", json!([{"key": "name", "operator": "Is", "values": ["a"]}])),
            ("/spec/strategy", json!({"type": "Recreate"})),
            ("/spec/strategy", json!({"type": "Rolling"})),
            ("/spec/strategy", json!({"type": "Recreate", "rollingUpdate": {"maxSurge": 1}})),
            (
                "/spec/strategy",
                json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 0}}),
            ),
            ("/spec/strategy", json!({"rollingUpdate": {"maxSurge": "50%"}})),
            ("/spec/strategy", json!({"rollingUpdate": {"maxSurge": "half"}})),
            ("/spec/template/metadata/labels", Value::Null),
            ("/spec/template/metadata/labels/name", json!("b")),
            ("/spec/minReadySeconds", json!(-5)),
            ("/spec/progressDeadlineSeconds", json!(5)),
            ("/spec/template", Value::Null),
        ],
        CRON_JOB => vec![
            ("/apiVersion", json!("batch/v1beta1")),
            ("/spec/schedule", json!("61 * * * *")),
            ("/spec/schedule", json!("* * * *")),
            ("/spec/schedule", json!("@dayly")),
            ("/spec/schedule", json!("0 0 31 2 *")),
            ("/spec/schedule", json!("0 0 * * sun-sat")),
            ("/spec/schedule", json!("0 0 * * 7")),
            ("/spec/schedule", json!("TZ=UTC 0 0 * * *")),
            ("/spec/schedule", json!("@every 1h")),
            ("/spec/schedule", Value::Null),
            ("/spec/schedule", json!("")),
            ("/spec/shedule", json!("@daily")),
            ("/spec/timeZone", json!("Europe/Berlin")),
            ("/spec/timeZone", json!("Europe/Berlim")),
            ("/spec/timeZone", json!("")),
            ("/spec/concurrencyPolicy", json!("forbid")),
            ("/spec/suspend", json!("no")),
            ("/spec/suspend", json!(true)),
            ("/spec/startingDeadlineSeconds", json!(-1)),
            ("/spec/successfulJobsHistoryLimit", json!(-1)),
            ("/spec/successfulJobsHistoryLimit", json!("1")),
            ("/spec/jobTemplate/spec/backoffLimit", json!(-1)),
            ("/spec/jobTemplate/spec/ttlSecondsAfterFinished", json!(60)),
            ("/spec/jobTemplate/spec/selector", json!({"matchLabels": {"name": "a"}})),
            ("/spec/jobTemplate/spec/template/spec/restartPolicy", json!("Always")),
            ("/spec/jobTemplate/spec/template/spec/restartPolicy", Value::Null),
            ("/spec/jobTemplate", Value::Null),
        ],
        JOB => vec![
            ("/spec/template/spec/restartPolicy", json!("Always")),
            ("/spec/template/spec/restartPolicy", Value::Null),
            ("/spec/backoffLimit", json!(-1)),
            ("/spec/backofLimit", json!(1)),
            ("/spec/completions", json!(-1)),
            ("/spec/parallelism", json!(-1)),
            ("/spec/completionMode", json!("Indexed")),
            ("/spec/completionMode", json!("indexed")),
            ("/spec/activeDeadlineSeconds", json!(0)),
            ("/spec/ttlSecondsAfterFinished", json!(-1)),
            ("/spec/selector", json!({"matchLabels": {"name": "a"}})),
        ],
        SERVICE => vec![
            ("/spec/type", json!("NodePort")),
            ("/spec/type", json!("Public")),
            ("/spec/ports", json!([])),
            ("/spec/ports", Value::Null),
            ("/spec/ports/0/port", json!(0)),
            ("/spec/ports/0/port", json!("8000")),
            ("/spec/ports/0/targetPort", json!("http")),
            ("/spec/ports/0/targetPort", json!("No Port")),
            ("/spec/ports/0/protocol", json!("tcp")),
            ("/spec/selector/name", json!(1)),
            ("/spec/clusterIP", json!("None")),
            ("/spec/sessionAffinity", json!("Mine")),
            ("/metadata/name", json!("1a")),
        ],
        CONFIG_MAP => vec![
            ("/data/a", json!(1)),
            ("/data/a", json!(true)),
            ("/data", json!({"a/b": "1"})),
            ("/data", json!([])),
            ("/immutable", json!(true)),
            ("/immutable", json!("true")),
            ("/spec", json!({})),
        ],
        _ => Vec::new(),
    };
    match place {
        "pod" => of_pod,
        kind => own.into_iter().chain(of_object.into_iter().filter(|_| !kind.is_empty())).collect(),
    }
}

/// The path of the pod's spec in an object of a kind.
fn pod_path(kind: &str) -> Option<&'static str> {
    match kind {
        DEPLOYMENT | JOB => Some("/spec/template/spec"),
        CRON_JOB => Some("/spec/jobTemplate/spec/template/spec"),
        POD => Some("/spec"),
        _ => None,
    }
}

/// Changes one field at random.
fn mutate(random: &mut Random, kind: &str, object: &mut Value) -> String {
    let (base, changes) = match pod_path(kind) {
        Some(path) if random.percent(60) => (path, changes("pod")),
        _ => ("", changes(kind)),
    };
    let (path, value) = changes[random.below(changes.len())].clone();
    let path = format!("{base}{path}");
    let (parent, field) = path.rsplit_once('/').unwrap();
    if let Some(parent) = object.pointer_mut(parent) {
        match parent {
            Value::Object(fields) if value.is_null() => {
                fields.remove(field);
            }
            Value::Object(fields) => {
                fields.insert(field.to_owned(), value.clone());
            }
            _ => {}
        }
    }
    format!("{path} = {value}")
}

/// Returns why the API server, or a controller, refuses an object; `None` if both accept it.
fn refusal(connection: &mut Connection, namespace: &str, object: &Value) -> Option<String> {
    let kind = object["kind"].as_str().unwrap_or_default();
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let plural = format!("{}s", kind.to_lowercase());
    let in_namespace = object["metadata"]["namespace"].as_str().unwrap_or(namespace);
    let root = if api_version.contains('/') { "apis" } else { "api" };
    let query = "dryRun=All&fieldValidation=Strict";
    let path = format!("/{root}/{api_version}/namespaces/{in_namespace}/{plural}?{query}");
    let (code, answer) = connection.try_text("POST", &path, object);
    if code != 201 {
        return Some(format!("{code} {answer}"));
    }
    // What the controllers create is checked when they do.
    let template = match kind {
        DEPLOYMENT | JOB => &object["spec"]["template"],
        CRON_JOB => &object["spec"]["jobTemplate"]["spec"]["template"],
        _ => return None,
    };
    let mut pod =
        json!({"apiVersion": "v1", "kind": POD, "metadata": template["metadata"], "spec": template["spec"]});
    pod["metadata"]["name"] = json!("of-a-controller");
    let (code, answer) =
        connection.try_text("POST", &format!("/api/v1/namespaces/{namespace}/pods?{query}"), &pod);
    (code != 201).then(|| format!("its pod: {code} {answer}"))
}

#[test]
fn lint_agrees_with_the_api_server() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let seed = variable("TOOLFORGE_E2E_SEED").unwrap_or(2026);
    let count = variable("TOOLFORGE_E2E_MANIFESTS")
        .and_then(|count| usize::try_from(count).ok())
        .unwrap_or(MANIFESTS);
    let mut random = Random::new(seed);
    let tool = Tool::new("lint");
    let namespace = tool.namespace();
    let api = Api::impersonating(tool.sandbox(), tool.name());
    let mut connection = api.connect();
    let mut context = LintContext::offline(Some(tool.name().parse().unwrap()));
    context.catalog = Catalog::parse(include_str!("../../../../fixtures/catalog/images-2026.yaml")).unwrap();
    context.limits = Limits::from(profiles::by_name("toolforge-2023").unwrap());

    let kinds = [DEPLOYMENT, DEPLOYMENT, CRON_JOB, CRON_JOB, JOB, POD, SERVICE, CONFIG_MAP];
    let mut wrong: BTreeMap<String, String> = BTreeMap::new();
    let (mut refused, mut accepted, mut disagreements) = (0, 0, 0);
    for _ in 0..count {
        let kind = random.pick(&kinds);
        let mut object = clean(&mut random, kind);
        let changed = if random.percent(85) { mutate(&mut random, kind, &mut object) } else { String::new() };
        let text = serde_json::to_string_pretty(&object).unwrap();
        let errors: Vec<String> = lint(&text, &context)
            .into_iter()
            .filter(|finding| finding.level() == Level::Error)
            .map(|finding| format!("{}: {}", finding.rule.id(), finding.message.as_raw()))
            .collect();
        let answer = refusal(&mut connection, &namespace, &object);
        match (&answer, errors.is_empty()) {
            (None, true) => accepted += 1,
            (Some(_), false) => refused += 1,
            _ => {
                disagreements += 1;
                let answer = answer.unwrap_or_else(|| "accepted".to_owned());
                let answer: String = answer.chars().take(400).collect();
                wrong.insert(format!("{kind} {changed}"), format!("{answer}\n  lint: {errors:?}"));
            }
        }
    }
    println!(
        "seed {seed}, {count} manifests: {accepted} accepted, {refused} refused, {disagreements} disagreements"
    );
    let list: Vec<String> = wrong.iter().map(|(case, found)| format!("{case}\n  {found}")).collect();
    assert!(wrong.is_empty(), "{} kinds of disagreements:\n{}", wrong.len(), list.join("\n"));
    assert!(accepted * 5 > count && refused * 5 > count, "too few of one verdict");
}
