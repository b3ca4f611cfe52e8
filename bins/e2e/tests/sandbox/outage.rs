//! The API server stopped in the middle, on a sandbox of this test's own.

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
fn a_stopped_api_server_is_told_in_time_and_without_a_half_done_change_unsaid() {
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

    signal("-KILL", &server);
    let killed = tool.webservice(&["restart"]);
    assert!(killed.code == 4 || killed.code == 0, "{killed:?}");
}
