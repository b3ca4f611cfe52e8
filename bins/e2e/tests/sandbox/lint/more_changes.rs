//! Changes of one field that people write less often.

use serde_json::{Value, json};

use super::manifests::{
    CONFIG_MAP, CRON_JOB, DEPLOYMENT, HTTP_ROUTE, INGRESS, JOB, NETWORK_POLICY, SECRET, SERVICE, STATEFUL_SET,
};

/// Returns changes of a pod's spec.
pub(super) fn of_pod() -> Vec<(&'static str, Value)> {
    let volume = |source: Value| {
        let mut volume = source;
        volume["name"] = json!("cache");
        json!([volume])
    };
    let spread = |constraint: Value| json!([constraint]);
    vec![
        ("/tolerations", json!([{"key": "a", "effect": "X"}])),
        ("/tolerations", json!([{"key": "a", "operator": "Exists", "effect": ""}])),
        (
            "/topologySpreadConstraints",
            spread(json!({"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "X"})),
        ),
        (
            "/topologySpreadConstraints",
            spread(
                json!({"maxSkew": 1, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "ScheduleAnyway"}),
            ),
        ),
        ("/topologySpreadConstraints", spread(json!({"maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}))),
        (
            "/affinity",
            json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": []}}}),
        ),
        (
            "/affinity",
            json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 0, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}},
            ]}}),
        ),
        (
            "/affinity",
            json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "Is"}]}},
            ]}}),
        ),
        (
            "/affinity",
            json!({"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [{"labelSelector": {}}]}}),
        ),
        (
            "/affinity",
            json!({"podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 5, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname", "labelSelector": {}}},
            ]}}),
        ),
        ("/securityContext", json!({"seccompProfile": {"type": "X"}})),
        ("/securityContext", json!({"seccompProfile": {"type": "RuntimeDefault"}})),
        ("/containers/0/securityContext", json!({"seccompProfile": {"type": "X"}})),
        ("/dnsConfig", json!({"nameservers": ["x"]})),
        ("/dnsConfig", json!({"nameservers": ["10.0.0.1"]})),
        ("/os", json!({"name": "x"})),
        ("/os", json!({"name": "linux"})),
        ("/preemptionPolicy", json!("X")),
        ("/volumes", volume(json!({"configMap": {"name": "a", "defaultMode": 99_999}}))),
        ("/volumes", volume(json!({"configMap": {"name": "a", "defaultMode": 420}}))),
        ("/volumes", volume(json!({"configMap": {"name": "a", "items": [{"key": "a", "path": "../b"}]}}))),
        ("/volumes", volume(json!({"configMap": {"name": "a", "items": [{"key": "a", "path": "b/c"}]}}))),
        ("/volumes", volume(json!({"secret": {"secretName": "a", "items": [{"path": "b"}]}}))),
        ("/containers/0/livenessProbe/httpGet/httpHeaders", json!([{"name": "a b", "value": "c"}])),
        ("/containers/0/livenessProbe/httpGet/httpHeaders", json!([{"name": "X-A", "value": "c"}])),
        ("/containers/0/lifecycle", json!({"preStop": {"sleep": {"seconds": -1}}})),
        ("/containers/0/lifecycle", json!({"preStop": {"sleep": {"seconds": 600}}})),
        (
            "/containers/0/env",
            json!([{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "a b"}}}]),
        ),
        (
            "/containers/0/env",
            json!([{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "a.b"}}}]),
        ),
        ("/ephemeralContainers", json!([{"name": "debug", "image": "a"}])),
        ("/containers/0/resources/requests/cpu", json!("1100m")),
        ("/securityContext", json!({"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "x"}})),
        ("/securityContext", json!({"appArmorProfile": {"type": "RuntimeDefault"}})),
        ("/securityContext", json!({"appArmorProfile": {"type": "RuntimeDefault", "localhostProfile": "x"}})),
        ("/securityContext", json!({"appArmorProfile": {"type": "Localhost"}})),
        ("/securityContext", json!({"supplementalGroupsPolicy": "Some"})),
        (
            "/topologySpreadConstraints",
            spread(
                json!({"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "ScheduleAnyway", "minDomains": 2}),
            ),
        ),
        (
            "/topologySpreadConstraints",
            spread(
                json!({"maxSkew": 1, "topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "minDomains": 2}),
            ),
        ),
        (
            "/affinity",
            json!({"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "preference": {"matchExpressions": [{"key": "a", "operator": "Gt", "values": ["1", "2"]}]}},
            ]}}),
        ),
        (
            "/affinity",
            json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [
                {"topologyKey": "a", "labelSelector": {"matchExpressions": [{"key": "a", "operator": "In"}]}},
            ]}}),
        ),
        ("/containers/0/volumeMounts/0/mountPropagation", json!("Both")),
        ("/containers/0/volumeMounts/0/mountPropagation", json!("HostToContainer")),
        ("/containers/0/volumeMounts/0/recursiveReadOnly", json!("Enabled")),
        ("/containers/0/volumeMounts/0/recursiveReadOnly", json!("Disabled")),
    ]
}

/// Returns changes of any object.
pub(super) fn of_object() -> Vec<(&'static str, Value)> {
    vec![
        ("/metadata/ownerReferences", json!([{"kind": "X"}])),
        ("/metadata/annotations", json!({"a": "x".repeat(262_145)})),
        ("/metadata/generateName", json!("A_b")),
        ("/metadata/generateName", json!("a-")),
    ]
}

/// Returns changes of objects of a kind.
pub(super) fn of_kind(kind: &str) -> Vec<(&'static str, Value)> {
    match kind {
        CONFIG_MAP => {
            vec![("/data/a", json!("x".repeat(1_100_000))), ("/data/a", json!("x".repeat(900_000)))]
        }
        SECRET => vec![("/stringData", json!({"c": "x".repeat(1_100_000)}))],
        STATEFUL_SET => vec![
            ("/spec/podManagementPolicy", json!("X")),
            ("/spec/podManagementPolicy", json!("Parallel")),
            ("/spec/updateStrategy", json!({"type": "X"})),
            ("/spec/updateStrategy", json!({"type": "OnDelete"})),
            ("/spec/updateStrategy", json!({"type": "OnDelete", "rollingUpdate": {"partition": 1}})),
            ("/spec/updateStrategy", json!({"rollingUpdate": {"partition": -1}})),
            ("/spec/ordinals", json!({"start": -1})),
            ("/spec/replicas", json!(-1)),
            ("/spec/selector", Value::Null),
            ("/spec/serviceName", Value::Null),
        ],
        SERVICE => vec![
            ("/spec/clusterIP", json!("foo")),
            ("/spec/selector", json!({"a": "b c"})),
            ("/spec/selector", json!({"a b": "c"})),
            ("/spec/externalTrafficPolicy", json!("Local")),
            ("/spec/internalTrafficPolicy", json!("X")),
            ("/spec/internalTrafficPolicy", json!("Local")),
            ("/spec/ipFamilyPolicy", json!("X")),
            ("/spec/sessionAffinityConfig", json!({"clientIP": {"timeoutSeconds": 5}})),
            ("/spec/loadBalancerClass", json!("a/b")),
            ("/spec/allocateLoadBalancerNodePorts", json!(false)),
            ("/spec/loadBalancerSourceRanges", json!(["10.0.0.0/8"])),
            ("/spec/healthCheckNodePort", json!(30_000)),
            ("/spec", json!({"type": "ExternalName", "externalName": "a.example", "clusterIP": "10.0.0.1"})),
            (
                "/spec",
                json!({"type": "ExternalName", "externalName": "a.example", "ipFamilyPolicy": "SingleStack"}),
            ),
        ],
        JOB => vec![
            ("/spec/manualSelector", json!(true)),
            ("/spec/template/metadata/labels/controller-uid", json!("x")),
            (
                "/spec/template/metadata/labels",
                json!({"name": "a", "toolforge": "tool", "batch.kubernetes.io/controller-uid": "x"}),
            ),
            ("/spec/template/metadata/labels/job-name", json!("other")),
            ("/spec/template/metadata/labels/job-name", json!("a")),
        ],
        CRON_JOB => vec![
            ("/spec/jobTemplate/spec/template/metadata/labels/controller-uid", json!("x")),
            ("/spec/jobTemplate/spec/template/metadata/labels/job-name", json!("a")),
            ("/spec/jobTemplate/spec/manualSelector", json!(true)),
        ],
        DEPLOYMENT => vec![
            ("/spec/strategy", json!({"rollingUpdate": {"maxSurge": -1}})),
            ("/spec/strategy", json!({"rollingUpdate": {"maxUnavailable": -1}})),
            ("/spec/strategy", json!({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}})),
            ("/spec/selector/matchExpressions", json!([{"key": "name", "operator": "In"}])),
            (
                "/spec/selector/matchExpressions",
                json!([{"key": "name", "operator": "Exists", "values": ["a"]}]),
            ),
        ],
        HTTP_ROUTE => of_route(),
        NETWORK_POLICY => vec![
            ("/spec/ingress", json!([{"ports": [{"port": 90, "endPort": 80}]}])),
            ("/spec/ingress", json!([{"ports": [{"port": 80, "endPort": 90}]}])),
            ("/spec/ingress", json!([{"ports": [{"endPort": 80}]}])),
            ("/spec/ingress", json!([{"from": [{}]}])),
            ("/spec/ingress", json!([{"from": [{"podSelector": {}}]}])),
            ("/spec/ingress", json!([{"from": [{"podSelector": {}, "ipBlock": {"cidr": "10.0.0.0/8"}}]}])),
            ("/spec/podSelector", json!({"matchExpressions": [{"key": "a", "operator": "In"}]})),
            (
                "/spec/podSelector",
                json!({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}),
            ),
        ],
        INGRESS => vec![
            ("/spec/tls", json!([{"hosts": ["x_y"]}])),
            ("/spec/tls", json!([{"hosts": ["*.a.example"]}])),
        ],
        _ => Vec::new(),
    }
}

/// Returns changes of an `HTTPRoute` that the linter knows: the cluster checks its other fields.
fn of_route() -> Vec<(&'static str, Value)> {
    let filters = |filter: Value| ("/spec/rules", json!([{"filters": [filter]}]));
    vec![
        ("/metadata/name", json!("Upper")),
        ("/metadata/name", json!("")),
        ("/metadata/labels/name", json!("not a label!")),
        ("/metadata/namespace", json!("tool-other")),
        ("/spec/hostnames", json!(["other.localhost"])),
        ("/spec/hostnames", Value::Null),
        ("/spec/rules/0/backendRefs", json!([{"name": "a"}])),
        ("/spec/rules/0/backendRefs", json!([{"name": "a", "port": 80_000}])),
        ("/spec/rules/0/backendRefs", json!([{"name": "", "port": 80}])),
        ("/spec/rules/0/matches", json!([{"path": {"type": "Exact", "value": "/a"}, "method": "POST"}])),
        ("/spec/rules/0/matches", json!([{"path": {"type": "Prefix", "value": "/a"}}])),
        ("/spec/rules/0/matches", json!([{"path": {"type": "PathPrefix", "value": "a"}}])),
        ("/spec/rules/0/matches", json!([{"path": {"type": "PathPrefix", "value": "/a//b"}}])),
        ("/spec/rules/0/matches", json!([{"method": "get"}])),
        (
            "/spec/rules/0/filters",
            json!([{"type": "RequestRedirect", "requestRedirect": {"statusCode": 301}}]),
        ),
        filters(json!({"type": "RequestRedirect", "requestRedirect": {"statusCode": 301}})),
        filters(json!({"type": "RequestRedirect"})),
        filters(json!({"type": "URLRewrite", "requestRedirect": {"statusCode": 301}})),
        filters(json!({"type": "URLRewrite", "urlRewrite": {"hostname": "a.example"}})),
        filters(json!({
            "type": "RequestRedirect",
            "requestRedirect": {"path": {"type": "ReplacePrefixMatch", "replaceFullPath": "/a"}},
        })),
    ]
}
