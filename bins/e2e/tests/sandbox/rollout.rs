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

#[test]
fn restart_that_cannot_finish_stops_nothing() {
    let tool = Tool::new("lowered");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start", "-m", "1Gi"]).exits(0).and_that_is_all();
    let command = ["run", "bot", "--image", "bookworm", "--command", "sleep 600", "--continuous"];
    tool.jobs(&[&command[..], &["--mem", "1Gi", "--cpu", "200m"]].concat()).exits(0).and_that_is_all();
    tool.jobs(&["run", "tick", "--image", "bookworm", "--command", "true", "--schedule", "@yearly"])
        .exits(0)
        .and_that_is_all();
    tool.until(
        30,
        "the bot runs",
        |tool| tool.jobs(&["list"]),
        |outcome| outcome.stdout.contains("Running for"),
    );
    let pods = tool.kubectl(&["get", "pods", "-o", "name"]);
    // Each new pod is checked alone against the usage, at every step of its rollout.
    tool.set_quota(&json!({"limits.memory": "768Mi"}));
    for restart in [tool.webservice(&["restart"]), tool.jobs(&["restart", "bot"])] {
        restart.exits(3).says("limits.memory").says("of 768Mi").and_that_is_all();
    }
    tool.set_quota(&json!({"limits.memory": "8Gi"}));
    // A new template creates a ReplicaSet in addition to the old one.
    let _ = tool.kubectl(&["create", "quota", "sets", "--hard=count/replicasets.apps=2"]);
    tool.until(
        20,
        "the ReplicaSets are counted",
        |tool| tool.webservice(&["restart"]),
        |outcome| outcome.code == 3 && outcome.stderr.contains("count/replicasets.apps: 3 of 2"),
    );
    tool.jobs(&["restart", "bot"]).exits(3).says("count/replicasets.apps: 3 of 2").and_that_is_all();
    let _ = tool.kubectl(&["delete", "quota", "sets"]);
    // The same for a limit per container, which does not apply to running ones.
    let lower = r#"[{"op": "replace", "path": "/spec/limits/0/max/memory", "value": "512Mi"}]"#;
    let _ = tool.kubectl(&["patch", "limitrange", "tool-lowered", "--type", "json", "--patch", lower]);
    tool.jobs(&["restart", "bot"]).exits(3).says("512Mi").and_that_is_all();
    tool.webservice(&["restart"]).exits(3).says("512Mi").and_that_is_all();
    let none = r#"[{"op": "replace", "path": "/spec/limits/0/max/memory", "value": "256Mi"},
        {"op": "remove", "path": "/spec/limits/0/default"}]"#;
    let _ = tool.kubectl(&["patch", "limitrange", "tool-lowered", "--type", "json", "--patch", none]);
    tool.jobs(&["trigger", "tick"]).exits(3).says("256Mi").and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "pods", "-o", "name"]), pods);
    assert_eq!(tool.page("/").body, "here");
}

#[test]
fn blocked_rollout_ends_the_wait_with_a_hint() {
    let tool = Tool::new("blocked");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    tool.set_quota(&json!({"limits.memory": "600Mi"}));
    // kubectl's restart creates the new pod in addition to the old one, which the quota never allows.
    let _ = tool.kubectl(&["rollout", "restart", "deployment", "blocked"]);
    let full = "no pod can be created: the namespace's quota is full";
    tool.until(
        15,
        "status reports it",
        |tool| tool.webservice(&["status"]),
        |outcome| {
            outcome.stdout.contains(full)
                && outcome.stdout.contains("`webservice restart` stops old pods first")
        },
    );
    let started = std::time::Instant::now();
    tool.webservice(&["start"])
        .exits(5)
        .says(&format!("the new pods do not become ready, and the old ones keep running: {full}"))
        .says("exceeded quota: tool-blocked, requested: limits.memory=512Mi")
        .says("`webservice restart` stops old pods first")
        .and_that_is_all();
    assert!(started.elapsed().as_secs() < 80, "{:?}", started.elapsed());
    assert_eq!(tool.page("/").body, "here");
    tool.webservice(&["restart"]).exits(0).says("downtime:").and_that_is_all();
    assert_eq!(tool.page("/").body, "here");
}

#[test]
fn slow_rollouts_are_not_called_failed() {
    let tool = Tool::new("slow");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start", "-r", "2", "-m", "128Mi", "-c", "100m"]).exits(0).and_that_is_all();
    // Four pods fill the quota: the controller scales first and then replaces one pod after the other.
    tool.set_quota(&json!({"limits.memory": "512Mi"}));
    tool.webservice(&["restart", "-r", "4"]).exits(0).and_that_is_all();
    assert_eq!(tool.object("deployment", "slow")["status"]["updatedReplicas"], 4);
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    // If replicas and template change together, the controller scales the old template first.
    let quick = "trap 'exit 0' TERM; while :; do sleep 0.2; done";
    let file = |memory: &str, replicas: u8| {
        let head = "- name: bot\n  image: bookworm\n  continuous: true\n  cpu: 100m\n";
        tool.write(
            "jobs.yaml",
            &format!("{head}  command: \"{quick}\"\n  mem: {memory}\n  replicas: {replicas}\n"),
        );
    };
    tool.set_quota(&json!({"limits.memory": "640Mi"}));
    file("192Mi", 2);
    tool.jobs(&["load", "jobs.yaml"]).exits(0).and_that_is_all();
    let is_rolled_out = |replicas: u8| {
        let ready = format!("\"ready\": {replicas}");
        move |outcome: &toolforge_e2e::Outcome| {
            outcome.stdout.contains("\"state\": \"running\"") && outcome.stdout.contains(&ready)
        }
    };
    tool.until(30, "two pods run", |tool| tool.jobs(&["show", "bot", "--output", "json"]), is_rolled_out(2));
    file("128Mi", 4);
    let loaded = tool.jobs(&["load", "jobs.yaml"]);
    // A change that is predicted to fit is applied; any other is refused and changes nothing.
    let replicas = if loaded.code == 0 { 4 } else { 2 };
    assert!([0, 3].contains(&loaded.code), "{loaded:?}");
    tool.until(
        60,
        "the rollout is through",
        |tool| tool.jobs(&["show", "bot", "--output", "json"]),
        is_rolled_out(replicas),
    );
    println!("a change of replicas and template together: exit {}", loaded.code);
}

#[test]
fn concurrent_restart_and_stop_stay_consistent() {
    let tool = Tool::new("at-once");
    tool.write("public_html/index.php", "<?php echo 'here';");
    std::thread::scope(|scope| {
        let starts: Vec<_> = (0..3).map(|_| scope.spawn(|| tool.webservice(&["php8.2", "start"]))).collect();
        for start in starts {
            start.join().unwrap().exits(0).and_that_is_all();
        }
    });
    assert_eq!(tool.page("/").body, "here");
    let started = std::time::Instant::now();
    std::thread::scope(|scope| {
        // This health check never succeeds, so that the restart still waits.
        let restart = scope.spawn(|| tool.webservice(&["restart", "--health-check-path", "/missing"]));
        tool.until(
            15,
            "the new pod starts",
            |tool| tool.run(&["kubectl", "get", "pods", "-o", "name"]),
            |outcome| outcome.stdout.lines().count() == 2,
        );
        tool.webservice(&["stop"]).exits(0).and_that_is_all();
        restart
            .join()
            .unwrap()
            .exits(5)
            .says("somebody else stopped the web service in the meantime")
            .says("`webservice restart` starts it again")
            .and_that_is_all();
    });
    assert!(started.elapsed().as_secs() < 45, "{:?}", started.elapsed());
    assert_eq!(tool.kubectl(&["get", "deployments,services,ingresses,httproutes,pods", "-o", "name"]), "");
    // At any moment, the result is one that some order of the commands produces.
    for pause in ["0", "0.1", "0.3"] {
        let line = format!("webservice php8.2 start & sleep {pause}; webservice stop; wait $!; echo exit $?");
        let outcome = tool.shell(&format!("bash -c '{line}'")).exits(0);
        let left = tool.kubectl(&["get", "deployments,services,httproutes", "-o", "name"]);
        assert!([0, 3].contains(&left.lines().count()), "{left}\n{outcome:?}");
    }
}
