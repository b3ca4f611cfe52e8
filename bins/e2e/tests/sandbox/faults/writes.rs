//! Faults of the requests that write: the report is true, and the same command then does what was requested.

use std::time::Duration;

use toolforge_e2e::Tool;

use super::fault::{Effect, Fault, Scope};
use super::route::{Proxies, Route, concurrently};
use super::steps::{JOBS, Step, shells};
use super::table::{Column, Table};

/// How many commands run at the same time.
const CONCURRENT: usize = 30;

/// The verbs of which each cell has a job of its own.
const VERBS: [&str; 8] = [
    "jobs run",
    "jobs load",
    "jobs suspend",
    "jobs resume",
    "jobs trigger",
    "jobs restart",
    "jobs adopt",
    "jobs delete",
];

/// How many tools the other verbs are spread over: each of their cells needs a whole tool.
const TOOLS: usize = 4;

/// A verb that changes more than one job of a tool.
struct WholeTool {
    verb: &'static str,
    line: &'static str,
    /// A shell command line that creates what the verb changes.
    before: &'static str,
    /// Returns what the verb changes.
    state: fn(&Tool) -> String,
    /// Returns whether the verb has done what was requested, from the states before and after it.
    is_done: fn(&str, &str) -> bool,
}

/// In an order in which each needs what the one before has done.
const WHOLE_TOOL: [WholeTool; 5] = [
    WholeTool {
        verb: "webservice start",
        line: "webservice php8.2 start",
        before: "webservice stop",
        state: objects,
        is_done: |_, after| after.lines().count() == 3,
    },
    WholeTool {
        verb: "webservice restart",
        line: "webservice restart",
        before: "webservice php8.2 start",
        state: |tool| tool.kubectl(&["get", "deployments", "-o", "jsonpath={.items[*].metadata.generation}"]),
        is_done: |before, after| before != after,
    },
    WholeTool {
        verb: "webservice shell",
        line: "webservice shell true",
        before: "true",
        state: shells,
        is_done: |_, after| after.is_empty(),
    },
    WholeTool {
        verb: "webservice stop",
        line: "webservice stop",
        before: "webservice php8.2 start",
        state: objects,
        is_done: |_, after| after.is_empty(),
    },
    WholeTool {
        verb: "jobs flush",
        line: "toolforge-jobs flush --yes",
        before: "toolforge-jobs load jobs.yaml",
        state: |tool| tool.kubectl(&["get", "cronjobs", "-o", "name"]),
        is_done: |_, after| after.is_empty(),
    },
];

fn objects(tool: &Tool) -> String {
    tool.kubectl(&["get", "deployments,services,httproutes", "-o", "name"])
}

fn column((fault, forwards): (Fault, bool)) -> Column {
    let seconds = match fault {
        // `shell` also tries to delete the pod that may exist.
        Fault::NeverAnswers => 76,
        Fault::Code(_) | Fault::Busy { .. } => 21,
        _ => 30,
    };
    let name = format!("{}, {}", fault.name(), if forwards { "received" } else { "not received" });
    Column { name, bound: Duration::from_secs(seconds) }
}

fn allowed(fault: Fault) -> &'static [i32] {
    if fault.effect() == Effect::Harmless { &[0] } else { &[4] }
}

fn table() -> Table {
    let codes = Fault::OF_WRITES.map(|(fault, _)| allowed(fault)).to_vec();
    Table::new(
        "faults of requests that write",
        Fault::OF_WRITES.map(column).to_vec(),
        VERBS
            .into_iter()
            .chain(WHOLE_TOOL.iter().map(|whole| whole.verb))
            .map(|verb| (verb, codes.clone()))
            .collect(),
    )
}

#[test]
fn table_of_writes_is_documented() {
    table().check_document();
}

#[test]
fn writes_converge_after_every_fault() {
    let table = table();
    let proxies = Proxies::start();
    std::thread::scope(|scope| {
        scope.spawn(|| jobs_converge(&table, &proxies));
        scope.spawn(|| whole_tools_converge(&table, &proxies));
    });
    table.finish();
}

/// The verbs whose cells share a tool.
fn jobs_converge(table: &Table, proxies: &Proxies) {
    let tool = Tool::new("faults-writes");
    let more = r#"{"spec": {"hard": {"count/cronjobs.batch": "500", "count/jobs.batch": "500"}}}"#;
    let _ = tool.kubectl(&["patch", "resourcequota", "tool-faults-writes", "--patch", more]);
    let routes =
        proxies.add(&tool, Fault::OF_WRITES.map(|(fault, forwards)| (fault, Scope::Writes { forwards })));
    let steps = JOBS.iter().filter(|step| VERBS.contains(&step.verb));
    let cells: Vec<_> = steps
        .flat_map(|step| routes.iter().enumerate().map(move |(index, route)| (step, index, route)))
        .collect();
    concurrently(CONCURRENT, cells, |(step, index, route)| {
        let Step { verb, is_done, .. } = *step;
        let job = format!("{}-{index}", verb.replace(' ', "-"));
        tool.shell(&step.before.replace("NAME", &job)).exits(0).and_that_is_all();
        if ["jobs trigger", "jobs restart"].contains(&verb) {
            // Its runs need no pods, which take most of the time.
            let suspended = r#"{"spec": {"jobTemplate": {"spec": {"suspend": true}}}}"#;
            let _ = tool.kubectl(&["patch", "cronjob", &job, "--patch", suspended]);
        }
        let line = step.line.replace("NAME", &job);
        let (outcome, took) = route.run(&tool, &line);
        table.set(verb, index, &outcome, took);
        let was_done = is_done(&tool, &job);
        let is_unknown = outcome.stderr.contains("may have been applied");
        if outcome.code == 0 && !was_done {
            table.wrong(verb, index, "not done", &outcome);
        }
        if outcome.code != 0 && was_done && !is_unknown {
            table.wrong(verb, index, "done silently", &outcome);
        }
        let again = tool.shell(&line);
        if !is_done(&tool, &job) || !(again.code == 0 || was_done && step.again.contains(&again.code)) {
            table.wrong(verb, index, "the same command again does not converge", &again);
        }
    });
}

/// The verbs that change more than one job.
fn whole_tools_converge(table: &Table, proxies: &Proxies) {
    concurrently(TOOLS, 0..TOOLS, |number| {
        let tool = Tool::new(&format!("faults-writes-{number}"));
        tool.write("public_html/index.php", "<?php echo 'here';");
        let job =
            |name: &str| format!("- {{name: {name}, image: bookworm, command: x, schedule: '1 1 1 1 *'}}\n");
        tool.write("jobs.yaml", &["a", "b"].map(job).concat());
        let faults = Fault::OF_WRITES.into_iter().enumerate().skip(number).step_by(TOOLS);
        for (column, (fault, forwards)) in faults {
            let route = proxies.add_one(&tool, fault, Scope::Writes { forwards });
            for whole in &WHOLE_TOOL {
                whole_tool_converges(table, &tool, (column, &route), whole);
            }
        }
    });
}

fn whole_tool_converges(
    table: &Table,
    tool: &Tool,
    (column, route): (usize, &Route),
    WholeTool { verb, line, before, state, is_done }: &WholeTool,
) {
    tool.until(120, before, |tool| tool.shell(before), |outcome| outcome.code == 0);
    let earlier = state(tool);
    let (outcome, took) = route.run(tool, line);
    table.set(verb, column, &outcome, took);
    let later = state(tool);
    if outcome.code == 0 && !is_done(&earlier, &later) {
        table.wrong(verb, column, "not done", &outcome);
    }
    let is_unknown = outcome.stderr.contains("may have been applied");
    if outcome.code != 0 && earlier != later && !is_unknown {
        table.wrong(verb, column, "changed silently", &outcome);
    }
    let again = tool.shell(line);
    if again.code != 0 || !is_done(&earlier, &state(tool)) {
        table.wrong(verb, column, "the same command again does not converge", &again);
    }
}
