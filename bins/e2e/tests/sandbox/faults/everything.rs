//! Faults of all requests.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use toolforge_e2e::Tool;

use super::fault::{Effect, Fault, Scope, WatchFault};
use super::route::{Proxies, concurrently};
use super::steps::create_by_hand;
use super::table::{Column, Table};
use super::verbs::{READING, Verb, WRITING};

/// How many commands run at the same time: most of them wait for a deadline.
const CONCURRENT: usize = 40;

fn column(fault: Fault) -> Column {
    let seconds = match fault {
        Fault::HalfOpen => 20,
        Fault::NeverAnswers | Fault::Drip { .. } | Fault::Flood => 31,
        Fault::Code(_) | Fault::Busy { .. } => 21,
        Fault::Watch(WatchFault::Silent | WatchFault::EndlessLine) => 75,
        // `quota-check --all` reads 200 pages, each with a time of its own.
        Fault::EndlessPages { repeats: false } => 100,
        _ => 30,
    };
    Column { name: fault.name(), bound: Duration::from_secs(seconds) }
}

/// Returns a version of each object that the tool's commands write.
fn versions(tool: &Tool) -> BTreeMap<String, Value> {
    let kinds = "deployments,cronjobs,jobs,services,httproutes";
    let list: Value = serde_json::from_str(&tool.kubectl(&["get", kinds, "-o", "json"])).unwrap();
    let version = |object: &Value| {
        let key = format!("{} {}", object["kind"], object["metadata"]["name"]);
        (key, object["spec"].clone())
    };
    list["items"].as_array().unwrap().iter().map(version).collect()
}

fn table() -> Table {
    Table::new(
        "faults of all requests",
        Fault::ALL.map(column).to_vec(),
        READING
            .iter()
            .chain(&WRITING)
            .map(|verb| (verb.name, Fault::ALL.map(|fault| verb.allowed(fault)).to_vec()))
            .collect(),
    )
}

#[test]
fn table_of_all_requests_is_documented() {
    table().check_document();
}

#[test]
fn every_verb_ends_under_every_fault() {
    let table = table();
    let proxies = Proxies::start();
    std::thread::scope(|scope| {
        scope.spawn(|| nothing_changes(&table, &proxies));
        scope.spawn(|| super::harmless::jobs_change(&table, &proxies));
        scope.spawn(|| super::harmless::web_service_changes(&table, &proxies));
    });
    table.finish();
}

/// The verbs that read under all faults, and the verbs that write under those that are fatal.
fn nothing_changes(table: &Table, proxies: &Proxies) {
    let tool = Tool::new("faults-all");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.write("jobs.yaml", "- {name: new, image: bookworm, command: 'true', schedule: '17 4 1 1 *'}\n");
    tool.shell("toolforge-jobs run bot --image bookworm --command 'echo hello; sleep 3600' --continuous --no-filelog")
        .exits(0)
        .and_that_is_all();
    for name in ["tick", "rest"] {
        let line =
            format!("toolforge-jobs run {name} --image bookworm --command true --schedule '17 4 1 1 *'");
        tool.shell(&line).exits(0).and_that_is_all();
    }
    tool.shell("toolforge-jobs suspend rest").exits(0).and_that_is_all();
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    tool.until(
        60,
        "a line of the bot",
        |tool| tool.shell("toolforge-jobs logs bot"),
        |found| found.stdout.contains("hello"),
    );
    tool.write("service.template", "replicas: 1\n");
    tool.write("wait.yaml", "- {name: new, image: bookworm, command: 'true', wait: true}\n");
    create_by_hand(&tool, "hand");
    tool.shell("kubectl get cronjob hand -o yaml > cronjob.yaml").exits(0).and_that_is_all();
    let user = format!("--user={}", tool.name());
    let binding = ["clusterrolebinding", "faults-all"];
    let _ = tool.kubectl(&[&["delete", "--ignore-not-found"][..], &binding].concat());
    let _ = tool.kubectl(&[&["create"][..], &binding, &["--clusterrole=view", &user]].concat());
    let before = versions(&tool);
    let routes = proxies.add(&tool, Fault::ALL.map(|fault| (fault, Scope::All)));
    let cells = routes
        .iter()
        .enumerate()
        .flat_map(|(index, route)| READING.iter().chain(&WRITING).map(move |verb| (index, route, verb)));
    let mut cells: Vec<_> = cells
        .filter(|(index, _, verb)| !verb.is_writing() || changes_nothing(verb, Fault::ALL[*index]))
        .collect();
    // Those that wait for their deadline first.
    cells.sort_by_key(|(index, ..)| std::cmp::Reverse(column(Fault::ALL[*index]).bound));
    concurrently(CONCURRENT, cells, |(index, route, verb)| {
        let (outcome, took) = route.run(&tool, verb.line);
        // The test itself stops it.
        let took = if verb.is_endless() && outcome.code == 143 { Duration::ZERO } else { took };
        table.set(verb.name, index, &outcome, took);
        let is_expected = verb.expected.is_some_and(|expected| outcome.stdout.contains(expected));
        let is_reported =
            (outcome.stdout.is_empty() || verb.prints_before_failure()) && outcome.stderr.contains("error: ");
        let is_warned = ["bundled catalog", "the cluster's limits and images are not available"]
            .iter()
            .any(|warning| outcome.stderr.contains(warning));
        let is_right = match outcome.code {
            0 if verb.has_fallback() => {
                is_expected && (is_warned || Fault::ALL[index].effect() != Effect::Fatal)
            }
            0 | 143 => is_expected,
            1 if verb.may_find() => is_expected,
            1 => outcome.stdout.contains("FAIL"),
            _ => is_reported,
        };
        if !is_right {
            table.wrong(verb.name, index, "not the truth", &outcome);
        }
    });
    assert_eq!(versions(&tool), before, "a command changed something");
}

/// Returns whether a verb that writes cannot even read.
pub(crate) fn changes_nothing(verb: &Verb, fault: Fault) -> bool {
    matches!(fault.effect(), Effect::Fatal | Effect::FatalForLists) && verb.is_writing()
}
