//! The sandbox itself: its demo, a tool's shell and rights, and what remains after a kill and after `down`.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
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
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(60), "{what}");
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
    // The kubelet may report a moment later that the last restart terminated the container, and that it runs again.
    tool.until(
        30,
        "the pod is ready",
        |tool| tool.webservice(&["status"]),
        |status| {
            assert!(!status.stdout.contains("problem"), "{status:?}");
            status.code == 0 && status.stdout.contains("is running")
        },
    );
}

#[test]
fn demo_serves_a_page_and_repeats_quickly() {
    let sandbox = TemporarySandbox::new("demo");
    let first = sandbox.run(&["demo"]);
    let text = String::from_utf8(first.stdout).unwrap();
    assert!(first.status.success(), "{text}{}", String::from_utf8_lossy(&first.stderr));
    for expected in [
        "$ webservice php8.2 start",
        "Hello from PHP 8.2",
        "is running on backend kubernetes",
        "$ quota-check",
    ] {
        assert!(text.contains(expected), "`{expected}` is not in\n{text}");
    }
    let started = Instant::now();
    let second = sandbox.run(&["demo"]);
    assert!(second.status.success(), "{}", String::from_utf8_lossy(&second.stderr));
    assert!(String::from_utf8(second.stdout).unwrap().contains("is already running"));
    // This is not a measurement: a demo that rebuilt or restarted anything would take far longer.
    assert!(started.elapsed() < Duration::from_secs(180), "{:?}", started.elapsed());
}

#[test]
fn tool_shell_finds_the_programs() {
    let tool = Tool::new("shell");
    let mut shell = tool.sandbox().command(&["as", "shell"]);
    let mut shell =
        shell.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = "command -v webservice quota-check kubectl\npwd\nid -un\nwebservice status\nexit 7\n";
    shell.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let output = shell.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    for expected in [
        "/webservice\n",
        "/quota-check\n",
        "/kubectl\n",
        "/data/project/shell\n",
        "tools.shell\n",
        "is not running",
    ] {
        assert!(
            text.contains(expected),
            "`{expected:?}` is not in\n{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    assert_eq!(output.status.code(), Some(7));
}

/// The rights must be the platform's, so that the same requests are forbidden there.
#[test]
fn tool_has_exactly_the_platforms_rights() {
    let tool = Tool::new("rights");
    let rights = [
        ("create deployments.apps", true),
        ("patch services", true),
        ("deletecollection pods", true),
        ("create pods --subresource=exec", true),
        ("create ingresses.networking.k8s.io", true),
        ("create httproutes.gateway.networking.k8s.io", true),
        ("create jobs.batch", true),
        ("get resourcequotas", true),
        ("list events", true),
        ("list pods.metrics.k8s.io", true),
        ("update resourcequotas", false),
        ("create events", false),
        ("get persistentvolumeclaims", false),
        ("get serviceaccounts", false),
        ("create rolebindings.rbac.authorization.k8s.io", false),
        ("create pods --subresource=eviction", false),
        ("patch deployments.apps --subresource=status", false),
        ("get nodes", false),
        ("list nodes.metrics.k8s.io", false),
        ("list gateways.gateway.networking.k8s.io", false),
        ("get deployments.apps --namespace kube-system", false),
    ];
    let commands: String =
        rights.iter().map(|(right, _)| format!("kubectl auth can-i {right} 2>/dev/null\n")).collect();
    let answers = tool.shell(&commands).stdout;
    let answers: Vec<&str> = answers.lines().collect();
    assert_eq!(answers.len(), rights.len(), "{answers:?}");
    for ((right, allowed), answer) in rights.iter().zip(answers) {
        assert_eq!(answer, if *allowed { "yes" } else { "no" }, "{right}");
    }
}
