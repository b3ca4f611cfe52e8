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
