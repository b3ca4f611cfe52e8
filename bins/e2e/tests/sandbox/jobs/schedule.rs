//! The schedules that the API server accepts.

use serde_json::{Value, json};
use toolforge_e2e::Tool;
use toolforge_model::{CronExpression, Schedule};

/// Schedules to try in addition to the recorded ones.
const MORE: [&str; 22] = [
    "0-30/5 * * * *",
    "0 0 * * mon-fri",
    "0 0 * * MON,wed",
    "0 0 1 jan-mar *",
    "? ? ? ? ?",
    "*/5,7 * * * *",
    "0 0 29 2 *",
    "0 0 31 2 *",
    "+5 * * * *",
    "5,,6 * * * *",
    ", * * * *",
    "*/61 * * * *",
    "0 24 * * *",
    "0 0 0 * *",
    "0 0 32 * *",
    "0 0 * 13 *",
    "0 0 * * -1",
    "a * * * *",
    "1-5-9 * * * *",
    "5-1 * * * *",
    "* * * *",
    "* * * * * *",
];

#[test]
fn accepts_the_api_servers_schedules() {
    let tool = Tool::new("job-grammar");
    let vectors: Value = serde_json::from_str(&toolforge_fixtures::read("parity/jobs/vectors.json")).unwrap();
    let recorded = vectors["cron"].as_array().unwrap().iter().filter_map(|vector| vector["in"].as_str());
    let all: Vec<&str> = recorded.chain(MORE).filter(|text| !text.starts_with('@')).collect();
    let items: Vec<Value> = all.iter().enumerate().map(|(index, text)| cron_job(index, text)).collect();
    tool.write("list.json", &json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string());
    let answer = tool.shell("kubectl create --dry-run=server --validate=false -f list.json");
    let mut wrong = Vec::new();
    for (index, text) in all.iter().enumerate() {
        let name = format!("v-{index}");
        let accepted = answer.stdout.contains(&format!("/{name} created"));
        let refused = answer.stderr.contains(&format!("\"{name}\""));
        assert!(accepted != refused, "{text:?}: no response from the server\n{}", answer.stderr);
        let here = text.parse::<CronExpression>();
        if accepted != here.is_ok() && !is_known(text) {
            wrong.push(format!("{text:?}: server {accepted}, here {here:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    println!("{} schedules checked", all.len());
    // The API server accepts the rewritten schedules.
    for text in ["0 0 * * 7", "0 0 * * 5-7", "0 0 * * 1-7/2"] {
        let schedule = Schedule::parse(text, &"x".parse().unwrap(), &"y".parse().unwrap()).unwrap();
        tool.write("one.json", &cron_job(0, &schedule.expression().to_string()).to_string());
        tool.shell("kubectl create --dry-run=server -f one.json").exits(0).and_that_is_all();
    }
}

/// Returns whether a difference is intended: Sunday as 7 is rewritten, a time zone belongs in its own field, an empty
/// list never matches, and a range cannot start with `*`.
fn is_known(text: &str) -> bool {
    text.contains("TZ=")
        || text.starts_with(',')
        || text.contains("*-")
        || text.ends_with('7')
        || text.ends_with("1-7")
}

fn cron_job(index: usize, schedule: &str) -> Value {
    let container = json!({"name": "job", "image": "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest", "command": ["true"]});
    json!({
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": format!("v-{index}")},
        "spec": {"schedule": schedule, "jobTemplate": {"spec": {"template": {"spec": {
            "restartPolicy": "Never", "containers": [container],
        }}}}},
    })
}
