//! Options that a verb does not use.

use std::process::Command;

use insta::assert_snapshot;

use crate::{JOBS, Scratch, jobs, said};

#[test]
fn options_without_effect_are_refused() {
    let directory = Scratch::new("refused", JOBS);
    let error = |line: &str| {
        let output = jobs(&directory, &line.split(' ').collect::<Vec<_>>());
        said(&output).lines().filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" | ")
    };
    let shown: Vec<String> = [
        "render jobs.yaml --output name --tool tf-test --uid 52503",
        "load jobs.yaml --dry-run --output name",
        "restart bot --output long",
        "show bot --output wide",
        "cron --output normal",
        "dump --output name",
        "logs bot --output name",
        "plan jobs.yaml --output long",
        "lint jobs.yaml --offline --as me",
        "lint jobs.yaml --offline --from jobs.yaml",
        "generate bash --uid 50001",
        "generate bash --kubeconfig /nope",
        "render bot --image bookworm --command x --wait",
        "load --prune --job a jobs.yaml",
        "plan --prune -",
    ]
    .into_iter()
    .map(|line| format!("{line}: {}", error(line)))
    .collect();
    assert_snapshot!(shown.join("\n"), @"
    render jobs.yaml --output name --tool tf-test --uid 52503: [exit 2] | error: `--output name` cannot be used with `render` | hint: Leave it out, or use table, json or yaml.
    load jobs.yaml --dry-run --output name: [exit 2] | error: `--output name` cannot be used with `load` | hint: Leave it out, or use table, json or yaml.
    restart bot --output long: [exit 2] | error: `--output long` cannot be used with `restart` | hint: Leave it out, or use table, json or yaml.
    show bot --output wide: [exit 2] | error: `--output wide` cannot be used with `show` | hint: Leave it out, or use table, name, json or yaml.
    cron --output normal: [exit 2] | error: `--output normal` cannot be used with `cron` | hint: Leave it out, or use table, name, json or yaml.
    dump --output name: [exit 2] | error: `--output name` cannot be used with `dump` | hint: Leave it out, or use table or yaml.
    logs bot --output name: [exit 2] | error: `--output name` cannot be used with `logs` | hint: Leave it out.
    plan jobs.yaml --output long: [exit 2] | error: `--output long` cannot be used with `plan` | hint: Leave it out, or use table, name, json or yaml.
    lint jobs.yaml --offline --as me: [exit 2] | error: `--as` cannot be used with `--offline` | hint: Leave it out, or leave `--offline` out to use the cluster.
    lint jobs.yaml --offline --from jobs.yaml: [exit 2] | error: `--from` cannot be used with `--offline` | hint: Leave it out, or leave `--offline` out to use the cluster.
    generate bash --uid 50001: [exit 2] | error: `--uid` cannot be used with `generate` | hint: Leave it out; `generate` needs neither a tool nor a cluster.
    generate bash --kubeconfig /nope: [exit 2] | error: `--kubeconfig` cannot be used with `generate` | hint: Leave it out; `generate` needs neither a tool nor a cluster.
    render bot --image bookworm --command x --wait: [exit 2] | error: `--wait` cannot be used with `render` | hint: Leave it out; nothing runs.
    load --prune --job a jobs.yaml: [exit 2] | error: `--prune` needs a whole file with a path | hint: Leave `--prune` out, or name the file and leave `--job` out.
    plan --prune -: [exit 2] | error: `--prune` needs a whole file with a path | hint: Leave `--prune` out, or name the file and leave `--job` out.
    ");
    // The tool is known from the environment as well as from the file.
    let mut command = Command::new(env!("CARGO_BIN_EXE_jobs"));
    command.args(["generate", "bash"]).env("TOOLFORGE_TOOL", "tf-test").env("KUBECONFIG", "/nope");
    assert_eq!(command.output().unwrap().status.code(), Some(0));
}

#[test]
fn arguments_that_are_too_many_have_a_hint_that_works() {
    let directory = Scratch::new("surplus", "");
    let run = "run daily --image python3.11 --command ./d.sh";
    let shown: Vec<String> = [
        format!("{run} --schedule 0 3 * * *"),
        "run --schedule=*/5 3 * * mon daily --image python3.11 --command ./d.sh".to_owned(),
        format!("{run} --schedule 0 3 a.sh b.sh a.sh"),
        format!("{run} --schedule 0 3 a.sh b.sh 1-5"),
        format!("{run} --mem 1 Gi"),
        format!("{run} --continuous true"),
        "run daily --image python3.11 --command echo $HOME".to_owned(),
        format!("{run} --schedule 0 0 5 * * *"),
        format!("{run} --schedule 0 0 5 a.sh b.sh a.sh b.sh a.sh b.sh"),
        "run --image python3.11 --command ./d.sh --schedule 0 3 * * * daily x".to_owned(),
        format!("{run} --schedule 0 3"),
        format!("{run} a b"),
        "run daily ./d.sh --image python3.11".to_owned(),
        "images x".to_owned(),
        "logs a b".to_owned(),
        "logs a --last 5 b".to_owned(),
        "logs a --follow b".to_owned(),
        "plan a.yaml b.yaml".to_owned(),
        "list --wide".to_owned(),
        "list --debg".to_owned(),
        "plan a.yaml b.yaml --tool t --quota toolforge-2023".to_owned(),
        "plan a.yaml b.yaml --exit-code".to_owned(),
        "plan a.yaml bot".to_owned(),
        format!("{run} --verbose"),
        format!("{run} --yes y"),
        format!("{run} --offline"),
        format!("{run} --cron @daily"),
        "run daily --image python3.11 --cron=@daily".to_owned(),
        "list --cron @daily".to_owned(),
        "run daily --image python3.11 --cmd ./d.sh".to_owned(),
        "run daily --image python3.11 --comand ./d.sh --memory 1Gi".to_owned(),
        "run daily --image python3.11 --command python3 d.py --verbose --tool tf-test".to_owned(),
        "run daily --image python3.11 --command python3 -c print(1)".to_owned(),
        "run daily --image python3.11 -- ./d.sh -v".to_owned(),
        "run daily --image python3.11 --wait 60 ./d.sh".to_owned(),
        "list bot".to_owned(),
        "list bot other".to_owned(),
        "list --tool a b".to_owned(),
        "logs a -fl 5 x".to_owned(),
        "logs a --since 2026-11-25 10:00:00".to_owned(),
        "logs a --grep foo bar".to_owned(),
        "flush --output table x".to_owned(),
        "load a.yaml --dry-run server".to_owned(),
        "status bot".to_owned(),
        "status bot --output wide".to_owned(),
        "status bot --tool tools.tf-test".to_owned(),
        "--uid x status bot".to_owned(),
        "status --tool tools.tf-test".to_owned(),
        "status bot other".to_owned(),
        "status -- bot".to_owned(),
        "apply a.yaml b.yaml".to_owned(),
        "stop".to_owned(),
        "status".to_owned(),
        "--tool tf-test".to_owned(),
        "logs a --follow=1".to_owned(),
    ]
    .into_iter()
    .map(|line| {
        let output = jobs(&directory, &line.split(' ').collect::<Vec<_>>());
        let said = said(&output);
        let said: Vec<&str> = said.lines().skip(1).filter(|line| !line.is_empty()).collect();
        format!("{line}: {}", said.join(" | "))
    })
    .collect();
    assert_snapshot!(shown.join("\n"), @r#"
    run daily --image python3.11 --command ./d.sh --schedule 0 3 * * *: error: unexpected argument "3" | hint: Quote the schedule: `--schedule "0 3 * * *"`.
    run --schedule=*/5 3 * * mon daily --image python3.11 --command ./d.sh: error: unexpected argument "*" | hint: Quote the schedule: `--schedule "*/5 3 * * mon"`.
    run daily --image python3.11 --command ./d.sh --schedule 0 3 a.sh b.sh a.sh: error: unexpected argument "3" | hint: Quote the schedule: `--schedule "0 3 * * *"`.
    run daily --image python3.11 --command ./d.sh --schedule 0 3 a.sh b.sh 1-5: error: unexpected argument "3" | hint: Quote the schedule with its five fields, as in `--schedule "0 3 * * *"`.
    run daily --image python3.11 --command ./d.sh --mem 1 Gi: error: unexpected argument "Gi" | hint: Leave it out.
    run daily --image python3.11 --command ./d.sh --continuous true: error: unexpected argument "true" | hint: Leave it out.
    run daily --image python3.11 --command echo $HOME: error: unexpected argument "$HOME" | hint: The command is one argument of `--command`, in quotes: `--command 'echo '"'"'$HOME'"'"''`.
    run daily --image python3.11 --command ./d.sh --schedule 0 0 5 * * *: error: unexpected argument "0" | hint: A schedule has 5 fields, not 6; quote them, as in `--schedule "0 3 * * *"`.
    run daily --image python3.11 --command ./d.sh --schedule 0 0 5 a.sh b.sh a.sh b.sh a.sh b.sh: error: unexpected argument "0" | hint: A schedule has 5 fields, not 6; quote them, as in `--schedule "0 3 * * *"`.
    run --image python3.11 --command ./d.sh --schedule 0 3 * * * daily x: error: unexpected argument "*" | hint: Quote the schedule: `--schedule "0 3 * * *"`.
    run daily --image python3.11 --command ./d.sh --schedule 0 3: error: unexpected argument "3" | hint: A schedule has 5 fields, not 2; quote them, as in `--schedule "0 3 * * *"`.
    run daily --image python3.11 --command ./d.sh a b: error: unexpected argument "a" | hint: The command is one argument of `--command`, in quotes: `--command "./d.sh a b"`.
    run daily ./d.sh --image python3.11: error: unexpected argument "./d.sh" | hint: The command is one argument of `--command`, in quotes: `--command "./d.sh"`.
    images x: error: unexpected argument "x" | hint: Leave it out.
    logs a b: error: unexpected argument "b" | hint: Leave it out.
    logs a --last 5 b: error: unexpected argument "b" | hint: Leave it out.
    logs a --follow b: error: unexpected argument "b" | hint: Leave it out.
    plan a.yaml b.yaml: error: unexpected argument "b.yaml" | hint: `plan` reads one file; `quota-check a.yaml b.yaml` checks several together.
    list --wide: error: unknown option --wide
    list --debg: error: unknown option --debg
    plan a.yaml b.yaml --tool t --quota toolforge-2023: error: unexpected argument "b.yaml" | hint: `plan` reads one file; `quota-check a.yaml b.yaml --tool t --quota toolforge-2023` checks several together.
    plan a.yaml b.yaml --exit-code: error: unexpected argument "b.yaml" | hint: `plan` reads one file; `quota-check a.yaml b.yaml` checks several together, with options of its own.
    plan a.yaml bot: error: unexpected argument "bot" | hint: Leave it out.
    run daily --image python3.11 --command ./d.sh --verbose: error: unknown option --verbose | hint: The command is one argument of `--command`, in quotes: `--command "./d.sh --verbose"`.
    run daily --image python3.11 --command ./d.sh --yes y: error: unknown option --yes | hint: Leave it out, or put it in quotes with the command: `--command "./d.sh --yes y"`.
    run daily --image python3.11 --command ./d.sh --offline: error: unknown option --offline | hint: Leave it out, or put it in quotes with the command: `--command "./d.sh --offline"`.
    run daily --image python3.11 --command ./d.sh --cron @daily: error: unknown option --cron; did you mean --schedule?
    run daily --image python3.11 --cron=@daily: error: unknown option --cron; did you mean --schedule?
    list --cron @daily: error: unknown option --cron
    run daily --image python3.11 --cmd ./d.sh: error: unknown option --cmd; did you mean --command?
    run daily --image python3.11 --comand ./d.sh --memory 1Gi: error: unknown option --comand; did you mean --command?
    run daily --image python3.11 --command python3 d.py --verbose --tool tf-test: error: unknown option --verbose | hint: The command is one argument of `--command`, in quotes: `--command "python3 d.py --verbose"`.
    run daily --image python3.11 --command python3 -c print(1): error: unknown option -c | hint: The command is one argument of `--command`, in quotes: `--command "python3 -c 'print(1)'"`.
    run daily --image python3.11 -- ./d.sh -v: error: unexpected argument "./d.sh" | hint: The command is one argument of `--command`, in quotes: `--command "./d.sh -v"`.
    run daily --image python3.11 --wait 60 ./d.sh: error: unexpected argument "./d.sh" | hint: The command is one argument of `--command`, in quotes: `--command "./d.sh"`.
    list bot: error: unexpected argument "bot" | hint: Run `toolforge jobs show bot`.
    list bot other: error: unexpected argument "bot" | hint: Leave it out.
    list --tool a b: error: unexpected argument "b" | hint: Run `toolforge jobs show --tool a b`.
    logs a -fl 5 x: error: unexpected argument "x" | hint: Leave it out.
    logs a --since 2026-11-25 10:00:00: error: unexpected argument "10:00:00" | hint: Leave it out, or put quotes around the value of `--since` if it contains spaces or `*`.
    logs a --grep foo bar: error: unexpected argument "bar" | hint: Leave it out, or put quotes around the value of `--grep` if it contains spaces or `*`.
    flush --output table x: error: unexpected argument "x" | hint: Leave it out.
    load a.yaml --dry-run server: error: unexpected argument "server" | hint: Write `--dry-run=server`.
    status bot: error: "status" is not a command; did you mean show? | hint: Run `toolforge jobs show bot`.
    status bot --output wide: error: "status" is not a command; did you mean show? | hint: `toolforge jobs show --help` shows how to use it.
    status bot --tool tools.tf-test: error: "status" is not a command; did you mean show? | hint: `toolforge jobs show --help` shows how to use it.
    --uid x status bot: error: "status" is not a command; did you mean show? | hint: `toolforge jobs show --help` shows how to use it.
    status --tool tools.tf-test: error: "status" is not a command; did you mean list? | hint: `toolforge jobs list --help` shows how to use it.
    status bot other: error: "status" is not a command; did you mean show? | hint: `toolforge jobs show --help` shows how to use it.
    status -- bot: error: "status" is not a command; did you mean show? | hint: Run `toolforge jobs show -- bot`.
    apply a.yaml b.yaml: error: "apply" is not a command; did you mean load? | hint: `toolforge jobs load --help` shows how to use it.
    stop: error: "stop" is not a command; did you mean delete? | hint: `toolforge jobs delete --help` shows how to use it.
    status: error: "status" is not a command; did you mean list? | hint: Run `toolforge jobs list`.
    --tool tf-test: error: no command given | hint: `toolforge jobs --help` lists the commands.
    logs a --follow=1: error: --follow takes no value | hint: Write `--follow` alone.
    "#);
}
