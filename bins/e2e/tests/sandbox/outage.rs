//! The API server stops or is killed during commands, on a temporary sandbox.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use toolforge_e2e::{Sandbox, TemporarySandbox, Tool};

/// Returns the PID of a sandbox's API server on the host.
fn api_server(sandbox: &Sandbox) -> String {
    let status = String::from_utf8(sandbox.run(&["status"]).stdout).unwrap();
    let line = status.lines().find(|line| line.starts_with("kube-apiserver ")).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

fn signal(name: &str, pid: &str) {
    assert!(std::process::Command::new("kill").args([name, pid]).status().unwrap().success());
}

#[test]
fn start_survives_short_outages_only() {
    let sandbox = TemporarySandbox::new("outage");
    let up = sandbox.run(&["up"]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let tool = Tool::on(Sandbox::clone(&sandbox), "outage", "tools-2023");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();

    let server = api_server(&sandbox);
    signal("-STOP", &server);
    let started = Instant::now();
    let status = tool.webservice(&["status"]);
    let waited = started.elapsed();
    signal("-CONT", &server);
    status.exits(4).says("error: ").and_that_is_all();
    assert!(waited < Duration::from_secs(40), "{waited:?}");
    tool.webservice(&["status"]).exits(0).says("php8.2").and_that_is_all();

    // The rollout waits, because this server does not listen on its port.
    tool.write("www/js/package.json", r#"{"scripts": {"start": "node server.js"}}"#);
    tool.write("www/js/server.js", "setInterval(() => {}, 1000);");
    let mut start = sandbox.command(&["as", "outage", "--", "webservice", "node18", "start"]);
    let mut start = start.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut text = BufReader::new(start.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("pods ready") {
        line.clear();
        assert!(text.read_line(&mut line).unwrap() > 0, "the start ended without waiting");
    }

    // The wait continues when the API server is restarted.
    signal("-KILL", &server);
    std::thread::sleep(Duration::from_secs(3));
    assert!(start.try_wait().unwrap().is_none(), "the wait ended with the first outage");

    // The wait ends when the API server stays down.
    let down = sandbox.run(&["down"]);
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    let mut rest = String::new();
    text.read_to_string(&mut rest).unwrap();
    // All changes were accepted before.
    assert_eq!(start.wait().unwrap().code(), Some(6), "{rest}");
    assert!(rest.contains("error: ") && rest.contains("refused the connection"), "{rest}");
}
