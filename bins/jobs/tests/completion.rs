//! Candidates for the word at the cursor, without a cluster.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::process::Command;

/// Returns the candidates for the last word; a trailing space is an empty one.
fn candidates(line: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_toolforge-jobs"));
    command.arg("--").args(line.split(' ')).env_clear().env("HOME", "/nonexistent");
    let output = command.env("TOOLFORGE_COMPLETE", "fish").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').next().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn verbs_come_first_and_options_after_a_dash() {
    assert_eq!(candidates("toolforge-jobs re"), "restart resume render");
    assert_eq!(candidates("toolforge jobs sus"), "suspend");
    assert!(candidates("toolforge-jobs ").ends_with(" images quota generate help"));
    assert_eq!(candidates("toolforge-jobs run x --filelog-s"), "--filelog-stdout --filelog-stderr");
    assert_eq!(candidates("toolforge-jobs load jobs.yaml --pru"), "--prune");
    assert_eq!(candidates("toolforge-jobs exec bot ls --pru"), "");
}

#[test]
fn values_are_completed() {
    assert_eq!(candidates("toolforge-jobs list --output "), "table wide json yaml name normal long");
    assert_eq!(candidates("toolforge-jobs show x --output "), "table json yaml name");
    assert_eq!(candidates("toolforge-jobs dump --output "), "table yaml");
    assert_eq!(candidates("toolforge-jobs lint -o "), "table json yaml sarif");
    assert_eq!(candidates("toolforge-jobs run x --image=python3.1"), "--image=python3.11 --image=python3.13");
    assert_eq!(candidates("toolforge-jobs run x --image node1"), "node16 node18");
    assert_eq!(candidates("toolforge-jobs generate ma"), "man man-pages");
    assert_eq!(candidates("toolforge-jobs generate man tr"), "trigger");
    assert_eq!(candidates("toolforge-jobs help q"), "quota");
    assert_eq!(candidates("toolforge-jobs load Cargo"), "Cargo.toml");
    assert_eq!(candidates("toolforge-jobs run x --command ./sr"), "./src/");
    assert_eq!(candidates("toolforge-jobs dump --to-file tests/comp"), "tests/completion.rs");
}

#[test]
fn names_come_from_the_same_source_as_the_verb() {
    let rendered = |line: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_toolforge-jobs"));
        let line = format!("render --tool tf-test --uid 50001 --image bookworm --command ls {line}");
        command.env_clear().args(line.split(' ')).output().unwrap().stdout
    };
    let file = std::env::temp_dir().join(format!("toolforge-completion-{}.yaml", std::process::id()));
    std::fs::write(&file, [rendered("bot --continuous"), rendered("daily --schedule @daily")].concat())
        .unwrap();
    let facts = format!("--tool tf-test --from {}", file.display());
    for (line, expected) in [
        (format!("toolforge-jobs {facts} show "), "bot daily"),
        (format!("toolforge-jobs show {facts} "), "bot daily"),
        (format!("toolforge-jobs {facts} trigger "), "daily"),
        (format!("toolforge-jobs {facts} delete bot "), "daily"),
    ] {
        assert_eq!(candidates(&line), expected, "{line}");
    }
    // There are no names without a cluster, or if the terminal's input would be read.
    assert_eq!(candidates("toolforge-jobs show b"), "");
    assert!(candidates("toolforge-jobs --from - show ").starts_with("--output "));
    std::fs::remove_file(&file).unwrap();
}
