//! The verbs that write, under faults that they survive: each does what was requested.

use toolforge_e2e::Tool;

use super::everything::changes_nothing;
use super::fault::{Fault, Scope};
use super::route::{Proxies, Route, concurrently};
use super::steps::{JOBS, Step, WEB_SERVICE};
use super::table::Table;
use super::verbs::WRITING;

/// How many tools the faults are spread over.
const TOOLS: usize = 3;

pub(crate) fn jobs_change(table: &Table, proxies: &Proxies) {
    spread(table, proxies, "faults-jobs", &JOBS);
}

pub(crate) fn web_service_changes(table: &Table, proxies: &Proxies) {
    spread(table, proxies, "faults-web", &WEB_SERVICE);
}

/// Runs the steps with each fault, one fault after the other on each of some tools.
fn spread(table: &Table, proxies: &Proxies, name: &str, steps: &[Step]) {
    let is_survived = |fault: &Fault| WRITING.iter().any(|verb| !changes_nothing(verb, *fault));
    let faults: Vec<(usize, Fault)> =
        Fault::ALL.into_iter().enumerate().filter(|(_, fault)| is_survived(fault)).collect();
    concurrently(TOOLS, 0..TOOLS, |number| {
        let tool = Tool::new(&format!("{name}-{number}"));
        tool.write("public_html/index.php", "<?php echo 'here';");
        let own: Vec<(usize, Fault)> = faults.iter().copied().skip(number).step_by(TOOLS).collect();
        let routes = proxies.add(&tool, own.iter().map(|(_, fault)| (*fault, Scope::All)));
        for ((column, _), route) in own.iter().zip(&routes) {
            for step in steps {
                run_step(table, &tool, (*column, route), step);
            }
        }
    });
}

/// Runs a step through a proxy and, if it fails, again without.
fn run_step(table: &Table, tool: &Tool, (column, route): (usize, &Route), step: &Step) {
    let job = format!("{}-{column}", step.verb.replace(' ', "-"));
    let Step { verb, is_done, .. } = *step;
    if verb != "webservice start" {
        tool.shell(&step.before.replace("NAME", &job)).exits(0).and_that_is_all();
    }
    let line = step.line.replace("NAME", &job);
    let (mut outcome, mut took) = route.run(tool, &line);
    if outcome.code == 5 {
        // On a busy machine, a page may not answer within the time that a start allows.
        (outcome, took) = route.run(tool, &line);
    }
    table.set(verb, column, &outcome, took);
    if is_done(tool, &job) {
        return;
    }
    if outcome.code == 0 {
        table.wrong(verb, column, "not done", &outcome);
    }
    let again = tool.shell(&line);
    if !is_done(tool, &job) {
        table.wrong(verb, column, "the same command again does not converge", &again);
    }
}
