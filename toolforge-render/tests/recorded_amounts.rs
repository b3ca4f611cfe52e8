//! The recorded quantities of the platform's Python tool, input by input.
//!
//! Each row of `fixtures/parity/webservice/quantities.json` is an input, whether the tool's command line accepts it, and
//! the resulting limit and request. An input that only the Python tool accepts needs a reason; a reason that no row needs
//! fails the test.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use std::collections::BTreeSet;

use serde_json::Value;
use toolforge_images::Catalog;
use toolforge_model::{Cpu, Memory, ToolName, WebServiceOptions};
use toolforge_render::namespace::Namespace;
use toolforge_render::pod::PodResources;
use toolforge_render::web_service::{PlanOptions, WebServiceFacts, WebServicePlan};

/// Quantities that only the Python tool accepts: the error message, and the reason.
const REFUSED: [(&str, &str); 3] = [
    ("is not a positive amount of", "a pod without memory or CPU cannot run"),
    ("than Kubernetes can hold", "it would be cut to the largest number, which no container may have"),
    ("is not a whole number of", "half a byte is a typing error, and the API server would round it up"),
];

fn resources(cpu: Option<Cpu>, memory: Option<Memory>) -> PodResources {
    let tool: ToolName = "x".parse().unwrap();
    let options = WebServiceOptions { cpu, memory, ..WebServiceOptions::default() };
    let request = options.merge_into(&tool, None, "php8.2".parse().unwrap()).unwrap();
    let facts = WebServiceFacts::new(Namespace::new(&tool, Catalog::bundled()));
    WebServicePlan::new(request, &facts, PlanOptions::default()).unwrap().resources()
}

#[test]
fn recorded_quantities_give_equal_resources() {
    let table: Value =
        serde_json::from_str(&toolforge_fixtures::read("parity/webservice/quantities.json")).unwrap();
    let (mut visited, mut wrong, mut used) = (0, Vec::new(), BTreeSet::new());
    for row in table["rows"].as_array().unwrap() {
        let input = row["input"].as_str().unwrap();
        for dimension in ["cpu", "memory"] {
            visited += 1;
            let theirs = &row[dimension];
            let part = |name: &str| theirs.get(name).and_then(Value::as_str).map(str::to_owned);
            let ours = if dimension == "cpu" {
                input.parse::<Cpu>().map_err(|error| error.to_string()).map(|cpu| {
                    let found = resources(Some(cpu), None);
                    (u128::from(found.limits.cpu.millis()), u128::from(found.requests.cpu.millis()))
                })
            } else {
                input.parse::<Memory>().map_err(|error| error.to_string()).map(|memory| {
                    let found = resources(None, Some(memory));
                    (u128::from(found.limits.memory.bytes()), u128::from(found.requests.memory.bytes()))
                })
            };
            let number = |text: String| -> Option<u128> {
                if dimension == "cpu" {
                    Cpu::parse_quantity(text.trim()).ok().map(|cpu| u128::from(cpu.millis()))
                } else {
                    Memory::parse_quantity(text.trim()).ok().map(|memory| u128::from(memory.bytes()))
                }
            };
            let expected = part("limit").and_then(number).zip(part("request").and_then(number));
            match (ours, expected) {
                (Ok(ours), Some(expected)) if ours == expected => {}
                (Err(_), None) => {}
                (Err(error), Some(expected)) => match REFUSED.iter().find(|(words, _)| error.contains(words))
                {
                    Some((words, _)) => drop(used.insert(*words)),
                    None => wrong.push(format!("{dimension} {input:?}: here {error}, there {expected:?}")),
                },
                (ours, expected) => {
                    wrong.push(format!("{dimension} {input:?}: here {ours:?}, there {expected:?}"));
                }
            }
        }
    }
    println!("{visited} amounts visited");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(visited > 20, "only {visited} amounts were visited");
    for (words, why) in REFUSED {
        assert!(used.contains(words), "no row needs `{words}`: {why}");
    }
}
