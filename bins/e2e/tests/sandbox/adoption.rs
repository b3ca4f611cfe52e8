//! Web services whose objects were created exactly as the platform's Python tool creates them.

use serde_json::{Value, json};
use toolforge_e2e::Tool;

/// Returns the objects of a recorded case for the tool, in the form that a current API server accepts.
fn objects(tool: &Tool, case: &str) -> Vec<Value> {
    let text = toolforge_fixtures::read(&format!("parity/webservice/{case}.json"));
    let case: Value = serde_json::from_str(&text).unwrap();
    let objects = ["deployment", "service", "ingress"].map(|part| {
        let object = case["expected"][part].to_string();
        // The recorded tool is called `test` and uses the platform's domain and registry.
        let object = object
            .replace("tool-test", &tool.namespace())
            .replace("\"test\"", &format!("\"{}\"", tool.name()))
            .replace("test-subdomain", &format!("{}-subdomain", tool.name()))
            .replace("test.toolforge.org", &format!("{}.localhost", tool.name()))
            .replace("/data/project/test/", &format!("/data/project/{}/", tool.name()));
        let mut object: Value = serde_json::from_str(&object).unwrap();
        if object["apiVersion"] == "networking.k8s.io/v1beta1" {
            // The API server has since converted it, with the default path type.
            object["apiVersion"] = json!("networking.k8s.io/v1");
            let backend = json!({"service": {"name": tool.name(), "port": {"number": 8000}}});
            object["spec"]["rules"][0]["http"]["paths"][0] =
                json!({"pathType": "ImplementationSpecific", "backend": backend});
        }
        object
    });
    objects.into()
}

/// Creates objects with POST, as the platform's tools do.
fn post(tool: &Tool, objects: &[Value]) {
    for object in objects {
        tool.sandbox().create(object);
    }
}

/// Creates the objects of a recorded case for the tool.
fn create_recorded(tool: &Tool, case: &str) {
    post(tool, &objects(tool, case));
}

/// Runs every command and change on an existing web service, and checks that the result is like one created today.
fn survives_every_change(tool: &Tool, type_name: &str) {
    tool.webservice(&["status"]).exits(0).says(&format!("type {type_name} is running")).and_that_is_all();
    tool.webservice(&["plan"]).exits(0).and_that_is_all();
    let pods = || tool.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].metadata.uid}"]);
    let before = pods();
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    assert!(pods().split(' ').any(|uid| !before.contains(uid)), "no pod was replaced");
    assert_eq!(tool.page("/").body, "served");
    tool.webservice(&["start"]).exits(0).says("already running").and_that_is_all();
    tool.webservice(&["start", "-m", "700Mi", "-c", "300m", "-r", "2"]).exits(0).and_that_is_all();
    let deployment = tool.object("deployment", tool.name());
    assert_eq!(deployment["status"]["readyReplicas"], 2);
    let other = if type_name == "php8.2" { "php7.3" } else { "php8.2" };
    tool.webservice(&[other, "restart", "-r", "1"]).exits(0).and_that_is_all();
    tool.webservice(&[other, "start", "--health-check-path", "/"]).exits(0).and_that_is_all();
    tool.webservice(&["restart", "--health-check-path", ""]).exits(0).and_that_is_all();
    let deployment = tool.object("deployment", tool.name());
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["resources"]["limits"], json!({"cpu": "300m", "memory": "700Mi"}));
    assert!(
        container.get("livenessProbe").is_none() && container.get("startupProbe").is_none(),
        "{container}"
    );
    assert_eq!(container["readinessProbe"]["tcpSocket"]["port"], 8000);
    assert_eq!(tool.page("/").body, "served");
    // There is no difference from a new one, so nothing is written.
    tool.webservice(&["plan"]).exits(0).says("nothing would change").and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    let left = ["get", "deployments,replicasets,services,ingresses,httproutes,pods", "-o", "name"];
    assert_eq!(tool.kubectl(&left).trim(), "");
}

fn site(name: &str) -> Tool {
    let tool = Tool::new(name);
    tool.write("public_html/index.php", "<?php echo 'served';");
    tool
}

fn wait_until_up(tool: &Tool) {
    let _ = tool.kubectl(&["rollout", "status", "deployment", tool.name(), "--timeout=60s"]);
}

#[test]
fn adopts_web_service_of_2019() {
    let tool = site("era-2019");
    let mut objects = objects(&tool, "seed-era-0.74/02-php7.3-mem1Gi-cpu1-replicas2");
    // Without options, it had no resources, so the namespace's defaults apply.
    objects[0]["spec"]["template"]["spec"]["containers"][0]["resources"] = Value::Null;
    objects[0]["spec"]["replicas"] = json!(1);
    post(&tool, &objects);
    wait_until_up(&tool);
    survives_every_change(&tool, "php7.3");
}

#[test]
fn adopts_web_service_of_2023() {
    let tool = site("era-2023");
    create_recorded(&tool, "05-php7.3-deprecated");
    wait_until_up(&tool);
    survives_every_change(&tool, "php7.3");
}

#[test]
fn adopts_web_service_of_today() {
    let tool = site("era-today");
    let mut objects = objects(&tool, "05-php7.3-deprecated");
    // Objects of today's tool have a storage label, HTTP health checks, and a route of the Gateway API.
    let page = |period: u32, failures: u32| json!({"httpGet": {"path": "/", "port": 8000}, "periodSeconds": period, "failureThreshold": failures, "timeoutSeconds": 5});
    let template = &mut objects[0]["spec"]["template"];
    template["metadata"]["labels"]["toolforge.org/mount-storage"] = json!("all");
    let container = &mut template["spec"]["containers"][0];
    container["livenessProbe"] = page(10, 3);
    container["startupProbe"] = page(1, 120);
    container["image"] = json!("docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest");
    objects[2] = json!({
        "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
        "metadata": {"name": tool.name(), "namespace": tool.namespace(), "labels": objects[1]["metadata"]["labels"]},
        "spec": {
            "hostnames": [format!("{}.localhost", tool.name())],
            "parentRefs": [{"namespace": "istio-gateway", "name": "toolforge"}],
            "rules": [{"backendRefs": [{"name": tool.name(), "port": 8000}]}],
        },
    });
    post(&tool, &objects);
    wait_until_up(&tool);
    survives_every_change(&tool, "php8.2");
}

#[test]
fn paused_and_scaled_down_web_services_resume() {
    let tool = site("paused");
    create_recorded(&tool, "05-php7.3-deprecated");
    wait_until_up(&tool);
    let _ = tool.kubectl(&["rollout", "pause", "deployment", tool.name()]);
    tool.webservice(&["restart"]).exits(0).says("paused true -> default").and_that_is_all();
    let _ = tool.kubectl(&["scale", "deployment", tool.name(), "--replicas=0"]);
    tool.webservice(&["status"]).exits(0).says("scaled to 0 replicas").and_that_is_all();
    tool.webservice(&["start"]).exits(0).and_that_is_all();
    assert_eq!(tool.page("/").body, "served");
}

#[test]
fn start_waits_for_terminating_deployment() {
    let tool = site("terminating");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let _ = tool.kubectl(&["delete", "deployment", tool.name(), "--cascade=foreground", "--wait=false"]);
    tool.webservice(&["php8.2", "start"]).exits(0).says("still terminating").and_that_is_all();
    assert_eq!(tool.page("/").body, "served");
}

#[test]
fn objects_of_others_are_left_alone() {
    let tool = site("neighbors");
    let labels = json!({
        "app.kubernetes.io/component": "deployments", "app.kubernetes.io/managed-by": "toolforge-jobs-framework",
        "app.kubernetes.io/name": "bot", "toolforge": "tool",
    });
    let pod = json!({"containers": [{
        "name": "job", "image": "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest",
        "command": ["sleep", "infinity"],
    }]});
    post(
        &tool,
        &[
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "bot", "namespace": tool.namespace(), "labels": labels},
                "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
            }),
            json!({
                "apiVersion": "batch/v1", "kind": "CronJob",
                "metadata": {"name": "nightly", "namespace": tool.namespace(), "labels": labels},
                "spec": {"schedule": "0 0 1 1 *", "jobTemplate": {"spec": {"template": {"spec": {
                    "restartPolicy": "Never", "containers": pod["containers"],
                }}}}},
            }),
        ],
    );
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    let left = tool.kubectl(&["get", "deployments,cronjobs", "-o", "name"]);
    assert_eq!(left, "deployment.apps/bot\ncronjob.batch/nightly\n");
    assert_eq!(tool.kubectl(&["get", "pods", "-o", "name"]).lines().count(), 1);

    // An object with the web service's name but without its labels belongs to somebody else.
    post(
        &tool,
        &[json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": tool.name(), "namespace": tool.namespace()},
            "spec": {"ports": [{"port": 8000}], "selector": {"some": "thing"}},
        })],
    );
    tool.webservice(&["php8.2", "start"]).exits(1).says("is not a web service's").and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "services", "-o", "name"]), "service/neighbors\n");
}

/// A Deployment that has the tool's name, and nothing else of a web service.
#[test]
fn ignores_deployments_of_others() {
    let tool = site("namesake");
    let labels = json!({"app": "mine", "toolforge": "tool"});
    let pod = json!({"containers": [{
        "name": "main", "image": "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest",
        "command": ["sh", "-c", "echo foreign line; sleep infinity"],
    }]});
    post(
        &tool,
        &[json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": tool.name(), "namespace": tool.namespace(), "labels": labels},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
        })],
    );
    let ready =
        || tool.kubectl(&["get", "deployment", tool.name(), "-o", "jsonpath={.status.readyReplicas}"]);
    let line = "kubectl get deployment namesake -o jsonpath='{.status.readyReplicas}'";
    tool.until(60, "a ready pod", |tool| tool.shell(line), |found| found.stdout == "1");
    let pods = || {
        tool.kubectl(&["get", "pods", "--selector", "app=mine", "-o", "jsonpath={.items[*].metadata.uid}"])
    };
    let before = pods();

    let status = tool.webservice(&["status"]).exits(0).says("Your webservice is not running");
    status.says("Deployment namesake exists and is not a web service's").and_that_is_all();
    assert!(!tool.webservice(&["status"]).stdout.contains("`webservice start` creates it again"));
    tool.webservice(&["status", "--exit-code"]).exits(1).and_that_is_all();
    tool.webservice(&["php8.2", "start"]).exits(1).says("is not a web service's").and_that_is_all();
    tool.webservice(&["php8.2", "plan"]).exits(1).says("is not a web service's").and_that_is_all();
    let logs = tool.webservice(&["logs"]).exits(0).says("`kubectl logs deployment/namesake` shows its log");
    assert!(!logs.stdout.contains("foreign line"), "{}", logs.stdout);
    // It does not wait for what never comes.
    tool.shell("timeout 30 webservice logs --follow").exits(0).and_that_is_all();
    tool.webservice(&["php8.2", "shell", "--", "echo", "inside"]).exits(0).says("inside").and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert_eq!(pods(), before, "the pods of somebody else were replaced");
    assert_eq!(ready(), "1");
}

#[test]
fn python_tool_web_service_keeps_its_ingress() {
    let tool = Tool::new("python-tool");
    tool.write("public_html/index.php", "<?php echo 'served';");
    create_recorded(&tool, "05-php7.3-deprecated");
    tool.webservice(&["status"]).exits(0).says("php7.3").and_that_is_all();
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    tool.webservice(&["start"]).exits(0).says("already running").and_that_is_all();
    // The existing Ingress is kept, not replaced by an HTTPRoute.
    assert_eq!(tool.kubectl(&["get", "ingresses", "-o", "name"]).lines().count(), 1);
    assert_eq!(tool.page("/").body.trim(), "served");
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,services,ingresses,pods", "-o", "name"]).trim(), "");
}

#[test]
fn type_change_removes_old_fields() {
    let tool = Tool::new("changed-type");
    tool.write("public_html/index.php", "<?php echo getenv('NO_HOME') === false ? 'home' : 'no home';");
    create_recorded(&tool, "16-buildservice-default-image");
    tool.webservice(&["status"]).exits(0).says("buildservice").and_that_is_all();
    tool.webservice(&["php8.2", "start"]).exits(0).says("image ").and_that_is_all();
    let deployment = tool.object("deployment", tool.name());
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert!(container.get("env").is_none(), "{container}");
    assert_eq!(container["workingDir"], "/data/project/changed-type/");
    assert_eq!(tool.page("/").body.trim(), "home");
    // In the other direction, the command and the working directory must be removed.
    tool.webservice(&["buildservice", "start", "--dry-run=server"]).exits(0).and_that_is_all();
}

#[test]
fn fields_of_others_survive_a_change() {
    let tool = site("shared");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let patch = r#"{"spec":{"template":{"metadata":{"annotations":{"example.org/note":"mine"}}}}}"#;
    let _ = tool.kubectl(&["patch", "deployment", tool.name(), "--type", "merge", "-p", patch]);
    tool.webservice(&["start", "-m", "700Mi"]).exits(0).and_that_is_all();
    let annotations = tool.object("deployment", tool.name());
    let annotations = annotations.pointer("/spec/template/metadata/annotations").unwrap();
    assert_eq!(annotations["example.org/note"], "mine", "{annotations}");
}

#[test]
fn manual_handlers_do_not_block() {
    let tool = site("by-hand");
    create_recorded(&tool, "05-php7.3-deprecated");
    wait_until_up(&tool);
    let patch = json!({"spec": {"template": {"spec": {"containers": [{
        "name": "webservice",
        "ports": [{"containerPort": 8000, "$patch": "delete"}, {"containerPort": 8080, "name": "http"}],
        "readinessProbe": {"exec": {"command": ["true"]}},
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", "1"]}}},
    }]}}}});
    let _ = tool.kubectl(&["patch", "deployment", tool.name(), "-p", &patch.to_string()]);
    let containers = || {
        let deployment = tool.object("deployment", tool.name());
        deployment["spec"]["template"]["spec"]["containers"].as_array().unwrap().clone()
    };
    tool.webservice(&["restart", "-m", "700Mi", "--dry-run=server"]).exits(0).and_that_is_all();
    tool.webservice(&["restart", "-m", "700Mi"]).exits(0).and_that_is_all();
    let container = &containers()[0];
    assert_eq!(container["readinessProbe"]["tcpSocket"]["port"], 8000, "{container}");
    assert_eq!(container["ports"], json!([{"containerPort": 8000, "name": "http", "protocol": "TCP"}]));
    assert!(container["readinessProbe"].get("exec").is_none(), "{container}");
    assert!(container["lifecycle"]["preStop"].get("exec").is_none(), "{container}");
    // The web service's container replaces the ones of a Deployment in which none has its name.
    let path = "/spec/template/spec/containers/0/name";
    let rename = json!([{"op": "replace", "path": path, "value": "main"}]);
    let _ = tool.kubectl(&["patch", "deployment", tool.name(), "--type=json", "-p", &rename.to_string()]);
    tool.webservice(&["php7.3", "start", "--dry-run=server"]).exits(0).and_that_is_all();
    tool.webservice(&["php7.3", "start"]).exits(0).and_that_is_all();
    let names: Vec<Value> = containers().into_iter().map(|container| container["name"].clone()).collect();
    assert_eq!(names, ["webservice"]);
    assert_eq!(tool.page("/").body, "served");
}
