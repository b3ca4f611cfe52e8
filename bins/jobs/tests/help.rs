//! `help`, and words that are not verbs.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::process::Command;

use insta::assert_snapshot;

fn jobs(line: &str) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
    let output =
        command.args(line.split_whitespace()).env_clear().env("HOME", "/nonexistent").output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("[exit {}]\n{}{}", output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn every_help_ends_with_where_to_ask() {
    for line in [
        "--help",
        "-h",
        "help",
        "help run",
        "load --help",
        "run -h",
        "help quota",
        "help images",
        "help files",
    ] {
        let help = jobs(line);
        let end = help.trim_end().lines().last().unwrap();
        assert!(
            help.starts_with("[exit 0]") && end.contains("#wikimedia-cloud on irc.libera.chat"),
            "{line}: {help}"
        );
    }
}

#[test]
fn words_of_other_tools_name_the_verb() {
    assert_snapshot!(jobs("stop bot"), @r#"
    [exit 2]
    error: "stop" is not a command; did you mean delete?

    hint: Run `toolforge jobs delete bot`.
    "#);
    assert_snapshot!(jobs("tail bot"), @r#"
    [exit 2]
    error: "tail" is not a command; did you mean logs?

    hint: Run `toolforge jobs logs -f bot`.
    "#);
    assert_snapshot!(jobs("apply jobs.yaml --prune"), @r#"
    [exit 2]
    error: "apply" is not a command; did you mean load?

    hint: Run `toolforge jobs load jobs.yaml --prune`.
    "#);
    assert_snapshot!(jobs("lst"), @r#"
    [exit 2]
    error: "lst" is not a command; did you mean list?

    hint: Run `toolforge jobs list`.
    "#);
    assert_snapshot!(jobs("xyzzy"), @r#"
    [exit 2]
    error: "xyzzy" is not a command

    hint: `toolforge jobs --help` lists the commands.
    "#);
    assert_snapshot!(jobs("help xyzzy"), @r#"
    [exit 2]
    error: no help on "xyzzy"

    hint: The topics are quota, images, exit-codes, files.

    hint: The commands are run, list, show, logs, delete, flush, load, plan, lint, dump, convert, restart, adopt, trigger, suspend, resume, cron, render, exec, images, quota, generate.
    "#);
}

#[test]
fn options_of_the_command_of_exec_are_its_own() {
    // Without a cluster, this shows only that the line is understood.
    for line in ["exec bot ls -l", "exec bot -- ls -l", "exec --tool x bot tail -f --help"] {
        let said = jobs(line);
        assert!(said.starts_with("[exit 4]"), "{line}: {said}");
    }
}

#[test]
fn completion_is_for_the_typed_name() {
    // `jobs` itself is a builtin of the shell.
    let script = jobs("generate bash");
    assert!(script.contains(" toolforge-jobs\n") && script.contains(" toolforge\n"), "{script}");
    assert!(jobs("generate x").contains("source <(toolforge-jobs generate bash)"));
}

/// Returns the values of `--output` in the help of a verb.
fn shown_formats(verb: &str) -> String {
    let help = jobs(&format!("{verb} --help"));
    let Some((_, option)) = help.split_once("--output <FORMAT>") else { return String::new() };
    let (option, _) = option.split_once("[default:").unwrap();
    let values = option.lines().filter_map(|line| line.trim().strip_prefix("- ")?.split_once(':'));
    values.map(|(value, _)| value).collect::<Vec<_>>().join(" ")
}

#[test]
fn help_lists_the_formats_of_the_verb() {
    for (line, formats) in [
        ("list", "table wide json yaml name normal long"),
        ("show x", "table json yaml name"),
        ("cron", "table json yaml name"),
        ("images", "table json yaml name"),
        ("lint none.yaml", "table json yaml sarif"),
        ("load none.yaml", "table json yaml"),
        ("dump", "table yaml"),
        ("convert none.yaml", ""),
        ("logs x", ""),
    ] {
        assert_eq!(shown_formats(line), formats, "{line}");
        for format in ["table", "wide", "json", "yaml", "name", "normal", "long", "sarif"] {
            let is_shown = formats.split(' ').any(|shown| shown == format);
            let answer = jobs(&format!("{line} --output {format} --tool x --from /dev/null"));
            let is_refused = ["cannot be used with", "has no JSON", "only `lint` prints"]
                .iter()
                .any(|refusal| answer.contains(refusal));
            // A verb without formats prints text.
            let is_accepted = is_shown || format == "table";
            assert!(is_refused != is_accepted, "{line} {format}: {answer}");
        }
    }
}

#[test]
fn help_knows_itself() {
    assert_eq!(jobs("help help"), jobs("help"));
    assert!(jobs("help generate").starts_with("[exit 0]"));
}

#[test]
fn from_is_shown_where_it_is_used() {
    for (verb, is_shown) in
        [("list", true), ("delete", true), ("logs", false), ("exec", false), ("generate", false)]
    {
        assert_eq!(jobs(&format!("{verb} --help")).contains("--from"), is_shown, "{verb}");
    }
}

#[test]
fn help_names_commands_that_a_shell_finds() {
    for line in ["--help", "-h", "help run", "run -h", "help quota"] {
        let help = jobs(line);
        let usage = help.lines().find(|line| line.starts_with("Usage: ")).unwrap_or_default();
        assert!(usage.is_empty() || usage.starts_with("Usage: toolforge jobs"), "{line}: {usage}");
        assert!(!help.contains("`jobs "), "{line}: {help}");
    }
}
