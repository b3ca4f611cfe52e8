//! Faults of the requests that write: what is reported is so, and the same command again does what was asked for.

use std::time::Duration;

use toolforge_e2e::Tool;

use super::fault::{Effect, Fault, Scope};
use super::route::{Proxies, concurrently};
use super::steps::{JOBS, Step};
use super::table::{Column, Table};

/// How many commands run at the same time.
const CONCURRENT: usize = 30;

/// The verbs, without those that run pods, which take most of the time.
const VERBS: [&str; 5] = ["jobs run", "jobs load", "jobs suspend", "jobs resume", "jobs delete"];

fn column((fault, forwards): (Fault, bool)) -> Column {
    let seconds = match fault {
        Fault::NeverAnswers => 66,
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
        VERBS.map(|verb| (verb, codes.clone())).to_vec(),
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
    let tool = Tool::new("faults-writes");
    let more = r#"{"spec": {"hard": {"count/cronjobs.batch": "500"}}}"#;
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
        let line = step.line.replace("NAME", &job);
        let (outcome, took) = route.run(&tool, &line);
        table.set(verb, index, &outcome, took);
        let was_done = is_done(&tool, &job);
        let is_unknown = outcome.stderr.contains("may have been applied");
        if outcome.code == 0 && !was_done {
            table.wrong(verb, index, "not done", &outcome);
        }
        if outcome.code != 0 && was_done && !is_unknown {
            table.wrong(verb, index, "done without a word", &outcome);
        }
        let again = tool.shell(&line);
        if !is_done(&tool, &job) || !(again.code == 0 || was_done && step.again.contains(&again.code)) {
            table.wrong(verb, index, "the same command again does not converge", &again);
        }
    });
    table.finish();
}
