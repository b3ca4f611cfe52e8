//! Programs that are killed at each of their writes: the same command again does what was asked for.

use toolforge_e2e::Tool;

use super::fault::{Fault, Scope};
use super::route::Proxies;

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
