//! Changes of one field that people write less often.

use serde_json::{Value, json};

use super::manifests::{
    CONFIG_MAP, CRON_JOB, DEPLOYMENT, ENDPOINTS, HTTP_ROUTE, IMAGE, INGRESS, JOB, NETWORK_POLICY, SECRET,
    SERVICE, STATEFUL_SET,
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
    .into_iter()
    .chain(names_of_pod())
    .chain(lists_of_pod())
    .chain(volumes_of_pod())
    .chain(amounts_of_pod())
    .collect()
}

/// Returns changes of the amounts of a pod, and of units of amounts.
fn amounts_of_pod() -> Vec<(&'static str, Value)> {
    let unit = |resource: &str, divisor: &str| {
        let reference = json!({"resource": resource, "divisor": divisor});
        ("/containers/0/env", json!([{"name": "A", "valueFrom": {"resourceFieldRef": reference}}]))
    };
    let pages = |name: &str, amount: &str| {
        let limits = json!({"cpu": "500m", "memory": "512Mi", name: amount});
        ("/containers/0/resources", json!({"limits": limits}))
    };
    let only = |limits: Value| ("/containers/0/resources", json!({"limits": limits}));
    vec![
        unit("limits.memory", "1024"),
        unit("limits.memory", "1024Ki"),
        unit("limits.memory", "1000"),
        unit("limits.memory", "1e3"),
        unit("limits.ephemeral-storage", "3"),
        unit("limits.ephemeral-storage", "1Mi"),
        pages("hugepages-2Mi", "3Mi"),
        pages("hugepages-2Mi", "4Mi"),
        pages("hugepages-large", "2Mi"),
        only(json!({"hugepages-2Mi": "2Mi"})),
        only(json!({"cpu": Value::Null, "memory": "512Mi"})),
        ("/containers/0/resources", json!({"limits": {"cpu": Value::Null}, "requests": {"cpu": "100m"}})),
        ("/containers/0/securityContext", json!({"procMount": "X"})),
        ("/containers/0/securityContext", json!({"procMount": "Default"})),
        ("/dnsConfig", json!({"searches": [""]})),
        ("/dnsConfig", json!({"searches": ["."]})),
    ]
}

/// Returns changes of names and classes of a pod.
fn names_of_pod() -> Vec<(&'static str, Value)> {
    let sysctl = |name: &str| json!({"sysctls": [{"name": name, "value": "1"}]});
    let reference = |kind: &str, name: &str| json!([{kind: {"name": name}}]);
    let field = |version: &str| json!([{"name": "A", "valueFrom": {"fieldRef": {"apiVersion": version, "fieldPath": "metadata.name"}}}]);
    let amount = |divisor: &str| json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": divisor}}}]);
    let device =
        |count: &str| json!({"limits": {"cpu": "500m", "memory": "512Mi", "example.org/device": count}});
    vec![
        ("/nodeName", json!("A_b")),
        ("/nodeName", json!("worker-1")),
        ("/readinessGates", json!([{"conditionType": "a b"}])),
        ("/readinessGates", json!([{"conditionType": "example.org/ready"}])),
        ("/securityContext", sysctl("a b")),
        ("/securityContext", sysctl("net.ipv4.tcp_syncookies")),
        ("/securityContext", json!({"sysctls": [{"value": "1"}]})),
        ("/securityContext", json!({"supplementalGroups": [-1]})),
        ("/priority", json!(5)),
        ("/priority", json!(0)),
        ("/overhead", json!({"cpu": "100m"})),
        ("/overhead", json!({})),
        ("/preemptionPolicy", json!("Never")),
        ("/preemptionPolicy", json!("PreemptLowerPriority")),
        ("/priorityClassName", json!("A_b")),
        ("/runtimeClassName", json!("A_b")),
        ("/schedulingGates", json!([{"name": "a b"}])),
        ("/schedulingGates", json!([{"name": "example.org/wait"}])),
        ("/schedulingGates", json!([{"name": "example.org/wait"}, {"name": "example.org/wait"}])),
        ("/tolerations", json!([{"key": "a b", "operator": "Exists"}])),
        ("/tolerations", json!([{"key": "a", "value": "x y"}])),
        ("/tolerations", json!([{"key": "a", "value": "x"}])),
        ("/containers/0/envFrom", reference("configMapRef", "A_b")),
        ("/containers/0/envFrom", reference("configMapRef", "a-")),
        ("/containers/0/envFrom", reference("secretRef", "a b")),
        ("/containers/0/envFrom", reference("secretRef", "a.b")),
        ("/containers/0/env", field("v2")),
        ("/containers/0/env", field("v1")),
        ("/containers/0/env", amount("3")),
        ("/containers/0/env", amount("1Mi")),
        ("/containers/0/resources", device("500m")),
        ("/containers/0/resources", device("1")),
    ]
}

/// Returns changes of lists of a pod.
fn lists_of_pod() -> Vec<(&'static str, Value)> {
    let policy = |policy: Value| json!([policy]);
    let constraint = |rest: Value| {
        let mut constraint = rest;
        constraint["maxSkew"] = json!(1);
        constraint["whenUnsatisfiable"] = json!("DoNotSchedule");
        constraint["topologyKey"] = json!("kubernetes.io/hostname");
        constraint
    };
    let near = |term: Value| {
        let mut term = term;
        term["topologyKey"] = json!("kubernetes.io/hostname");
        json!({"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}})
    };
    let node = |term: Value| json!({"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}});
    vec![
        ("/dnsConfig", json!({"searches": ["a b"]})),
        ("/dnsConfig", json!({"searches": ["a_b.example."]})),
        ("/dnsConfig", json!({"nameservers": ["10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"]})),
        ("/dnsConfig", json!({"options": [{"value": "2"}]})),
        ("/dnsConfig", json!({"options": [{"name": "ndots", "value": "2"}]})),
        ("/containers/0/resizePolicy", policy(json!({"resourceName": "cpu", "restartPolicy": "X"}))),
        (
            "/containers/0/resizePolicy",
            policy(json!({"resourceName": "cpu", "restartPolicy": "NotRequired"})),
        ),
        (
            "/containers/0/resizePolicy",
            policy(json!({"resourceName": "cpu", "restartPolicy": "RestartContainer"})),
        ),
        (
            "/containers/0/resizePolicy",
            policy(json!({"resourceName": "pods", "restartPolicy": "NotRequired"})),
        ),
        ("/containers/0/resizePolicy", policy(json!({"resourceName": "cpu"}))),
        (
            "/containers/0/resizePolicy",
            json!([
                {"resourceName": "cpu", "restartPolicy": "NotRequired"},
                {"resourceName": "cpu", "restartPolicy": "NotRequired"},
            ]),
        ),
        ("/containers/0/volumeDevices", json!([{"name": "x", "devicePath": "/x"}])),
        ("/containers/0/volumeDevices", json!([{"name": "cache", "devicePath": "/x"}])),
        ("/topologySpreadConstraints", json!([constraint(json!({})), constraint(json!({}))])),
        ("/topologySpreadConstraints", json!([constraint(json!({"minDomains": 0}))])),
        ("/topologySpreadConstraints", json!([constraint(json!({"matchLabelKeys": ["name"]}))])),
        (
            "/topologySpreadConstraints",
            json!([constraint(
                json!({"matchLabelKeys": ["x"], "labelSelector": {"matchLabels": {"name": "a"}}})
            )]),
        ),
        (
            "/topologySpreadConstraints",
            json!([constraint(json!({"labelSelector": {"matchLabels": {"a": "b c"}}}))]),
        ),
        ("/affinity", near(json!({"namespaces": ["A_b"]}))),
        ("/affinity", near(json!({"namespaces": ["tool-other"]}))),
        (
            "/affinity",
            near(json!({"labelSelector": {"matchExpressions": [{"key": "a b", "operator": "Exists"}]}})),
        ),
        (
            "/affinity",
            near(
                json!({"labelSelector": {"matchExpressions": [{"key": "a", "operator": "In", "values": ["b c"]}]}}),
            ),
        ),
        (
            "/affinity",
            json!({"podAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 5}]}}),
        ),
        ("/affinity", node(json!({"matchExpressions": [{"key": "a b", "operator": "Exists"}]}))),
        ("/affinity", node(json!({"matchFields": [{"key": "a", "operator": "In", "values": ["b"]}]}))),
        (
            "/affinity",
            node(json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["b"]}]})),
        ),
    ]
}

/// Returns changes of the volumes of a pod.
fn volumes_of_pod() -> Vec<(&'static str, Value)> {
    let item = |file: &str| json!([{"key": "a", "path": file}]);
    let token = |seconds: u32| json!({"projected": {"sources": [{"serviceAccountToken": {"path": "a", "expirationSeconds": seconds}}]}});
    let amount = |container: &str| {
        let resource = json!({"containerName": container, "resource": "limits.cpu", "divisor": "1m"});
        json!({"downwardAPI": {"items": [{"path": "a", "resourceFieldRef": resource}]}})
    };
    let field = |path: &str| {
        let item = json!({"path": "a", "fieldRef": {"fieldPath": path}});
        json!({"projected": {"sources": [{"downwardAPI": {"items": [item]}}]}})
    };
    let two = |first: &str, second: &str| {
        json!({"projected": {"sources": [
            {"secret": {"name": "a", "items": item(first)}}, {"configMap": {"name": "a", "items": item(second)}},
        ]}})
    };
    [
        json!({"nfs": {"server": "a", "path": "b"}}),
        json!({"nfs": {"server": "a", "path": "/b"}}),
        json!({"nfs": {"path": "/b"}}),
        json!({"projected": {"sources": [{"secret": {"name": "a"}, "configMap": {"name": "a"}}]}}),
        json!({"projected": {"sources": [{"secret": {"name": "a"}}, {"configMap": {"name": "a"}}]}}),
        json!({"projected": {"sources": [{"secret": {}}]}}),
        json!({"projected": {"sources": [{"serviceAccountToken": {}}]}}),
        token(60),
        token(600),
        two("b", "b"),
        two("b", "c"),
        field("spec.nodeName"),
        field("metadata.name"),
        amount(""),
        amount("bot"),
        json!({"ephemeral": {}}),
        json!({"csi": {}}),
        json!({"csi": {"driver": "a b"}}),
        json!({"csi": {"driver": "a".repeat(64)}}),
        json!({"projected": {"sources": [{"serviceAccountToken": {"path": "../x"}}]}}),
        json!({"projected": {"sources": [{"serviceAccountToken": {"path": "..x"}}]}}),
        json!({"configMap": {"name": "a", "items": item("..b")}}),
        json!({"gitRepo": {}}),
    ]
    .into_iter()
    .map(|source| {
        let mut volume = source;
        volume["name"] = json!("cache");
        ("/volumes", json!([volume]))
    })
    .collect()
}

/// Returns changes of any object.
pub(super) fn of_object() -> Vec<(&'static str, Value)> {
    let owner = |name: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": name, "controller": true});
    vec![
        ("/metadata/ownerReferences", json!([{"kind": "X"}])),
        ("/metadata/annotations", json!({"a": "x".repeat(262_145)})),
        ("/metadata/generateName", json!("A_b")),
        ("/metadata/generateName", json!("a-")),
        ("/metadata/ownerReferences", json!([owner("a")])),
        ("/metadata/ownerReferences", json!([owner("a"), owner("b")])),
    ]
}

/// Returns changes of objects of a kind.
pub(super) fn of_kind(kind: &str) -> Vec<(&'static str, Value)> {
    let ignored = |condition: &str| json!({"rules": [{"action": "Ignore", "onPodConditions": [{"type": condition, "status": "True"}]}]});
    let except = |range: &str| json!([{"from": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": [range]}}]}]);
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
        ENDPOINTS => vec![
            ("/subsets/0/addresses/0/hostname", json!("A_b")),
            ("/subsets/0/addresses/0/hostname", json!("a")),
            ("/subsets/0/addresses/0/nodeName", json!("A_b")),
            ("/subsets/0/addresses/0/nodeName", json!("")),
            ("/subsets/0/addresses/0/hostname", json!("")),
            ("/subsets/0/addresses/0/nodeName", json!("worker-1")),
            ("/subsets/0/ports/0/protocol", json!("X")),
            ("/subsets/0/ports/0/protocol", json!("UDP")),
        ],
        SERVICE => vec![
            ("/spec/ports/0/appProtocol", json!("a b")),
            ("/spec/ports/0/appProtocol", json!("kubernetes.io/ws")),
            ("/spec/externalIPs", json!(["x"])),
            ("/spec/externalIPs", json!(["10.0.0.1"])),
            ("/spec/externalIPs", json!(["127.0.0.1"])),
            ("/spec/externalIPs", json!(["224.0.0.1"])),
            ("/spec/clusterIPs", json!(["10.0.0.1"])),
            ("/spec/clusterIPs", json!([])),
            ("/spec/ipFamilies", json!(["IPv4", "IPv4"])),
            ("/spec/ipFamilies", json!(["IPv4"])),
            ("/spec/trafficDistribution", json!("X")),
            ("/spec/trafficDistribution", json!("PreferClose")),
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
        JOB => of_job(),
        CRON_JOB => vec![
            ("/spec/jobTemplate/spec/managedBy", json!("x")),
            ("/spec/jobTemplate/spec/managedBy", json!("example.org/robot")),
            ("/spec/jobTemplate/metadata", json!({"labels": {"a": "b c"}})),
            ("/spec/jobTemplate/metadata", json!({"labels": {"a": "b"}})),
            ("/spec/jobTemplate/spec/podFailurePolicy", ignored("a b")),
            ("/spec/jobTemplate/spec/podFailurePolicy", ignored("DisruptionTarget")),
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
            ("/spec/ingress", json!([{"ports": [{"port": "A_b"}]}])),
            ("/spec/ingress", json!([{"ports": [{"port": "http"}]}])),
            ("/spec/ingress", except("11.0.0.0/16")),
            ("/spec/ingress", except("10.1.0.0/16")),
            ("/spec/ingress", json!([{"from": [{"namespaceSelector": {"matchLabels": {"a": "b c"}}}]}])),
            ("/spec/podSelector", json!({"matchLabels": {"a": "b c"}})),
            ("/spec/podSelector", json!({"matchLabels": {"a b": "c"}})),
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
            ("/spec/tls", json!([{"hosts": ["a.example"], "secretName": "A_b"}])),
            ("/spec/tls", json!([{"hosts": ["a.example"], "secretName": "a"}])),
            ("/spec/tls", json!([{"hosts": ["x_y"]}])),
            ("/spec/tls", json!([{"hosts": ["*.a.example"]}])),
            ("/spec/defaultBackend", json!({"resource": {"apiGroup": "a.example"}})),
            ("/spec/defaultBackend", json!({"resource": {"apiGroup": "a.example", "kind": "A"}})),
            (
                "/spec/defaultBackend",
                json!({"resource": {"apiGroup": "a.example", "kind": "A", "name": "a"}}),
            ),
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

/// Returns changes of a Job.
fn of_job() -> Vec<(&'static str, Value)> {
    let template = json!({
        "metadata": {"labels": {"name": "a", "toolforge": "tool"}},
        "spec": {"restartPolicy": "Never", "containers": [{
            "name": "bot", "image": IMAGE,
        }]},
    });
    let spec = |fields: Value| {
        let mut spec = fields;
        spec["template"] = template.clone();
        ("/spec", spec)
    };
    let indexed = |fields: Value| {
        let mut fields = fields;
        fields["completionMode"] = json!("Indexed");
        fields["completions"] = json!(4);
        spec(fields)
    };
    let success = |rule: Value| indexed(json!({"successPolicy": {"rules": [rule]}}));
    let rules = |count: usize| {
        let rule = json!({"action": "Ignore", "onPodConditions": [{"type": "a", "status": "True"}]});
        spec(json!({"podFailurePolicy": {"rules": vec![rule; count]}}))
    };
    let codes = |count: u32| {
        let codes = json!({"operator": "In", "values": (1..=count).collect::<Vec<_>>()});
        spec(json!({"podFailurePolicy": {"rules": [{"action": "FailJob", "onExitCodes": codes}]}}))
    };
    vec![
        ("/spec/managedBy", json!("x")),
        ("/spec/managedBy", json!("example.org/robot")),
        ("/spec/manualSelector", json!(true)),
        ("/spec/template/metadata/labels/controller-uid", json!("x")),
        (
            "/spec/template/metadata/labels",
            json!({"name": "a", "toolforge": "tool", "batch.kubernetes.io/controller-uid": "x"}),
        ),
        ("/spec/template/metadata/labels/job-name", json!("other")),
        ("/spec/template/metadata/labels/job-name", json!("a")),
        success(json!({"succeededIndexes": "1-0"})),
        success(json!({"succeededIndexes": "1-1"})),
        success(json!({"succeededIndexes": ""})),
        success(json!({"succeededIndexes": "", "succeededCount": 1})),
        success(json!({"succeededIndexes": "2,1"})),
        success(json!({"succeededIndexes": "4"})),
        success(json!({"succeededIndexes": "0,2-3"})),
        success(json!({"succeededIndexes": "0-1", "succeededCount": 3})),
        success(json!({"succeededIndexes": "0-1", "succeededCount": 2})),
        indexed(json!({"successPolicy": {"rules": vec![json!({"succeededCount": 1}); 21]}})),
        indexed(json!({"successPolicy": {"rules": vec![json!({"succeededCount": 1}); 20]}})),
        indexed(json!({"parallelism": 100_001})),
        rules(21),
        rules(20),
        codes(256),
        codes(255),
    ]
}
