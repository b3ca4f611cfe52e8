//! Completions and the man page, without a cluster and without a home.

use std::process::Command;

use crate::webservice;

/// Returns what bash proposes for the last of some words, with the script that the program prints.
fn proposed(words: &[&str]) -> String {
    let line = "source <(\"$PROGRAM\" generate bash); COMP_WORDS=(webservice \"$@\"); COMP_CWORD=$#; COMPREPLY=(); \
                _webservice webservice \"${COMP_WORDS[$COMP_CWORD]}\" \"${COMP_WORDS[$((COMP_CWORD-1))]}\"; \
                printf '%s\\n' \"${COMPREPLY[@]}\" | sort";
    let output = Command::new("bash")
        .args(["-c", line, "bash"])
        .args(words)
        .env("PROGRAM", env!("CARGO_BIN_EXE_webservice"))
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap().trim().replace('\n', " ")
}

#[test]
fn bash_completes_actions_types_and_options() {
    assert_eq!(proposed(&["sta"]), "start status");
    assert_eq!(proposed(&["php8"]), "php8.2 php8.4");
    assert_eq!(proposed(&["php8.2", "sto"]), "stop");
    assert_eq!(proposed(&["start", "--mo"]), "--mount");
    assert_eq!(proposed(&["start", "--mount", ""]), "all none");
}

#[test]
fn man_page_and_completions_need_no_cluster() {
    assert!(webservice("generate man").contains(".SH SYNOPSIS"));
    assert!(webservice("generate zsh").contains("#compdef webservice"));
    assert!(webservice("generate fish").contains("complete -c webservice -a \"start "));
    insta::assert_snapshot!(webservice("generate powershell"), @"
    [exit 2]
    --- stderr
    error: `generate` needs one of bash, zsh, fish and man

    hint: Type `webservice generate bash > ~/.local/share/bash-completion/completions/webservice`.
    ");
}
