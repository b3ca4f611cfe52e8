//! Continuous jobs.

use toolforge_e2e::Tool;

#[test]
fn crashed_bot_is_restarted_until_deleted() {
    let tool = Tool::new("job-bot");
    let command = "echo started; while [ ! -e /tmp/die ]; do sleep 0.2; done; echo dying; exit 7";
    tool.jobs(&[
        "run",
        "bot",
        "--image",
        "bookworm",
        "--command",
        command,
        "--continuous",
        "--no-filelog",
        "--emails",
        "onfailure",
    ])
    .exits(0)
    .and_that_is_all();
    let runs = |outcome: &toolforge_e2e::Outcome| outcome.stdout.contains("Running for");
    tool.until(60, "the bot runs", |tool| tool.jobs(&["list"]), runs);
    tool.jobs(&["exec", "bot", "--", "touch", "/tmp/die"]).exits(0).and_that_is_all();
    let again = |outcome: &toolforge_e2e::Outcome| {
        outcome.stdout.contains("restarted once, last terminated with exit code 7")
    };
    tool.until(
        60,
        "the bot runs again",
        |tool| tool.jobs(&["show", "bot", "--output", "table"]),
        |outcome| {
            let text: String = outcome.stdout.split(['|', '\n']).map(str::trim).collect::<Vec<_>>().join(" ");
            outcome.stdout.contains("exit code 7") || again(outcome) || text.contains("exit code 7")
        },
    );
    // The log starts with the previous run.
    tool.jobs(&["logs", "bot"]).exits(0).says("dying").says("started").and_that_is_all();
    let pod = tool.kubectl(&["get", "pods", "-o", "name"]);
    // Deleting a failing pod replaces it, as Wikitech's help page of 2020 recommends.
    let _ = tool.kubectl(&["delete", pod.trim(), "--grace-period=1"]);
    tool.until(60, "another pod runs", |tool| tool.jobs(&["list"]), runs);
    assert_ne!(tool.kubectl(&["get", "pods", "-o", "name"]), pod);
    let mails = tool.object("deployment", "bot")["spec"]["template"]["metadata"]["labels"]["jobs.toolforge.org/emails"].clone();
    assert_eq!(mails, "onfailure");
    tool.jobs(&["restart", "bot"]).exits(0).says("downtime: the old pods of job bot stop").and_that_is_all();
    tool.until(60, "it runs after a restart", |tool| tool.jobs(&["list"]), runs);
    tool.jobs(&["delete", "bot"]).exits(0).and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "deployments,pods", "-o", "name"]), "");
}

#[test]
fn crash_loop_is_reported() {
    let tool = Tool::new("job-crashes");
    tool.jobs(&[
        "run",
        "bad",
        "--image",
        "bookworm",
        "--command",
        "echo why; exit 3",
        "--continuous",
        "--no-filelog",
    ])
    .exits(0)
    .and_that_is_all();
    let is_reported =
        |outcome: &toolforge_e2e::Outcome| outcome.stdout.contains("exits with code 3 and is restarted");
    tool.until(90, "the crash loop is reported", |tool| tool.jobs(&["list"]), is_reported);
    tool.jobs(&["show", "bad", "--output", "json"]).exits(0).says("crash-loop").and_that_is_all();
    tool.jobs(&["logs", "bad"]).exits(0).says("why").and_that_is_all();
    tool.jobs(&["delete", "bad"]).exits(0).and_that_is_all();
}

#[test]
fn job_port_is_reachable_by_other_jobs() {
    let tool = Tool::new("job-port");
    let serve = "cd /tmp && echo served > page && exec python3 -u -m http.server 8000";
    tool.jobs(&[
        "run",
        "web",
        "--image",
        "python3.11",
        "--command",
        serve,
        "--continuous",
        "--port",
        "8000",
        "--cpu",
        "300m",
        "--health-check-http",
        "/page",
    ])
    .exits(0)
    .and_that_is_all();
    let runs = |outcome: &toolforge_e2e::Outcome| outcome.stdout.contains("Running for");
    tool.until(60, "the server runs", |tool| tool.jobs(&["list"]), runs);
    let fetch = "python3 -c 'import os, urllib.request; print(urllib.request.urlopen(\"http://web:8000/page\").read().decode())'";
    tool.jobs(&["run", "client", "--image", "python3.11", "--command", fetch, "--cpu", "300m", "--wait"])
        .exits(0)
        .and_that_is_all();
    tool.shell("cat ~/client.out").exits(0).says("served").and_that_is_all();
    // Replace the health check with a script.
    tool.write(
        "jobs.yaml",
        &format!(
            "- name: web\n  image: python3.11\n  command: {serve}\n  continuous: true\n  port: 8000\n  cpu: 300m\n  health-check-script: test ! -e /tmp/ill\n"
        ),
    );
    tool.jobs(&["plan", "jobs.yaml"]).exits(0).says("health-check-script").and_that_is_all();
    tool.jobs(&["load", "jobs.yaml"]).exits(0).says("Job web was updated").and_that_is_all();
    // Without the port, the Service is deleted.
    tool.shell("sed -i '/port/d' jobs.yaml").exits(0).and_that_is_all();
    tool.jobs(&["load", "jobs.yaml"]).exits(0).says("updated").and_that_is_all();
    assert_eq!(tool.kubectl(&["get", "services", "-o", "name"]), "");
}
