//! The quotas of all tools, as an admin and as a tool.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use toolforge_e2e::Tool;

#[test]
fn admin_sees_the_quotas_of_all_tools() {
    let tool = Tool::new("fleet");
    let sandbox = tool.sandbox();
    let kubeconfig = std::env::temp_dir().join(format!("fleet-{}.kubeconfig", std::process::id()));
    std::fs::write(&kubeconfig, sandbox.kubectl(&["config", "view", "--raw", "--flatten"])).unwrap();
    // As in the README: `quota-check --all --only near,blocked --sort share`.
    let run = |arguments: &[&str]| {
        let mut command = Command::new(sandbox.programs().join("quota-check"));
        command.arg("--kubeconfig").arg(&kubeconfig).args(arguments);
        command.output().unwrap()
    };
    let output = run(&["--all", "--only", "near,blocked", "--sort", "share"]);
    assert!(output.status.success(), "{output:?}");
    let output = run(&["--all", "--output", "json", "--tool", "fleet*"]);
    std::fs::remove_file(&kubeconfig).unwrap();
    let fleet: Value = serde_json::from_slice(&output.stdout).unwrap();
    let quota = fleet["quotas"].as_array().unwrap().iter().find(|quota| quota["tool"] == "fleet").unwrap();
    assert_eq!(quota["state"], "unused", "{quota:#}");
    // The same from the README's other source:
    // `kubectl get resourcequota --all-namespaces --output json | quota-check --all --from - --output html > quotas.html`
    let dump = sandbox.kubectl(&["get", "resourcequota", "--all-namespaces", "--output", "json"]);
    let mut command = Command::new(sandbox.programs().join("quota-check"));
    command.args(["--all", "--from", "-", "--output", "ndjson", "--tool", "fleet"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(dump.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let line: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(line["resources"], quota["resources"]);
}

#[test]
fn tool_may_not_read_the_quotas_of_others() {
    let tool = Tool::new("fleet-own");
    tool.run(&["quota-check", "--all"])
        .exits(4)
        .says("cannot list resource \"namespaces\"")
        .and_that_is_all();
}
