//! Random namespaces: their quotas and LimitRanges, and the pods that are sent to them.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use toolforge_e2e::Connection;
use toolforge_quota::Limits;
use toolforge_render::namespace::limits;

use crate::random::Random;

/// The image of every pod; the sandbox admits no others.
const IMAGE: &str = "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest";

/// Priority classes, cluster-wide.
const CLASSES: [&str; 2] = ["e2e-high", "e2e-low"];

/// The runtime class with an overhead, cluster-wide.
const RUNTIME_CLASS: &str = "e2e-overhead";

/// A namespace: its quotas, with their usage, and its LimitRanges.
pub(super) struct World {
    /// The namespace's name, which no other run has: an earlier one may still be terminating.
    pub(super) namespace: String,
    quotas: Vec<Value>,
    used: Vec<Value>,
    limit_ranges: Vec<Value>,
}

impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let specs =
            |objects: &[Value]| objects.iter().map(|object| object["spec"].clone()).collect::<Value>();
        let used = Value::from(self.used.clone());
        write!(f, "quotas {} with {used}, LimitRanges {}", specs(&self.quotas), specs(&self.limit_ranges))
    }
}

impl World {
    pub(super) fn new(random: &mut Random, number: usize) -> Self {
        let namespace = format!("admission-{}-{number}-{}", random.below(1_000_000), std::process::id());
        let (mut quotas, mut used) = (Vec::new(), Vec::new());
        for index in 0..random.pick(&[1, 1, 2, 3]) {
            let (quota, counted) = quota(random, &format!("quota-{index}"));
            quotas.push(quota);
            used.push(counted);
        }
        let ranges = random.pick(&[0, 1, 1, 1, 2, 3]);
        let limit_ranges = (0..ranges).map(|index| limit_range(random, &format!("limits-{index}"))).collect();
        Self { namespace, quotas, used, limit_ranges }
    }
}

/// Amounts of a resource, in ascending order; some are not whole numbers of bytes.
fn amounts(resource: &str) -> &'static [&'static str] {
    match resource {
        "cpu" => &["50m", "0.1", "150m", "200m", "0.25", "400m", "500m", "1", "1500m", "2"],
        "memory" => {
            &["50Mi", "64M", "100Mi", "0.125Gi", "200Mi", "256Mi", "300Mi", "512Mi", "1Gi", "1.5Gi", "2Gi"]
        }
        "ephemeral-storage" => &["10Mi", "100Mi", "200M", "500Mi", "1Gi"],
        _ => &["1", "2", "3"],
    }
}

/// Returns a quota and its usage.
fn quota(random: &mut Random, name: &str) -> (Value, Value) {
    let scope = random.pick(&[
        "",
        "",
        "",
        "Terminating",
        "NotTerminating",
        "BestEffort",
        "NotBestEffort",
        "class",
        "across",
    ]);
    let compute = [
        ("pods", "count"),
        ("requests.cpu", "cpu"),
        ("cpu", "cpu"),
        ("limits.cpu", "cpu"),
        ("requests.memory", "memory"),
        ("memory", "memory"),
        ("limits.memory", "memory"),
    ];
    let others = [
        ("count/pods", "count"),
        ("requests.ephemeral-storage", "ephemeral-storage"),
        ("ephemeral-storage", "ephemeral-storage"),
        ("limits.ephemeral-storage", "ephemeral-storage"),
        ("requests.example.com/device", "device"),
        ("services", "count"),
        ("count/jobs.batch", "count"),
        ("count/unicorns.example.com", "count"),
    ];
    let mut keys: Vec<(&str, &str)> = match scope {
        "BestEffort" => vec![("pods", "count")],
        "" => compute.iter().chain(&others).copied().collect(),
        _ => compute.to_vec(),
    };
    // Most quotas limit few resources: others would require every amount of every container.
    let share = random.pick(&[12, 25, 40]);
    let first = random.pick(&keys);
    keys.retain(|key| *key == first || random.percent(share));
    let (mut hard, mut used) = (Map::new(), Map::new());
    for (key, unit) in keys {
        let (limit, counted) = match unit {
            "count" => (random.pick(&["0", "1", "2", "5"]), random.pick(&["0", "0", "1"])),
            "cpu" => (
                random.pick(&["300m", "0.5", "1", "1234m", "2", "4"]),
                random.pick(&["0", "0", "100m", "0.5"]),
            ),
            "device" => (random.pick(&["0", "1", "2"]), random.pick(&["0", "1"])),
            _ => (
                random.pick(&["128Mi", "0.3Gi", "500M", "1Gi", "1.1Gi", "2Gi", "4Gi"]),
                random.pick(&["0", "0", "64Mi", "500M"]),
            ),
        };
        hard.insert(key.to_owned(), json!(limit));
        // Both names of a resource are counted alike.
        let other_name = key.strip_prefix("requests.").unwrap_or(key);
        let counted = used
            .get(&format!("requests.{other_name}"))
            .or(used.get(other_name))
            .cloned()
            .unwrap_or(json!(counted));
        if key != "count/unicorns.example.com" {
            used.insert(key.to_owned(), counted);
        }
    }
    let spec = match scope {
        "" => json!({"hard": hard}),
        "class" => {
            let operator = random.pick(&["Exists", "DoesNotExist", "In", "NotIn"]);
            let values =
                if matches!(operator, "In" | "NotIn") { json!([random.pick(&CLASSES)]) } else { json!([]) };
            let mut selected =
                json!([{"scopeName": "PriorityClass", "operator": operator, "values": values}]);
            // A pod has to match both.
            let second = random.pick(&["", "Terminating", "NotTerminating", "NotBestEffort"]);
            if let Some(selected) = selected.as_array_mut().filter(|_| !second.is_empty()) {
                selected.push(json!({"scopeName": second, "operator": "Exists"}));
            }
            json!({"hard": hard, "scopeSelector": {"matchExpressions": selected}})
        }
        "across" => {
            let selected = json!([{"scopeName": "CrossNamespacePodAffinity", "operator": "Exists"}]);
            json!({"hard": hard, "scopeSelector": {"matchExpressions": selected}})
        }
        scope => json!({"hard": hard, "scopes": [scope]}),
    };
    let object =
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": name}, "spec": spec});
    (object, Value::Object(used))
}

/// Returns a LimitRange that the API server accepts: its amounts are in ascending order.
fn limit_range(random: &mut Random, name: &str) -> Value {
    let mut items = Vec::new();
    for (kind, share) in [("Container", 85), ("Pod", 35)] {
        if !random.percent(share) {
            continue;
        }
        let mut item = json!({"type": kind});
        for resource in ["cpu", "memory", "ephemeral-storage"] {
            if !random.percent(if resource == "ephemeral-storage" { 15 } else { 60 }) {
                continue;
            }
            let amounts = amounts(resource);
            let quarter = amounts.len() / 4 + 1;
            // A maximum or a minimum alone is common; pods below and above both exist.
            let (has_min, has_max) = (random.percent(35), random.percent(45));
            for (index, field) in ["min", "defaultRequest", "default", "max"].into_iter().enumerate() {
                let is_set = match field {
                    "min" => has_min,
                    "max" => has_max,
                    _ => kind == "Container" && random.percent(60),
                };
                if is_set {
                    let low = (index * quarter).min(amounts.len() - 1);
                    let high = (low + quarter).min(amounts.len());
                    item[field][resource] = json!(amounts[low + random.below(high - low)]);
                }
            }
            if !(has_min && has_max) && random.percent(25) {
                item["maxLimitRequestRatio"][resource] =
                    json!(random.pick(&["1", "1500m", "2", "1.234", "4"]));
            }
        }
        items.push(item);
    }
    if items.is_empty() {
        items.push(json!({"type": "Container", "default": {"cpu": "200m"}}));
    }
    json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": name}, "spec": {"limits": items}})
}

/// Returns the spec of a pod.
pub(super) fn pod_spec(random: &mut Random) -> Value {
    // Some pods state everything, some hardly anything.
    let share = random.pick(&[0, 30, 70, 100]);
    let mut spec = json!({});
    for (field, count) in
        [("containers", random.pick(&[1, 1, 1, 2, 3])), ("initContainers", random.pick(&[0, 0, 0, 1, 2]))]
    {
        for index in 0..count {
            let mut container = json!({
                "name": format!("{}{index}", &field[..1]), "image": IMAGE, "resources": resources(random, share),
            });
            if field == "initContainers" && random.percent(50) {
                container["restartPolicy"] = json!("Always");
            }
            if index == 0 {
                spec[field] = json!([]);
            }
            if let Some(list) = spec[field].as_array_mut() {
                list.push(container);
            }
        }
    }
    if random.percent(30) {
        spec["activeDeadlineSeconds"] = json!(60);
    }
    if random.percent(30) {
        spec["priorityClassName"] = json!(random.pick(&CLASSES));
    }
    if random.percent(10) {
        spec["runtimeClassName"] = json!(RUNTIME_CLASS);
        spec["overhead"] = overhead();
    }
    if random.percent(20) {
        let mut term =
            json!({"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": {"a": "b"}}});
        match random.below(3) {
            0 => term["namespaces"] = json!(["default"]),
            1 => term["namespaceSelector"] = json!({}),
            _ => {}
        }
        let (kind, is_required) = (random.pick(&["podAffinity", "podAntiAffinity"]), random.percent(50));
        spec["affinity"][kind] = if is_required {
            json!({"requiredDuringSchedulingIgnoredDuringExecution": [term]})
        } else {
            json!({"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "podAffinityTerm": term}]})
        };
    }
    spec
}

/// Returns the resources of a container; requests above the limits are among them.
fn resources(random: &mut Random, share: usize) -> Value {
    let mut resources = json!({"limits": {}, "requests": {}});
    for resource in ["cpu", "memory", "ephemeral-storage"] {
        let share = if resource == "ephemeral-storage" { share / 4 } else { share };
        let amounts = amounts(resource);
        let limit = random.below(amounts.len());
        let request = if random.percent(85) { random.below(limit + 1) } else { random.below(amounts.len()) };
        if random.percent(share) {
            resources["limits"][resource] = json!(amounts[limit]);
        }
        if random.percent(share) {
            resources["requests"][resource] = json!(amounts[request]);
        }
    }
    if random.percent(6) {
        resources["limits"]["example.com/device"] = json!("1");
    }
    resources
}

fn overhead() -> Value {
    json!({"cpu": "50m", "memory": "32Mi"})
}

/// Creates the cluster-wide classes.
pub(super) fn create_classes(connection: &mut Connection) {
    for (index, class) in CLASSES.into_iter().enumerate() {
        let object = json!({
            "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": class}, "value": index,
        });
        create_object(connection, "/apis/scheduling.k8s.io/v1/priorityclasses", &object);
    }
    let object = json!({
        "apiVersion": "node.k8s.io/v1", "kind": "RuntimeClass", "metadata": {"name": RUNTIME_CLASS},
        "handler": "none", "overhead": {"podFixed": overhead()},
    });
    create_object(connection, "/apis/node.k8s.io/v1/runtimeclasses", &object);
}

/// Creates an object; one may remain of a test that was killed.
fn create_object(connection: &mut Connection, path: &str, object: &Value) {
    let (code, answer) = connection.request("POST", path, object);
    assert!(matches!(code, 201 | 409), "{object}: {answer}");
}

/// Creates the namespaces, waits until the quotas are counted, sets their usage, and returns the stored objects.
pub(super) fn create(worlds: &[World], connection: &mut Connection) -> Vec<Limits> {
    for World { namespace, quotas, limit_ranges, .. } in worlds {
        let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
        create_object(connection, "/api/v1/namespaces", &object);
        for (plural, objects) in [("resourcequotas", quotas), ("limitranges", limit_ranges)] {
            for object in objects {
                create_object(connection, &format!("/api/v1/namespaces/{namespace}/{plural}"), object);
            }
        }
    }
    for world in worlds {
        patch_used(world, connection);
        let namespace = &world.namespace;
        let account = format!("/api/v1/namespaces/{namespace}/serviceaccounts/default");
        wait_for(connection, &account, |found| found["metadata"]["uid"].is_string());
    }
    // The admission plugins learn of it a moment later.
    std::thread::sleep(Duration::from_secs(1));
    worlds.iter().map(|world| stored_limits(connection, world)).collect()
}

/// Sets the usage of the quotas again.
pub(super) fn set_used(world: &World, connection: &mut Connection) {
    patch_used(world, connection);
    std::thread::sleep(Duration::from_secs(1));
}

fn patch_used(World { namespace, quotas, used, .. }: &World, connection: &mut Connection) {
    for (quota, used) in quotas.iter().zip(used) {
        let name = quota["metadata"]["name"].as_str().unwrap();
        let path = format!("/api/v1/namespaces/{namespace}/resourcequotas/{name}");
        wait_for(connection, &path, |found| found["status"]["used"].is_object());
        let status = json!({"status": {"used": used}});
        let (code, answer) = connection.request("PATCH", &format!("{path}/status"), &status);
        assert_eq!(code, 200, "{answer}");
    }
}

fn stored_limits(connection: &mut Connection, world: &World) -> Limits {
    let mut list = |plural: &str| {
        let path = format!("/api/v1/namespaces/{}/{plural}", world.namespace);
        connection.request("GET", &path, &Value::Null).1["items"].take()
    };
    let quotas: Vec<_> = serde_json::from_value(list("resourcequotas")).unwrap();
    let limit_ranges: Vec<_> = serde_json::from_value(list("limitranges")).unwrap();
    assert_eq!((quotas.len(), limit_ranges.len()), (world.quotas.len(), world.limit_ranges.len()));
    limits(&quotas, &limit_ranges)
}

fn wait_for(connection: &mut Connection, path: &str, is_ready: impl Fn(&Value) -> bool) {
    let begin = Instant::now();
    while !is_ready(&connection.request("GET", path, &Value::Null).1) {
        assert!(begin.elapsed() < Duration::from_secs(60), "{path} is not ready");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Deletes the namespaces and the classes.
pub(super) fn delete(worlds: &[World], connection: &mut Connection) {
    for World { namespace, .. } in worlds {
        let path = format!("/api/v1/namespaces/{namespace}");
        let _ = connection.request("DELETE", &path, &Value::Null);
    }
    for class in CLASSES {
        let path = format!("/apis/scheduling.k8s.io/v1/priorityclasses/{class}");
        let _ = connection.request("DELETE", &path, &Value::Null);
    }
    let path = format!("/apis/node.k8s.io/v1/runtimeclasses/{RUNTIME_CLASS}");
    let _ = connection.request("DELETE", &path, &Value::Null);
}
