//! The quotas of many tools, from the real program and a file of `kubectl get resourcequota -A -o json`.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod audit;
mod memory;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use serde_json::{Value, json};
use toolforge_report::{Document, Fleet, FleetQuota};

fn quota(namespace: &str, hard: &Value, used: &Value) -> Value {
    let metadata = json!({"namespace": namespace, "name": namespace});
    json!({"kind": "ResourceQuota", "metadata": metadata, "status": {"hard": hard, "used": used}})
}

/// A tool near its limit, one that is blocked, one with nothing, one with a hostile name, and one that is unreadable.
fn fleet() -> String {
    let hard = json!({"pods": "10", "limits.cpu": "2", "limits.memory": "8Gi", "services": "1"});
    let used = |pods: &str, cpu: &str, memory: &str| json!({"pods": pods, "limits.cpu": cpu, "limits.memory": memory, "services": "1"});
    let idle = json!({"pods": "0", "limits.cpu": "0", "limits.memory": "0", "services": "0"});
    let items = [
        quota("tool-alpha", &hard, &used("2", "1", "7Gi")),
        quota("tool-beta", &hard, &used("10", "1500m", "5Gi")),
        quota("tool-gamma", &hard, &idle),
        quota("<b>&\"\u{1b}[31m", &hard, &used("1", "100m", "512Mi")),
        quota("tool-delta", &json!({"pods": "many"}), &json!({})),
        json!({"kind": "LimitRange", "metadata": {"namespace": "tool-alpha", "name": "tool-alpha"}}),
        quota("tool-epsilon", &hard, &used("1", "500m", "512Mi")),
    ];
    json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string()
}

fn run(line: &str, input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
    command.env_clear().env("HOME", "/nonexistent").args(line.split_whitespace());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    let writer = std::thread::spawn(move || {
        // A program that has exited does not read the rest.
        let _ = stdin.write_all(input.as_bytes());
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

fn said(line: &str) -> String {
    run_of(&format!("--all --from - {line}"), &fleet())
}

fn run_of(line: &str, input: &str) -> String {
    let output = run(line, input);
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    format!("[exit {}]\n{stdout}{stderr}", output.status.code().unwrap())
}

fn stdout(line: &str) -> String {
    String::from_utf8(run(&format!("--all --from - {line}"), &fleet()).stdout).unwrap()
}

#[test]
fn table_has_a_line_for_each_quota() {
    assert_snapshot!(said(""), @r#"
    [exit 0]
    TOOL             STATE       SHARE  RESOURCE       USED  LIMIT
    alpha            near        87%    limits.memory  7Gi   8Gi
    beta             blocked     100%   pods           10    10
    gamma            unused      0%     limits.memory  0     8Gi
    <b>&"\u{1b}[31m              10%    pods           1     10
    delta            unreadable
    epsilon                      25%    limits.cpu     500m  2

    6 quotas: 1 blocked, 1 near the limit, 1 unused, 1 unreadable
    "#);
}

#[test]
fn states_and_tools_are_selected_and_sorted() {
    assert_snapshot!(said("--only near,blocked --sort share --tool ?*a"), @"
    [exit 0]
    TOOL   STATE       SHARE  RESOURCE       USED  LIMIT
    beta   blocked     100%   pods           10    10
    alpha  near        87%    limits.memory  7Gi   8Gi
    delta  unreadable

    4 quotas: 1 blocked, 1 near the limit, 1 unused, 1 unreadable
    ");
}

#[test]
fn threshold_is_a_percentage() {
    assert_snapshot!(said("--only near --threshold 25 --sort limits.cpu"), @"
    [exit 0]
    TOOL     STATE       SHARE  RESOURCE       USED  LIMIT
    alpha    near        87%    limits.memory  7Gi   8Gi
    epsilon  near        25%    limits.cpu     500m  2
    delta    unreadable

    6 quotas: 1 blocked, 2 near the limit, 1 unused, 1 unreadable
    ");
}

#[test]
fn documents_can_be_read_again() {
    let fleet: Document<Fleet> = serde_json::from_str(&stdout("-o json")).unwrap();
    assert_eq!(fleet.body.quotas.len(), 6);
    assert_eq!(fleet.body.summary.blocked, 1);
    let lines = stdout("-o ndjson");
    let quotas: Vec<Document<FleetQuota>> =
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        quotas.iter().map(|quota| &quota.body).collect::<Vec<_>>(),
        fleet.body.quotas.iter().collect::<Vec<_>>()
    );
    let yaml = stdout("-o yaml");
    assert!(yaml.starts_with("apiVersion: cli.toolforge.org/v1\nkind: Fleet\n"), "{yaml}");
}

#[test]
fn other_formats_escape_special_characters() {
    assert_snapshot!(stdout("-o markdown"), @r#"
    | tool | state | share | resource | used | limit | change |
    | --- | --- | ---: | --- | ---: | ---: | --- |
    | alpha | near | 87% | limits.memory | 7Gi | 8Gi |  |
    | beta | blocked | 100% | pods | 10 | 10 |  |
    | gamma | unused | 0% | limits.memory | 0 | 8Gi |  |
    | \<b\>\&"\\u\{1b\}\[31m |  | 10% | pods | 1 | 10 |  |
    | delta | unreadable |  |  |  |  |  |
    | epsilon |  | 25% | limits.cpu | 500m | 2 |  |
    "#);
    assert_snapshot!(stdout("-o junit"), @r#"
    <?xml version="1.0" encoding="UTF-8"?>
    <testsuites><testsuite name="quotas">
    <testcase classname="tool-alpha" name="tool-alpha"><system-out>7Gi of 8Gi limits.memory</system-out></testcase>
    <testcase classname="tool-beta" name="tool-beta"><failure type="blocked" message="10 of 10 pods"/></testcase>
    <testcase classname="tool-gamma" name="tool-gamma"></testcase>
    <testcase classname="&lt;b&gt;&amp;&quot;\u{1b}[31m" name="&lt;b&gt;&amp;&quot;\u{1b}[31m"></testcase>
    <testcase classname="tool-delta" name="tool-delta"><error type="unreadable"/></testcase>
    <testcase classname="tool-epsilon" name="tool-epsilon"></testcase>
    </testsuite></testsuites>
    "#);
    assert_snapshot!(stdout("-o csv").lines().filter(|line| line.contains("pods")).collect::<Vec<_>>().join("\n"), @r#"
    tool-alpha,alpha,tool-alpha,near,pods,2,10,
    tool-beta,beta,tool-beta,blocked,pods,10,10,
    tool-gamma,gamma,tool-gamma,unused,pods,0,10,
    "<b>&""\u{1b}[31m",,"<b>&""\u{1b}[31m",ok,pods,1,10,
    tool-delta,delta,tool-delta,unreadable,pods,0,many,
    tool-epsilon,epsilon,tool-epsilon,ok,pods,1,10,
    "#);
    assert_snapshot!(stdout("-o prometheus").lines().filter(|line| !line.contains("tool-")).collect::<Vec<_>>().join("\n"), @r#"
    # HELP toolforge_resourcequota Limits and usage of ResourceQuotas, in cores, bytes or objects.
    # TYPE toolforge_resourcequota gauge
    toolforge_resourcequota{namespace="<b>&\"\\u{1b}[31m",resourcequota="<b>&\"\\u{1b}[31m",resource="limits.cpu",type="hard"} 2
    toolforge_resourcequota{namespace="<b>&\"\\u{1b}[31m",resourcequota="<b>&\"\\u{1b}[31m",resource="limits.cpu",type="used"} 0.100
    toolforge_resourcequota{namespace="<b>&\"\\u{1b}[31m",resourcequota="<b>&\"\\u{1b}[31m",resource="limits.memory",type="hard"} 8589934592
    toolforge_resourcequota{namespace="<b>&\"\\u{1b}[31m",resourcequota="<b>&\"\\u{1b}[31m",resource="limits.memory",type="used"} 536870912
    toolforge_resourcequota{namespace="<b>&\"\\u{1b}[31m",resourcequota="<b>&\"\\u{1b}[31m",resource="pods",type="hard"} 10
    toolforge_resourcequota{namespace="<b>&\"\\u{1b}[31m",resourcequota="<b>&\"\\u{1b}[31m",resource="pods",type="used"} 1
    toolforge_resourcequota{namespace="<b>&\"\\u{1b}[31m",resourcequota="<b>&\"\\u{1b}[31m",resource="services",type="hard"} 1
    toolforge_resourcequota{namespace="<b>&\"\\u{1b}[31m",resourcequota="<b>&\"\\u{1b}[31m",resource="services",type="used"} 1
    "#);
}

/// Parses the text format of Prometheus as its text-file collector does: the labels of each sample, and its value. Panics where
/// that refuses the file: at a line that is not a sample, and at a second sample with the same labels.
fn samples(text: &str) -> std::collections::BTreeMap<Vec<(String, String)>, String> {
    let mut found = std::collections::BTreeMap::new();
    assert!(text.ends_with('\n'), "{text}");
    for line in text.lines().filter(|line| !line.starts_with("# HELP ") && !line.starts_with("# TYPE ")) {
        let mut rest = line.strip_prefix("toolforge_resourcequota{").unwrap();
        let mut labels = Vec::new();
        let value = loop {
            let (name, quoted) = rest.split_once("=\"").unwrap();
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase()), "{line}");
            let (mut text, mut characters) = (String::new(), quoted.char_indices());
            let end = loop {
                match characters.next().unwrap() {
                    (end, '"') => break end,
                    (_, '\\') => {
                        let escaped = characters.next().unwrap().1;
                        assert!(matches!(escaped, 'n' | '"' | '\\'), "\\{escaped} in {line}");
                        text.push(if escaped == 'n' { '\n' } else { escaped });
                    }
                    (_, character) => text.push(character),
                }
            };
            labels.push((name.to_owned(), text));
            match quoted[end + 1..].strip_prefix("} ") {
                Some(value) => break value,
                None => rest = quoted[end + 1..].strip_prefix(',').unwrap(),
            }
        };
        assert!(value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.'), "{line}");
        assert!(found.insert(labels, value.to_owned()).is_none(), "a second {line}");
    }
    found
}

#[test]
fn prometheus_has_each_key_of_a_quota_once() {
    let samples = samples(&stdout("-o prometheus"));
    assert_eq!(samples.len(), 5 * 4 * 2);
    let both = quota(
        "tool-x",
        &json!({"cpu": "2", "requests.cpu": "1", "memory": "8Gi", "requests.storage": "many"}),
        &json!({"cpu": "250m", "requests.cpu": "250m", "memory": "1Gi"}),
    );
    // As in two overlapping files.
    let input = json!({"kind": "List", "items": [both, both]}).to_string();
    let output = run("--all --from - -o prometheus", &input);
    let found = self::samples(&String::from_utf8(output.stdout).unwrap());
    let found: Vec<String> =
        found.iter().map(|(labels, value)| format!("{} {} {value}", labels[2].1, labels[3].1)).collect();
    assert_snapshot!(found.join("\n"), @"
    cpu hard 2
    cpu used 0.250
    memory hard 8589934592
    memory used 1073741824
    requests.cpu hard 1
    requests.cpu used 0.250
    ");
}

#[test]
fn junit_is_xml_with_a_test_for_each_quota() {
    use quick_xml::events::Event;
    let text = stdout("-o junit");
    let mut reader = quick_xml::Reader::from_str(&text);
    reader.config_mut().check_end_names = true;
    let (mut cases, mut results, mut open) = (Vec::new(), Vec::new(), 0_usize);
    loop {
        match reader.read_event().unwrap() {
            Event::Start(element) => {
                open += 1;
                if element.name().as_ref() == b"testcase" {
                    let name = element.try_get_attribute("name").unwrap().unwrap();
                    cases.push(name.unescape_value().unwrap().into_owned());
                }
            }
            Event::Empty(element) => {
                element.attributes().for_each(|attribute| drop(attribute.unwrap().unescape_value().unwrap()));
                results.push(String::from_utf8(element.name().as_ref().to_vec()).unwrap());
            }
            Event::End(_) => open -= 1,
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open, 0);
    let names = ["tool-alpha", "tool-beta", "tool-gamma", "<b>&\"\\u{1b}[31m", "tool-delta", "tool-epsilon"];
    assert_eq!(cases, names);
    assert_eq!(results, ["failure", "error"]);
}

#[test]
fn page_escapes_hostile_names() {
    let page = stdout("-o html");
    for forbidden in ["http://", "https://", "src=", "@import", "<b>", "\u{1b}"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    assert!(page.contains("<tr class=\"blocked\"><th scope=\"row\">beta"), "{page}");
}

#[test]
fn page_of_files_has_no_date() {
    let page = stdout("-o html");
    assert!(page.contains("</h1></header>") && !page.contains("As of"), "{page}");
}

#[test]
fn unchanged_baseline_is_reported() {
    let file = std::env::temp_dir().join(format!("quota-check-same-{}.ndjson", std::process::id()));
    std::fs::write(&file, stdout("-o ndjson")).unwrap();
    let line = format!("--all --from - --baseline {}", file.display());
    let same = run_of(&line, &fleet());
    let changed = fleet().replace(r#""limits.memory":"7Gi""#, r#""limits.memory":"8Gi""#);
    let unselected = run_of(&format!("{line} --only unused"), &changed);
    std::fs::remove_file(&file).unwrap();
    assert_snapshot!(same, @"
    [exit 0]
    6 quotas: 1 blocked, 1 near the limit, 1 unused, 1 unreadable
    note: no quota has changed since the baseline
    ");
    assert!(unselected.ends_with("note: no selected quota has changed since the baseline\n"), "{unselected}");
}

#[test]
fn baseline_shows_what_has_changed() {
    let directory = std::env::temp_dir().join(format!("quota-check-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("old.ndjson");
    std::fs::write(&file, stdout("-o ndjson")).unwrap();
    let line = format!("--all --from - --baseline {}", file.display());
    let now = fleet()
        .replace(r#""limits.memory":"7Gi""#, r#""limits.memory":"8Gi""#)
        .replace("tool-gamma", "tool-zeta");
    let output = run(&line, &now);
    std::fs::remove_dir_all(&directory).unwrap();
    assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"
    TOOL   STATE    SHARE  RESOURCE       USED  LIMIT
    alpha  blocked  100%   limits.memory  8Gi   8Gi    was near, 87%
    zeta   unused   0%     limits.memory  0     8Gi    added
    gamma  unused   0%     limits.memory  0     8Gi    removed

    6 quotas: 2 blocked, 0 near the limit, 1 unused, 1 unreadable
    ");
}

/// Runs with a baseline of the earlier quotas, and returns the output.
fn compared(line: &str, now: &str) -> Output {
    let directory =
        std::env::temp_dir().join(format!("quota-check-{}-{}", std::process::id(), line.len() + now.len()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("old.ndjson");
    std::fs::write(&file, stdout("-o ndjson")).unwrap();
    let output = run(&format!("--all --from - --baseline {} {line}", file.display()), now);
    std::fs::remove_dir_all(&directory).unwrap();
    output
}

#[test]
fn removed_quotas_are_sorted() {
    let now = fleet().replace("tool-beta", "tool-zeta");
    let text = String::from_utf8(compared("--only blocked --sort name", &now).stdout).unwrap();
    assert_snapshot!(text, @"
    TOOL  STATE    SHARE  RESOURCE  USED  LIMIT
    beta  blocked  100%   pods      10    10     removed
    zeta  blocked  100%   pods      10    10     added

    6 quotas: 1 blocked, 1 near the limit, 1 unused, 1 unreadable
    ");
    let junit = String::from_utf8(compared("-o junit", &now).stdout).unwrap();
    assert!(junit.contains("tool-zeta") && !junit.contains("tool-beta"), "{junit}");
    let csv = String::from_utf8(compared("-o csv", &now).stdout).unwrap();
    assert!(csv.contains("tool-beta,beta,tool-beta,blocked,pods,10,10,removed\n"), "{csv}");
}

#[test]
fn quotas_after_a_truncation_are_not_removed() {
    let now = fleet();
    let output = compared("", &now[..now.len() / 2]);
    assert_eq!(output.status.code(), Some(1));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.contains("removed"), "{text}");
}

#[test]
fn newly_unreadable_quota_is_one_row() {
    let now = fleet().replace(r#""hard":{"limits.cpu":"2","limits.memory":"8Gi","pods":"10","services":"1"},"used":{"limits.cpu":"1500m""#, r#""hard":[],"used":{"limits.cpu":"1500m""#);
    let output = compared("", &now);
    assert_eq!(output.status.code(), Some(6));
    assert_snapshot!(String::from_utf8(output.stdout).unwrap(), @"
    TOOL  STATE       SHARE  RESOURCE  USED  LIMIT
    beta  unreadable                                was blocked, 100%

    6 quotas: 0 blocked, 1 near the limit, 1 unused, 2 unreadable
    ");
}

#[test]
fn closed_stdout_is_success() {
    let namespace =
        |number: usize| quota(&format!("tool-t{number}"), &json!({"pods": "10"}), &json!({"pods": "1"}));
    let items: Vec<Value> = (0..3000).map(namespace).collect();
    let input = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    for format in ["table", "json", "yaml", "ndjson", "csv", "markdown", "prometheus", "junit", "html"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
        command.env_clear().env("HOME", "/nonexistent").args(["--all", "--from", "-", "-o", format]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn truncated_input_is_an_error() {
    let text = fleet();
    let (first, _) = text.split_at(text.len() / 2);
    for (input, expected) in
        [(first, "EOF while parsing"), ("apiVersion: v1", "expected value"), ("[]", "invalid type")]
    {
        let output = run("--all --from -", input);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.contains(expected) && stderr.contains("quotas were read before"), "{stderr}");
    }
}

#[test]
fn options_for_many_tools_need_all() {
    for line in [
        "--only near",
        "--tool a* --from -",
        "-o csv",
        "--all --sort size",
        "--all --sort limits.memroy",
        "--all --threshold 0",
        "--all --baseline",
    ] {
        assert_eq!(run(line, "").status.code(), Some(2), "{line}");
    }
}

/// A list of a quota, a LimitRange and a Deployment in each of two namespaces.
fn audited() -> String {
    let namespace = |tool: &str, maximum: &str, cpu: &str| {
        let namespace = format!("tool-{tool}");
        let metadata = json!({"namespace": namespace, "name": namespace});
        let hard = json!({"pods": "10", "limits.memory": "8Gi", "limits.cpu": "2"});
        let used = json!({"pods": "5", "limits.memory": "1Gi", "limits.cpu": cpu});
        let limits = json!([{"type": "Container", "max": {"memory": maximum, "cpu": "1"}, "default": {"memory": "512Mi", "cpu": "500m"}}]);
        let container =
            json!({"name": "a", "image": "x", "resources": {"limits": {"memory": "1Gi", "cpu": cpu}}});
        let template = json!({"spec": {"containers": [container]}});
        [
            json!({"kind": "ResourceQuota", "metadata": metadata, "spec": {"hard": hard}, "status": {"hard": hard, "used": used}}),
            json!({"kind": "LimitRange", "metadata": metadata, "spec": {"limits": limits}}),
            json!({"kind": "Deployment", "metadata": {"namespace": namespace, "name": "bot"}, "spec": {"selector": {}, "template": template}}),
        ]
    };
    let fine = namespace("fine", "4Gi", "1");
    let odd = namespace("odd", "9Gi", "3");
    json!({"apiVersion": "v1", "kind": "List", "items": fine.into_iter().chain(odd).collect::<Value>()})
        .to_string()
}

#[test]
fn fleet_without_quotas_fails() {
    let pods = r#"{"kind": "PodList", "items": [{"metadata": {"namespace": "tool-x", "name": "a"}}]}"#;
    let said = run_of("--all --from -", pods);
    assert!(said.starts_with("[exit 1]") && said.ends_with("error: no ResourceQuota was found\n"), "{said}");
    let said = run_of("--all --from - --tool zz*", &fleet());
    assert!(
        said.starts_with("[exit 1]") && said.contains("of a tool that matches \"zz*\" was found"),
        "{said}"
    );
}

#[test]
fn silent_pipe_of_a_fleet_is_named() {
    let pipe = std::env::temp_dir().join(format!("toolforge-fleet-{}", std::process::id()));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for options in
        [&["--all", "--from"][..], &["--all", "--from", "-", "--baseline"], &["audit", "--all", "--from"]]
    {
        let mut command = Command::new(env!("CARGO_BIN_EXE_quota-check"));
        command.env_clear().env("HOME", "/nonexistent").args(options).arg(&pipe);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
        std::io::BufRead::read_line(&mut stderr, &mut line).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(line, format!("note: waiting for the end of {}\n", pipe.display()), "{options:?}");
    }
    std::fs::remove_file(&pipe).unwrap();
}

#[test]
fn help_and_generate_refuse_an_output_format() {
    for (line, verb) in [
        ("help --output json", "help"),
        ("help quota -o yaml", "help"),
        ("generate bash -o json", "generate"),
    ] {
        let output = run(line, "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}: {said}");
        assert!(said.contains(&format!("{verb} has no JSON or YAML output")), "{line}: {said}");
    }
}

#[test]
fn invalid_threshold_is_quoted() {
    let error = |value: &str| {
        let output = run(&format!("--all --threshold {value}"), "");
        String::from_utf8(output.stderr).unwrap()
    };
    assert_eq!(error("abc"), "error: --threshold: \"abc\" is not a whole number; expected 1 to 100\n");
    assert_eq!(error("101"), "error: --threshold: \"101\" is not allowed; expected 1 to 100\n");
}
