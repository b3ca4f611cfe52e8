//! Rollouts with little headroom in the quota: the prediction matches the result.

use serde_json::json;
use toolforge_e2e::Tool;

/// Creates a bot with the namespace's default limit of memory: 512Mi.
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
fn rollout_without_headroom_has_downtime() {
    let tool = Tool::with_quota("no-headroom", "seed-2020");
    tool.write("public_html/index.php", "<?php echo 'back';");
    bot(&tool);
    // The quota of 2020 is 8Gi: 4Gi for the web service and the default for the bot.
    tool.webservice(&["php8.2", "start", "-m", "4Gi"]).exits(0).and_that_is_all();
    tool.webservice(&["restart"])
        .exits(0)
        .says("so the old pod stops before the new one starts")
        .says("limits.memory: 8704Mi of 8Gi")
        .and_that_is_all();
    assert_eq!(tool.object("deployment", "no-headroom")["spec"]["strategy"]["type"], "Recreate");
    assert_eq!(tool.page("/").body, "back");
    // With enough headroom, the strategy is RollingUpdate again.
    tool.webservice(&["restart", "-m", "1Gi"]).exits(0).and_that_is_all();
    assert_eq!(tool.object("deployment", "no-headroom")["spec"]["strategy"]["type"], "RollingUpdate");
}

#[test]
fn python_tool_pod_restarts_without_headroom() {
    let tool = Tool::with_quota("python-no-headroom", "seed-2020");
    tool.write("public_html/index.php", "<?php echo 'back';");
    bot(&tool);
    tool.webservice(&["php8.2", "start", "-m", "4Gi"]).exits(0).and_that_is_all();
    // The Python tool's Deployments have no strategy, so the API server sets its default.
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
    tool.webservice(&["restart"]).exits(0).says("downtime:").and_that_is_all();
    assert_eq!(tool.page("/").body, "back");
}
