//! Web services whose objects were posted exactly as the platform's Python tool posts them.

use serde_json::Value;
use toolforge_e2e::Tool;

/// Posts a recorded case's objects under the tool's name.
fn posted(tool: &Tool, case: &str) {
    let text = toolforge_fixtures::read(&format!("parity/webservice/{case}.json"));
    let case: Value = serde_json::from_str(&text).unwrap();
    for part in ["deployment", "service", "ingress"] {
        let object = case["expected"][part].to_string();
        // The recorded tool is called `test`, and lives at the platform's own domain and registry.
        let object = object
            .replace("tool-test", &tool.namespace())
            .replace("\"test\"", &format!("\"{}\"", tool.name()))
            .replace("test-subdomain", &format!("{}-subdomain", tool.name()))
            .replace("test.toolforge.org", &format!("{}.localhost", tool.name()))
            .replace("/data/project/test/", &format!("/data/project/{}/", tool.name()))
            .replace("networking.k8s.io/v1beta1", "networking.k8s.io/v1");
        tool.sandbox().create(&serde_json::from_str(&object).unwrap());
    }
}

#[test]
fn a_web_service_of_the_python_tool_is_seen_restarted_and_stopped() {
    let tool = Tool::new("python-made");
    tool.write("public_html/index.php", "<?php echo 'served';");
    posted(&tool, "05-php7.3-deprecated");
    tool.webservice(&["status"]).exits(0).says("php7.3").and_that_is_all();
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    let deployment = tool.object("deployment", tool.name());
    let managers = deployment["metadata"]["managedFields"].to_string();
    assert!(!managers.contains("toolforge-cli") || deployment["metadata"]["annotations"].is_object());
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
