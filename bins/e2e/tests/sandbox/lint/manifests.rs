//! Generated manifests: clean ones, and changes of one field.

use serde_json::{Value, json};

use super::more_changes;
use crate::random::Random;

/// An image that the catalog and the sandbox have.
pub(super) const IMAGE: &str = "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest";

pub(super) const DEPLOYMENT: &str = "Deployment";
pub(super) const CRON_JOB: &str = "CronJob";
pub(super) const JOB: &str = "Job";
pub(super) const POD: &str = "Pod";
pub(super) const SERVICE: &str = "Service";
pub(super) const CONFIG_MAP: &str = "ConfigMap";
pub(super) const SECRET: &str = "Secret";
pub(super) const INGRESS: &str = "Ingress";
pub(super) const HTTP_ROUTE: &str = "HTTPRoute";
pub(super) const ENDPOINTS: &str = "Endpoints";
pub(super) const NETWORK_POLICY: &str = "NetworkPolicy";
pub(super) const REPLICA_SET: &str = "ReplicaSet";
pub(super) const STATEFUL_SET: &str = "StatefulSet";

/// The public domain of the sandbox.
pub(super) const DOMAIN: &str = "localhost";

/// Returns an object that the API server accepts, with random values.
pub(super) fn clean(random: &mut Random, kind: &str, tool: &str) -> Value {
    let metadata =
        json!({"name": random.pick(&["a", "bot-1", "daily"]), "labels": {"name": "a", "toolforge": "tool"}});
    let spec = match kind {
        DEPLOYMENT | REPLICA_SET => json!({
            "replicas": random.below(2), "selector": {"matchLabels": {"name": "a"}}, "template": template(random, "Always"),
        }),
        STATEFUL_SET => json!({
            "replicas": random.below(2), "serviceName": "a", "selector": {"matchLabels": {"name": "a"}},
            "template": template(random, "Always"),
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
        INGRESS => {
            let backend = json!({"service": {"name": "a", "port": {"number": 8000}}});
            let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
            json!({"rules": [{"host": format!("{tool}.{DOMAIN}"), "http": {"paths": [path]}}]})
        }
        HTTP_ROUTE => json!({
            "parentRefs": [{"name": "toolforge", "namespace": "istio-gateway"}],
            "hostnames": [format!("{tool}.{DOMAIN}")],
            "rules": [{
                "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                "backendRefs": [{"name": "a", "port": 8000}],
            }],
        }),
        NETWORK_POLICY => json!({"podSelector": {"matchLabels": {"name": "a"}}, "policyTypes": ["Ingress"]}),
        _ => Value::Null,
    };
    let api_version = match kind {
        DEPLOYMENT | REPLICA_SET | STATEFUL_SET => "apps/v1",
        CRON_JOB | JOB => "batch/v1",
        INGRESS | NETWORK_POLICY => "networking.k8s.io/v1",
        HTTP_ROUTE => "gateway.networking.k8s.io/v1",
        _ => "v1",
    };
    let mut object = json!({"apiVersion": api_version, "kind": kind, "metadata": metadata});
    match kind {
        CONFIG_MAP => object["data"] = json!({"a": "1", "b.txt": "two"}),
        SECRET => object["data"] = json!({"a": "YQ==", "tls.crt": "YQ==", "password": "YQ=="}),
        ENDPOINTS => {
            let port = json!({"name": "http", "port": 8000});
            object["subsets"] = json!([{"addresses": [{"ip": "10.1.2.3"}], "ports": [port]}]);
        }
        _ => object["spec"] = spec,
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

/// Returns volumes of which the first has a field of the pod as a file.
fn downward_api(item: &Value) -> Value {
    json!([{"name": "cache", "downwardAPI": {"items": [item]}}])
}

/// Returns what a Job does about failed pods.
fn failure_policy(rule: &Value) -> Value {
    json!({"rules": [rule]})
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
        ("/containers/0/lifecycle", json!({"preStop": {"httpGet": {"port": 8000, "scheme": "http"}}})),
        ("/containers/0/lifecycle", json!({"preStop": {"httpGet": {"path": "/"}}})),
        (
            "/containers/0/lifecycle",
            json!({"postStart": {"exec": {"command": ["true"]}, "httpGet": {"port": 8000}}}),
        ),
        ("/containers/0/restartPolicy", json!("Always")),
        (
            "/containers/0/ports",
            json!([{"name": "http", "containerPort": 8000}, {"name": "http", "containerPort": 1}]),
        ),
        ("/containers/0/volumeMounts/0/subPath", json!("a/b")),
        ("/containers/0/volumeMounts/0/subPath", json!("/a")),
        ("/containers/0/volumeMounts/0/subPath", json!("a/../b")),
        ("/containers/0/volumeMounts/0/subPathExpr", json!("../$(LANG)")),
        ("/containers/0/envFrom", json!([{}])),
        ("/containers/0/envFrom", json!([{"configMapRef": {}}])),
        ("/containers/0/envFrom", json!([{"prefix": "A_", "configMapRef": {"name": "a"}}])),
        ("/containers/0/envFrom", json!([{"configMapRef": {"name": "a"}, "secretRef": {"name": "a"}}])),
        ("/containers/0/env", json!([{"name": "A", "valueFrom": {}}])),
        (
            "/containers/0/env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
        ),
        (
            "/containers/0/env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.nam"}}}]),
        ),
        (
            "/containers/0/env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.restartPolicy"}}}]),
        ),
        (
            "/containers/0/env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}}]),
        ),
        (
            "/containers/0/env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName['a']"}}}]),
        ),
        (
            "/containers/0/env",
            json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]),
        ),
        ("/containers/0/env", json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "cpu"}}}])),
        ("/containers/0/env", json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a"}}}])),
        ("/containers/0/livenessProbe/httpGet/scheme", json!("http")),
        ("/containers/0/livenessProbe/httpGet/scheme", json!("HTTPS")),
        ("/containers/0/livenessProbe/httpGet/port", json!("8000")),
        ("/containers/0/resources/limits/mem", json!("1Gi")),
        ("/containers/0/resources/limits/pods", json!("1")),
        ("/initContainers", json!([{"name": "bot", "image": IMAGE, "command": ["true"]}])),
        ("/initContainers", json!([{"name": "init", "image": IMAGE, "command": ["true"]}])),
        (
            "/initContainers",
            json!([{"name": "init", "image": IMAGE, "livenessProbe": {"exec": {"command": ["true"]}}}]),
        ),
        (
            "/initContainers",
            json!([{"name": "init", "image": IMAGE, "lifecycle": {"preStop": {"exec": {"command": ["true"]}}}}]),
        ),
        (
            "/initContainers",
            json!([{
                "name": "init", "image": IMAGE, "restartPolicy": "Always",
                "startupProbe": {"exec": {"command": ["true"]}},
            }]),
        ),
        ("/initContainers", json!([{"name": "init", "image": IMAGE, "restartPolicy": "Never"}])),
        ("/hostAliases", json!([{"ip": "127.0.0.1", "hostnames": ["a.example"]}])),
        ("/hostAliases", json!([{"ip": "127.0.0", "hostnames": ["a.example"]}])),
        ("/hostAliases", json!([{"hostnames": ["a.example"]}])),
        ("/hostAliases", json!([{"ip": "::1", "hostnames": ["a_b"]}])),
        ("/volumes", downward_api(&json!({"path": "a", "fieldRef": {"fieldPath": "metadata.labels"}}))),
        ("/volumes", downward_api(&json!({"path": "a", "fieldRef": {"fieldPath": "spec.nodeName"}}))),
        ("/volumes", downward_api(&json!({"path": "../a", "fieldRef": {"fieldPath": "metadata.name"}}))),
        ("/volumes", downward_api(&json!({"path": "a"}))),
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
        ("/metadata/finalizers", json!(["example.org/wait"])),
        ("/metadata/finalizers", json!(["wait"])),
        ("/metadata/finalizers", json!(["orphan"])),
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
            ("/spec/jobTemplate/spec/completionMode", json!("Indexed")),
            ("/spec/jobTemplate/spec/backoffLimitPerIndex", json!(1)),
            ("/spec/jobTemplate/spec/maxFailedIndexes", json!(1)),
            ("/spec/jobTemplate/spec/podReplacementPolicy", json!("Failed")),
            ("/spec/jobTemplate/spec/podReplacementPolicy", json!("failed")),
            (
                "/spec/jobTemplate/spec/podFailurePolicy",
                failure_policy(
                    &json!({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1, 42]}}),
                ),
            ),
            (
                "/spec/jobTemplate/spec/podFailurePolicy",
                failure_policy(
                    &json!({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [0]}}),
                ),
            ),
            (
                "/spec/jobTemplate/spec/podFailurePolicy",
                failure_policy(
                    &json!({"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [2, 1]}}),
                ),
            ),
            (
                "/spec/jobTemplate/spec/podFailurePolicy",
                failure_policy(&json!({"action": "Fail", "onExitCodes": {"operator": "In", "values": [1]}})),
            ),
            (
                "/spec/jobTemplate/spec/podFailurePolicy",
                failure_policy(
                    &json!({"action": "FailIndex", "onExitCodes": {"operator": "In", "values": [1]}}),
                ),
            ),
            ("/spec/jobTemplate/spec/podFailurePolicy", failure_policy(&json!({"action": "Ignore"}))),
            (
                "/spec/jobTemplate/spec/podFailurePolicy",
                failure_policy(
                    &json!({"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}),
                ),
            ),
            (
                "/spec/jobTemplate/spec/podFailurePolicy",
                failure_policy(
                    &json!({"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget"}]}),
                ),
            ),
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
            (
                "/spec/podFailurePolicy",
                failure_policy(
                    &json!({"action": "FailJob", "onExitCodes": {"operator": "In", "values": [1]}}),
                ),
            ),
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
            ("/spec/type", json!("ExternalName")),
            ("/spec", json!({"type": "ExternalName", "externalName": "a.example."})),
            ("/spec", json!({"type": "ExternalName", "externalName": "A_b"})),
            ("/spec/ports", json!([{"name": "a", "port": 1}, {"name": "a", "port": 2}])),
        ],
        SECRET => vec![
            ("/type", json!("Opaque")),
            ("/type", json!("kubernetes.io/tls")),
            ("/type", json!("kubernetes.io/basic-auth")),
            ("/type", json!("kubernetes.io/ssh-auth")),
            ("/type", json!("kubernetes.io/dockerconfigjson")),
            ("/data", json!({"a/b": "YQ=="})),
            ("/data/a", json!("not base64!")),
            ("/data/a", json!("YWJj\nZGVm\n")),
            ("/data/a", json!("YW Jj")),
        ],
        INGRESS => vec![
            ("/spec/rules", json!([])),
            ("/spec/rules/0/host", json!("other.localhost")),
            ("/spec/defaultBackend", json!({})),
            ("/spec/defaultBackend", json!({"service": {"name": "a", "port": {"name": "http"}}})),
            ("/spec/defaultBackend", json!({"service": {"name": "a"}})),
            ("/spec/defaultBackend", json!({"service": {"name": "1a", "port": {"number": 80}}})),
            ("/spec/rules/0/http/paths", json!([])),
            ("/spec/rules/0/http/paths/0/path", json!("a")),
            ("/spec/rules/0/http/paths/0/path", json!("/a//b")),
            ("/spec/rules/0/http/paths/0/path", json!("/a/..")),
            ("/spec/rules/0/http/paths/0/path", Value::Null),
            ("/spec/rules/0/http/paths/0/pathType", Value::Null),
            ("/spec/rules/0/http/paths/0/pathType", json!("prefix")),
            ("/spec/rules/0/http/paths/0/pathType", json!("ImplementationSpecific")),
            ("/spec/rules/0/http/paths/0/backend", Value::Null),
            ("/spec/rules/0/http/paths/0/backend", json!({"service": {"port": {"number": 80}}})),
            ("/spec/rules/0/http/paths/0/backend/service/port", json!({"name": "http", "number": 80})),
            ("/spec/rules/0/http/paths/0/backend/service/port", json!({"number": 80000})),
        ],
        ENDPOINTS => vec![
            ("/subsets", json!([{"addresses": [{"ip": "10.0.0"}]}])),
            ("/subsets", json!([{"addresses": [{"ip": "127.0.0.1"}]}])),
            ("/subsets", json!([{"addresses": [{"ip": "169.254.1.1"}]}])),
            ("/subsets", json!([{"notReadyAddresses": [{"ip": "2001:db8::1"}]}])),
            ("/subsets", json!([{"ports": [{"port": 80}]}])),
        ],
        NETWORK_POLICY => vec![
            ("/spec/policyTypes", json!(["Egress"])),
            ("/spec/policyTypes", json!(["ingress"])),
            ("/spec/policyTypes", json!(["Ingress", "Egress", "Ingress"])),
            ("/spec/podSelector", json!({})),
        ],
        CONFIG_MAP => vec![
            ("/binaryData", json!({"c": "YQ=="})),
            ("/binaryData", json!({"a": "YQ=="})),
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
        "pod" => of_pod.into_iter().chain(more_changes::of_pod()).collect(),
        HTTP_ROUTE => more_changes::of_kind(HTTP_ROUTE),
        kind => {
            let own = own.into_iter().chain(more_changes::of_kind(kind));
            let of_object = of_object.into_iter().chain(more_changes::of_object());
            own.chain(of_object.filter(|_| !kind.is_empty())).collect()
        }
    }
}

/// The path of the pod's spec in an object of a kind.
fn pod_path(kind: &str) -> Option<&'static str> {
    match kind {
        DEPLOYMENT | JOB | REPLICA_SET | STATEFUL_SET => Some("/spec/template/spec"),
        CRON_JOB => Some("/spec/jobTemplate/spec/template/spec"),
        POD => Some("/spec"),
        _ => None,
    }
}

/// Changes one field at random.
pub(super) fn mutate(random: &mut Random, kind: &str, object: &mut Value) -> String {
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
