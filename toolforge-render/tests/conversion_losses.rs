//! Every field of an object is part of its job, or there is a note about it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test's own function may stop the test")]

use std::sync::LazyLock;

use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::ToolName;
use toolforge_render::convert::{
    Conversion, ConversionNote, ConvertedWebService, Converter, with_current_version,
};
use toolforge_render::manifest::{Manifests, file_documents};
use toolforge_render::namespace::Namespace;

fn tool() -> ToolName {
    "stashbot".parse().unwrap()
}

fn convert(items: &[Value]) -> Conversion {
    static NAMESPACE: LazyLock<Namespace> = LazyLock::new(|| Namespace::new(&tool(), Catalog::bundled()));
    let mut converter = Converter::new(&NAMESPACE, None);
    let mut manifests = Manifests::default();
    let text = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    for document in &file_documents(&text).documents {
        manifests.read(&with_current_version(&document.node), &tool());
    }
    assert_eq!(manifests.errors, []);
    converter.add_manifests(&manifests.manifests);
    converter.finish()
}

/// Returns everything that a user sees of a conversion.
fn output(conversion: &Conversion) -> String {
    let left = conversion
        .unconverted
        .iter()
        .map(|left| format!("{}: {}\n", left.what.escaped(), left.reason.escaped()));
    let web = conversion.web_service.as_ref().map(ConvertedWebService::to_yaml);
    [conversion.to_yaml()].into_iter().chain(web).chain(left).collect()
}

const IMAGE: &str = "docker-registry.svc.toolforge.org/toolforge-python311-sssd-base:latest";

fn probe(path: &str) -> Value {
    json!({
        "httpGet": {"path": path, "port": 8000, "scheme": "HTTPS", "host": "x", "httpHeaders": [{"name": "A", "value": "b"}]},
        "initialDelaySeconds": 7, "periodSeconds": 21, "timeoutSeconds": 4, "successThreshold": 1,
        "failureThreshold": 9, "terminationGracePeriodSeconds": 77,
    })
}

fn container(name: &str) -> Value {
    json!({
        "name": name,
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "command": ["./bot.py"],
        "args": ["--all"],
        "workingDir": "/data/project/stashbot/sub",
        "env": [
            {"name": "MODE", "value": "fast"},
            {"name": "HOME", "value": "/tmp"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "secrets", "key": "token", "optional": true}}},
            {"name": "NODE", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName", "apiVersion": "v1"}}},
        ],
        "envFrom": [{"prefix": "P_", "configMapRef": {"name": "settings", "optional": true}}],
        "ports": [
            {"name": "http", "containerPort": 8000, "protocol": "TCP", "hostPort": 8001, "hostIP": "127.0.0.1"},
            {"name": "metrics", "containerPort": 9090},
        ],
        "resources": {
            "limits": {"cpu": "700m", "memory": "1Gi", "ephemeral-storage": "1Gi"},
            "requests": {"cpu": "300m", "memory": "256Mi", "ephemeral-storage": "500Mi"},
            "claims": [{"name": "gpu", "request": "one"}],
        },
        "resizePolicy": [{"resourceName": "cpu", "restartPolicy": "NotRequired"}],
        "restartPolicy": "Always",
        "lifecycle": {"preStop": {"exec": {"command": ["./stop"]}}, "postStart": {"sleep": {"seconds": 3}}},
        "livenessProbe": probe("/live"),
        "readinessProbe": {"tcpSocket": {"port": 8000, "host": "y"}, "periodSeconds": 3},
        "startupProbe": {"grpc": {"port": 8000, "service": "s"}},
        "securityContext": {
            "runAsUser": 7, "runAsGroup": 8, "runAsNonRoot": false, "privileged": true, "readOnlyRootFilesystem": true,
            "allowPrivilegeEscalation": true, "procMount": "Unmasked", "capabilities": {"add": ["NET_ADMIN"], "drop": ["KILL"]},
            "seccompProfile": {"type": "Unconfined"},
        },
        "stdin": true, "stdinOnce": true, "tty": true,
        "terminationMessagePath": "/tmp/message", "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": [
            {"name": "home", "mountPath": "/data/project", "readOnly": true},
            {"name": "cache", "mountPath": "/data/project/stashbot/cache", "subPath": "a", "mountPropagation": "None"},
            {"name": "dumps", "mountPath": "/dumps"},
        ],
        "volumeDevices": [{"name": "disk", "devicePath": "/dev/xvda"}],
    })
}

fn pod_spec() -> Value {
    json!({
        "containers": [container("bot"), {"name": "side", "image": IMAGE, "command": ["./side"]}],
        "initContainers": [{"name": "setup", "image": IMAGE, "command": ["./setup"]}],
        "volumes": [
            {"name": "home", "hostPath": {"path": "/data/project", "type": "Directory"}},
            {"name": "cache", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}},
            {"name": "dumps", "hostPath": {"path": "/public/dumps"}},
        ],
        "restartPolicy": "OnFailure",
        "terminationGracePeriodSeconds": 99,
        "activeDeadlineSeconds": 1234,
        "dnsPolicy": "Default",
        "dnsConfig": {"nameservers": ["1.1.1.1"], "searches": ["x"], "options": [{"name": "ndots", "value": "2"}]},
        "nodeSelector": {"disk": "ssd"},
        "nodeName": "worker-1",
        "serviceAccountName": "robot",
        "automountServiceAccountToken": false,
        "hostNetwork": true, "hostPID": true, "hostIPC": true, "hostUsers": true,
        "shareProcessNamespace": true,
        "securityContext": {"fsGroup": 3, "runAsUser": 4, "runAsGroup": 5, "supplementalGroups": [6], "runAsNonRoot": false,
            "sysctls": [{"name": "a", "value": "b"}], "seccompProfile": {"type": "Unconfined"}},
        "imagePullSecrets": [{"name": "registry"}],
        "hostname": "host", "subdomain": "sub", "setHostnameAsFQDN": true,
        "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms":
            [{"matchExpressions": [{"key": "a", "operator": "In", "values": ["b"]}]}]}}},
        "schedulerName": "mine",
        "tolerations": [{"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 5}],
        "hostAliases": [{"ip": "127.0.0.1", "hostnames": ["a"]}],
        "priorityClassName": "high", "priority": 5, "preemptionPolicy": "Never",
        "readinessGates": [{"conditionType": "a"}],
        "runtimeClassName": "gvisor",
        "enableServiceLinks": false,
        "overhead": {"cpu": "1m"},
        "topologySpreadConstraints": [{"maxSkew": 2, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}],
        "os": {"name": "linux"},
    })
}

fn metadata(name: &str) -> Value {
    json!({
        "name": name,
        "labels": {"app": name, "team": "x"},
        "annotations": {"about": "text"},
        "finalizers": ["example.org/wait"],
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "u"}],
    })
}

fn template(name: &str) -> Value {
    let metadata = json!({"labels": {"app": name, "toolforge": "tool"}, "annotations": {"scrape": "yes"}});
    json!({"metadata": metadata, "spec": pod_spec()})
}

fn job_spec(name: &str) -> Value {
    json!({
        "parallelism": 2, "completions": 3, "completionMode": "Indexed", "backoffLimit": 4, "backoffLimitPerIndex": 1,
        "maxFailedIndexes": 2, "activeDeadlineSeconds": 600, "ttlSecondsAfterFinished": 100, "suspend": true,
        "podReplacementPolicy": "Failed", "managedBy": "example.org/robot",
        "podFailurePolicy": {"rules": [{"action": "Ignore", "onPodConditions": [{"type": "a", "status": "True"}]}]},
        "successPolicy": {"rules": [{"succeededCount": 1}]},
        "template": template(name),
    })
}

/// Returns an object of a kind that has every field that the kind has; with a Deployment, also its Service.
fn populated(kind: &str) -> Vec<Value> {
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata("bot"),
        "spec": {
            "replicas": 3, "minReadySeconds": 9, "paused": true, "progressDeadlineSeconds": 300, "revisionHistoryLimit": 4,
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 2, "maxUnavailable": "50%"}},
            "selector": {"matchLabels": {"app": "bot"}},
            "template": template("bot"),
        },
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": metadata("bot-web"),
        "spec": {
            "type": "NodePort", "clusterIP": "None", "externalIPs": ["1.2.3.4"], "externalName": "a.example",
            "externalTrafficPolicy": "Local", "internalTrafficPolicy": "Local", "healthCheckNodePort": 30001,
            "ipFamilies": ["IPv6"], "ipFamilyPolicy": "RequireDualStack", "loadBalancerClass": "x",
            "loadBalancerSourceRanges": ["10.0.0.0/8"], "publishNotReadyAddresses": true, "sessionAffinity": "ClientIP",
            "sessionAffinityConfig": {"clientIP": {"timeoutSeconds": 5}}, "trafficDistribution": "PreferClose",
            "allocateLoadBalancerNodePorts": false,
            "selector": {"app": "bot"},
            "ports": [
                {"name": "web", "port": 80, "targetPort": "http", "protocol": "TCP", "nodePort": 30002, "appProtocol": "http"},
                {"name": "metrics", "port": 9090, "targetPort": 9090},
            ],
        },
    });
    let cron_job = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": metadata("daily"),
        "spec": {
            "schedule": "7 3 * * *", "timeZone": "Europe/Berlin", "concurrencyPolicy": "Replace", "suspend": true,
            "startingDeadlineSeconds": 100, "successfulJobsHistoryLimit": 5, "failedJobsHistoryLimit": 6,
            "jobTemplate": {"metadata": {"labels": {"run": "x"}, "annotations": {"note": "y"}}, "spec": job_spec("daily")},
        },
    });
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata("once"), "spec": job_spec("once")});
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata("bare"), "spec": pod_spec()});
    match kind {
        "Deployment" => vec![deployment, service],
        "CronJob" => vec![cron_job],
        "Job" => vec![job],
        _ => vec![pod],
    }
}

/// Returns the JSON Pointers of the values of an object that contain no others.
fn leaves(value: &Value, pointer: &str, found: &mut Vec<String>) {
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
        _ => found.push(pointer.to_owned()),
    }
}

/// Returns another value of the same type.
fn other(value: &Value) -> Value {
    match value {
        Value::Bool(value) => json!(!value),
        Value::Number(number) => json!(number.as_i64().unwrap() + 1),
        Value::String(text) => match text.as_str() {
            "RollingUpdate" => json!("Recreate"),
            _ if text.ends_with("Mi") || text.ends_with("Gi") => json!("77Mi"),
            _ if text.ends_with('m') => json!("55m"),
            _ => json!(format!("{text}x")),
        },
        other => panic!("{other}"),
    }
}

/// Returns whether a field only names an object, selects its pods, or is one that the platform sets in every pod.
fn is_identity(pointer: &str) -> bool {
    let is_kind = pointer.ends_with("/apiVersion") || pointer.ends_with("/kind");
    let is_set = pointer.ends_with("/securityContext/runAsNonRoot");
    is_kind || is_set || pointer.starts_with("/spec/selector/") || pointer.ends_with("/containers/0/name")
}

/// Returns whether a note says that a field, or one that contains it, is not converted.
fn is_noted(conversion: &Conversion, pointer: &str) -> bool {
    conversion.jobs[0].notes.iter().any(|note| match note {
        ConversionNote::Field { object: None, path, after: None, .. } => {
            pointer.strip_prefix(&path.pointer()).is_some_and(|rest| rest.starts_with('/'))
        }
        ConversionNote::OtherContainers { names } => {
            names[0].as_raw() == "side" && pointer.contains("/containers/1/")
        }
        _ => false,
    })
}

/// The booleans that are as if `true` where they are not set, but for one that is `false` in every job.
const TRUE_IF_UNSET: [&str; 4] =
    ["allocateLoadBalancerNodePorts", "automountServiceAccountToken", "enableServiceLinks", "hostUsers"];

/// Returns the fields of objects whose change changes nothing of what a user sees.
fn silent_fields(objects: &[Value]) -> Vec<String> {
    let conversion = convert(objects);
    let before = output(&conversion);
    let mut silent = Vec::new();
    for (index, object) in objects.iter().enumerate() {
        let mut pointers = Vec::new();
        leaves(object, "", &mut pointers);
        let is_known = |pointer: &str| is_identity(pointer) || (index == 0 && is_noted(&conversion, pointer));
        pointers.retain(|pointer| !is_known(pointer));
        for pointer in pointers {
            let value = object.pointer(&pointer).unwrap();
            let mut changed = objects.to_vec();
            let other = other(value);
            *changed[index].pointer_mut(&pointer).unwrap() = other.clone();
            if output(&convert(&changed)) == before {
                silent.push(format!("{} {pointer}: {value} or {other}", object["kind"]));
            }
            if value.is_boolean() && TRUE_IF_UNSET.contains(&pointer.rsplit('/').next().unwrap()) {
                *changed[index].pointer_mut(&pointer).unwrap() = json!(false);
                let set = output(&convert(&changed));
                *changed[index].pointer_mut(&pointer).unwrap() = Value::Null;
                if output(&convert(&changed)) == set {
                    silent.push(format!("{} {pointer}: false or unset", object["kind"]));
                }
            }
        }
    }
    silent
}

#[test]
fn fields_of_a_deployment_are_kept_or_noted() {
    assert_eq!(silent_fields(&populated("Deployment")), Vec::<String>::new());
}

#[test]
fn fields_of_a_cron_job_are_kept_or_noted() {
    assert_eq!(silent_fields(&populated("CronJob")), Vec::<String>::new());
}

#[test]
fn fields_of_a_job_are_kept_or_noted() {
    assert_eq!(silent_fields(&populated("Job")), Vec::<String>::new());
}

#[test]
fn fields_of_a_pod_are_kept_or_noted() {
    assert_eq!(silent_fields(&populated("Pod")), Vec::<String>::new());
}

fn deployment(container: &Value) -> Value {
    let template = json!({"metadata": {"labels": {"app": "bot"}}, "spec": {"containers": [container]}});
    let selector = json!({"matchLabels": {"app": "bot"}});
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bot"},
        "spec": {"selector": selector, "template": template},
    })
}

fn service(name: &str, ports: &Value) -> Value {
    let spec = json!({"selector": {"app": "bot"}, "ports": ports});
    json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
}

fn bot() -> Value {
    json!({"name": "x", "image": IMAGE, "command": ["./bot.py"], "ports": [{"name": "http", "containerPort": 8000}]})
}

/// Returns the notes of the only job, those about its own fields without the values of the platform.
fn notes(conversion: &Conversion) -> Vec<String> {
    conversion.jobs[0].notes.iter().map(ToString::to_string).collect()
}

#[test]
fn port_of_a_job_is_the_target_port() {
    for target in [json!(8000), json!("http")] {
        let ports = json!([{"port": 80, "targetPort": target, "name": "a"}, {"port": 9090, "name": "m"}]);
        let conversion = convert(&[deployment(&bot()), service("bot-svc", &ports)]);
        let port = conversion.jobs[0].request.kind.port().unwrap();
        assert_eq!(port.number().get(), 8000);
        let notes: Vec<String> =
            notes(&conversion).into_iter().filter(|note| note.starts_with("Service")).collect();
        assert!(
            notes.contains(&"Service bot-svc: metadata.name: was bot-svc, is now bot".to_owned()),
            "{notes:?}"
        );
        assert!(
            notes.contains(&"Service bot-svc: spec.ports[a].port: was 80, is now 8000".to_owned()),
            "{notes:?}"
        );
        assert!(notes.iter().any(|note| note.starts_with("Service bot-svc: spec.ports[m]")), "{notes:?}");
    }
}

#[test]
fn other_services_of_the_pods_are_not_converted() {
    let first = service("web", &json!([{"port": 8000, "protocol": "SCTP"}]));
    let second = service("bot", &json!([{"port": 53, "protocol": "UDP"}]));
    let third = service("third", &json!([{"port": 8000}]));
    let conversion = convert(&[deployment(&bot()), first, third, second]);
    // The one with the name of the Deployment is preferred.
    assert_eq!(conversion.jobs[0].request.kind.port().unwrap().number().get(), 53);
    let left: Vec<&str> = conversion.unconverted.iter().map(|left| left.what.as_raw()).collect();
    assert_eq!(left, ["Service web", "Service third"]);
    assert!(conversion.unconverted[0].reason.as_raw().contains("one port of TCP or UDP"));
}

#[test]
fn probes_that_a_job_cannot_have_are_noted() {
    let mut container = bot();
    container["livenessProbe"] = json!({"httpGet": {"path": "/h", "port": 9000}, "periodSeconds": 300});
    container["readinessProbe"] = json!({"tcpSocket": {"port": 8000}});
    // Without a port, a job has no HTTP check.
    let without = convert(&[deployment(&container)]);
    assert!(notes(&without).iter().any(|note| note.contains("livenessProbe")), "{:?}", notes(&without));
    let with = convert(&[deployment(&container), service("bot", &json!([{"port": 8000}]))]);
    let notes = notes(&with);
    for expected in [
        "livenessProbe.httpGet.port: was 9000, is now 8000",
        "livenessProbe.periodSeconds: was 300",
        "readinessProbe",
    ] {
        assert!(notes.iter().any(|note| note.contains(expected)), "{expected}: {notes:?}");
    }
}

#[test]
fn entry_point_arguments_are_not_a_command() {
    let mut container = bot();
    container["command"].take();
    container["args"] = json!(["--verbose"]);
    let conversion = convert(&[deployment(&container)]);
    assert!(conversion.jobs.is_empty());
    assert!(conversion.unconverted[0].reason.as_raw().contains("entry point"));
    container["args"] = json!(["./bot.py"]);
    let conversion = convert(&[deployment(&container)]);
    assert_eq!(conversion.jobs[0].request.command, "./bot.py");
    assert!(conversion.jobs[0].notes.contains(&ConversionNote::EntryPoint));
}

#[test]
fn retries_are_at_most_those_of_a_job() {
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [bot()]}});
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"},
        "spec": {"backoffLimit": 6, "template": template},
    });
    let conversion = convert(&[job]);
    assert!(output(&conversion).contains("retry: 5\n"));
    assert!(notes(&conversion).contains(&"spec.backoffLimit: was 6, is now 5".to_owned()));
}

#[test]
fn web_service_without_pods_is_noted() {
    let mut web = deployment(&json!({
        "name": "webservice", "image": "docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest",
        "env": [{"name": "A", "value": "b"}], "args": ["--type", "lighttpd", "--foo"],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8000}},
    }));
    web["metadata"]["labels"] =
        json!({"app.kubernetes.io/component": "web", "app.kubernetes.io/managed-by": "webservice"});
    web["spec"]["replicas"] = json!(0);
    let conversion = convert(&[web]);
    let text = output(&conversion);
    assert!(!text.contains("\nreplicas:"), "{text}");
    for field in ["spec.replicas", "env[A]", "livenessProbe", "--foo"] {
        assert!(text.contains(field), "{field}: {text}");
    }
}

#[test]
fn changed_defaults_are_noted() {
    let template = json!({"spec": {"restartPolicy": "Never", "containers": [bot()]}});
    let conversion = convert(&[json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "daily"},
        "spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}},
    })]);
    let notes = notes(&conversion);
    for expected in [
        "spec.concurrencyPolicy: was Allow, is now Forbid",
        "spec.successfulJobsHistoryLimit: was 3, is now 1",
        "spec.startingDeadlineSeconds: is now 30",
        "spec.jobTemplate.spec.ttlSecondsAfterFinished: is now 30",
    ] {
        assert!(notes.iter().any(|note| note == expected), "{expected}: {notes:?}");
    }
}

/// Returns the notes about a bot with these variables.
fn notes_of_variables(env: Value) -> Vec<String> {
    let mut container = bot();
    container["env"] = env;
    notes(&convert(&[deployment(&container)]))
}

#[test]
fn each_lost_variable_is_named() {
    let env = json!([
        {"name": "A", "value": "first"}, {"name": "HOME", "value": "/tmp"}, {"name": "a.b", "value": "x"}, {"name": "A", "value": "last"},
    ]);
    let notes = notes_of_variables(env).join("\n");
    for expected in ["was first, is now last", "env[HOME]", "env[a.b]"] {
        assert!(notes.contains(expected), "{expected}: {notes}");
    }
    assert!(!notes.contains("other"), "{notes}");
}

#[test]
fn notes_have_no_secrets() {
    let mut deployment = deployment(&json!({
        "name": "bot", "image": IMAGE, "command": ["./bot.py"],
        "env": [{"name": "lower.token", "value": "hunter2222"}],
    }));
    deployment["metadata"]["annotations"] = json!({"note": "API_KEY=hunter2222 ./run"});
    let pod = &mut deployment["spec"]["template"]["spec"];
    pod["initContainers"] =
        json!([{"name": "a", "image": IMAGE, "command": ["./a", "--password", "hunter2222"]}]);
    pod["containers"][0]["lifecycle"] =
        json!({"preStop": {"exec": {"command": ["sh", "-c", "TOKEN=hunter2222 ./a"]}}});
    let notes = notes(&convert(&[deployment])).join("\n");
    assert!(!notes.contains("hunter2222"), "{notes}");
    assert!(
        notes.contains(r#"metadata.annotations: {"note":"API_KEY=*** ./run"} is not converted"#),
        "{notes}"
    );
}

#[test]
fn order_of_variables_is_noted() {
    let order = |env: Value| {
        notes_of_variables(env).into_iter().filter(|note| note.contains("$(")).collect::<Vec<_>>()
    };
    let (a, z) = (json!({"name": "A", "value": "$(Z)/x"}), json!({"name": "Z", "value": "$(Z)1 $$(A)"}));
    assert_eq!(
        order(json!([z, a])),
        ["env A refers to Z, which the job sets after it: $(Z) is no longer expanded"]
    );
    assert_eq!(order(json!([a, z])), [""; 0]);
    let (a, z) = (json!({"name": "A", "value": "1"}), json!({"name": "Z", "value": "$(A)/x"}));
    assert_eq!(order(json!([a, z])), [""; 0]);
    assert_eq!(
        order(json!([z, a])),
        ["env Z refers to A, which was set after it: $(A) was not expanded, and is now"]
    );
}

#[test]
fn unknown_fields_have_notes() {
    let labels = "labels: {a: b}";
    let text = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c}}\ndat: {{}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: \
         {{name: bot, {labels}}}\nspec:\n  foo: bar\n  selector: {{matchLabels: {{a: b}}}}\n  template:\n    metadata: \
         {{{labels}}}\n    spec:\n      containers:\n      - name: a\n        image: {IMAGE}\n        command: [./a]\n        \
         comand: [./b]\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Service\n  metadata: {{name: bot}}\n  \
         spec: {{selector: {{a: b}}, port: 1, ports: [{{port: 8000, targetport: 9}}]}}\n"
    );
    let namespace = Namespace::new(&tool(), Catalog::bundled());
    let mut converter = Converter::new(&namespace, None);
    let mut manifests = Manifests::default();
    for document in &file_documents(&text).documents {
        manifests.read(&with_current_version(&document.node), &tool());
    }
    converter.add_text(&text, &manifests.manifests);
    let conversion = converter.finish();
    let notes: Vec<String> = conversion.jobs[0]
        .notes
        .iter()
        .filter(|note| matches!(note, ConversionNote::UnknownField { .. }))
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        notes,
        [
            "spec.foo is an unknown field and is not converted",
            "spec.template.spec.containers[0].comand is an unknown field and is not converted; did you mean \"command\"?",
            "Service bot: spec.port is an unknown field and is not converted; did you mean \"ports\"?",
            "Service bot: spec.ports[0].targetport is an unknown field and is not converted; did you mean \"targetPort\"?",
        ]
    );
}
