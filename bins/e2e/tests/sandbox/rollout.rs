//! Replacing pods where the quota has little room: what is predicted is what happens.

use serde_json::json;
use toolforge_e2e::Tool;

/// Makes a bot that takes as much as the namespace's defaults give it: 512Mi.
fn bot(tool: &Tool) {
    tool.sandbox().create(&json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "bot", "namespace": tool.namespace(), "labels": {"toolforge": "tool"}},
        "spec": {"containers": [{
            "name": "bot", "image": "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest",
            "command": ["sleep", "infinity"],
        }]},
    }));
}

#[test]
fn a_pod_without_room_beside_itself_is_replaced_with_an_outage_that_is_told() {
    let tool = Tool::with_quota("no-room", "seed-2020");
    tool.write("public_html/index.php", "<?php echo 'back';");
    bot(&tool);
    // What the page of 2020 allows: 4Gi for a web service and the default for a bot, of 8Gi.
    tool.webservice(&["php8.2", "start", "-m", "4Gi"]).exits(0).and_that_is_all();
    tool.webservice(&["restart"])
        .exits(0)
        .says("nobody is served from the old pod's end until the new one is ready")
        .says("limits.memory: 8704Mi of 8Gi")
        .and_that_is_all();
    assert_eq!(tool.object("deployment", "no-room")["spec"]["strategy"]["type"], "Recreate");
    assert_eq!(tool.page("/").body, "back");
    // With room again, the gentle way is taken again.
    tool.webservice(&["restart", "-m", "1Gi"]).exits(0).and_that_is_all();
    assert_eq!(tool.object("deployment", "no-room")["spec"]["strategy"]["type"], "RollingUpdate");
}

#[test]
fn a_web_service_of_the_python_tool_is_replaced_where_there_is_room_for_one_pod_only() {
    let tool = Tool::with_quota("python-no-room", "seed-2020");
    tool.write("public_html/index.php", "<?php echo 'back';");
    bot(&tool);
    tool.webservice(&["php8.2", "start", "-m", "4Gi"]).exits(0).and_that_is_all();
    // As a Deployment of the Python tool has it: no word of a strategy, so the API server filled in its own.
    let deployment = tool.object("deployment", tool.name());
    let mut posted = json!({"apiVersion": "apps/v1", "kind": "Deployment"});
    posted["metadata"] = json!({
        "name": tool.name(), "namespace": tool.namespace(), "labels": deployment["metadata"]["labels"],
    });
    posted["spec"] = deployment["spec"].clone();
    posted["spec"]["strategy"] = serde_json::Value::Null;
    let _ = tool.kubectl(&["delete", "deployment", tool.name(), "--wait"]);
    let _ = tool.kubectl(&["wait", "--for=delete", "pod", "-l", "app.kubernetes.io/component=web"]);
    tool.sandbox().create(&posted);
    let _ = tool.kubectl(&["rollout", "status", "deployment", tool.name()]);
    tool.webservice(&["restart"]).exits(0).says("nobody is served").and_that_is_all();
    assert_eq!(tool.page("/").body, "back");
}
