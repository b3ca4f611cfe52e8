//! What a person reads, from the real program, without a cluster.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;

fn quota_check(line: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
    command.current_dir(toolforge_fixtures::path("facts")).env_clear().env("HOME", "/nonexistent");
    command.args(line.split_whitespace()).stdin(Stdio::null()).output().unwrap()
}

fn said(output: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("[exit {}]\n{stdout}{stderr}", output.status.code().unwrap())
}

#[test]
fn limits_and_use_from_a_file() {
    assert_snapshot!(said(&quota_check("--tool stashbot --from limits.yaml")), @"
    [exit 0]
    RESOURCE         USED   LIMIT  STATE
    pods             1      4
    requests.cpu     125m   2
    requests.memory  256Mi  6Gi
    limits.cpu       500m   2
    limits.memory    512Mi  8Gi
    services         1      1      full

    EACH CONTAINER  DEFAULT  REQUEST  MIN    MAX
    cpu             500m     150m     50m    1
    memory          512Mi    256Mi    100Mi  4Gi
    ");
}

#[test]
fn json_has_a_version_and_says_what_is_full() {
    let output = quota_check("--tool stashbot --from limits.yaml --output json");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["apiVersion"], "cli.toolforge.org/v1");
    let resources = report["quotas"][0]["resources"].as_array().unwrap();
    let services = resources.iter().find(|row| row["resource"] == "services").unwrap();
    assert_eq!(services["state"], "full");
}

#[test]
fn no_quota_is_said() {
    assert_snapshot!(said(&quota_check("--tool another --from limits.yaml")), @"
    [exit 0]
    the namespace has no quota

    the namespace has no limits for containers
    ");
}

#[test]
fn missing_kubeconfig_hints_at_become() {
    assert_snapshot!(said(&quota_check("")), @"
    [exit 4]
    error: kubeconfig /nonexistent/.kube/config does not exist

    hint: Become the tool first, `become TOOL`, or name another file with `--kubeconfig`.
    ");
}

#[test]
fn help_has_topics_and_ends_with_where_to_ask() {
    for line in ["--help", "-h", "help", "help quota"] {
        let help = said(&quota_check(line));
        let end = help.trim_end().lines().last().unwrap();
        assert!(
            help.starts_with("[exit 0]") && end.contains("#wikimedia-cloud on irc.libera.chat"),
            "{help}"
        );
    }
}

#[test]
fn failures_are_documents_with_json() {
    for (line, exit_code, code) in
        [("", 4, "kubeconfig"), ("--bogus", 2, "invalid-arguments"), ("--from none", 2, "invalid-arguments")]
    {
        let output = quota_check(&format!("{line} --output=json"));
        let document: serde_json::Value = serde_json::from_slice(&output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit_code), "{document:#}");
        assert_eq!((&document["kind"], &document["code"]), (&"Failure".into(), &code.into()));
    }
}
