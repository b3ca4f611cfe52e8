//! The sandbox itself: what remains after a kill and after `down`, on a temporary sandbox.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use toolforge_e2e::{Sandbox, TemporarySandbox, Tool};

fn succeed(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let output = sandbox.run(arguments);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {text}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the PIDs that `status` shows, starting with the supervisor's.
fn processes(sandbox: &Sandbox) -> Vec<String> {
    let status = succeed(sandbox, &["status"]);
    let supervisor = status.split("(supervisor ").nth(1).unwrap().split(')').next().unwrap().to_owned();
    let components = status.lines().filter(|line| line.starts_with("kube-") || line.starts_with("etcd "));
    let pids = components.map(|line| line.split_whitespace().nth(1).unwrap().to_owned());
    std::iter::once(supervisor).chain(pids).collect()
}

fn all_gone(pids: &[String]) -> bool {
    pids.iter().all(|pid| !Path::new("/proc").join(pid).exists())
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Returns the mounts, cgroups and network devices of a sandbox that remain on the host.
fn left_on_the_host(sandbox: &Sandbox) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let directory = format!("toolforge-sandbox/{}/", sandbox.name());
    let mut left: Vec<String> =
        mounts.lines().filter(|line| line.contains(&directory)).map(str::to_owned).collect();
    let cgroup = format!("toolforge-sandbox-{}", sandbox.name());
    let found =
        Command::new("find").args(["/sys/fs/cgroup", "-maxdepth", "2", "-name", &cgroup]).output().unwrap();
    left.extend(String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned));
    let devices = std::fs::read_dir("/sys/class/net").unwrap().flatten();
    left.extend(
        devices.map(|device| device.file_name().to_string_lossy().into_owned()).filter(|name| name == "sbx0"),
    );
    left
}

#[test]
fn kill_and_down_leave_nothing_behind() {
    let sandbox = TemporarySandbox::new("robust");
    let sandbox = &*sandbox;
    succeed(sandbox, &["up"]);
    succeed(sandbox, &["up"]);
    let tool = Tool::on(sandbox.clone(), "survivor", "tools-2023");
    tool.write("public_html/index.php", "still here");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();

    let pids = processes(sandbox);
    assert!(pids.len() > 4, "{pids:?}");
    assert!(Command::new("kill").args(["-KILL", &pids[0]]).status().unwrap().success());
    wait_until("processes outlive the supervisor", || all_gone(&pids));
    let status = sandbox.run(&["status"]);
    assert!(String::from_utf8_lossy(&status.stderr).contains("is not running"), "{status:?}");

    succeed(sandbox, &["up"]);
    tool.webservice(&["status"]).exits(0).says("php8.2").and_that_is_all();
    let pids = processes(sandbox);
    succeed(sandbox, &["down"]);
    wait_until("processes outlive `down`", || all_gone(&pids));
    assert_eq!(left_on_the_host(sandbox), Vec::<String>::new());
}

#[test]
fn node_restart_is_not_a_crash_loop() {
    let sandbox = TemporarySandbox::new("reboot");
    let sandbox = &*sandbox;
    succeed(sandbox, &["up"]);
    let tool = Tool::on(sandbox.clone(), "patient", "tools-2023");
    tool.write("public_html/index.php", "healthy");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    // Each restart of the node terminates the container.
    for _ in 0..3 {
        succeed(sandbox, &["down"]);
        succeed(sandbox, &["up"]);
        tool.webservice(&["start"]).exits(0).and_that_is_all();
    }
    let status = tool.webservice(&["status"]).exits(0).says("is running");
    assert!(!status.stdout.contains("problem"), "{}", status.stdout);
}
