//! `lint` of the program itself, without a cluster: formats, exit codes, and files that are fixed.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use insta::assert_snapshot;
use serde_json::Value;

/// A directory of a test's own, with a file.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, file: &str, text: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("toolforge-lint-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join(file), text).unwrap();
        Self(directory)
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.0.join(file)).unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(directory: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
    command.arg("lint").args(words).current_dir(directory).env_clear().env("HOME", "/nonexistent");
    command
}

fn lint(directory: &Scratch, words: &[&str]) -> Output {
    command(&directory.0, words).output().unwrap()
}

fn lint_input(directory: &Scratch, words: &[&str], input: &[u8]) -> Output {
    let mut child = command(&directory.0, words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    child.wait_with_output().unwrap()
}

/// Returns the exit code and the output, standard output first.
fn said(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("[exit {}]\n{}{}", output.status.code().unwrap_or(-1), text(&output.stdout), text(&output.stderr))
}

const POD: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {toolforge: tool}}
spec:
  containers:
  - name: a
    image: tools-harbor.wmcloud.org/tool-a/a:1
    comand: [\"./é\", \"\u{202e}x\"]
    env: [{name: A, value: 1}] # one
";

const OFFLINE: [&str; 3] = ["--offline", "--tool", "a"];

#[test]
fn findings_have_excerpts_and_answers() {
    let directory = Scratch::new("text", "pod.yaml", POD);
    assert_snapshot!(said(&lint(&directory, &[&["pod.yaml"], &OFFLINE[..]].concat())), @r#"
    [exit 1]
    note[no-resources]: pod.yaml:6:11: the container gets the default resources of the namespace
      |
    6 |   - name: a
      |           ^
      |
      = fix: Set `resources` if it needs more or less.

    error[unknown-field]: pod.yaml:8:5: unknown field "comand"; did you mean "command"?
      |
    8 |     comand: ["./é", "\u{202e}x"]
      |     ^^^^^^
      |
      = server: strict decoding error: unknown field "spec.containers[0].comand"
      = fix: Correct the spelling, or move it to where it belongs: indentation decides.

    error[wrong-type]: pod.yaml:9:28: value is a number (1); expected a string; put it in quotes
      |
    9 |     env: [{name: A, value: 1}] # one
      |                            ^
      |
      = server: Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into a field of type string: spec.containers[0].env[0].value
      = fix: `--fix` can put it in quotes

    2 errors, 1 note in 1 file, without the cluster: policy of 2026-11-29, images of August 2025, limits of 2023
    hint: `--fix` fixes 1 of them.
    "#);
}

#[test]
fn json_lists_findings_with_their_fixes() {
    let directory = Scratch::new("json", "pod.yaml", POD);
    let output = lint(&directory, &[&["pod.yaml", "-o", "json"], &OFFLINE[..]].concat());
    assert_eq!(output.status.code(), Some(1));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((document["kind"].as_str(), document["errors"].as_u64()), (Some("LintReport"), Some(2)));
    let finding = document["files"][0]["findings"].as_array().unwrap();
    let finding = finding.iter().find(|finding| finding["code"] == "wrong-type").unwrap();
    assert_snapshot!(format!("{finding:#}"), @r#"
    {
      "answer": "Pod in version \"v1\" cannot be handled as a Pod: json: cannot unmarshal number into a field of type string: spec.containers[0].env[0].value",
      "code": "wrong-type",
      "column": 28,
      "end": 208,
      "fix": {
        "edits": [
          {
            "end": 208,
            "replacement": "\"1\"",
            "start": 207
          }
        ],
        "title": "put it in quotes"
      },
      "level": "error",
      "line": 9,
      "message": "value is a number (1); expected a string; put it in quotes",
      "name": "a",
      "objectKind": "Pod",
      "start": 207
    }
    "#);
}

#[test]
fn sarif_is_one_document() {
    let directory = Scratch::new("sarif", "pod.yaml", POD);
    let output = lint(&directory, &[&["pod.yaml", "-o", "sarif"], &OFFLINE[..]].concat());
    let log: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(log["version"], "2.1.0");
    assert_eq!(log["runs"][0]["results"].as_array().unwrap().len(), 3);
    assert!(
        !output.stdout.contains(&b'\x1b') && !String::from_utf8_lossy(&output.stdout).contains('\u{202e}')
    );
}

#[test]
fn output_formats_match_lint() {
    let directory = Scratch::new("formats", "pod.yaml", POD);
    for words in [["--output", "sarif"], ["--output=sarif", "pod.yaml"]] {
        let output = lint(&directory, &[&["pod.yaml"], &words[..], &OFFLINE].concat());
        assert!(String::from_utf8_lossy(&output.stdout).contains("\"version\": \"2.1.0\""), "{words:?}");
    }
    assert_snapshot!(said(&lint(&directory, &["pod.yaml", "-o", "long"])), @"
    [exit 2]
    error: `--output long` cannot be used with `lint`

    hint: Leave it out, or use table, json, yaml or sarif.
    ");
    let mut list = Command::new(env!("CARGO_BIN_EXE_jobs"));
    assert_snapshot!(said(&list.args(["quota", "--output", "sarif", "--tool", "a"]).output().unwrap()), @"
    [exit 2]
    error: only `lint` prints SARIF

    hint: Leave `--output` out, or write `--output json`.
    ");
}

#[test]
fn exit_code_depends_on_the_worst_finding() {
    let warned = "- name: a\n  image: node12\n  command: ./a\n";
    let directory = Scratch::new("exit", "jobs.yaml", warned);
    let code = |words: &[&str]| lint(&directory, &[words, &OFFLINE[..]].concat()).status.code();
    assert_eq!(code(&["jobs.yaml"]), Some(0));
    assert_eq!(code(&["jobs.yaml", "--strict"]), Some(1));
    std::fs::write(directory.0.join("bad.yaml"), "- name: a\n").unwrap();
    assert_eq!(code(&["jobs.yaml", "bad.yaml"]), Some(1));
    let ignored = format!("# lint: ignore=platform-file-warning\n{warned}");
    std::fs::write(directory.0.join("jobs.yaml"), ignored).unwrap();
    assert_eq!(code(&["jobs.yaml", "--strict"]), Some(0));
    assert_eq!(code(&[]), Some(2));
    assert_eq!(code(&["missing.yaml"]), Some(1));
}

#[test]
fn standard_input_is_checked() {
    let directory = Scratch::new("input", "unused", "");
    let found = lint_input(&directory, &["-", "--offline"], b"type: php8.2\nreplicas: many\n");
    assert_snapshot!(said(&found), @r#"
    [exit 1]
    error[platform-file]: standard input:2:11: replicas: "many" is not a whole number of replicas; write a number like 2
      |
    2 | replicas: many
      |           ^^^^
      |
      = server: `webservice start` refuses the file

    1 error in 1 file, without the cluster: policy of 2026-11-29, images of August 2025, limits of 2023
    "#);
    let utf16: Vec<u8> = "a: b\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert_snapshot!(said(&lint_input(&directory, &["-", "--offline"], &utf16)), @"
    [exit 1]
    error[encoding]: standard input:1:1: the file is UTF-16; save it as UTF-8
     |
     = server: error converting YAML to JSON: yaml: control characters are not allowed
     = fix: Save the file as text, in UTF-8.

    1 error in 1 file, without the cluster: policy of 2026-11-29, images of August 2025, limits of 2023
    ");
    assert_snapshot!(said(&lint_input(&directory, &["-", "--offline", "--fix"], b"")), @"
    [exit 2]
    error: standard input cannot be fixed

    hint: Name the file, or leave `--fix` out.
    ");
}

#[test]
fn large_file_is_refused_with_a_message() {
    let directory = Scratch::new("large", "large.yaml", &"a: 1234567890\n".repeat(750_000));
    let found = said(&lint(&directory, &[&["large.yaml"], &OFFLINE[..]].concat()));
    assert!(found.contains("error[too-large]: large.yaml:1:1: the text has"), "{found}");
}

#[test]
fn fix_shows_difference_keeps_original() {
    let before = toolforge_fixtures::read("lint/seed/deployment.yaml");
    let directory = Scratch::new("fix", "deployment.yaml", &before);
    let words = ["deployment.yaml", "--fix", "--offline", "--tool", "stashbot"];
    assert_snapshot!(said(&lint(&directory, &words)), @r#"
    [exit 0]
    @@ -1,5 +1,5 @@
     ---
     # Run stashbot on kubernetes
    -apiVersion: extensions/v1beta1
    +apiVersion: apps/v1
     kind: Deployment
     metadata:
    @@ -11,4 +11,8 @@
     spec:
       replicas: 1
    +  selector:
    +    matchLabels:
    +      name: stashbot
    +      toolforge: tool
       template:
         metadata:
    deployment.yaml: 1 finding fixed; the original is deployment.yaml.orig

    note[no-resources]: deployment.yaml:24:17: the container gets the default resources of the namespace
       |
    24 |         - name: bot
       |                 ^^^
       |
       = fix: Set `resources` if it needs more or less.

    warning[image-gone]: deployment.yaml:25:18: the image of python3.7 is gone from the platform, as far as is known without the cluster, so pods wait in ImagePullBackOff; python3.13 replaces it: docker-registry.svc.toolforge.org/toolforge-python313-sssd-web
       |
    25 |           image: docker-registry.tools.wmflabs.org/toollabs-python37-base:latest
       |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = server: ImagePullBackOff: Back-off pulling image "docker-registry.tools.wmflabs.org/toollabs-python37-base:latest"
       = fix: Use the replacement that the message names.

    1 warning, 1 note in 1 file, without the cluster: policy of 2026-11-29, images of August 2025, limits of 2023
    "#);
    assert_eq!(directory.read("deployment.yaml.orig"), before);
    let after = directory.read("deployment.yaml");
    assert!(after.contains("apiVersion: apps/v1\n") && after.contains("# Run stashbot on kubernetes\n"));
    // A second time, there is nothing to fix.
    assert_eq!(lint(&directory, &words).status.code(), Some(0));
    assert_eq!(
        (directory.read("deployment.yaml"), directory.read("deployment.yaml.orig")),
        (after.clone(), before)
    );
    // A backup is never lost.
    std::fs::write(directory.0.join("deployment.yaml"), after.replace("apps/v1", "apps/v1beta2")).unwrap();
    assert_snapshot!(said(&lint(&directory, &words)), @"
    [exit 1]
    error: deployment.yaml.orig exists and has other content; nothing was changed

    hint: Move or delete it, and fix the file again.
    ");
    assert!(directory.read("deployment.yaml").contains("apps/v1beta2"));
}

#[test]
fn examples_of_the_page_are_clean_after_a_fix() {
    for (file, tool) in [("cronjobs.yaml", "wikiloveslove"), ("deployment.yaml", "stashbot")] {
        let directory = Scratch::new(file, file, &toolforge_fixtures::read(&format!("lint/seed/{file}")));
        let first = lint(&directory, &[file, "--offline", "--tool", tool]);
        assert_eq!(first.status.code(), Some(1), "{}", said(&first));
        let fixed = lint(&directory, &[file, "--fix", "--offline", "--tool", tool]);
        assert_eq!(fixed.status.code(), Some(0), "{}", said(&fixed));
    }
}

/// The secrets are those of a variable, an argument, a URL, a ConfigMap and a Secret.
const SECRETS: &str = "\
apiVersion: v1
kind: Pod
metadata: {name: a, labels: {toolforge: tool}}
spec:
  containers:
  - name: a
    image: tools-harbor.wmcloud.org/tool-a/a:1
    command: [./bot, --password=hunter21, --user, 1, '--db=mysql://me:hunter22@db/x']
    env: [{name: TOKEN, value: 98765432}, {name: N, value: no}]
  - {name: b, image: tools-harbor.wmcloud.org/tool-a/a:1, command: ./b --password=hunter26}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: a, lables: {}}
data: {api-key: hunter23, no: a, file: \"password = 'hunter24'\\n\"}
---
apiVersion: v1
kind: Secret
metadata: {name: a}
stringData: {a: hunter25, no: b}
";

#[test]
fn secrets_are_never_printed() {
    for format in [&[][..], &["-o", "json"], &["-o", "sarif"], &["--fix"]] {
        let directory = Scratch::new("secrets", "pod.yaml", SECRETS);
        let output = said(&lint(&directory, &[&["pod.yaml"], format, &OFFLINE[..]].concat()));
        for secret in ["hunter2", "98765432"] {
            assert!(!output.contains(secret), "{format:?}: {output}");
        }
        let rules = ["plain-secret", "wrong-type"].iter().all(|rule| output.contains(rule));
        assert!(rules || format.contains(&"--fix"), "{format:?}: {output}");
        let text = directory.read("pod.yaml");
        for secret in ["hunter21", "hunter22", "hunter23", "hunter24", "hunter25", "hunter26", "98765432"] {
            assert!(text.contains(secret), "{format:?}: {text}");
        }
    }
}

#[test]
fn secrets_are_hidden_in_invalid_yaml() {
    let text = "kind: Pod\nenv:\n- name: TOKEN\n  value: hunter21: x\npassword: hunter22: y\n";
    let directory = Scratch::new("broken", "pod.yaml", text);
    let output = said(&lint(&directory, &[&["pod.yaml"], &OFFLINE[..]].concat()));
    assert!(output.contains("invalid-yaml") && !output.contains("hunter2"), "{output}");
}

#[test]
fn documents_of_findings_are_bounded() {
    let directory = Scratch::new("bounded", "bad.yaml", &"---\n# lint: ignore=foo\na\n".repeat(20_000));
    for format in ["table", "json", "yaml", "sarif"] {
        let output = lint(&directory, &["--offline", "--output", format, "bad.yaml"]);
        assert_eq!(output.status.code(), Some(1), "{format}");
        assert!(output.stdout.len() < 1024 * 1024, "{format}: {} bytes", output.stdout.len());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            text.contains("39000 more findings are not listed: 19000 errors, 20000 warnings"),
            "{format}: {}",
            &text[text.len() - 500..]
        );
    }
}
