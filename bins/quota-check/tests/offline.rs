//! What a person reads, from the real program, without a cluster.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use toolforge_fixtures::document_on_stderr;

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
fn limits_and_usage_from_a_file() {
    assert_snapshot!(said(&quota_check("--tool stashbot --from limits.yaml")), @"
    [exit 0]
    RESOURCE         USED   LIMIT  STATE
    pods             1      4
    requests.cpu     125m   2
    requests.memory  256Mi  6Gi
    limits.cpu       500m   2
    limits.memory    512Mi  8Gi
    services         1      1      in use

    EACH CONTAINER  DEFAULT  REQUEST  MIN    MAX
    cpu             500m     150m     50m    1
    memory          512Mi    256Mi    100Mi  4Gi
    ");
}

#[test]
fn json_has_version_and_full_resources() {
    let output = quota_check("--tool stashbot --from limits.yaml --output json");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["apiVersion"], "cli.toolforge.org/v1");
    let resources = report["quotas"][0]["resources"].as_array().unwrap();
    let services = resources.iter().find(|row| row["resource"] == "services").unwrap();
    assert_eq!(services["state"], "blocked");
}

#[test]
fn odd_numbers_mark_their_rows() {
    assert_snapshot!(said(&quota_check("--tool stashbot --from limits-odd.yaml")), @"
    [exit 0]
    quota tool-stashbot
    RESOURCE                    USED    LIMIT  STATE
    pods                        1       4      limit 10 is pending
    requests.memory             3.18Gi  8Gi
    limits.cpu                  500m    9.22P
    limits.memory               0       100Mi
    services                    2       0      over
    count/ponies.example.com    0       many   not a quantity
    count/unicorns.example.com  0       3      not counted: the cluster has no such resource

    quota short-runs, which counts only pods with Terminating
    RESOURCE  USED  LIMIT  STATE
    pods      0     2      not counted yet

    EACH CONTAINER     DEFAULT  REQUEST  MIN  MAX  LIMIT/REQUEST
    cpu                -        -        -    1    -
    memory             512Mi    -        -    -    1.5
    ephemeral-storage  1Gi      -        -    -    -
    EACH POD  DEFAULT  REQUEST  MIN  MAX
    memory    -        -        -    2Gi
    EACH VOLUME CLAIM  DEFAULT  REQUEST  MIN  MAX
    storage            -        -        1Gi  -
    not a quantity, and left out: max.memory
    warning: the limit of count/ponies.example.com in quota tool-stashbot is not a quantity, so nothing is checked against it
    ");
}

#[test]
fn long_limits_are_short() {
    let file = std::env::temp_dir().join(format!("quota-check-long-{}.yaml", std::process::id()));
    let limits = "{type: Container, max: {cpu: 9223372036854775807m, memory: '9223372036854775807'}, min: {memory: '52613350'}}";
    let range = format!(
        "---\n{{apiVersion: v1, kind: LimitRange, metadata: {{name: l}}, spec: {{limits: [{limits}]}}}}"
    );
    std::fs::write(&file, range).unwrap();
    let found = said(&quota_check(&format!("--tool stashbot --from {}", file.display())));
    std::fs::remove_file(&file).unwrap();
    let rows = found.lines().filter(|line| line.starts_with("cpu ") || line.starts_with("memory "));
    let rows = rows.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>();
    assert_eq!(rows, ["cpu - - - 9.22P", "memory - - 50.2Mi 7.99Ei"]);
}

#[test]
fn json_keeps_exact_numbers() {
    let output = quota_check("--tool stashbot --from limits-odd.yaml --output json");
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let resources = report["quotas"][0]["resources"].as_array().unwrap();
    let row = |name: &str| resources.iter().find(|row| row["resource"] == name).unwrap();
    assert_eq!(row("limits.cpu")["hard"], "9223372036854775807");
    assert_eq!(row("limits.cpu")["note"], "rounded");
    assert_eq!(row("limits.memory")["hard"], "0.098Gi");
    assert_eq!(row("requests.memory")["used"], "3330142Ki");
    assert_eq!(row("requests.memory")["note"], serde_json::Value::Null);
    assert_eq!((&row("pods")["note"], &row("pods")["pending"]), (&"pending".into(), &"10".into()));
    assert_eq!(row("count/ponies.example.com")["note"], "unreadable");
    assert_eq!(report["quotas"][1]["scopes"][0], "Terminating");
    assert_eq!(report["quotas"][1]["resources"][0]["note"], "not-counted-yet");
    assert_eq!(report["limits"][0]["pod"][0]["max"], "2Gi");
    assert_eq!(report["limits"][0]["unreadable"][0], "max.memory");
}

#[test]
fn profile_replaces_the_limits() {
    assert_snapshot!(said(&quota_check("--tool stashbot --from limits.yaml --quota seed-2020")), @"
    [exit 0]
    RESOURCE                USED   LIMIT  STATE
    pods                    1      4
    requests.cpu            125m   2
    requests.memory         256Mi  6Gi
    limits.cpu              500m   2
    limits.memory           512Mi  8Gi
    services                1      1      in use
    services.nodeports      0      0      not allowed
    replicationcontrollers  0      1
    secrets                 0      10
    configmaps              0      10
    persistentvolumeclaims  0      3

    EACH CONTAINER  DEFAULT  REQUEST  MIN    MAX
    cpu             500m     150m     50m    1
    memory          512Mi    256Mi    100Mi  4Gi
    ");
    let offline = said(&quota_check("--tool stashbot --quota toolforge-2023"));
    assert!(offline.starts_with("[exit 0]") && offline.contains("count/cronjobs.batch"), "{offline}");
    let unknown = said(&quota_check("--tool stashbot --quota none"));
    assert!(unknown.contains("the profiles are seed-2020, toolforge-2023"), "{unknown}");
}

#[test]
fn reports_missing_quota() {
    assert_snapshot!(said(&quota_check("--tool another --from catalog.yaml")), @"
    [exit 0]
    the namespace has no quota

    the namespace has no limits for containers
    ");
}

#[test]
fn files_of_other_tools_are_an_error() {
    let found = said(&quota_check("--tool nosuch --from limits.yaml"));
    assert_snapshot!(found, @"
    [exit 1]
    error: the `--from` files contain no objects of tool nosuch

    hint: They contain objects of stashbot; set the tool with `--tool`.
    ");
    for verb in ["what-if", "request", "audit"] {
        assert_eq!(said(&quota_check(&format!("{verb} --tool nosuch --from limits.yaml"))), found, "{verb}");
    }
}

#[test]
fn missing_kubeconfig_hints_at_become() {
    assert_snapshot!(said(&quota_check("")), @"
    [exit 4]
    error: kubeconfig /nonexistent/.kube/config does not exist

    hint: Become the tool first, `become TOOL`, or name another file with `--kubeconfig`.

    hint: Without a cluster: `--tool NAME` with `--quota toolforge-2023`, or with `--from FILE` to read what `kubectl get … -o yaml` printed.
    ");
}

#[test]
fn files_without_kubeconfig_have_two_hints() {
    assert_snapshot!(said(&quota_check("limits.yaml")), @"
    [exit 4]
    error: kubeconfig /nonexistent/.kube/config does not exist

    hint: Become the tool first, `become TOOL`, or name another file with `--kubeconfig`.

    hint: Without a cluster: `--tool NAME` with `--quota toolforge-2023`, or with `--from FILE` to read what `kubectl get … -o yaml` printed.
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
fn help_lists_the_formats_of_the_verb() {
    for (verb, formats) in
        [("what-if", "table json yaml"), ("audit", "table json yaml"), ("request", ""), ("generate", "")]
    {
        let help = said(&quota_check(&format!("{verb} --help")));
        let option = help.split_once("--output <FORMAT>").and_then(|(_, rest)| rest.split_once("[default:"));
        let lines = option.map(|(option, _)| option).unwrap_or_default().lines();
        let values = lines.filter_map(|line| line.trim().strip_prefix("- ")?.split_once(':'));
        let values: Vec<&str> = values.map(|(value, _)| value).collect();
        assert_eq!((help.starts_with("[exit 0]"), values.join(" ").as_str()), (true, formats), "{help}");
    }
    for (format, error) in [
        ("csv", "`--output csv` cannot be used with `request`, which prints text"),
        ("json", "request has no JSON or YAML output"),
    ] {
        let output = quota_check(&format!("request --tool x --from limits.yaml --output {format}"));
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(error), "{stderr}");
        assert!(stderr.contains("Leave `--output` out."), "{stderr}");
    }
}

#[test]
fn words_of_other_tools_have_a_hint() {
    let hint = |line: &str| {
        let said = said(&quota_check(line));
        let lines: Vec<&str> = said.lines().filter(|line| !line.is_empty()).collect();
        lines.join(" / ")
    };
    assert_snapshot!(hint("describe quota"), @r#"[exit 2] / error: "describe" is neither a command nor a file / hint: Run `quota-check`."#);
    assert_snapshot!(hint("status --tool x"), @r#"[exit 2] / error: "status" is neither a command nor a file / hint: Run `quota-check --tool x`."#);
    assert_snapshot!(hint("validate"), @r#"[exit 2] / error: "validate" is neither a command nor a file / hint: Run `quota-check FILE`."#);
    assert_snapshot!(hint("apply jobs.yaml --tool x"), @r#"[exit 2] / error: "apply" is neither a command nor a file / hint: Run `quota-check jobs.yaml --tool x`."#);
    assert_snapshot!(hint("whatif bot --tool x"), @r#"[exit 2] / error: "whatif" is neither a command nor a file / hint: Run `quota-check what-if bot --tool x`."#);
    assert_snapshot!(hint("rm job"), @r#"[exit 2] / error: "rm" is neither a command nor a file / hint: This program changes nothing and prints no logs. `toolforge jobs delete NAME` deletes a job; `toolforge webservice stop` stops the web service."#);
    assert_snapshot!(hint("tail"), @r#"[exit 2] / error: "tail" is neither a command nor a file / hint: This program changes nothing and prints no logs. `toolforge jobs logs NAME` prints the log of a job; `toolforge webservice logs` that of the web service."#);
    assert_snapshot!(hint("requst a.yaml --tool x"), @r#"[exit 2] / error: "requst" is neither a command nor a file; did you mean request? / hint: Run `quota-check request a.yaml --tool x`."#);
    let failed = quota_check("--all --kubeconfig /nonexistent");
    assert!(failed.stdout.is_empty(), "{failed:?}");
    assert!(hint("help describe").starts_with("[exit 0]"));
    // A file of that name is read.
    let directory = std::env::temp_dir().join(format!("quota-check-words-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join("plan"), "- {name: a, command: ./a, image: bookworm}\n").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
    command.current_dir(&directory).env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    let output = command.args(["plan", "--tool", "stashbot", "--quota", "toolforge-2023"]).output().unwrap();
    std::fs::remove_dir_all(&directory).unwrap();
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn generate_refuses_options() {
    for (line, option) in [
        ("generate bash --tool x", "--tool"),
        ("--kubeconfig=k generate man", "--kubeconfig"),
        ("generate bash --quota toolforge-2023", "--quota"),
    ] {
        let said = said(&quota_check(line));
        assert!(said.starts_with("[exit 2]"), "{said}");
        assert!(said.contains(&format!("`{option}` cannot be used with `generate`")), "{said}");
    }
}

#[test]
fn generate_and_help_have_help() {
    let help = said(&quota_check("generate --help"));
    assert!(help.contains("Usage: quota-check generate"), "{help}");
    assert!(said(&quota_check("help generate")).contains("Usage: quota-check generate"), "{help}");
    assert_eq!(said(&quota_check("help help")), said(&quota_check("help")));
    assert!(said(&quota_check("generate bash")).contains("complete"));
    let refused = said(&quota_check("generate bash --output json"));
    assert!(refused.starts_with("[exit 2]") && refused.contains("generate has no JSON"), "{refused}");
}

#[test]
fn failures_are_documents_with_json() {
    for (line, exit_code, code) in
        [("", 4, "kubeconfig"), ("--bogus", 2, "invalid-arguments"), ("--from none", 2, "invalid-arguments")]
    {
        let output = quota_check(&format!("{line} --output=json"));
        let document = document_on_stderr(&output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(exit_code), "{document:#}");
        assert_eq!((&document["kind"], &document["code"]), (&"Failure".into(), &code.into()));
    }
}

#[test]
fn too_few_open_files_are_an_error() {
    let program = env!("CARGO_BIN_EXE_quota-check");
    let output =
        Command::new("sh").args(["-c", "ulimit -n 6; exec \"$0\" \"$@\"", program]).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: this process may not open enough files\n"), "{stderr}");
    assert!(stderr.ends_with("hint: Raise the limit: `ulimit -n 64`.\n"), "{stderr}");
}

#[test]
fn warnings_are_a_document_with_json() {
    for (line, kind) in
        [("", Some("Notes")), ("what-if", Some("Notes")), ("by-hand.yaml", Some("Failure")), ("audit", None)]
    {
        let output = quota_check(&format!("{line} --tool stashbot --from limits-odd.yaml --output json"));
        let document = document_on_stderr(&output.stderr);
        let found = document.as_ref().map(|document| document["kind"].as_str().unwrap());
        assert_eq!(found, kind, "{line}: {document:?}");
        if let Some(document) = document.filter(|_| kind == Some("Notes")) {
            let notes = document["notes"].to_string();
            assert!(notes.contains("is not a quantity, so nothing is checked against it"), "{line}: {notes}");
        }
    }
}

#[test]
fn misspelled_option_is_the_first_error() {
    for line in
        ["--from limits.yaml --tol stashbot", "--tool Ä --quot seed-2020 --alll", "what-if --mmeory 1Gi"]
    {
        let shown = said(&quota_check(line));
        assert!(shown.starts_with("[exit 2]\nerror: unknown option --"), "{line}: {shown}");
        assert!(shown.contains("; did you mean --"), "{line}: {shown}");
    }
}

#[test]
fn misplaced_arguments_have_a_hint_that_works() {
    let shown: Vec<String> = [
        "audit FILE",
        "what-if a b",
        "--all audit",
        "--tool stashbot --all audit --output json",
        "--all what-if",
        "--all --sort name audit",
        "--all --sort name what-if",
        "--sort name audit",
        "--threshold 90 what-if",
        "--al audit",
        "--all -o csv audit",
        "--all -o csv --sort name audit",
        "--all -o csv audti",
        "-o csv audti",
        "-o csv describe",
        "--tool audit --all audit",
        "audti --all",
        "--all audti",
        "whatif a b",
        "what-if bot -r 2 x",
        "what-if bot --mem 1 Gi",
        "audit --all --tool a b",
    ]
    .map(|line| {
        let said = said(&quota_check(line));
        let said: Vec<&str> = said.lines().skip(1).filter(|line| !line.is_empty()).collect();
        format!("{line}: {}", said.join(" | "))
    })
    .to_vec();
    assert_snapshot!(shown.join("\n"), @r#"
    audit FILE: error: unexpected argument "FILE" | hint: Leave it out.
    what-if a b: error: unexpected argument "b" | hint: Leave it out.
    --all audit: error: `--all` cannot be used with a command or `--quota` | hint: Run `quota-check audit --all`.
    --tool stashbot --all audit --output json: {"apiVersion":"cli.toolforge.org/v1","kind":"Failure","code":"invalid-arguments","message":"`--all` cannot be used with a command or `--quota`","details":[],"hints":["Run `quota-check --tool stashbot audit --all --output json`."],"notes":[],"exitCode":2}
    --all what-if: error: `--all` cannot be used with a command or `--quota` | hint: Leave `--all` out to check one tool.
    --all --sort name audit: error: `--all` cannot be used with a command or `--quota` | hint: Leave `--sort` out, and write `--all` after the command: `quota-check audit --all`.
    --all --sort name what-if: error: `--all` cannot be used with a command or `--quota` | hint: Leave `--all` and `--sort` out to check one tool.
    --sort name audit: error: `--sort` cannot be used with `audit` | hint: Leave it out.
    --threshold 90 what-if: error: `--threshold` cannot be used with `what-if` | hint: Leave it out.
    --al audit: error: `--all` cannot be used with a command or `--quota` | hint: Run `quota-check audit --all`.
    --all -o csv audit: error: `--all` cannot be used with a command or `--quota` | hint: Leave `--output` out, and write `--all` after the command: `quota-check audit --all`.
    --all -o csv --sort name audit: error: `--all` cannot be used with a command or `--quota` | hint: Leave `--sort` and `--output` out, and write `--all` after the command: `quota-check audit --all`.
    --all -o csv audti: error: "audti" is neither a command nor a file; did you mean audit? | hint: `quota-check audit --help` shows how to use it.
    -o csv audti: error: "audti" is neither a command nor a file; did you mean audit? | hint: `quota-check audit --help` shows how to use it.
    -o csv describe: error: "describe" is neither a command nor a file
    --tool audit --all audit: error: `--all` cannot be used with a command or `--quota` | hint: Run `quota-check --tool audit audit --all`.
    audti --all: error: "audti" is neither a command nor a file; did you mean audit? | hint: Run `quota-check audit --all`.
    --all audti: error: "audti" is neither a command nor a file; did you mean audit? | hint: Run `quota-check audit --all`.
    whatif a b: error: "whatif" is neither a command nor a file | hint: `quota-check what-if --help` shows how to use it.
    what-if bot -r 2 x: error: unexpected argument "x" | hint: Leave it out.
    what-if bot --mem 1 Gi: error: unexpected argument "Gi" | hint: Leave it out.
    audit --all --tool a b: error: unexpected argument "b" | hint: Leave it out, or put quotes around the value of `--tool` if it contains spaces or `*`.
    "#);
}

#[test]
fn ignores_missing_kubeconfig_offline() {
    for (line, code) in [
        ("--tool stashbot --quota seed-2020", 0),
        ("--tool stashbot --quota seed-2020 what-if", 0),
        ("--tool stashbot --quota seed-2020 manifests.yaml", 0),
        // One that the command line names is needed.
        ("--tool stashbot --quota seed-2020 --kubeconfig /other", 4),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
        command.current_dir(toolforge_fixtures::path("facts")).env_clear().env("HOME", "/nonexistent");
        let output = command.env("KUBECONFIG", "/nope").args(line.split(' ')).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{line}: {}", said(&output));
    }
}

#[test]
fn pods_that_can_never_be_created_do_not_fit() {
    let template = std::env::temp_dir().join(format!("quota-check-{}.template", std::process::id()));
    std::fs::write(&template, "type: php8.2\nmem: 1Gi\n").unwrap();
    let line = "--tool stashbot --from web-without-pods.yaml --from catalog.yaml --output json";
    let output = quota_check(&format!("{line} {}", template.display()));
    std::fs::remove_file(&template).unwrap();
    assert_eq!(output.status.code(), Some(3));
    let plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&plan["fits"], &plan["verdict"]), (&false.into(), &"missing-pods".into()), "{plan}");
    let rows = plan["quotas"].as_array().unwrap();
    let memory = rows.iter().find(|row| row["resource"] == "limits.memory").unwrap();
    assert_eq!(memory["fits"], false, "{memory}");
}

#[test]
fn offline_has_a_hint() {
    let shown = said(&quota_check("--offline file.yaml"));
    let hint = "Without a cluster: `--tool NAME` with `--quota toolforge-2023`";
    assert!(
        shown.starts_with(&format!("[exit 2]\nerror: unknown option --offline\n\nhint: {hint}")),
        "{shown}"
    );
}

#[test]
fn repeated_jobs_have_no_table() {
    let file = std::env::temp_dir().join(format!("quota-check-{}-twice.yaml", std::process::id()));
    std::fs::write(&file, "- {name: a, image: bookworm, command: x}\n").unwrap();
    let path = file.display().to_string();
    let said = said(&quota_check(&format!("--tool stashbot --quota seed-2020 {path} {path}")));
    std::fs::remove_file(&file).unwrap();
    assert_snapshot!(said.replace(&path, "jobs.yaml"), @"
    [exit 1]
    error: jobs.yaml:1:3: a second job a

    hint: Rename what is there twice, or leave one of the files out.
    ");
}
