//! Completions and man pages, without a cluster and without a home.

use std::process::Command;

use crate::webservice;

/// Returns the candidates for the last word of a line; a trailing space is an empty one.
fn candidates(line: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_webservice"));
    command.arg("--").args(line.split(' ')).env_clear().env("HOME", "/nonexistent");
    let output = command.env("TOOLFORGE_COMPLETE", "fish").output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(|line| line.split('\t').next().unwrap()).collect::<Vec<_>>().join(" ")
}

#[test]
fn actions_come_once_and_first() {
    let all = candidates("webservice ");
    assert!(
        all.starts_with("start stop restart status shell logs exec plan render lint types local"),
        "{all}"
    );
    assert_eq!(all.matches("start ").count(), "start restart ".matches("start ").count(), "{all}");
    assert!(!all.contains("--"), "{all}");
    assert_eq!(candidates("toolforge webservice sta"), "start status");
}

#[test]
fn types_come_only_before_the_action() {
    assert_eq!(candidates("webservice php8"), "php8.2 php8.4");
    assert_eq!(candidates("webservice -m 1Gi php8"), "php8.2 php8.4");
    assert_eq!(candidates("webservice start php8"), "");
    assert_eq!(candidates("webservice php8.2 st"), "start stop status");
    assert_eq!(candidates("webservice --backend=kubernetes php8.2 sh"), "shell");
    // Deprecated types if no current one matches; removed ones never.
    assert_eq!(candidates("webservice python3."), "python3.11 python3.13 python3.9");
    assert_eq!(candidates("webservice php5"), "");
}

#[test]
fn options_match_the_action() {
    assert_eq!(candidates("webservice start --mo"), "--mount");
    assert_eq!(candidates("webservice start --mount "), "all none");
    assert_eq!(candidates("webservice stop --m"), "");
    assert_eq!(candidates("webservice logs --g"), "--grep");
    assert_eq!(candidates("webservice shell ls --m"), "");
    assert_eq!(candidates("webservice local --home sr"), "src/");
    assert_eq!(candidates("webservice start --template Car"), "Cargo.toml");
    assert_eq!(candidates("webservice jdk17 start java src/mai"), "src/main.rs");
}

#[test]
fn help_and_generate_have_arguments() {
    assert_eq!(candidates("webservice help q"), "quota");
    assert_eq!(candidates("webservice generate "), "bash zsh fish man man-pages");
    assert_eq!(candidates("webservice generate man st"), "start stop status");
}

#[test]
fn man_pages_and_scripts_need_no_cluster() {
    let page = webservice("generate man start");
    assert!(page.contains("webservice\\-start \\- Start") && page.contains("Memory limit"), "{page}");
    assert!(webservice("generate man").contains(".SH SYNOPSIS"));
    assert!(webservice("generate zsh").contains("#compdef webservice"));
    assert!(webservice("generate fish").contains("--command webservice "));
    insta::assert_snapshot!(webservice("generate powershell"), @"
    [exit 2]
    --- stderr
    error: `generate` needs bash, zsh, fish, man, man COMMAND or man-pages DIRECTORY

    hint: For bash, run `echo 'source <(webservice generate bash)' >> ~/.bashrc`.
    ");
    insta::assert_snapshot!(webservice("generate man fly"), @r#"
    [exit 2]
    --- stderr
    error: no man page on "fly"

    hint: Run `webservice generate man` for the page on the program.
    "#);
}
