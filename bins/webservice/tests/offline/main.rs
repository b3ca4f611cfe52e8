//! What a person reads, from the real program, without a cluster.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod generate;
mod help;
mod lint;
mod local;
mod options;
mod plan;
mod template;

use std::fmt::Write as _;
use std::io::Read;
use std::process::{Command, Stdio};

use insta::assert_snapshot;

fn command(line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_webservice"));
    command
        .current_dir(toolforge_fixtures::path("facts"))
        .env_clear()
        .env("HOME", "/nonexistent")
        .stdin(Stdio::null());
    command.args(line.split_whitespace());
    command
}

/// Runs a command line in the directory `fixtures/facts` and returns its output.
fn webservice(line: &str) -> String {
    let output = command(line).output().unwrap();
    let mut said = format!("[exit {}]\n", output.status.code().unwrap());
    said.push_str(&String::from_utf8(output.stdout).unwrap());
    if !output.stderr.is_empty() {
        let _ = write!(said, "--- stderr\n{}", String::from_utf8(output.stderr).unwrap());
    }
    said.split_inclusive('\n').map(without_age).collect()
}

/// Returns a line without its age, which changes with every run.
fn without_age(line: &str) -> String {
    let Some(before) = line.strip_suffix(" ago\n") else { return line.to_owned() };
    let mut words = before.rsplitn(3, ' ');
    let (_unit, _number, rest) = (words.next(), words.next(), words.next());
    format!("{} [age] ago\n", rest.unwrap_or_default())
}

const FACTS: &str = "--tool stashbot --from catalog.yaml --from limits.yaml";

#[test]
fn status_of_a_running_web_service() {
    assert_snapshot!(webservice(&format!("status {FACTS} --from running.json")), @"
    [exit 0]
    Your webservice of type php8.2 is running on backend kubernetes
      pods     1 of 1 ready
      since    [age] ago
      image    docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest
      address  https://stashbot.toolforge.org/
    ");
}

/// Returns `running.json` without the labels of a web service on objects of a kind, and without what else the filter leaves out.
fn with_foreign(kind: &str, is_kept: impl Fn(&str) -> bool) -> String {
    let mut live: serde_json::Value =
        serde_json::from_str(&toolforge_fixtures::read("facts/running.json")).unwrap();
    let items = live["items"].as_array_mut().unwrap();
    items.retain(|item| is_kept(item["kind"].as_str().unwrap()));
    for item in items.iter_mut().filter(|item| item["kind"] == kind) {
        item["metadata"]["labels"] = serde_json::json!({"name": "stashbot"});
    }
    live.to_string()
}

#[test]
fn status_advice_considers_foreign_objects() {
    let shown = |live: String| {
        let file = std::env::temp_dir().join(format!("toolforge-web-foreign-{}.json", std::process::id()));
        std::fs::write(&file, live).unwrap();
        let shown = webservice(&format!("status {FACTS} --from {}", file.display()));
        std::fs::remove_file(&file).unwrap();
        shown
    };
    // With the other objects of a web service, alone, and with its Deployment.
    assert_snapshot!(shown(with_foreign("Deployment", |_| true)), @"
    [exit 0]
    Your webservice of type unknown cannot be reached
      note     Deployment stashbot exists and is not a web service's; a web service needs its name: delete it with kubectl, or create it again under another name
      pods     0 of 0 ready
      since    [age] ago
      address  https://stashbot.toolforge.org/
      missing  Deployment: `webservice start` creates it again once Deployment stashbot is deleted
    ");
    assert_snapshot!(shown(with_foreign("Deployment", |kind| kind == "Deployment")), @"
    [exit 0]
    Your webservice is not running
      note     Deployment stashbot exists and is not a web service's; a web service needs its name: delete it with kubectl, or create it again under another name
    ");
    assert_snapshot!(shown(with_foreign("Service", |kind| kind == "Service")), @"
    [exit 0]
    Your webservice is not running
      note     Service stashbot exists and is not a web service's; a web service needs its name: delete it with kubectl, or create it again under another name
    ");
    assert_snapshot!(shown(with_foreign("Service", |_| true)), @"
    [exit 0]
    Your webservice of type php8.2 is running on backend kubernetes
      note     Service stashbot exists and is not a web service's; a web service needs its name: delete it with kubectl, or create it again under another name
      pods     1 of 1 ready
      since    [age] ago
      image    docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest
      address  https://stashbot.toolforge.org/
    ");
}

#[test]
fn status_names_who_created_a_web_service() {
    let by_hand = toolforge_fixtures::read("facts/running.json");
    let fields = "\"uid\": \"d1\", \"managedFields\": [{\"manager\": \"kubectl-client-side-apply\", \"operation\": \"Update\", \"fieldsV1\": {\"f:spec\": {}}}],";
    let by_hand =
        by_hand.replacen("\"uid\": \"d1\",", fields, 1).replace("cli.toolforge.org/", "example.org/");
    let file = std::env::temp_dir().join(format!("toolforge-web-by-hand-{}.json", std::process::id()));
    std::fs::write(&file, by_hand).unwrap();
    let shown = webservice(&format!("status {FACTS} --from {}", file.display()));
    let json = webservice(&format!("status {FACTS} --output json --from {}", file.display()));
    std::fs::remove_file(&file).unwrap();
    assert_snapshot!(shown, @"
    [exit 0]
    Your webservice of type php8.2 is running on backend kubernetes
      pods     1 of 1 ready
      since    [age] ago
      image    docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest
      address  https://stashbot.toolforge.org/
      created  by hand, with kubectl-client-side-apply; `webservice start` takes it over
    ");
    assert!(json.contains("\"createdBy\": \"kubectl-client-side-apply\""), "{json}");
    assert!(!webservice(&format!("status {FACTS} --from running.json")).contains("created"));
}

#[test]
fn status_shows_out_of_memory() {
    assert_snapshot!(webservice(&format!("status {FACTS} --from out-of-memory.json")), @"
    [exit 0]
    Your webservice of type php8.2 does not start
      pods     0 of 1 ready, restarted 6 times
      last run killed for using more memory than its limit, [age] ago
      since    [age] ago
      image    docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest
      address  https://stashbot.toolforge.org/
      problem  the container needs more memory than its limit and is killed
      next     Increase the memory limit with `webservice restart -m MEMORY`: `quota-check what-if` shows how much fits, with and without downtime.
    ");
}

#[test]
fn status_fails_with_exit_code_only() {
    for (facts, options, code) in [
        ("running.json", "--exit-code", 0),
        ("out-of-memory.json", "--exit-code", 1),
        ("out-of-memory.json", "", 0),
        ("catalog.yaml", "--exit-code", 1),
    ] {
        let said = webservice(&format!("status {options} {FACTS} --from {facts}"));
        assert!(said.starts_with(&format!("[exit {code}]\n")), "{facts} {options}: {said}");
    }
}

#[test]
fn status_without_a_web_service() {
    assert_snapshot!(webservice(&format!("status {FACTS}")), @"
    [exit 0]
    Your webservice is not running
    ");
}

#[test]
fn deprecated_type_causes_a_warning() {
    assert_snapshot!(webservice(&format!("php7.3 start --dry-run=client {FACTS}")), @"
    [exit 3]
    --- stderr
    warning: type php7.3 is deprecated; php8.2 replaces it: `webservice php8.2 start`
    error: the change does not fit; nothing was changed
      services: 2 of 1, 1 service too many (quota tool-stashbot)

    hint: Delete something else; `quota-check` shows the usage, and https://w.wiki/6YLP explains how to request more.
    ");
}

#[test]
fn stop_dry_run_works_with_files() {
    assert_snapshot!(webservice("stop --dry-run --tool stashbot --from running.json"), @"
    [exit 0]
    delete HTTPRoute stashbot
    delete Service stashbot
    delete Deployment stashbot
    nothing was deleted (dry run)
    ");
    assert_snapshot!(webservice("stop --dry-run=server --tool stashbot --from running.json"), @"
    [exit 2]
    --- stderr
    error: this command needs the cluster; --from is read-only

    hint: With `--from`, `--dry-run` alone shows what would be done.
    ");
}

#[test]
fn removed_type_names_its_replacement() {
    assert_snapshot!(webservice(&format!("php5.6 start --dry-run {FACTS}")), @"
    [exit 1]
    --- stderr
    error: type php5.6 is gone from the platform; php8.2 replaces it

    hint: Run `webservice php8.2 start --dry-run --tool stashbot --from catalog.yaml --from limits.yaml`.
    ");
}

#[test]
fn misspelled_type_suggests_the_nearest() {
    assert_snapshot!(webservice(&format!("pyhton3.11 start --dry-run {FACTS}")), @r#"
    [exit 1]
    --- stderr
    error: unknown image type "pyhton3.11"; did you mean "python3.11"?

    hint: Run `webservice python3.11 start --dry-run --tool stashbot --from catalog.yaml --from limits.yaml`.
    "#);
}

#[test]
fn hints_repeat_the_command_line() {
    let planned = webservice(&format!("pyhton3.11 plan {FACTS}"));
    let expected = format!("hint: Run `webservice python3.11 plan {FACTS}`.");
    assert!(planned.contains(&expected), "{planned}");
    let gone = webservice(&format!("php5.6 render {FACTS}"));
    assert!(gone.contains(&format!("hint: Run `webservice php8.2 render {FACTS}`.")), "{gone}");
    for (line, expected) in [
        ("start php8.2 -m 1Gi -r 2", "php8.2 start -m 1Gi -r 2"),
        ("php8.2 strat -m 1Gi -r 2", "php8.2 start -m 1Gi -r 2"),
        ("pph8.2 -m 1Gi strt", "pph8.2 -m 1Gi start"),
        ("-m 1Gi kill", "-m 1Gi stop"),
    ] {
        let said = webservice(line);
        assert!(said.contains(&format!("hint: Run `webservice {expected}`.")), "{line}: {said}");
    }
}

#[test]
fn misspelled_action_suggests_the_nearest() {
    assert_snapshot!(webservice("php8.2 strat"), @r#"
    [exit 2]
    --- stderr
    error: "strat" is not an action; did you mean start?

    hint: Run `webservice php8.2 start`.
    "#);
}

#[test]
fn half_a_byte_is_an_invalid_memory() {
    assert_snapshot!(webservice("start --mem 500m"), @"
    [exit 2]
    --- stderr
    error: --mem: 500m is not a whole number of bytes; did you mean 500Mi?
    ");
}

#[test]
fn negative_replicas_are_invalid() {
    assert_snapshot!(webservice("start -r -1"), @r#"
    [exit 2]
    --- stderr
    error: --replicas: "-1" is not a whole number of replicas; write a number like 2
    "#);
}

#[test]
fn grid_backend_is_rejected() {
    assert_snapshot!(webservice("--backend=gridengine php8.2 start"), @r#"
    [exit 2]
    --- stderr
    error: backend "gridengine" no longer exists; only Kubernetes is supported

    hint: Leave `--backend` out.
    "#);
    let rendered = webservice(&format!("--backend=kubernetes php8.2 render {FACTS}"));
    assert!(rendered.starts_with("[exit 0]"), "{rendered}");
}

#[test]
fn hints_of_unknown_actions_name_the_tool() {
    assert_snapshot!(webservice("--tool stashbot kill"), @r#"
    [exit 2]
    --- stderr
    error: "kill" is not an action or a type; did you mean stop?

    hint: Run `webservice --tool stashbot stop`.
    "#);
}

#[test]
fn too_little_memory_has_its_own_hint() {
    assert_snapshot!(webservice(&format!("start -m 10Mi --dry-run {FACTS} --from running.json")), @"
    [exit 3]
    --- stderr
    error: the change does not fit; nothing was changed
      memory: 10Mi is less than the minimum of 100Mi for one container

    hint: It would fit with `--mem 100Mi`.
    ");
}

#[test]
fn files_require_the_tool_option() {
    assert_snapshot!(webservice("status --from running.json"), @"
    [exit 2]
    --- stderr
    error: no tool name given; --from requires one

    hint: Name the tool: `--tool NAME`.
    ");
}

#[test]
fn changes_are_rejected_with_facts_from_files() {
    assert_snapshot!(webservice(&format!("stop {FACTS} --from running.json")), @"
    [exit 2]
    --- stderr
    error: this command needs the cluster; --from is read-only

    hint: With `--from`, `--dry-run` alone shows what would be done.
    ");
}

#[test]
fn missing_file_is_named() {
    assert_snapshot!(webservice("status --tool x --from nowhere.yaml"), @"
    [exit 1]
    --- stderr
    error: nowhere.yaml does not exist
    ");
}

#[test]
fn invalid_yaml_is_reported_with_its_location() {
    assert_snapshot!(webservice("status --tool x --from broken.yaml"), @"
    [exit 1]
    --- stderr
    error: broken.yaml:2:7: invalid YAML: unclosed bracket '['
    ");
}

#[test]
fn tabs_of_facts_are_located_as_in_other_files() {
    let file = std::env::temp_dir().join(format!("webservice-tabs-{}.yaml", std::process::id()));
    std::fs::write(&file, "kind: List\n---\na: b\nc:\n\td: e\n").unwrap();
    let found = webservice(&format!("status --tool x --from {}", file.display()));
    std::fs::remove_file(&file).unwrap();
    let expected =
        format!("error: {}:5:1: invalid YAML; line 5 is indented with a tab; use spaces\n", file.display());
    assert!(found.contains(&expected), "{found}");
}

#[test]
fn misspelled_files_have_a_hint() {
    let directory = std::env::temp_dir().join(format!("webservice-files-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("my.template");
    std::fs::write(&file, "type: php8.2\n").unwrap();
    let missing = directory.join("my.tmeplate");
    for option in ["--template", "--from"] {
        let found = webservice(&format!("plan {FACTS} {option} {}", missing.display()));
        assert!(found.contains(&format!("\nhint: Did you mean `{}`?\n", file.display())), "{found}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn missing_kubeconfig_hints_at_become() {
    assert_snapshot!(webservice("status"), @"
    [exit 4]
    --- stderr
    error: kubeconfig /nonexistent/.kube/config does not exist

    hint: Become the tool first, `become TOOL`, or name another file with `--kubeconfig`.
    ");
}

#[test]
fn help_needs_neither_cluster_nor_home() {
    let help = webservice("--help");
    assert!(help.starts_with("[exit 0]"), "{help}");
    for word in ["start", "stop", "restart", "status", "plan", "render", "--mem", "--dry-run", "Exit codes"] {
        assert!(help.contains(word), "{word} is not in\n{help}");
    }
    assert!(webservice("start --help").starts_with("[exit 0]"));
    assert!(webservice("--version").starts_with("[exit 0]\nwebservice "));
}

#[test]
fn options_are_accepted_anywhere_and_abbreviated() {
    let plain = webservice(&format!("php8.2 render --mem 1Gi --replicas 2 {FACTS}"));
    assert!(plain.contains("memory: 1Gi") && plain.contains("replicas: 2"), "{plain}");
    for line in ["--me 1Gi php8.2 --repl 2 render", "php8.2 --mem=1Gi render -r2", "-m1Gi -r 2 php8.2 render"]
    {
        assert_eq!(webservice(&format!("{line} {FACTS}")), plain, "{line}");
    }
}

#[test]
fn rendered_json_is_one_list() {
    let output = command(&format!("php8.2 render -o json {FACTS}")).output().unwrap();
    let list: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((list["kind"].as_str(), list["items"].as_array().map(Vec::len)), (Some("List"), Some(3)));
}

#[test]
fn closed_pipe_is_a_success() {
    let mut child = command(&format!("php8.2 render {FACTS}")).stdout(Stdio::piped()).spawn().unwrap();
    let mut first = [0];
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn hostile_files_are_escaped() {
    let hostile = [
        "status --tool stashbot --from hostile.json",
        "status --tool stashbot --from hostile.json -o json",
        "plan --tool stashbot --from hostile.json",
        "php8.2 plan --tool stashbot --from hostile.json",
        "php8.2 plan --tool stashbot --from hostile.json -o json",
        "php8.2 start --dry-run --tool stashbot --from hostile.json",
        "status --tool stashbot --from hostile.json -o yaml",
    ];
    for line in hostile {
        let said = webservice(line);
        // YAML has its own rules for escaping: it keeps characters that only change the reading direction.
        let may_turn = line.ends_with("yaml");
        let is_harmless = |c: char| c == '\n' || !(c.is_control() || (c == '\u{202e}' && !may_turn));
        assert!(said.chars().all(is_harmless), "{line}: {said:?}");
    }
}

#[test]
fn logs_need_a_cluster_and_check_their_options() {
    assert_snapshot!(webservice(&format!("logs {FACTS}")), @"
    [exit 2]
    --- stderr
    error: logs cannot be read with --from

    hint: Leave `--from` out to read them from the cluster.
    ");
    assert_snapshot!(webservice("logs --since yesterday"), @r#"
    [exit 2]
    --- stderr
    error: --since: "yesterday" is neither a duration of at least one second, like 10m, 2h or 1d, nor a time, like 2026-11-25T10:00:00Z
    "#);
    assert_snapshot!(webservice("logs -l -5"), @r#"
    [exit 2]
    --- stderr
    error: --last: "-5" is not allowed; expected 0 or more
    "#);
    assert_snapshot!(webservice("logs -l five"), @r#"
    [exit 2]
    --- stderr
    error: --last: "five" is not a whole number; expected 0 or more
    "#);
}

#[test]
fn platform_command_is_named_in_hints() {
    let mut called = command("--help");
    let output = called.env("TOOLFORGE_CLI", "1").output().unwrap();
    assert!(String::from_utf8(output.stdout).unwrap().contains("Usage: toolforge webservice [OPTIONS]"));
}

#[test]
fn too_few_open_files_are_an_error() {
    let program = env!("CARGO_BIN_EXE_webservice");
    let output = Command::new("sh")
        .args(["-c", "ulimit -n 6; exec \"$0\" \"$@\"", program, "status"])
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.starts_with("error: this process may not open enough files\n"), "{stderr}");
    assert!(stderr.ends_with("hint: Raise the limit: `ulimit -n 64`.\n"), "{stderr}");
}
