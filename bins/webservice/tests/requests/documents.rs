//! The document of each action with `--output json`: one on standard output, or a usage error.

use serde_json::{Value, json};
use toolforge_cli::{Session, Source};
use toolforge_client::scripted::{Answer, Script};
use toolforge_render::namespace::Platform;

use super::{DEPLOYMENT, HTTP_ROUTE, SERVICE, cluster};

/// Runs a command line and returns its exit code and its standard output.
fn printed(script: Script, line: &str) -> (u8, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (client, _requests) = {
        let _inside = runtime.enter();
        script.client()
    };
    let session = Session {
        tool: "stashbot".parse().unwrap(),
        platform: Platform::default(),
        uid: None,
        home: None,
        source: Source::Cluster { runtime, client },
    };
    let words = ["webservice"].into_iter().chain(line.split_whitespace());
    let (ended, stdout) = toolforge_cli::capture(|| webservice::run_in(&session, words));
    (ended.map_or_else(|failure| failure.exit_code().code(), toolforge_cli::ExitCode::code), stdout)
}

/// Runs a command line with `--output json` and returns its exit code and its document.
fn document(script: Script, line: &str) -> (u8, Value) {
    let (exit_code, stdout) = printed(script, &format!("--output json {line}"));
    (exit_code, serde_json::from_str(&stdout).unwrap_or_else(|error| json!(format!("{error}: {stdout}"))))
}

#[test]
fn every_action_handles_output() {
    for (line, exit_code, kind) in [
        ("php8.2 start", 0, "ApplyReport"),
        ("php8.2 start --dry-run", 0, "ApplyReport"),
        ("php8.2 start -m 1Gi --dry-run", 0, "ApplyReport"),
        ("restart --dry-run", 0, "ApplyReport"),
        ("stop --dry-run", 0, "ApplyReport"),
        ("status", 0, "WebServiceStatus"),
        ("php8.2 plan", 0, "WebServicePlan"),
        ("php8.2 render", 0, "List"),
        ("types", 0, "ImageTypes"),
        ("php8.2 types", 0, "ImageType"),
        ("php8.2 local", 0, "LocalCommand"),
    ] {
        let (found, value) = document(cluster(Some("running.json"), &[]), line);
        assert_eq!((found, &value["kind"]), (exit_code, &json!(kind)), "{line}: {value:#}");
        let (found, yaml) = printed(cluster(Some("running.json"), &[]), &format!("-o yaml {line}"));
        assert_eq!(found, exit_code, "{line}");
        assert!(yaml.contains("\nkind: ") || yaml.starts_with("---\n"), "{line}: {yaml}");
    }
    for line in ["shell", "exec", "logs", "generate man"] {
        assert_eq!(
            printed(cluster(Some("running.json"), &[]), &format!("-o json {line}")),
            (2, String::new())
        );
    }
}

#[test]
fn nothing_to_stop_is_reported_without_changes() {
    let (exit_code, value) = document(cluster(None, &[]), "stop");
    assert_eq!((exit_code, &value["webService"]["state"]), (0, &json!("stopped")), "{value:#}");
}

#[test]
fn unchanged_start_prints_state() {
    let (_, value) = document(cluster(Some("running.json"), &[]), "php8.2 start");
    let change = &value["changes"][0];
    assert_eq!((&change["action"], &change["outcome"]), (&json!("keep"), &json!("unchanged")));
    assert_eq!((&value["webService"]["state"], &value["dryRun"]), (&json!("running"), &Value::Null));
}

#[test]
fn refused_start_is_reported_as_failed() {
    let instead = [(format!("PATCH {DEPLOYMENT}"), Answer::refusal(400, "", "no"))];
    let (exit_code, value) = document(cluster(None, &instead), "php8.2 start");
    assert_eq!((exit_code, &value["exitCode"]), (4, &json!(4)), "{value:#}");
    assert_eq!(value["changes"][0]["outcome"], "failed");
    assert_eq!(value["changes"][0]["objects"][0]["written"], Value::Null);
}

#[test]
fn partial_stop_lists_what_was_deleted() {
    let instead = [
        (format!("DELETE {HTTP_ROUTE}"), Answer::json(200, &json!({"kind": "Status", "status": "Success"}))),
        (format!("DELETE {SERVICE}"), Answer::refusal(504, "Timeout", "request did not complete")),
    ];
    let (exit_code, value) = document(cluster(Some("running.json"), &instead), "stop");
    assert_eq!((exit_code, &value["changes"][0]["outcome"]), (6, &json!("partially-done")), "{value:#}");
    let objects = value["changes"][0]["objects"].as_array().unwrap();
    let written: Vec<&Value> = objects.iter().map(|object| &object["written"]).collect();
    assert_eq!(written, [&json!("deleted"), &Value::Null, &Value::Null]);
}

#[test]
fn dry_run_on_the_server_writes_nothing() {
    let accepted = || Answer::json(200, &json!({}));
    let refused = Answer::refusal(400, "", "admission webhook \"w\" denied the request: no");
    for (service, exit_code, outcome) in [(accepted(), 0, "planned"), (refused, 4, "failed")] {
        let instead = [
            (format!("PATCH {DEPLOYMENT}"), accepted()),
            (format!("PATCH {SERVICE}"), service),
            (format!("PATCH {HTTP_ROUTE}"), accepted()),
        ];
        let (code, value) = document(cluster(None, &instead), "php8.2 start --dry-run=server");
        let change = &value["changes"][0];
        assert_eq!((code, &change["outcome"]), (exit_code, &json!(outcome)), "{value}");
        let written: Vec<&Value> =
            change["objects"].as_array().unwrap().iter().map(|object| &object["written"]).collect();
        assert_eq!(written, [&Value::Null; 3]);
    }
}
