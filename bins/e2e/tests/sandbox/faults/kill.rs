//! Programs that are killed at each of their writes: the same command then does what was requested.

use toolforge_e2e::Tool;

use super::fault::{Fault, Scope};
use super::route::Proxies;
use super::steps::shells;

/// The maximum number of writes of a command.
const MAX_WRITES: usize = 12;

/// Runs a command line that is killed at its first write, then one that is killed at its second, until one is not killed:
/// before the server gets the request, and after its answer. Returns the number of kills.
fn killed_at_each_write(tool: &Tool, line: &str, before: impl Fn(), check: impl Fn(&str)) -> usize {
    let proxies = Proxies::start();
    let mut kills = 0;
    for forwards in [false, true] {
        for count in 0.. {
            assert!(count < MAX_WRITES, "{line} does not end");
            before();
            let route = proxies.add_one(tool, Fault::None, Scope::WritesAfter { count, forwards });
            let outcome = route.run_until_held(tool, line, count);
            let was_held = route.writes() > count;
            assert_eq!(was_held, outcome.code == 137, "{line}, held after {count} writes: {outcome:?}");
            check(&format!("{line}, killed after {count} writes, received: {forwards}"));
            if !was_held {
                break;
            }
            kills += 1;
        }
    }
    kills
}

fn cron_jobs(tool: &Tool) -> Vec<String> {
    tool.kubectl(&["get", "cronjobs", "-o", "name"]).lines().map(str::to_owned).collect()
}

#[test]
fn killed_load_and_delete_converge() {
    let tool = Tool::new("faults-kill");
    let job =
        |name: &str| format!("- {{name: {name}, image: bookworm, command: x, schedule: '17 4 1 1 *'}}\n");
    tool.write("jobs.yaml", &["a", "b", "c"].map(job).concat());
    tool.shell("toolforge-jobs run other --image bookworm --command x --schedule '1 1 1 1 *'")
        .exits(0)
        .and_that_is_all();
    let (load, delete) = ("toolforge-jobs load jobs.yaml", "toolforge-jobs delete a b c");
    let kills = killed_at_each_write(
        &tool,
        load,
        || {
            let _ = tool.kubectl(&["delete", "cronjob", "a", "b", "c", "--ignore-not-found"]);
        },
        |point| {
            tool.shell(load).exits(0).and_that_is_all();
            assert_eq!(cron_jobs(&tool).len(), 4, "{point}");
        },
    );
    assert_eq!(kills, 6);
    let kills = killed_at_each_write(
        &tool,
        delete,
        || tool.shell(load).exits(0).and_that_is_all(),
        |point| {
            let again = tool.shell(delete);
            assert!([0, 1].contains(&again.code), "{point}: {again:?}");
            assert_eq!(cron_jobs(&tool), ["cronjob.batch/other"], "{point}");
        },
    );
    assert_eq!(kills, 6);
}

#[test]
fn killed_start_and_stop_converge() {
    let tool = Tool::new("faults-kill-web");
    tool.write("public_html/index.php", "<?php echo 'here';");
    let objects = || tool.kubectl(&["get", "deployments,services,httproutes", "-o", "name"]).lines().count();
    let (start, stop) = ("webservice php8.2 start", "webservice stop");
    let kills = killed_at_each_write(
        &tool,
        start,
        || tool.shell(stop).exits(0).and_that_is_all(),
        |point| {
            tool.until(60, point, |tool| tool.shell(start), |again| again.code == 0);
            assert_eq!(objects(), 3, "{point}");
            let manifest = tool.shell("cat service.manifest").exits(0);
            assert!(manifest.stdout.contains("web: php8.2"), "{point}: {manifest:?}");
        },
    );
    assert!(kills >= 6, "{kills}");
    let kills = killed_at_each_write(
        &tool,
        stop,
        || tool.until(60, "the start", |tool| tool.shell(start), |again| again.code == 0),
        |point| {
            tool.shell(stop).exits(0).and_that_is_all();
            assert_eq!(objects(), 0, "{point}");
        },
    );
    assert!(kills >= 6, "{kills}");
}

/// A command that is killed at each of its writes.
struct Killed {
    line: &'static str,
    /// A shell command line that creates what it changes.
    before: &'static str,
    is_done: fn(&Tool) -> bool,
    /// The exit codes of the same command again.
    again: &'static [i32],
    kills: usize,
}

const RUN: &str = "toolforge-jobs run tick --image bookworm --command true --schedule '17 4 1 1 *'";

/// The runs of this job need no pods.
const SUSPENDED: &str =
    "kubectl patch cronjob tick --patch '{\"spec\": {\"jobTemplate\": {\"spec\": {\"suspend\": true}}}}'";

fn text(tool: &Tool, kind: &str, path: &str) -> String {
    tool.kubectl(&["get", kind, "-o", &format!("jsonpath={path}")])
}

fn is_suspended(tool: &Tool) -> bool {
    text(tool, "cronjobs", "{.items[*].spec.suspend}") == "true"
}

fn has_runs(tool: &Tool, count: usize) -> bool {
    text(tool, "jobs", "{.items[*].metadata.name}").split_whitespace().count() >= count
}

fn killed_verbs() -> [Killed; 9] {
    [
        Killed {
            line: RUN,
            before: "toolforge-jobs flush --yes",
            is_done: |tool| cron_jobs(tool).len() == 1,
            again: &[0, 1],
            kills: 2,
        },
        Killed {
            line: "toolforge-jobs suspend tick",
            before: "toolforge-jobs resume tick",
            is_done: is_suspended,
            again: &[0],
            kills: 2,
        },
        Killed {
            line: "toolforge-jobs resume tick",
            before: "toolforge-jobs suspend tick",
            is_done: |tool| !is_suspended(tool),
            again: &[0],
            kills: 2,
        },
        Killed {
            line: "toolforge-jobs trigger tick",
            before: "kubectl delete jobs --all",
            is_done: |tool| has_runs(tool, 1),
            again: &[0],
            // The run, and the record of its start.
            kills: 4,
        },
        Killed {
            line: "toolforge-jobs restart tick",
            // One run is deleted, another one is created, and its start is recorded.
            before: "kubectl delete jobs --all && toolforge-jobs trigger tick && sleep 1",
            is_done: |tool| has_runs(tool, 1),
            again: &[0],
            kills: 6,
        },
        Killed {
            line: "toolforge-jobs adopt cronjob/hand --yes",
            before: "kubectl delete cronjob hand --ignore-not-found && kubectl create cronjob hand --schedule '17 4 1 1 *' --image $(cat image) -- true",
            is_done: |tool| {
                text(tool, "cronjob/hand", r"{.metadata.labels.app\.kubernetes\.io/managed-by}")
                    == "toolforge-jobs-framework"
            },
            again: &[0],
            kills: 2,
        },
        Killed {
            // The file had three jobs.
            line: "toolforge-jobs load jobs.yaml --prune --yes",
            before: "cp all.yaml jobs.yaml && toolforge-jobs load jobs.yaml && cp one.yaml jobs.yaml",
            is_done: |tool| {
                !cron_jobs(tool).iter().any(|name| ["cronjob.batch/a", "cronjob.batch/b"].contains(&&**name))
            },
            again: &[0],
            kills: 4,
        },
        Killed {
            // The job changes its kind: it is deleted and created again.
            line: "toolforge-jobs load kind.yaml",
            before: "cp all.yaml kind.yaml && toolforge-jobs flush --yes && toolforge-jobs load kind.yaml && cp continuous.yaml kind.yaml",
            is_done: |tool| {
                let names = tool.kubectl(&[
                    "get",
                    "cronjobs/tick",
                    "deployments/tick",
                    "--ignore-not-found",
                    "-o",
                    "name",
                ]);
                names.trim() == "deployment.apps/tick"
            },
            again: &[0],
            kills: 4,
        },
        Killed {
            line: "toolforge-jobs flush --yes",
            before: "toolforge-jobs load all.yaml",
            is_done: |tool| cron_jobs(tool).is_empty(),
            again: &[0],
            kills: 6,
        },
    ]
}

#[test]
fn killed_verbs_of_scheduled_jobs_converge() {
    let tool = Tool::new("faults-kill-jobs");
    let job =
        |name: &str| format!("- {{name: {name}, image: bookworm, command: x, schedule: '17 4 1 1 *'}}\n");
    for file in ["jobs.yaml", "all.yaml"] {
        tool.write(file, &["tick", "a", "b"].map(job).concat());
    }
    tool.write("one.yaml", &job("tick"));
    tool.write(
        "continuous.yaml",
        "- {name: tick, image: bookworm, command: x, continuous: true, replicas: 0}\n",
    );
    tool.shell(&format!("{RUN} && kubectl get cronjob tick -o jsonpath='{{..containers[0].image}}' > image"))
        .exits(0)
        .and_that_is_all();
    for Killed { line, before, is_done, again, kills } in killed_verbs() {
        let found = killed_at_each_write(
            &tool,
            line,
            || tool.shell(before).exits(0).and_that_is_all(),
            |point| {
                let outcome = tool.shell(line);
                assert!(again.contains(&outcome.code), "{point}: {outcome:?}");
                assert!(is_done(&tool), "{point}: {outcome:?}");
            },
        );
        assert_eq!(found, kills, "{line}");
        if line == RUN {
            tool.shell(SUSPENDED).exits(0).and_that_is_all();
        }
    }
}

#[test]
fn killed_run_with_a_port_converges() {
    let tool = Tool::new("faults-kill-port");
    let private = "toolforge-jobs run web --image bookworm --command 'exec sleep 600' --continuous --port 8000 --cpu 60m";
    let public = &format!("{private} --publish");
    for (line, count) in [(private, 2), (public, 3)] {
        let kills = killed_at_each_write(
            &tool,
            line,
            || tool.shell("toolforge-jobs flush --yes").exits(0).and_that_is_all(),
            |point| {
                let again = tool.shell(line);
                assert!([0, 1].contains(&again.code), "{point}: {again:?}");
                let objects = tool.kubectl(&["get", "deployments,services,httproutes", "-o", "name"]);
                assert_eq!(objects.lines().count(), count, "{point}: {objects}");
            },
        );
        assert_eq!(kills, 2 * count);
    }
    // A complete private job is not changed.
    tool.shell("toolforge-jobs flush --yes").exits(0).and_that_is_all();
    tool.shell(private).exits(0).and_that_is_all();
    tool.shell(public).exits(1).says("already exists").and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "httproutes", "-o", "name"]), "");
}

#[test]
fn killed_shell_converges() {
    let tool = Tool::new("faults-kill-shell");
    let line = "webservice php8.2 shell true";
    let kills = killed_at_each_write(
        &tool,
        line,
        || (),
        |point| {
            tool.until(60, point, |tool| tool.shell(line), |again| again.code == 0);
            assert_eq!(shells(&tool), "", "{point}");
        },
    );
    assert_eq!(kills, 4);
}

#[test]
fn killed_restarts_converge() {
    let tool = Tool::new("faults-kill-restart");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let bot = "toolforge-jobs run bot --image bookworm --command 'exec sleep 3600' --continuous --cpu 200m";
    tool.shell(bot).exits(0).and_that_is_all();
    for (line, deployment) in [("webservice restart", tool.name()), ("toolforge-jobs restart bot", "bot")] {
        let kills = killed_at_each_write(
            &tool,
            line,
            || (),
            |point| {
                tool.shell(line).exits(0).and_that_is_all();
                let status = tool.object("deployment", deployment)["status"].clone();
                assert_eq!(
                    (&status["replicas"], &status["readyReplicas"]),
                    (&1.into(), &1.into()),
                    "{point}"
                );
            },
        );
        assert_eq!(kills, 2, "{line}");
    }
    assert_eq!(tool.page("/").body, "here");
}

#[test]
fn manifest_is_whole_after_every_kill() {
    let tool = Tool::new("faults-manifest");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.write("service.manifest", "mine: 1\nversion: 4\n");
    // The manifest is written after the objects; the kills cover all of that time.
    let line = "for pause in 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 1 1.2 1.5 2; do \
                  (webservice php8.2 start -r 1 & program=$!; sleep $pause; kill -KILL $program); \
                  cat service.manifest; echo ---; \
                  (webservice stop & program=$!; sleep $pause; kill -KILL $program); \
                  cat service.manifest; echo ---; \
                done 2>&-";
    let outcome = tool.shell(line);
    let manifests: Vec<&str> = outcome
        .stdout
        .split("---\n")
        .map(|text| text.rsplit("webservice\n").next().unwrap_or(text))
        .collect();
    assert_eq!(manifests.len(), 25, "{outcome:?}");
    for manifest in &manifests[..24] {
        assert!(manifest.contains("mine: 1\n") && manifest.contains("version: 4\n"), "{manifest}");
    }
    tool.until(60, "the start", |tool| tool.webservice(&["php8.2", "start"]), |again| again.code == 0);
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    assert!(tool.shell("cat service.manifest").stdout.contains("mine: 1\n"));
}
