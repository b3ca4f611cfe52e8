//! What a template does, as a person reads it.

use std::io::Write as _;
use std::process::Stdio;

use insta::assert_snapshot;

use crate::{FACTS, command, webservice};

/// Returns what the program says with a template on standard input.
fn with_template(template: &str, line: &str) -> String {
    with_facts(template, line, &format!("{FACTS} --from running.json"))
}

fn with_facts(template: &str, line: &str, facts: &str) -> String {
    let mut command = command(&format!("{line} --template - {facts}"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(template.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    format!("[exit {}]\n{stdout}--- stderr\n{stderr}", output.status.code().unwrap())
}

#[test]
fn template_overrides_live_values() {
    let said = with_template("mem: 1Gi\nreplicas: 3\n", "plan --replicas 2");
    assert!(said.contains("limits.memory: 512Mi -> 1Gi") && said.contains("spec.replicas: 1 -> 2"), "{said}");
}

#[test]
fn unknown_keys_cause_warnings_with_suggestions() {
    let said = with_template("memory: 1Gi\ntypo: 1\n", "plan");
    let stderr = said.split("--- stderr\n").nth(1).unwrap();
    assert_snapshot!(stderr, @r#"
    warning: Your template file (-) contains unknown keys
      -:1:1: unknown key "memory"; did you mean "mem"?
      -:2:1: unknown key "typo"; did you mean "type"?
    "#);
}

#[test]
fn all_errors_are_reported_at_once() {
    assert_snapshot!(with_template("cpu: 1.5.5\nextra_args: \"it's\"\nmount: some\n", "plan"), @r#"
    [exit 1]
    --- stderr
    error: your template file - has errors
      -:1:6: cpu: "1.5.5" is not an amount of CPU; write it like 500m, 0.5 or 2
      -:2:13: extra_args has an unclosed quote; write a list of strings, like [java, -jar, app.jar]
      -:3:8: mount: "some" is not a mount setting; write all or none
    "#);
}

#[test]
fn missing_template_is_a_usage_error() {
    assert_snapshot!(webservice("plan --template missing.yaml --tool x --from catalog.yaml"), @"
    [exit 2]
    --- stderr
    error: template missing.yaml does not exist

    hint: Did you mean `missing-pods.yaml`?
    ");
}

#[test]
fn unfit_amounts_name_template_line() {
    let said = with_template("type: php8.2\nreplicas: 20\n", "start --dry-run");
    assert!(said.contains("[exit 3]") && said.contains("\n  -:2 sets replicas: 20\n"), "{said}");
    let said = with_template("type: php8.2\nreplicas: 20\n", "start -r 19 --dry-run");
    assert!(said.contains("[exit 3]") && !said.contains("sets replicas"), "{said}");
    let said = with_template("type: php8.2\nreplicas: 20\n", "plan");
    assert!(said.contains("[exit 3]") && said.contains("\nnote: -:2 sets replicas: 20\n"), "{said}");
}

#[test]
fn grid_and_unknown_type_are_reported_together() {
    assert_snapshot!(with_template("backend: gridengine\ntype: genric\n", "plan"), @r#"
    [exit 2]
    --- stderr
    error: backend "gridengine" no longer exists; only Kubernetes is supported
      unknown image type "genric"
      -:2 names this type

    hint: Remove `backend: gridengine` from -:1.

    hint: `webservice types` lists the types.
    "#);
    assert_snapshot!(with_template("backend: gridengine\ntype: php8.2\n", "plan"), @r#"
    [exit 2]
    --- stderr
    error: backend "gridengine" no longer exists; only Kubernetes is supported

    hint: Remove `backend: gridengine` from -:1.
    "#);
}

#[test]
fn type_without_a_command_names_both_places() {
    let said = with_facts("type: jdk17\n", "plan", "--tool stashbot --from limits-nearly-full.yaml");
    assert_snapshot!(said.split("--- stderr\n").nth(1).unwrap(), @"
    warning: type jdk17 needs a command

    hint: Add the command: `webservice jdk17 plan -- COMMAND`, or `extra_args: COMMAND` in the template.

    warning: the files of `--from` have no services, but the quota counts some, so what exists may be planned as new

    hint: Add the output of `kubectl get services -o yaml` to these files.


    hint: Request less memory or CPU, or stop something else; `quota-check` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
    let said = with_facts("type: jdk99\n", "plan", "--tool stashbot --from limits-nearly-full.yaml");
    assert_snapshot!(said.split("--- stderr\n").nth(1).unwrap(), @r#"
    error: unknown image type "jdk99"; did you mean "jdk21"?
      -:1 names this type

    hint: Write `type: jdk21` in -:1.

    hint: The bundled catalog of August 2025 was used; `--from FILE` reads the cluster's catalog.
    "#);
}
