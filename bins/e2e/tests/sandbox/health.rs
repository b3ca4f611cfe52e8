//! Programs that run and do not answer, and health checks that fail: reported from the first failure on, with the check and
//! its answer, and without waiting for what cannot come.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use toolforge_e2e::{Outcome, Tool};

/// Returns a Node.js server.
fn node(tool: &Tool, listen: &str) {
    tool.write("www/js/package.json", r#"{"scripts": {"start": "node server.js"}}"#);
    let server = format!("require('http').createServer((_, answer) => answer.end('here')).listen({listen});");
    tool.write("www/js/server.js", &server);
}

/// Returns the age of the container of the tool's only pod.
fn seconds_since_start(tool: &Tool) -> u64 {
    let path = "jsonpath={.items[0].status.containerStatuses[0].state.running.startedAt}";
    let started = tool.kubectl(&["get", "pods", "-o", path]);
    let age = tool.shell(&format!("echo $(($(date +%s) - $(date --date {started} +%s)))")).exits(0);
    age.stdout.trim().parse().unwrap()
}

#[test]
fn program_on_another_address_is_reported() {
    let tool = Tool::new("deaf");
    node(&tool, "8000, '127.0.0.1'");
    let nothing = "your program runs, but nothing answers on port 8000: listen on 0.0.0.0 and on $PORT";
    let says = |outcome: &Outcome| outcome.stdout.contains(nothing) || outcome.stderr.contains(nothing);
    std::thread::scope(|scope| {
        let since = Instant::now();
        let start = scope.spawn(|| tool.webservice(&["node18", "start"]));
        tool.until(120, "status reports it", |tool| tool.webservice(&["status"]), says);
        // The time of the program, not of the pod, which starts late on a busy machine.
        assert!(seconds_since_start(&tool) < 60);
        tool.webservice(&["status", "-o", "json"])
            .exits(0)
            .says("\"code\": \"not-listening\"")
            .says("connection refused")
            .and_that_is_all();
        tool.webservice(&["logs"]).exits(0).says(nothing).and_that_is_all();
        start
            .join()
            .unwrap()
            .exits(5)
            .says(&format!("0 of 1 pods ready: {nothing}"))
            .says(&format!("error: the web service is not ready: {nothing}"))
            .says("`webservice restart`, which loads changed files")
            .and_that_is_all();
        assert!(since.elapsed() < Duration::from_secs(180), "{:?}", since.elapsed());
    });
    // The next start already knows it; only a restart loads another file.
    node(&tool, "process.env.PORT");
    let since = Instant::now();
    tool.webservice(&["start"])
        .exits(5)
        .says("it was already started but is not ready; `webservice restart` loads changed files")
        .says(nothing)
        .and_that_is_all();
    assert!(since.elapsed() < Duration::from_secs(60), "{:?}", since.elapsed());
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    assert_eq!(tool.page("/").body, "here");
}

#[test]
fn failing_page_check_ends_a_restart() {
    let tool = Tool::new("unwell");
    tool.write(
        "www/python/src/app.py",
        "def app(environ, start_response):\n    ill = environ['PATH_INFO'] == '/healthz'\n    \
         start_response('404 Not Found' if ill else '200 OK', [])\n    return [b'here']\n",
    );
    tool.webservice(&["python3.11", "start"]).exits(0).and_that_is_all();
    let since = Instant::now();
    tool.webservice(&["restart", "--health-check-path", "/healthz"])
        .exits(5)
        .says("the old ones keep running: your program runs, but its health check /healthz fails")
        .says("Startup probe failed: HTTP probe failed with statuscode: 404")
        .says("GET /healthz")
        .and_that_is_all();
    assert!(since.elapsed() < Duration::from_secs(100), "{:?}", since.elapsed());
    assert_eq!(tool.page("/").body, "here");
    tool.webservice(&["status", "-o", "json"])
        .exits(0)
        .says("\"code\": \"not-healthy\"")
        .says("statuscode: 404")
        .says("\"up\": true")
        .and_that_is_all();
    tool.webservice(&["start"]).exits(5).says("its health check /healthz fails").and_that_is_all();
}

#[test]
fn failing_page_is_reported_with_log() {
    let tool = Tool::new("page-error");
    tool.write("public_html/index.php", "<?php error_log('no database'); http_response_code(500);");
    let expect = |outcome: Outcome| {
        outcome
            .exits(0)
            .says("warning: the web service is running, but / returns HTTP status 500")
            .says("the last lines of /data/project/page-error/error.log:")
            .says("no database")
            .says("`webservice restart`, which loads changed files")
            .and_that_is_all();
    };
    expect(tool.webservice(&["php8.2", "start"]));
    expect(tool.webservice(&["start"]));
    expect(tool.webservice(&["restart"]));
    // Only a server error is an error of the web service.
    tool.write("public_html/index.php", "<?php http_response_code(404);");
    let outcome = tool.webservice(&["restart"]).exits(0);
    assert!(!outcome.stderr.contains("warning:"), "{}", outcome.stderr);
}

/// The command of a program that terminates at SIGTERM with an exit code.
fn until_sigterm(code: u8) -> String {
    format!("trap 'exit {code}' TERM; while :; do sleep 0.2; done")
}

fn run(tool: &Tool, name: &str, command: &str, options: &[&str]) {
    let fixed = ["--continuous", "--no-filelog", "--cpu", "200m"];
    let line = ["run", name, "--image", "python3.11", "--command", command];
    tool.jobs(&[&line[..], &fixed[..], options].concat()).exits(0).and_that_is_all();
}

#[test]
fn failing_checks_of_jobs_are_reported() {
    let tool = Tool::new("job-unwell");
    let two = r#"{"spec": {"hard": {"services": "2"}}}"#;
    let _ = tool.kubectl(&["patch", "resourcequota", "tool-job-unwell", "--patch", two]);
    run(&tool, "script", &until_sigterm(0), &["--health-check-script", "echo no token; exit 3"]);
    run(&tool, "deaf", &until_sigterm(0), &["--port", "8080"]);
    tool.until(
        20,
        "the quota's new limit counts",
        |tool| {
            let serve = "cd /tmp && exec python3 -m http.server 8000";
            let line =
                ["run", "page", "--image", "python3.11", "--command", serve, "--continuous", "--cpu", "200m"];
            tool.jobs(&[&line[..], &["--port", "8000", "--health-check-http", "/nosuch"]].concat())
        },
        |outcome| outcome.code == 0,
    );
    let expected = [
        ("page", "your program runs, but its health check /nosuch fails", "statuscode: 404"),
        ("script", "your program runs, but its health check \"echo no token; exit 3\" fails", "no token"),
        ("deaf", "your program runs, but nothing answers on port 8080", "connection refused"),
    ];
    tool.until(
        60,
        "the list reports all of them",
        |tool| tool.jobs(&["list"]),
        |outcome| expected.iter().all(|(_, cause, _)| outcome.stdout.contains(cause)),
    );
    for (name, cause, answer) in expected {
        let shown = tool.jobs(&["show", name, "--output", "json"]).exits(0);
        let shown: serde_json::Value = serde_json::from_str(&shown.stdout).unwrap();
        let found = &shown["status"]["causes"][0];
        assert!(found["message"].as_str().unwrap().starts_with(cause), "{name}: {shown}");
        assert!(found["clusterMessage"].as_str().unwrap().contains(answer), "{name}: {found}");
        tool.jobs(&["logs", name]).exits(0).says(cause).and_that_is_all();
    }
    // It ends the wait of a restart long before the kubelet gives up after two minutes.
    let since = Instant::now();
    tool.jobs(&["restart", "script"])
        .exits(5)
        .says("error: the new pods of job 'script' do not become ready: your program runs, but its health check")
        .says("Startup probe failed: no token")
        .says("`toolforge jobs restart script`")
        .and_that_is_all();
    assert!(since.elapsed() < Duration::from_secs(100), "{:?}", since.elapsed());
}

#[test]
fn check_restarts_show_any_exit_code() {
    let tool = Tool::new("job-ill");
    // As the first process of its container, a program without a handler ignores SIGTERM, and is killed.
    let commands =
        [("zero", until_sigterm(0)), ("one", until_sigterm(1)), ("signal", "exec sleep 600".to_owned())];
    for (name, command) in &commands {
        run(&tool, name, command, &["--health-check-script", "test ! -e /tmp/ill"]);
    }
    let all = |text: &'static str| move |outcome: &Outcome| outcome.stdout.matches(text).count() == 3;
    tool.until(60, "they run", |tool| tool.jobs(&["list"]), all("Running for"));
    let touch = |name: &str| tool.jobs(&["exec", name, "--", "touch", "/tmp/ill"]).exits(0).and_that_is_all();
    std::thread::scope(|scope| {
        for (name, _) in &commands {
            scope.spawn(|| touch(name));
        }
    });
    // From the first failure on, also after the restart. The first container may be restarted before the last one's check fails.
    let reported = RefCell::new(BTreeSet::new());
    tool.until(
        30,
        "it is reported",
        |tool| tool.jobs(&["list", "-o", "json"]),
        |outcome| {
            let list: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
            let jobs = list["jobs"].as_array().unwrap().iter();
            let ill = jobs.filter(|job| job["status"]["causes"][0]["code"] == "not-healthy");
            reported.borrow_mut().extend(ill.map(|job| job["name"].to_string()));
            reported.borrow().len() == 3
        },
    );
    tool.until(
        90,
        "the restarts are reported",
        |tool| tool.jobs(&["list", "-o", "json"]),
        all("\"code\": \"health-check-fails\""),
    );
    tool.jobs(&["list"])
        .exits(0)
        .says("the health check \"test ! -e /tmp/ill\" fails, so the container is restarted")
        .and_that_is_all();
    for (name, end) in [("zero", "exit code 0"), ("one", "exit code 1"), ("signal", "signal 9")] {
        let shown = tool.jobs(&["show", name]).exits(0).stdout.replace(['|', '\n'], " ");
        let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(shown.contains("Liveness probe failed") && shown.contains(end), "{name}: {shown}");
    }
}
