//! The use cases of Wikitech's help page of 2020, with running containers.

use toolforge_e2e::Tool;

/// Returns a field of the web service's container.
fn container(tool: &Tool, pointer: &str) -> String {
    let deployment = tool.object("deployment", tool.name());
    let value = deployment.pointer(&format!("/spec/template/spec/containers/0{pointer}"));
    value.and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

#[test]
fn web_service_can_use_the_whole_quota() {
    let tool = Tool::with_quota("story-large", "seed-2020");
    tool.write("public_html/index.php", "<?php echo 'large';");
    tool.webservice(&["--backend=kubernetes", "php8.2", "start", "-m", "1Gi", "-c", "1", "-r", "2"])
        .exits(0)
        .and_that_is_all();
    assert_eq!(tool.object("deployment", tool.name())["status"]["readyReplicas"], 2);
    assert_eq!(container(&tool, "/resources/limits/memory"), "1Gi");
    assert_eq!(container(&tool, "/resources/requests/cpu"), "500m");
    assert_eq!(tool.page("/").body, "large");
    tool.run(&["quota-check"]).exits(0).says("limits.cpu").says("full").and_that_is_all();
    // Both CPUs of the quota are used: a third pod does not fit, so the pods are replaced one after the other.
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    assert_eq!(tool.object("deployment", tool.name())["status"]["readyReplicas"], 2);
}

#[test]
fn php_version_changes_in_both_directions() {
    let tool = Tool::new("story-upgrade");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php7.3", "start"]).exits(0).says("deprecated").says("php8.2").and_that_is_all();
    for (type_name, image) in [("php8.2", "php82"), ("php7.3", "php73")] {
        tool.webservice(&["stop"]).exits(0).and_that_is_all();
        tool.webservice(&["--backend=kubernetes", type_name, "start"]).exits(0).and_that_is_all();
        assert!(container(&tool, "/image").contains(image));
        assert_eq!(tool.page("/").body, "here");
    }
    // In one step without a stop, which was not possible in 2020.
    tool.webservice(&["php8.2", "restart"]).exits(0).and_that_is_all();
    assert!(container(&tool, "/image").contains("php82"));
}

#[test]
fn static_files_are_served() {
    let tool = Tool::new("story-files");
    tool.write("public_html/index.html", "<h1>plain</h1>");
    tool.write("public_html/style.css", "h1 { color: red }");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    assert_eq!(tool.page("/").body, "<h1>plain</h1>");
    assert_eq!(tool.page("/style.css").body, "h1 { color: red }");
    assert_eq!(tool.page("/missing.html").status, 404);
}

#[test]
fn python_application_runs_in_uwsgi() {
    let tool = Tool::new("story-python");
    tool.write(
        "www/python/src/app.py",
        "def app(environ, start_response):\n    start_response('200 OK', [('Content-Type', 'text/plain')])\n    \
         return [b'wsgi ' + environ['PATH_INFO'].encode()]\n",
    );
    tool.webservice(&["python3.11", "start"]).exits(0).and_that_is_all();
    assert_eq!(tool.page("/about").body, "wsgi /about");
    tool.webservice(&["status"]).exits(0).says("python3.11 is running").and_that_is_all();
    // With an HTTP health check.
    tool.webservice(&["restart", "--health-check-path", "/healthz"]).exits(0).and_that_is_all();
    assert_eq!(container(&tool, "/livenessProbe/httpGet/path"), "/healthz");
    assert_eq!(tool.page("/about").body, "wsgi /about");
}

#[test]
fn build_service_image_runs_without_home() {
    let tool = Tool::new("built");
    tool.webservice(&["buildservice", "start"]).exits(0).and_that_is_all();
    assert_eq!(tool.page("/").body, "release 1, home /, data mounted, arguments []\n");
    tool.webservice(&["buildservice", "restart", "--mount", "none", "--health-check-path", "/"])
        .exits(0)
        .says("mount default -> none")
        .and_that_is_all();
    assert_eq!(tool.page("/").body, "release 1, home /, data not mounted, arguments []\n");
    // Back to the previous health check and storage.
    tool.webservice(&["restart", "--mount", "all", "--health-check-path", ""]).exits(0).and_that_is_all();
    assert_eq!(tool.page("/").body, "release 1, home /, data mounted, arguments []\n");
    assert_eq!(container(&tool, "/livenessProbe/httpGet/path"), "");
}

#[test]
fn failing_health_check_restarts_the_pod() {
    let tool = Tool::new("story-ill");
    let image = "--buildservice-image=tool-built/tool-built";
    let check = ["--health-check-path", "/healthz"];
    tool.webservice(&["buildservice", "start", image, check[0], check[1]]).exits(0).and_that_is_all();
    let pod = tool.kubectl(&["get", "pods", "-o", "name"]);
    let namespace = tool.namespace();
    let _ = tool.sandbox().kubectl(&["exec", "-n", &namespace, pod.trim(), "--", "touch", "/tmp/ill"]);
    let restarts = || {
        let counts = "jsonpath={.items[*].status.containerStatuses[*].restartCount}";
        tool.kubectl(&["get", "pods", "-o", counts])
    };
    let started = std::time::Instant::now();
    while restarts() != "1" {
        assert!(started.elapsed().as_secs() < 90, "not restarted: {}", restarts());
        std::thread::sleep(std::time::Duration::from_millis(500));
    }
    tool.webservice(&["status"]).exits(0).says("restarted once").and_that_is_all();
}
