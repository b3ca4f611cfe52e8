//! Options: which action takes which, and invalid values.

use std::process::{Command, Stdio};

use insta::assert_snapshot;
use toolforge_fixtures::document_on_stderr;

use super::{FACTS, command, webservice};

#[test]
fn options_of_another_action_are_rejected() {
    assert_snapshot!(webservice(&format!("php8.2 render --engine podman {FACTS}")), @"
    [exit 2]
    --- stderr
    error: `--engine` cannot be used with `render`

    hint: Leave it out; it is an option of `local`.
    ");
    for line in
        ["status --dry-run", "stop --routing ingress", "start --grep x", "logs --run", "plan --exit-code"]
    {
        assert!(webservice(line).starts_with("[exit 2]"), "{line}");
    }
}

#[test]
fn python_options_are_accepted() {
    let line =
        "status --mem 1Gi --cpu 1 --replicas 2 --follow --last 5 --release buster --canonical --mount all";
    let said = webservice(&format!("{line} --health-check-path /x --buildservice-image tool-a/b:c {FACTS}"));
    assert!(said.starts_with("[exit 0]"), "{said}");
}

#[test]
fn json_is_rejected_by_verbs_without_it() {
    assert_snapshot!(webservice("logs -o json"), @r#"
    [exit 2]
    --- stderr
    {"apiVersion":"cli.toolforge.org/v1","kind":"Failure","code":"invalid-arguments","message":"logs has no JSON or YAML output","details":[],"hints":["Leave `--output` out."],"notes":[],"exitCode":2}
    "#);
    assert!(webservice("php8.2 shell -o yaml").starts_with("[exit 2]"));
}

#[test]
fn global_options_without_effect_are_refused() {
    let shown: Vec<String> = [
        "generate bash --as me",
        "generate bash --from f.yaml",
        "lint --offline service.template --kubeconfig /nope",
        "status --uid 50001",
        "types --uid 50001",
        "doctor --from f.yaml",
    ]
    .into_iter()
    .map(|line| {
        let shown = webservice(line);
        let shown = shown.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | ");
        format!("{line}: {shown}")
    })
    .collect();
    assert_snapshot!(shown.join("\n"), @"
    generate bash --as me: [exit 2] | --- stderr | error: `--as` cannot be used with `generate` | hint: Leave it out; `generate` needs neither a tool nor a cluster.
    generate bash --from f.yaml: [exit 2] | --- stderr | error: `--from` cannot be used with `generate` | hint: Leave it out; `generate` needs neither a tool nor a cluster.
    lint --offline service.template --kubeconfig /nope: [exit 2] | --- stderr | error: `--kubeconfig` cannot be used with `--offline` | hint: Leave it out, or leave `--offline` out to use the cluster.
    status --uid 50001: [exit 2] | --- stderr | error: `--uid` cannot be used with `status` | hint: Leave it out; it is an option of `local`.
    types --uid 50001: [exit 2] | --- stderr | error: `--uid` cannot be used with `types` | hint: Leave it out; it is an option of `local`.
    doctor --from f.yaml: [exit 2] | --- stderr | error: `--from` cannot be used with `doctor` | hint: Leave it out; `doctor` checks the cluster itself.
    ");
}

#[test]
fn surplus_arguments_have_a_hint_at_the_option() {
    let shown: Vec<String> = [
        "logs --since 2026-11-25 10:00:00",
        "logs --grep foo bar",
        "logs --last 5 bar",
        "stop --dry-run server",
        "start --dry-run server",
        "start --dry-run php8.2",
        "php8.2 stop now",
    ]
    .into_iter()
    .map(|line| {
        let shown = webservice(line);
        let shown = shown.lines().skip(2).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | ");
        format!("{line}: {shown}")
    })
    .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    logs --since 2026-11-25 10:00:00: error: `logs` takes no argument; found "10:00:00" | hint: Leave it out, or put quotes around the value of `--since` if it contains spaces or `*`.
    logs --grep foo bar: error: `logs` takes no argument; found "bar" | hint: Leave it out, or put quotes around the value of `--grep` if it contains spaces or `*`.
    logs --last 5 bar: error: `logs` takes no argument: leave "bar" out
    stop --dry-run server: error: `stop` takes no argument; found "server" | hint: Write `--dry-run=server`.
    start --dry-run server: error: `start` without a type takes no argument; found "server" | hint: Write `--dry-run=server`.
    start --dry-run php8.2: error: the type comes before the action | hint: Run `webservice php8.2 start --dry-run`.
    php8.2 stop now: error: `stop` takes no argument: leave "now" out
    "#);
}

#[test]
fn no_option_value_panics() {
    let values = [
        "",
        " ",
        "-",
        "--",
        "\u{1b}[2J",
        "é",
        "999999999999999999999",
        "0",
        "-1",
        "1Gi",
        "../..",
        "a/b",
        "{",
        "\n",
    ];
    for option in [
        "--mem",
        "--cpu",
        "--replicas",
        "--tool",
        "--uid",
        "--kubeconfig",
        "--as",
        "--routing",
        "--from",
        "--output",
    ] {
        for value in values {
            let mut command = Command::new(env!("CARGO_BIN_EXE_webservice"));
            command.current_dir(toolforge_fixtures::path("facts")).env_clear().env("HOME", "/nonexistent");
            let output =
                command.args(["php8.2", "status", option, value]).stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code().is_some_and(|code| code <= 6), "{option} {value:?}: {said}");
            assert!(!said.contains("panicked"), "{option} {value:?}: {said}");
            assert!(!said.contains('\u{1b}'), "{option} {value:?}: {said:?}");
        }
    }
}

#[test]
fn failures_are_documents_with_json() {
    let cases = [
        ("strat", 2, "invalid-arguments"),
        ("status --bogus", 2, "invalid-arguments"),
        ("start -m 1X", 2, "invalid-arguments"),
        ("logs", 2, "invalid-arguments"),
        ("status", 4, "kubeconfig"),
        ("php8.2 start -m 5Gi --tool stashbot --from catalog.yaml --from limits.yaml", 3, "quota-exceeded"),
        ("php9 plan --tool stashbot --from catalog.yaml", 1, "unknown-image"),
    ];
    for (line, exit_code, code) in cases {
        let output = command(&format!("{line} -o json")).output().unwrap();
        let document = document_on_stderr(&output.stderr).unwrap();
        let stderr = document.to_string();
        assert_eq!(output.status.code(), Some(exit_code), "{stderr}");
        assert_eq!((&document["kind"], &document["code"]), (&"Failure".into(), &code.into()), "{stderr}");
        assert_eq!(document["exitCode"], exit_code, "{stderr}");
        if code == "quota-exceeded" {
            assert_eq!(document["details"][0]["violation"]["code"], "above-max", "{stderr}");
        }
    }
}

#[test]
fn errors_of_files_name_the_file() {
    let file = std::env::temp_dir().join(format!("toolforge-webservice-{}-catalog.json", std::process::id()));
    let mut said = String::new();
    for content in [
        r#"{"kind": "ConfigMap", "metadata": {"name": "image-config"}}"#,
        r#"{"kind": "ConfigMap", "metadata": {"name": "image-config"}, "data": {"images-v1.yaml": "a: [1"}}"#,
        r#"{"kind": "ConfigMap", "metadata": {"name": "image-config"}, "data": 1}"#,
        r#"{"kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": 1}}"#,
        r#"{"kind": "LimitRange", "metadata": {"name": "l"}, "spec": {"limits": 1}}"#,
    ] {
        std::fs::write(&file, content).unwrap();
        said.push_str(&webservice(&format!("php8.2 plan --tool stashbot --from {}", file.display())));
    }
    std::fs::remove_file(&file).unwrap();
    assert_snapshot!(said.replace(file.to_str().unwrap(), "FILE"), @r#"
    [exit 1]
    --- stderr
    error: FILE: ConfigMap image-config has no key `images-v1.yaml`
    [exit 1]
    --- stderr
    error: FILE: the image catalog cannot be read: line 1, column 4: invalid YAML: unclosed bracket '['
    [exit 1]
    --- stderr
    error: FILE: ConfigMap "image-config" cannot be read: invalid type: integer `1`, expected a map
    [exit 1]
    --- stderr
    error: FILE: ResourceQuota "q" cannot be read: invalid type: integer `1`, expected a map
    [exit 1]
    --- stderr
    error: FILE: LimitRange "l" cannot be read: invalid type: integer `1`, expected a sequence
    "#);
}

#[test]
fn warnings_are_a_document_with_json() {
    for (line, message) in [
        ("plan", "no type given: using php8.2, which replaces the default type php7.4"),
        ("render", "no type given: using php8.2, which replaces the default type php7.4"),
        ("local", "no type given: using php8.2, which replaces the default type php7.4"),
    ] {
        let output = command(&format!("{line} {FACTS} -o json")).output().unwrap();
        let document = document_on_stderr(&output.stderr).unwrap();
        assert_eq!(document["kind"], "Notes", "{line}: {document:#}");
        assert_eq!(document["notes"][0]["message"], message, "{line}: {document:#}");
        let _: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    }
    for line in ["status", "types"] {
        let output = command(&format!("{line} {FACTS} -o json")).output().unwrap();
        assert_eq!(document_on_stderr(&output.stderr), None, "{line}");
    }
}

#[test]
fn misspelled_option_is_the_first_error() {
    for line in
        ["php8.2 start --memm 1Gi", "--replicas many --memm 1Gi start", "php8.2 start --mount x --memm 1Gi"]
    {
        let shown = webservice(line);
        assert!(shown.contains("error: unknown option --memm; did you mean --mem?\n"), "{line}: {shown}");
    }
}

#[test]
fn only_options_of_the_help_are_proposed() {
    let shown: Vec<String> = [
        "--backed start",
        "--cannonical start",
        "--canonical=1 start",
        "restart now",
        "start golang",
        "start 2",
        "status --memm 1Gi",
        "start --memm 1Gi",
    ]
    .map(|line| {
        let said = webservice(line);
        format!("{line}: {}", said.lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | "))
    })
    .to_vec();
    assert_snapshot!(shown.join("\n"), @r#"
    --backed start: [exit 2] | --- stderr | error: unknown option --backed
    --cannonical start: [exit 2] | --- stderr | error: unknown option --cannonical
    --canonical=1 start: [exit 2] | --- stderr | error: --canonical takes no value | hint: Write `--canonical` alone.
    restart now: [exit 2] | --- stderr | error: `restart` without a type takes no argument: leave "now" out
    start golang: [exit 2] | --- stderr | error: the type comes before the action | hint: Run `webservice golang start`.
    start 2: [exit 2] | --- stderr | error: `start` without a type takes no argument: leave "2" out
    status --memm 1Gi: [exit 2] | --- stderr | error: unknown option --memm
    start --memm 1Gi: [exit 2] | --- stderr | error: unknown option --memm; did you mean --mem?
    "#);
}

#[test]
fn ignores_missing_kubeconfig_offline() {
    let output = command("--tool stashbot php8.2 plan --quota seed-2020").env("KUBECONFIG", "/nope").output();
    assert_eq!(output.unwrap().status.code(), Some(0));
}
