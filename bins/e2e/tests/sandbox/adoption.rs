//! Web services whose objects were posted exactly as the platform's Python tool posts them.

use serde_json::{Value, json};
use toolforge_e2e::Tool;

/// Returns a recorded case's objects under the tool's name, as the API server of today takes them.
fn objects(tool: &Tool, case: &str) -> Vec<Value> {
    let text = toolforge_fixtures::read(&format!("parity/webservice/{case}.json"));
    let case: Value = serde_json::from_str(&text).unwrap();
    let objects = ["deployment", "service", "ingress"].map(|part| {
        let object = case["expected"][part].to_string();
        // The recorded tool is called `test`, and lives at the platform's own domain and registry.
        let object = object
            .replace("tool-test", &tool.namespace())
            .replace("\"test\"", &format!("\"{}\"", tool.name()))
            .replace("test-subdomain", &format!("{}-subdomain", tool.name()))
            .replace("test.toolforge.org", &format!("{}.localhost", tool.name()))
            .replace("/data/project/test/", &format!("/data/project/{}/", tool.name()));
        let mut object: Value = serde_json::from_str(&object).unwrap();
        if object["apiVersion"] == "networking.k8s.io/v1beta1" {
            // What the API server has made of it since: a path of the kind that says nothing.
            object["apiVersion"] = json!("networking.k8s.io/v1");
            let backend = json!({"service": {"name": tool.name(), "port": {"number": 8000}}});
            object["spec"]["rules"][0]["http"]["paths"][0] =
                json!({"pathType": "ImplementationSpecific", "backend": backend});
        }
        object
    });
    objects.into()
}

/// Posts objects as the platform's tools do: whole, with a plain creation.
fn post(tool: &Tool, objects: &[Value]) {
    for object in objects {
        tool.sandbox().create(object);
    }
}

/// Posts a recorded case's objects under the tool's name.
fn posted(tool: &Tool, case: &str) {
    post(tool, &objects(tool, case));
}

/// Takes a web service that stands through every verb and change, and checks that it ends as one made today.
fn lives_on(tool: &Tool, type_name: &str) {
    tool.webservice(&["status"]).exits(0).says(&format!("type {type_name} is running")).and_that_is_all();
    tool.webservice(&["plan"]).exits(0).and_that_is_all();
    let pods = || tool.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].metadata.uid}"]);
    let before = pods();
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    assert!(pods().split(' ').any(|uid| !before.contains(uid)), "the pods are those of before");
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
    // As one that was made today: nothing differs, and nothing is written.
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

fn is_up(tool: &Tool) {
    let _ = tool.kubectl(&["rollout", "status", "deployment", tool.name(), "--timeout=60s"]);
}

#[test]
fn a_web_service_of_2019_lives_on() {
    let tool = site("era-2019");
    let mut objects = objects(&tool, "seed-era-0.74/02-php7.3-mem1Gi-cpu1-replicas2");
    // As it was without options: no word of resources, so the namespace's defaults hold.
    objects[0]["spec"]["template"]["spec"]["containers"][0]["resources"] = Value::Null;
    objects[0]["spec"]["replicas"] = json!(1);
    post(&tool, &objects);
    is_up(&tool);
    lives_on(&tool, "php7.3");
}

#[test]
fn a_web_service_of_2023_lives_on() {
    let tool = site("era-2023");
    posted(&tool, "05-php7.3-deprecated");
    is_up(&tool);
    lives_on(&tool, "php7.3");
}

#[test]
fn a_web_service_of_today_lives_on() {
    let tool = site("era-today");
    let mut objects = objects(&tool, "05-php7.3-deprecated");
    // What its users' objects show of today's tool: the storage's label, the health checks of a page, and a route of
    // the Gateway API.
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
    is_up(&tool);
    lives_on(&tool, "php8.2");
}

#[test]
fn a_paused_deployment_goes_on_and_one_that_was_scaled_to_nothing_comes_back() {
    let tool = site("paused");
    posted(&tool, "05-php7.3-deprecated");
    is_up(&tool);
    let _ = tool.kubectl(&["rollout", "pause", "deployment", tool.name()]);
    tool.webservice(&["restart"]).exits(0).says("spec.paused").and_that_is_all();
    let _ = tool.kubectl(&["scale", "deployment", tool.name(), "--replicas=0"]);
    tool.webservice(&["status"]).exits(0).says("scaled to no pods").and_that_is_all();
    tool.webservice(&["start"]).exits(0).and_that_is_all();
    assert_eq!(tool.page("/").body, "served");
}

#[test]
fn a_start_waits_for_what_is_still_leaving() {
    let tool = site("leaving");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let _ = tool.kubectl(&["delete", "deployment", tool.name(), "--cascade=foreground", "--wait=false"]);
    tool.webservice(&["php8.2", "start"]).exits(0).says("still leaving").and_that_is_all();
    assert_eq!(tool.page("/").body, "served");
}

#[test]
fn what_is_not_the_web_services_survives_a_stop_and_is_never_taken_over() {
    let tool = site("neighbours");
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

    // An object with the web service's name and without its labels is somebody's.
    post(
        &tool,
        &[json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": tool.name(), "namespace": tool.namespace()},
            "spec": {"ports": [{"port": 8000}], "selector": {"some": "thing"}},
        })],
    );
    tool.webservice(&["php8.2", "start"]).exits(1).says("is not a web service's").and_that_is_all();
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "services", "-o", "name"]), "service/neighbours\n");
}

#[test]
fn a_web_service_of_the_python_tool_is_seen_restarted_and_stopped() {
    let tool = Tool::new("python-made");
    tool.write("public_html/index.php", "<?php echo 'served';");
    posted(&tool, "05-php7.3-deprecated");
    tool.webservice(&["status"]).exits(0).says("php7.3").and_that_is_all();
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    tool.webservice(&["start"]).exits(0).says("already running").and_that_is_all();
    // What stood stays: an Ingress is not replaced by a route of the other kind.
    assert_eq!(tool.kubectl(&["get", "ingresses", "-o", "name"]).lines().count(), 1);
    assert_eq!(tool.page("/").body.trim(), "served");
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,services,ingresses,pods", "-o", "name"]).trim(), "");
}

#[test]
fn a_change_of_type_removes_the_fields_of_the_old_one() {
    let tool = Tool::new("changed-type");
    tool.write("public_html/index.php", "<?php echo getenv('NO_HOME') === false ? 'home' : 'no home';");
    posted(&tool, "16-buildservice-default-image");
    tool.webservice(&["status"]).exits(0).says("buildservice").and_that_is_all();
    tool.webservice(&["php8.2", "start"]).exits(0).says("env").and_that_is_all();
    let deployment = tool.object("deployment", tool.name());
    let container = &deployment["spec"]["template"]["spec"]["containers"][0];
    assert!(container.get("env").is_none(), "{container}");
    assert_eq!(container["workingDir"], "/data/project/changed-type/");
    assert_eq!(tool.page("/").body.trim(), "home");
    // And the other way round: a command and a folder that must go.
    tool.webservice(&["buildservice", "start", "--dry-run=server"]).exits(0).and_that_is_all();
}
