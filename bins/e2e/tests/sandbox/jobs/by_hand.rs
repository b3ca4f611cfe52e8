//! Objects of `kubectl apply` alongside the jobs: the tasks of the platform's page on Kubernetes of 2020.

use serde_json::{Value, json};
use toolforge_e2e::{Outcome, Tool};

const IMAGE: &str = "docker-registry.svc.toolforge.org/toolforge-python311-sssd-base:latest";

fn pod(tool: &Tool, command: &str, restart: &str) -> Value {
    json!({
        "metadata": {"labels": {"toolforge": "tool", "name": format!("{}.by-hand", tool.name())}},
        "spec": {
            "restartPolicy": restart,
            "containers": [{
                "name": "bot", "image": IMAGE, "args": ["/bin/sh", "-c", command],
                "workingDir": format!("/data/project/{}", tool.name()),
                "resources": {"limits": {"cpu": "200m", "memory": "200Mi"}, "requests": {"cpu": "50m", "memory": "100Mi"}},
            }],
        },
    })
}

/// Applies an object as the tool, as the page says.
fn apply(tool: &Tool, object: &Value) {
    tool.write("by-hand.json", &object.to_string());
    let applied = tool.shell("kubectl apply --validate=true -f by-hand.json");
    assert_eq!(applied.code, 0, "{}{}", applied.stdout, applied.stderr);
}

fn cron_job(tool: &Tool) -> Value {
    let template = pod(tool, "echo 12 images", "OnFailure");
    json!({
        "apiVersion": "batch/v1", "kind": "CronJob",
        "metadata": {"name": "list-images", "namespace": tool.namespace(), "labels": {"toolforge": "tool"}},
        "spec": {"schedule": "28 4 * * *", "jobTemplate": {"spec": {"template": template}}},
    })
}

fn deployment(tool: &Tool, command: &str) -> Value {
    let template = pod(tool, command, "Always");
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "stashbot", "namespace": tool.namespace(), "labels": {"toolforge": "tool"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": template["metadata"]["labels"]}, "template": template},
    })
}

fn pod_of(tool: &Tool) -> String {
    let names = tool.kubectl(&["get", "pods", "-o", "jsonpath={.items[*].metadata.name}"]);
    names.split(' ').find(|name| name.starts_with("stashbot-")).unwrap_or_default().to_owned()
}

#[test]
fn cron_job_test_run_is_followed() {
    let tool = Tool::new("hand-cron");
    apply(&tool, &cron_job(&tool));
    tool.jobs(&["list", "--output", "table"]).exits(0).says("kubectl-client-side-apply").and_that_is_all();
    tool.jobs(&["cron"]).exits(0).says("list-images").and_that_is_all();
    tool.jobs(&["trigger", "list-images", "--wait"]).exits(0).says("completed").and_that_is_all();
    tool.jobs(&["logs", "list-images"]).exits(0).says("12 images").and_that_is_all();
    tool.shell("kubectl create job --from=cronjob/list-images test").exits(0).and_that_is_all();
    tool.jobs(&["logs", "job/test", "--follow"]).exits(0).says("12 images").and_that_is_all();
    tool.jobs(&["suspend", "list-images"]).exits(0).and_that_is_all();
    assert_eq!(tool.object("cronjob", "list-images")["spec"]["suspend"], true);
    tool.jobs(&["resume", "list-images"]).exits(0).and_that_is_all();
    // The verbs for managed jobs do not touch it.
    tool.jobs(&["flush", "--yes"]).exits(0).and_that_is_all();
    tool.write("jobs.yaml", "[]\n");
    tool.jobs(&["load", "jobs.yaml", "--prune", "--yes"]).exits(0).and_that_is_all();
    tool.webservice(&["stop"]).and_that_is_all();
    assert_eq!(tool.object("cronjob", "list-images")["kind"], "CronJob");
    // It becomes a job in place.
    let uid = tool.object("cronjob", "list-images")["metadata"]["uid"].clone();
    tool.jobs(&["adopt", "list-images"]).exits(1).says("--yes").and_that_is_all();
    tool.jobs(&["adopt", "list-images", "--yes"]).exits(0).and_that_is_all();
    assert_eq!(tool.object("cronjob", "list-images")["metadata"]["uid"], uid);
    tool.jobs(&["list"]).exits(0).says("scheduled: 28 4 * * *").and_that_is_all();
    tool.jobs(&["trigger", "list-images", "--wait"]).exits(0).says("completed").and_that_is_all();
}

#[test]
fn failing_pod_is_restarted_and_deleted() {
    let tool = Tool::new("hand-crash");
    apply(&tool, &deployment(&tool, "exit 3"));
    let is_failing = |outcome: &Outcome| outcome.stdout.contains("exits with code 3");
    tool.until(90, "the crash loop is shown", |tool| tool.jobs(&["show", "stashbot"]), is_failing);
    let pod = pod_of(&tool);
    tool.jobs(&["delete", &pod]).exits(1).says("--yes").and_that_is_all();
    tool.jobs(&["delete", &pod, "--yes"]).exits(0).and_that_is_all();
    let is_new = |outcome: &Outcome| outcome.stdout.contains("stashbot-") && !outcome.stdout.contains(&pod);
    tool.until(60, "another pod", |tool| tool.shell("kubectl get pods -o name"), is_new);
    let pod = pod_of(&tool);
    tool.jobs(&["show", &format!("pod/{pod}")]).exits(0).says("deployment/stashbot").and_that_is_all();
    tool.jobs(&["delete", "deployment/stashbot", "--yes"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,replicasets,pods", "-o", "name"]), "");
}

#[test]
fn shell_is_opened_in_a_running_pod() {
    let tool = Tool::new("hand-shell");
    apply(&tool, &deployment(&tool, "sleep 1000"));
    let runs = |outcome: &Outcome| outcome.stdout.contains("Running for");
    tool.until(60, "the pod runs", |tool| tool.jobs(&["show", "stashbot"]), runs);
    let pod = pod_of(&tool);
    tool.jobs(&["exec", &pod, "--", "sh", "-c", "echo inside; exit 7"])
        .exits(7)
        .says("inside")
        .and_that_is_all();
    tool.jobs(&["exec", "deployment/stashbot", "--", "pwd"]).exits(0).says("/data/project").and_that_is_all();
    tool.jobs(&["restart", "stashbot", "--yes"]).exits(0).says("was restarted").and_that_is_all();
    // The old pod may take its time to terminate.
    let is_new = |outcome: &Outcome| outcome.stdout.contains("stashbot-") && !outcome.stdout.contains(&pod);
    tool.until(90, "another pod", |tool| tool.shell("kubectl get pods -o name"), is_new);
    // Its pods do not have a job's labels, so it is re-created.
    tool.jobs(&["adopt", "stashbot", "--yes"]).exits(0).and_that_is_all();
    tool.jobs(&["list"]).exits(0).says("continuous").and_that_is_all();
}
