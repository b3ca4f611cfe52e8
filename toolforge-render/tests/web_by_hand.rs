//! Web services whose objects somebody has changed by hand.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use serde_json::{Value, json};
use toolforge_images::Catalog;
use toolforge_model::{ToolName, WebServiceOptions};
use toolforge_quota::{Amounts, Bounds, LimitRange, Resource, ResourceQuota};
use toolforge_render::change::{Change, ChangeSet, StepAction};
use toolforge_render::k8s_openapi::api::apps::v1::DeploymentSpec;
use toolforge_render::k8s_openapi::api::core::v1::Pod;
use toolforge_render::namespace::Namespace;
use toolforge_render::object::{HttpRoute, Object, ObjectKind};
use toolforge_render::web_service::{
    PlanOptions, Routing, StartTime, WebServiceFacts, WebServicePlan, web_service_changes,
};

const CONTAINERS: &str = "/spec/template/spec/containers";

fn plan(memory: &str, replicas: &str, facts: &WebServiceFacts, routing: Option<Routing>) -> WebServicePlan {
    let tool: ToolName = "x".parse().unwrap();
    let options = WebServiceOptions {
        memory: Some(memory.parse().unwrap()),
        replicas: Some(replicas.parse().unwrap()),
        ..Default::default()
    };
    let request = options.merge_into(&tool, None, "php8.2".parse().unwrap()).unwrap();
    WebServicePlan::new(request, facts, PlanOptions::default().with_routing(routing)).unwrap()
}

/// Returns the facts of a web service with two pods of 512Mi, whose Deployment has been changed.
fn running(change: impl FnOnce(&mut Value)) -> WebServiceFacts {
    let mut facts = WebServiceFacts::new(Namespace::new(&"x".parse().unwrap(), Catalog::bundled()));
    facts.live = plan("512Mi", "2", &facts, None).objects().into_iter().collect();
    let mut json = serde_json::to_value(&facts.live.deployment).unwrap();
    change(&mut json);
    facts.live.deployment = serde_json::from_value(json).unwrap();
    let spec: Option<&DeploymentSpec> = (&facts.live.deployment.as_ref().unwrap().spec).into();
    let template = spec.unwrap().template.clone();
    let pod = Pod { metadata: template.metadata.unwrap(), spec: template.spec, status: None };
    facts.live.pods.extend([pod.clone(), pod]);
    facts
}

/// Makes a Deployment one of the platform's tools.
fn as_of_the_platform(deployment: &mut Value) {
    deployment["metadata"].as_object_mut().unwrap().remove("annotations");
    deployment["spec"]["strategy"] =
        json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
    let container = deployment.pointer_mut(CONTAINERS).unwrap()[0].as_object_mut().unwrap();
    for field in ["readinessProbe", "startupProbe", "livenessProbe", "lifecycle"] {
        container.remove(field);
    }
}

fn sidecar(memory: &str) -> Value {
    json!({"name": "cache", "image": "memcached", "resources": {"limits": {"memory": memory, "cpu": "100m"}}})
}

fn changes(memory: &str, replicas: &str, facts: &WebServiceFacts) -> ChangeSet {
    web_service_changes(&plan(memory, replicas, facts, None), facts, StartTime::Keep)
}

/// Returns the patch that is sent before the Deployment is applied.
fn clears(set: &ChangeSet) -> Option<Value> {
    clears_of(set, ObjectKind::Deployment)
}

fn clears_of(set: &ChangeSet, kind: ObjectKind) -> Option<Value> {
    let mut steps = set.changes.iter().flat_map(|change| &change.steps);
    let step = steps.find(|step| step.id.kind == kind).unwrap();
    match &step.action {
        StepAction::Apply { clears, .. } => clears.as_deref().cloned(),
        _ => None,
    }
}

#[test]
fn handlers_set_by_hand_are_removed() {
    let handlers = [
        ("readinessProbe", json!({"exec": {"command": ["x"]}}), "/readinessProbe/exec"),
        ("readinessProbe", json!({"httpGet": {"port": 8000}}), "/readinessProbe/httpGet"),
        ("lifecycle", json!({"preStop": {"exec": {"command": ["x"]}}}), "/lifecycle/preStop/exec"),
        ("lifecycle", json!({"preStop": {"httpGet": {"port": 8000}}}), "/lifecycle/preStop/httpGet"),
    ];
    for is_of_the_platform in [true, false] {
        for (field, value, cleared) in &handlers {
            let facts = running(|deployment| {
                if is_of_the_platform {
                    as_of_the_platform(deployment);
                }
                deployment.pointer_mut(CONTAINERS).unwrap()[0][*field] = value.clone();
            });
            let patch = clears(&changes("1Gi", "2", &facts)).unwrap();
            let container = &patch.pointer(CONTAINERS).unwrap()[0];
            assert_eq!(container.pointer(cleared), Some(&Value::Null), "{field} {value} {container}");
        }
    }
}

#[test]
fn conflicting_manual_ports_are_removed() {
    let mut facts = running(|deployment| {
        deployment.pointer_mut(CONTAINERS).unwrap()[0]["ports"] =
            json!([{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9000}]);
    });
    let ports =
        |patch: Value, pointer: &str| patch.pointer(pointer).unwrap().as_array().unwrap()[1..].to_vec();
    let patch = clears(&changes("512Mi", "2", &facts)).unwrap();
    let expected = [json!({"containerPort": 8080, "$patch": "delete"})];
    assert_eq!(ports(patch, &format!("{CONTAINERS}/0/ports")), expected);
    let service = facts.live.service.as_mut().unwrap();
    let port = &mut service.spec.as_mut().unwrap().ports.as_mut().unwrap()[0];
    (port.port, port.name) = (80, None);
    let set = changes("512Mi", "2", &facts);
    let patch = clears_of(&set, ObjectKind::Service).unwrap();
    assert_eq!(ports(patch, "/spec/ports"), [json!({"port": 80, "$patch": "delete"})]);
}

#[test]
fn handlers_do_not_cause_a_change() {
    let facts = running(|deployment| {
        as_of_the_platform(deployment);
        deployment.pointer_mut(CONTAINERS).unwrap()[0]["readinessProbe"] =
            json!({"exec": {"command": ["x"]}});
    });
    assert!(changes("512Mi", "2", &facts).changes.iter().all(Change::is_keep));
}

#[test]
fn sidecars_count_for_the_quota() {
    let fits = |hard: u64, memory: &str, replicas: &str| {
        let mut facts = running(|deployment| {
            deployment.pointer_mut(CONTAINERS).unwrap().as_array_mut().unwrap().push(sidecar("256Mi"));
        });
        facts.namespace.limits.quotas = vec![ResourceQuota {
            hard: [(Resource::LimitsMemory, hard << 20)].into(),
            used: [(Resource::LimitsMemory, 1536 << 20)].into(),
            ..ResourceQuota::default()
        }];
        changes(memory, replicas, &facts).fits()
    };
    // Three pods of 512Mi and 256Mi.
    assert!(fits(2304, "512Mi", "3"));
    assert!(!fits(2303, "512Mi", "3"));
    // Two pods of 1Gi and 256Mi, one after the other.
    assert!(fits(2560, "1Gi", "2"));
    assert!(!fits(2559, "1Gi", "2"));
}

#[test]
fn containers_without_the_name_are_replaced() {
    let facts = running(|deployment| {
        let containers = deployment.pointer_mut(CONTAINERS).unwrap();
        containers[0]["name"] = json!("main");
        containers.as_array_mut().unwrap().push(sidecar("256Mi"));
    });
    let set = changes("512Mi", "2", &facts);
    let patch = clears(&set).unwrap();
    let names: Vec<(&Value, Option<&Value>)> = patch
        .pointer(CONTAINERS)
        .unwrap()
        .as_array()
        .unwrap()
        .iter()
        .map(|container| (&container["name"], container.get("$patch")))
        .collect();
    let (delete, ours) = (json!("delete"), json!("webservice"));
    assert_eq!(names, [(&ours, None), (&json!("main"), Some(&delete)), (&json!("cache"), Some(&delete))]);
    let removed: Vec<String> = set
        .changes
        .iter()
        .flat_map(Change::differences)
        .filter(|difference| difference.wanted.is_none())
        .map(|difference| difference.path.to_string())
        .collect();
    assert_eq!(removed, ["spec.template.spec.containers[main]", "spec.template.spec.containers[cache]"]);
}

#[test]
fn limits_concern_created_pods_only() {
    let facts = |max: u64| {
        let mut facts = running(|deployment| {
            deployment.pointer_mut(CONTAINERS).unwrap().as_array_mut().unwrap().push(sidecar("256Mi"));
        });
        let max = Amounts::new(None, Some(toolforge_model::Memory::from_bytes(max << 20)));
        let container = Bounds { max, ..Bounds::default() };
        facts.namespace.limits.limit_ranges = vec![LimitRange { container, ..LimitRange::default() }];
        facts
    };
    for (max, memory, replicas, fits) in [
        (256, "512Mi", "2", true),
        (256, "512Mi", "1", true),
        (256, "512Mi", "3", false),
        (512, "512Mi", "3", true),
        (256, "256Mi", "2", true),
        // The new pods also have the additional container.
        (255, "192Mi", "2", false),
    ] {
        assert_eq!(changes(memory, replicas, &facts(max)).fits(), fits, "{max} {memory} {replicas}");
    }
}

#[test]
fn refused_route_does_not_replace_an_ingress() {
    let mut facts = running(|_| ());
    let routing = |facts: &WebServiceFacts| plan("512Mi", "2", facts, None).routing();
    assert_eq!(routing(&facts), Routing::Ingress);
    let route =
        plan("512Mi", "2", &facts, Some(Routing::HttpRoute)).objects().into_iter().find_map(|object| {
            match object {
                Object::HttpRoute(route) => Some(route),
                _ => None,
            }
        });
    let route = |status: &str| -> HttpRoute {
        let mut route = serde_json::to_value(route.as_ref().unwrap()).unwrap();
        let condition = json!({"type": "Accepted", "status": status, "observedGeneration": 1});
        route["status"] = json!({"parents": [{"conditions": [condition]}]});
        serde_json::from_value(route).unwrap()
    };
    facts.live.http_route = Some(route("True"));
    assert_eq!(routing(&facts), Routing::HttpRoute);
    facts.live.http_route = Some(route("False"));
    assert_eq!(routing(&facts), Routing::Ingress);
    facts.live.ingress = None;
    assert_eq!(routing(&facts), Routing::HttpRoute);
}
