//! The sandbox itself: what a kill and a `down` leave, on a sandbox of this test's own.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use toolforge_e2e::{Sandbox, Tool};

struct Own(Sandbox);

impl Drop for Own {
    fn drop(&mut self) {
        let _ = self.0.run(&["down", "--delete"]);
    }
}

fn ok(sandbox: &Sandbox, arguments: &[&str]) -> String {
    let output = sandbox.run(arguments);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Returns the process ids that `status` shows, the supervisor's first.
fn processes(sandbox: &Sandbox) -> Vec<String> {
    let status = ok(sandbox, &["status"]);
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

/// Returns what of a sandbox the host still has: mounts, cgroups, network devices.
fn left_on_the_host(sandbox: &Sandbox) -> Vec<String> {
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    let folder = format!("toolforge-sandbox/{}/", sandbox.name());
    let mut left: Vec<String> =
        mounts.lines().filter(|line| line.contains(&folder)).map(str::to_owned).collect();
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
fn a_kill_leaves_nothing_running_and_down_leaves_nothing_at_all() {
    let own = Own(Sandbox::of_the_tests().beside("robust"));
    let sandbox = &own.0;
    ok(sandbox, &["up"]);
    ok(sandbox, &["up"]);
    let tool = Tool::on(sandbox.clone(), "survivor", "tools-2023");
    tool.write("public_html/index.php", "still here");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();

    let pids = processes(sandbox);
    assert!(pids.len() > 4, "{pids:?}");
    assert!(Command::new("kill").args(["-KILL", &pids[0]]).status().unwrap().success());
    wait_until("processes outlive the supervisor", || all_gone(&pids));
    let status = sandbox.run(&["status"]);
    assert!(String::from_utf8_lossy(&status.stderr).contains("is not running"), "{status:?}");

    ok(sandbox, &["up"]);
    tool.webservice(&["status"]).exits(0).says("php8.2").and_that_is_all();
    let pids = processes(sandbox);
    ok(sandbox, &["down"]);
    wait_until("processes outlive `down`", || all_gone(&pids));
    assert_eq!(left_on_the_host(sandbox), Vec::<String>::new());
}

#[test]
fn a_start_after_the_node_has_restarted_is_no_crash_loop() {
    let own = Own(Sandbox::of_the_tests().beside("reboot"));
    let sandbox = &own.0;
    ok(sandbox, &["up"]);
    let tool = Tool::on(sandbox.clone(), "patient", "tools-2023");
    tool.write("public_html/index.php", "healthy");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    // Several restarts: each one counts as an end of the container.
    for _ in 0..3 {
        ok(sandbox, &["down"]);
        ok(sandbox, &["up"]);
        tool.webservice(&["start"]).exits(0).and_that_is_all();
    }
    let status = tool.webservice(&["status"]).exits(0).says("is running");
    assert!(!status.stdout.contains("problem"), "{}", status.stdout);
}
