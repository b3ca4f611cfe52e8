//! What `lint` asks the API server.

use insta::assert_snapshot;
use serde_json::json;
use toolforge_client::ToolHome;
use toolforge_client::scripted::Answer;

use super::{APPS, CORE, cluster, outcome_at_home, run};

const DRY_RUN: &str = "dryRun=All&fieldManager=toolforge-cli&fieldValidation=Strict";

/// Writes a file of two objects, and one with an error.
fn manifest(name: &str) -> std::path::PathBuf {
    let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Service\nmetadata: {name: \
                b}\nspec:\n  ports: [{port: 8000, appProtocol: ''}]\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: \
                {name: c}\nspec: {}\n";
    let path =
        std::env::temp_dir().join(format!("toolforge-lint-requests-{}-{name}.yaml", std::process::id()));
    std::fs::write(&path, text).unwrap();
    path
}

fn lint(name: &str, answers: &[(String, Answer)], options: &[&str]) -> String {
    let path = manifest(name);
    let file = path.display().to_string();
    let script = cluster(&[], &[], answers)
        .answer(&format!("GET {CORE}/configmaps/a"), Answer::not_found("configmaps", "a"));
    let (shown, printed) = toolforge_cli::capture(|| run(script, &[&["lint", &file], options].concat()));
    std::fs::remove_file(&path).unwrap();
    format!("{printed}{shown}").replace(&file, "FILE")
}

#[test]
fn server_checks_clean_objects() {
    let details = json!({"name": "b", "kind": "Service", "causes": [
        {"reason": "FieldValueInvalid", "message": "must not be empty", "field": "spec.ports[0].appProtocol"},
    ]});
    let mut invalid = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 422, "reason": "Invalid",
        "message": "Service \"b\" is invalid: spec.ports[0].appProtocol: Invalid value: \"\": must not be empty"});
    invalid["details"] = details;
    let answers = [
        (
            format!("POST {CORE}/configmaps?{DRY_RUN}"),
            Answer::refusal(409, "AlreadyExists", "configmaps \"a\" already exists"),
        ),
        (format!("POST {CORE}/services?{DRY_RUN}"), Answer::json(422, &invalid)),
    ];
    assert_snapshot!(lint("server", &answers, &[]), @r#"
    error[refused-by-server]: FILE:9:37: the API server refuses the object
      |
    9 |   ports: [{port: 8000, appProtocol: ''}]
      |                                     ^^
      |
      = server: Service "b" is invalid: spec.ports[0].appProtocol: Invalid value: "": must not be empty
      = fix: Change the field that the message names, and check the file again.

    error[missing-field]: FILE:14:1: the Deployment has no pod template; write `spec.template`
       |
    14 | spec: {}
       | ^^^^
       |
       = server: The Deployment.apps "c" is invalid: spec.template.spec.containers: Required value
       = fix: Add the field that the message names; `kubectl explain KIND.FIELD` describes it.

    2 errors in 1 file, with the limits and images of the cluster
    [exit 1]
    GET   /api/v1/namespaces/tf-public/configmaps/image-config
    GET   /api/v1/namespaces/tool-tf-test/configmaps/a
    GET   /api/v1/namespaces/tool-tf-test/limitranges?limit=500
    GET   /api/v1/namespaces/tool-tf-test/pods?limit=500
    GET   /api/v1/namespaces/tool-tf-test/resourcequotas?limit=500
    GET   /api/v1/namespaces/tool-tf-test/services?limit=500
    GET   /apis/apps/v1/namespaces/tool-tf-test/deployments?limit=500
    GET   /apis/batch/v1/namespaces/tool-tf-test/cronjobs?limit=500
    GET   /apis/batch/v1/namespaces/tool-tf-test/jobs?limit=500
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-tf-test/httproutes?limit=500
    POST  /api/v1/namespaces/tool-tf-test/configmaps?dryRun=All&fieldManager=toolforge-cli&fieldValidation=Strict
    POST  /api/v1/namespaces/tool-tf-test/services?dryRun=All&fieldManager=toolforge-cli&fieldValidation=Strict
    "#);
}

#[test]
fn offline_sends_no_request() {
    let shown = lint("offline", &[], &["--offline"]);
    assert!(shown.ends_with("[exit 1]\n"), "{shown}");
    assert!(shown.contains("without the cluster: policy of "), "{shown}");
}

#[test]
fn checks_programs_in_the_home() {
    let jobs = "- {name: a, image: python3.13, command: ./run.sh}\n- {name: b, image: python3.13, command: ./none.sh}\n";
    let home = std::env::temp_dir().join(format!("toolforge-lint-home-{}", std::process::id()));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::write(home.join("run.sh"), "#!/bin/sh\n").unwrap();
    std::fs::write(home.join("jobs.yaml"), jobs).unwrap();
    let file = home.join("jobs.yaml").display().to_string();
    let (_, printed) = toolforge_cli::capture(|| {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let tool_home = Some(ToolHome::at(&home));
        outcome_at_home(runtime.enable_all(), cluster(&[], &[], &[]), &["lint", &file], tool_home)
    });
    std::fs::remove_dir_all(&home).unwrap();
    assert_snapshot!(printed.replace(&file, "FILE"), @"
    warning[command-not-executable]: FILE:1:41: run.sh is not executable; `chmod +x run.sh` changes that
      |
    1 | - {name: a, image: python3.13, command: ./run.sh}
      |                                         ^^^^^^^^
      |
      = fix: Run the command of the message, or begin the command with an interpreter such as `bash`.

    warning[missing-command]: FILE:2:41: none.sh does not exist in the tool's home
      |
    2 | - {name: b, image: python3.13, command: ./none.sh}
      |                                         ^^^^^^^^^
      |
      = fix: Correct the path, or put the program there before the object is created.

    2 warnings in 1 file, with the limits and images of the cluster
    ");
}

/// Returns the findings in a Deployment, which may exist, and a web service.
fn lint_with_quota(name: &str, exists: bool, instead: &[(String, Answer)]) -> String {
    let text = "{\"apiVersion\": \"apps/v1\", \"kind\": \"Deployment\", \"metadata\": {\"name\": \"bot\", \"labels\": {\"a\": \"b\"}},\n\
                \"spec\": {\"selector\": {\"matchLabels\": {\"toolforge\": \"tool\"}}, \"template\": {\"metadata\": {\"labels\": {\"toolforge\": \"tool\"}},\n\
                \"spec\": {\"containers\": [{\"name\": \"a\", \"image\": \"tools-harbor.wmcloud.org/tool-tf-test/a:1\", \"command\": [\"a\"],\n\
                \"resources\": {\"limits\": {\"cpu\": \"1\", \"memory\": \"1Gi\"}, \"requests\": {\"cpu\": \"1\", \"memory\": \"1Gi\"}}}]}}}}\n";
    let mut live: serde_json::Value = serde_json::from_str(text).unwrap();
    live["metadata"]["uid"] = json!("u-1");
    live["spec"]["replicas"] = json!(1);
    let (hard, used) = (
        json!({"pods": "4", "count/deployments.apps": "3"}),
        json!({"pods": "4", "count/deployments.apps": "3"}),
    );
    let quota = json!({"metadata": {"name": "tool-tf-test"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": used}});
    let list = |items: &[serde_json::Value]| {
        Answer::json(200, &json!({"metadata": {"resourceVersion": "7"}, "items": items}))
    };
    let created = (format!("POST {APPS}/deployments?{DRY_RUN}"), Answer::json(201, &json!({})));
    let mut answers = vec![created, (format!("GET {CORE}/resourcequotas"), list(&[quota]))];
    answers.retain(|(request, _)| instead.iter().all(|(other, _)| other != request));
    answers.extend_from_slice(instead);
    let deployments = if exists { vec![live] } else { Vec::new() };
    let path = std::env::temp_dir().join(format!("toolforge-lint-quota-{}-{name}.json", std::process::id()));
    std::fs::write(&path, text).unwrap();
    let file = path.display().to_string();
    let script = cluster(&[], &deployments, &answers)
        .answer(&format!("GET {APPS}/deployments/bot"), Answer::not_found("deployments.apps", "bot"));
    let (shown, printed) = toolforge_cli::capture(|| run(script, &["lint", &file]));
    std::fs::remove_file(&path).unwrap();
    format!("{printed}{shown}").replace(&file, "FILE")
}

#[test]
fn quota_counts_existing_objects() {
    assert_snapshot!(lint_with_quota("full", false, &[]), @r#"
    error[quota-exceeded]: FILE:1:70: together with the existing objects, the object exceeds the quota: pods: 5 of 4, 1 pod too many (quota tool-tf-test)
      |
    1 | {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bot", "labels": {"a": "b"}},
      |                                                                      ^^^^^
      |
      = server: pods of Deployment bot are forbidden: exceeded quota: tool-tf-test, limited: pods
      = fix: Request less, delete what is not needed, or ask for more quota: https://w.wiki/6YLP.

    error[quota-exceeded]: FILE:1:70: together with the existing objects, the object exceeds the quota: count/deployments.apps: 4 of 3, 1 object too many (quota tool-tf-test)
      |
    1 | {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bot", "labels": {"a": "b"}},
      |                                                                      ^^^^^
      |
      = server: Deployment bot is forbidden: exceeded quota: tool-tf-test, limited: count/deployments.apps
      = fix: Request less, delete what is not needed, or ask for more quota: https://w.wiki/6YLP.

    2 errors in 1 file, with the limits and images of the cluster
    [exit 1]
    GET   /api/v1/namespaces/tf-public/configmaps/image-config
    GET   /api/v1/namespaces/tool-tf-test/limitranges?limit=500
    GET   /api/v1/namespaces/tool-tf-test/pods?limit=500
    GET   /api/v1/namespaces/tool-tf-test/resourcequotas?limit=500
    GET   /api/v1/namespaces/tool-tf-test/services?limit=500
    GET   /apis/apps/v1/namespaces/tool-tf-test/deployments?limit=500
    GET   /apis/batch/v1/namespaces/tool-tf-test/cronjobs?limit=500
    GET   /apis/batch/v1/namespaces/tool-tf-test/jobs?limit=500
    GET   /apis/gateway.networking.k8s.io/v1/namespaces/tool-tf-test/httproutes?limit=500
    "#);
    // A change of its labels needs no second Deployment.
    let existing = lint_with_quota("exists", true, &[]);
    assert!(existing.contains("nothing found"), "{existing}");
}

#[test]
fn quota_counts_only_the_file_without_pods() {
    let forbidden = Answer::refusal(403, "Forbidden", "pods is forbidden: User \"x\" cannot list resource");
    let shown = lint_with_quota("forbidden", false, &[(format!("GET {CORE}/pods"), forbidden)]);
    assert!(!shown.contains("quota-exceeded"), "{shown}");
    assert!(shown.contains("with the limits and images of the cluster"), "{shown}");
}

#[test]
fn missing_rights_are_a_note() {
    let forbidden =
        Answer::refusal(403, "Forbidden", "configmaps is forbidden: User \"x\" cannot create resource");
    let shown = lint("rights", &[(format!("POST {CORE}/configmaps?{DRY_RUN}"), forbidden)], &[]);
    let posts = shown.lines().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1, "{shown}");
    assert!(!shown.contains("refused-by-server"), "{shown}");
}
