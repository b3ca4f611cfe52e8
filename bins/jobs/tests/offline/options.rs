//! Options: those that are misspelled or without effect, and invalid values.

use std::process::Command;

use insta::assert_snapshot;

use crate::{Scratch, jobs, said};

#[test]
fn short_option_of_the_format_has_a_hint() {
    let scratch = Scratch::new("short-output", "");
    let error = |line: &str| {
        let line: Vec<&str> = line.split(' ').collect();
        let document = toolforge_fixtures::document_on_stderr(&jobs(&scratch, &line).stderr).unwrap();
        format!("{} / {}", document["message"].as_str().unwrap(), document["hints"][0].as_str().unwrap())
    };
    assert_snapshot!(error("convert -o json x"), @"convert has no JSON or YAML output / Leave `--output` out.");
    assert_snapshot!(error("show a -ojson"), @"unknown option -o; did you mean --output? / Run `toolforge jobs show a --output=json`.");
    let hintless = |line: &[&str]| said(&jobs(&scratch, line));
    assert_snapshot!(hintless(&["convert", "x", "-o", "csv"]), @r#"
    [exit 2]
    error: --output cannot be "csv"

    hint: Leave it out; the only value is table.
    "#);
    assert_snapshot!(hintless(&["show", "-o", "table"]), @"
    [exit 2]
    error: unknown option -o; did you mean --output?
    ");
    assert_snapshot!(error("plan x -o json"), @"unknown option -o; did you mean --output? / Run `toolforge jobs plan x --output json`.");
}

#[test]
fn misspelled_option_is_the_first_error() {
    let scratch = Scratch::new("misspelled", "");
    for (line, expected) in [
        ("run --comand x", "--comand; did you mean --command?"),
        ("run --imge x", "--imge; did you mean --image?"),
        ("run a --imge python3.13 --command x", "--imge; did you mean --image?"),
        ("run a --image python3.13 --comand x", "--comand; did you mean --command?"),
        ("run a --mem many --image python3.13 --comand x", "--comand; did you mean --command?"),
        ("run a b --image python3.13 --comand x", "--comand; did you mean --command?"),
        ("list --output csv --tol x", "--tol; did you mean --tool?"),
        ("run a --image python3.13 --xyzzy x", "--xyzzy"),
    ] {
        let words: Vec<&str> = line.split(' ').collect();
        assert_eq!(
            said(&jobs(&scratch, &words)),
            format!("[exit 2]\nerror: unknown option {expected}\n"),
            "{line}"
        );
    }
}

#[test]
fn offline_has_a_hint() {
    let scratch = Scratch::new("offline", "");
    assert_snapshot!(said(&jobs(&scratch, &["plan", "--offline", "jobs.yaml"])), @"
    [exit 2]
    error: unknown option --offline

    hint: Without a cluster: `--tool NAME` with `--quota toolforge-2023`, or with `--from FILE` to read what `kubectl get … -o yaml` printed.
    ");
    assert_snapshot!(said(&jobs(&scratch, &["plan", "jobs.yaml", "--offline", "--output", "csv"])), @"
    [exit 2]
    error: unknown option --offline

    hint: Without a cluster: `--tool NAME` with `--quota toolforge-2023`, or with `--from FILE` to read what `kubectl get … -o yaml` printed.
    ");
    assert_snapshot!(said(&jobs(&scratch, &["list", "--offline"])), @"
    [exit 2]
    error: unknown option --offline

    hint: Without a cluster: `--tool NAME` with `--from FILE` to read what `kubectl get … -o yaml` printed.
    ");
}

#[test]
fn ignores_missing_kubeconfig_offline() {
    let scratch = Scratch::new("environment", "- {name: a, image: python3.11, command: x}\n");
    for line in [
        "render jobs.yaml --tool tf-test --uid 52503",
        "plan jobs.yaml --tool tf-test --uid 52503 --quota seed-2020",
        "lint jobs.yaml --offline",
        "images --tool tf-test --from jobs.yaml",
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
        command.args(line.split(' ')).current_dir(&scratch.0).env_clear();
        let output = command.env("HOME", "/nonexistent").env("KUBECONFIG", "/nope").output().unwrap();
        let shown = said(&output);
        assert!(!shown.contains("kubeconfig"), "{line}: {shown}");
    }
    let crontab = Scratch::new("environment-crontab", "@daily ./daily.sh\n");
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
    command.args(["convert", "jobs.yaml"]).current_dir(&crontab.0).env_clear().env("KUBECONFIG", "/nope");
    let shown = said(&command.output().unwrap());
    assert!(shown.contains("schedule: "), "{shown}");
}

#[test]
fn template_that_is_not_written_is_a_warning() {
    let crontab = Scratch::new("no-template", "@daily ./daily.sh\n");
    let line = ["convert", "jobs.yaml", "--service-template", "service.template"];
    let shown = said(&jobs(&crontab, &line));
    assert!(
        shown.contains("warning: there is no web service to convert, so no template was written\n"),
        "{shown}"
    );
    assert!(!crontab.0.join("service.template").exists());
}

#[test]
fn invalid_numbers_are_quoted() {
    let scratch = Scratch::new("numbers", "");
    let error = |line: &str| {
        let line: Vec<&str> = line.split(' ').collect();
        said(&jobs(&scratch, &line)).lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(error("logs x -l five"), "error: --last: \"five\" is not a whole number; expected 0 or more");
    assert_eq!(error("logs x -l -5"), "error: --last: \"-5\" is not allowed; expected 0 or more");
    assert_eq!(
        error("run x --image bookworm --command x --wait=abc"),
        "error: --wait: \"abc\" is not a whole number; expected 0 or more"
    );
    assert_eq!(
        error("trigger x --wait=abc"),
        "error: --wait: \"abc\" is not a whole number; expected 0 or more"
    );
    assert_eq!(
        error("run x --image bookworm --command x --timeout soon"),
        "error: --timeout: \"soon\" is not a whole number"
    );
    assert_eq!(
        error("list --uid abc"),
        "error: --uid: \"abc\" is not a whole number; expected 50000 or more"
    );
    assert_eq!(error("list --uid 5"), "error: --uid: \"5\" is not allowed; expected 50000 or more");
}

#[test]
fn user_id_is_refused_if_no_job_is_rendered() {
    let scratch = Scratch::new("user-id", "- {name: a, image: bookworm, command: x}\n");
    let refused = |line: &str| {
        let words: Vec<&str> = line.split(' ').chain(["--uid", "50001", "--tool", "x"]).collect();
        let said = said(&jobs(&scratch, &words));
        let verb = words[0];
        let expected = format!("[exit 2]\nerror: `--uid` cannot be used with `{verb}`");
        (said.starts_with(&expected), said)
    };
    for line in [
        "list",
        "show a",
        "logs a",
        "delete a",
        "flush --yes",
        "dump",
        "suspend a",
        "resume a",
        "cron",
        "exec a",
        "images",
        "quota",
    ] {
        let (is_refused, said) = refused(line);
        assert!(is_refused, "{line}: {said}");
    }
    for line in [
        "run a --image bookworm --command x",
        "load jobs.yaml",
        "plan jobs.yaml",
        "lint jobs.yaml",
        "render jobs.yaml",
        "convert jobs.yaml",
        "restart a",
        "adopt cronjob/a",
        "trigger a",
    ] {
        let (is_refused, said) = refused(line);
        assert!(!is_refused, "{line}: {said}");
    }
}

#[test]
fn verbs_that_need_pods_refuse_files() {
    let scratch = Scratch::new("pods-from-files", "apiVersion: v1\nkind: List\nitems: []\n");
    for (line, error) in [
        ("logs x --tool tf-test --from jobs.yaml", "error: logs cannot be read with --from"),
        ("--from jobs.yaml --tool tf-test logs x", "error: logs cannot be read with --from"),
        (
            "exec x --tool tf-test --from jobs.yaml",
            "error: this command needs the cluster; --from is read-only",
        ),
    ] {
        let line: Vec<&str> = line.split(' ').collect();
        let shown = said(&jobs(&scratch, &line));
        assert!(shown.starts_with(&format!("[exit 2]\n{error}\n")), "{line:?}: {shown}");
    }
}

#[test]
fn failures_without_a_cluster_say_what_to_do() {
    let scratch = Scratch::new("without-cluster", "- {name: a, image: bookworm, command: x}\n");
    std::fs::write(scratch.0.join("none.txt"), "No resources found in tool-x namespace.\n").unwrap();
    std::fs::write(scratch.0.join("error.txt"), "error: You must be logged in\n").unwrap();
    let forbidden =
        "Error from server (Forbidden): pods is forbidden: User \"x\" cannot list resource \"pods\"\n";
    std::fs::write(scratch.0.join("forbidden.txt"), forbidden).unwrap();
    std::fs::write(scratch.0.join("jobs.gz"), b"\x1f\x8b\x08\x00").unwrap();
    let shown: Vec<String> = [
        "quota --quota toolforge-2023",
        "load jobs.yaml --quota toolforge-2023",
        "--quota toolforge-2023 plan jobs.yaml",
        "--yes flush",
        "--dry-run load jobs.yaml",
        "--prun load jobs.yaml",
        "--schedule @daily run bot",
        "--schedul @daily run bot",
        "--quota=x list",
        "run a --command ./a --image bookworm --yes",
        "render jobs.yaml",
        "cron",
        "list",
        "list --tool x --from jobs.yaml",
        "list --tool x --from none.txt",
        "list --tool x --from error.txt",
        "list --tool x --from forbidden.txt",
        "list --tool tools.x --from none.txt",
        "lint --offline missing.yaml",
        "lint --offline ..",
        "plan jobs.gz --tool x --quota toolforge-2023",
    ]
    .into_iter()
    .map(|line| {
        let shown = said(&jobs(&scratch, &line.split(' ').collect::<Vec<_>>()));
        let shown: Vec<&str> = shown.lines().skip(1).filter(|line| !line.is_empty()).collect();
        format!("{line}: {}", shown.join(" | "))
    })
    .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    quota --quota toolforge-2023: error: unknown option --quota | hint: Only `plan` has it, which changes nothing.
    load jobs.yaml --quota toolforge-2023: error: unknown option --quota | hint: Only `plan` has it, which changes nothing.
    --quota toolforge-2023 plan jobs.yaml: error: unknown option --quota | hint: Write `--quota` after `plan`.
    --yes flush: error: unknown option --yes | hint: Write `--yes` after `flush`.
    --dry-run load jobs.yaml: error: unknown option --dry-run | hint: Write `--dry-run` after `load`.
    --prun load jobs.yaml: error: unknown option --prun; did you mean --prune?
    --schedule @daily run bot: error: unknown option --schedule | hint: Write `--schedule` after `run`.
    --schedul @daily run bot: error: unknown option --schedul; did you mean --schedule?
    --quota=x list: error: unknown option --quota | hint: Only `plan` has it, which changes nothing.
    run a --command ./a --image bookworm --yes: error: unknown option --yes | hint: Leave it out; it is an option of `delete`, `flush`, `load`, `restart`, `adopt`.
    render jobs.yaml: error: kubeconfig /nonexistent/.kube/config does not exist | hint: Become the tool first, `become TOOL`, or name another file with `--kubeconfig`. | hint: Without a cluster: `--tool NAME` with `--from FILE` to read what `kubectl get … -o yaml` printed.
    cron: error: kubeconfig /nonexistent/.kube/config does not exist | hint: Become the tool first, `become TOOL`, or name another file with `--kubeconfig`. | hint: Without a cluster: `--tool NAME` with `--from FILE` to read what `kubectl get … -o yaml` printed.
    list: error: kubeconfig /nonexistent/.kube/config does not exist | hint: Become the tool first, `become TOOL`, or name another file with `--kubeconfig`.
    list --tool x --from jobs.yaml: error: jobs.yaml is a jobs file, not the output of `kubectl get … -o yaml` | hint: Pass it without `--from`, as in `quota-check jobs.yaml` or `toolforge jobs plan jobs.yaml`.
    list --tool x --from none.txt: error: none.txt contains text, not a Kubernetes object: "No resources found in tool-x namespace." | hint: Write the file again, and check that `kubectl get … -o yaml` prints objects.
    list --tool x --from error.txt: error: error.txt contains text, not a Kubernetes object: "error: You must be logged in" | hint: Write the file again, and check that `kubectl get … -o yaml` prints objects.
    list --tool x --from forbidden.txt: error: forbidden.txt contains text, not a Kubernetes object: "Error from server (Forbidden): pods is forbidden: User "x" cannot list resource "pods"" | hint: Write the file again, and check that `kubectl get … -o yaml` prints objects.
    list --tool tools.x --from none.txt: error: --tool: "tools.x" is the account of a tool; did you mean x?
    lint --offline missing.yaml: error: missing.yaml does not exist
    lint --offline ..: error: .. is a directory | hint: Name a file in it.
    plan jobs.gz --tool x --quota toolforge-2023: error: jobs.gz:1:1: the file is compressed (gzip); extract it first |   nothing was changed
    "#);
}

#[test]
fn images_are_shown_without_a_cluster() {
    let scratch = Scratch::new("images-offline", "");
    let shown = said(&jobs(&scratch, &["images"]));
    assert!(shown.starts_with("[exit 0]\n") && shown.contains("python3.13"), "{shown}");
}

#[test]
fn deletion_from_files_is_refused_before_a_question() {
    let scratch = Scratch::new("delete-from-files", "");
    std::fs::copy(toolforge_fixtures::path("facts/by-hand.yaml"), scratch.0.join("facts.yaml")).unwrap();
    let line = ["delete", "list-images", "--tool", "tf-test", "--from", "facts.yaml"];
    assert_snapshot!(said(&jobs(&scratch, &line)), @"
    [exit 2]
    error: this command needs the cluster; --from is read-only

    hint: With `--from`, `--dry-run` alone shows what would be done.
    ");
}
