//! The API server stopped in the middle, on a sandbox of this test's own.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;
use std::time::{Duration, Instant};

use toolforge_e2e::{Sandbox, Tool};

struct Own(Sandbox);

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.0.run(&["down", "--delete"]);
    }
}

/// Returns the process id, as the host sees it, of a sandbox's API server.
fn api_server(sandbox: &Sandbox) -> String {
    let status = String::from_utf8(sandbox.run(&["status"]).stdout).unwrap();
    let line = status.lines().find(|line| line.starts_with("kube-apiserver ")).unwrap();
    line.split_whitespace().nth(1).unwrap().to_owned()
}

fn signal(name: &str, pid: &str) {
    assert!(std::process::Command::new("kill").args([name, pid]).status().unwrap().success());
}

#[test]
fn a_stopped_or_killed_api_server_is_told_in_time_and_a_short_outage_is_survived() {
    let own = Own(Sandbox::of_the_tests().beside("outage"));
    let up = own.0.run(&["up"]);
    assert!(up.status.success(), "{}", String::from_utf8_lossy(&up.stderr));
    let tool = Tool::on(own.0.clone(), "outage", "tools-2023");
    tool.write("public_html/index.php", "<?php echo 'here';");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();

    let server = api_server(&own.0);
    signal("-STOP", &server);
    let begun = Instant::now();
    let status = tool.webservice(&["status"]);
    let waited = begun.elapsed();
    signal("-CONT", &server);
    status.exits(4).says("error: ").and_that_is_all();
    assert!(waited < Duration::from_secs(40), "{waited:?}");
    tool.webservice(&["status"]).exits(0).says("php8.2").and_that_is_all();

    // A server that does not listen on the port keeps the rollout waiting for as long as it takes.
    tool.write("www/js/package.json", r#"{"scripts": {"start": "node server.js"}}"#);
    tool.write("www/js/server.js", "setInterval(() => {}, 1000);");
    let mut start = own.0.command(&["as", "outage", "--", "webservice", "node18", "start"]);
    let mut start = start.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(start.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains("pods ready") {
        line.clear();
        assert!(said.read_line(&mut line).unwrap() > 0, "the start ended before it waited");
    }

    // A server that falls over and comes back is nothing to end a wait for.
    signal("-KILL", &server);
    std::thread::sleep(Duration::from_secs(3));
    assert!(start.try_wait().unwrap().is_none(), "the wait ended with the first outage");

    // One that is gone for good is.
    let down = own.0.run(&["down"]);
    assert!(down.status.success(), "{}", String::from_utf8_lossy(&down.stderr));
    let mut rest = String::new();
    said.read_to_string(&mut rest).unwrap();
    assert_eq!(start.wait().unwrap().code(), Some(4), "{rest}");
    assert!(rest.contains("error: ") && rest.contains("refuses the connection"), "{rest}");
}
