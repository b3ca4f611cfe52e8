//! `webservice shell` and `exec`: commands in a temporary pod with the type's image or in a ready pod, on a terminal and in
//! a pipe.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use toolforge_e2e::{Outcome, Tool};

const SHELL: &str = "webservice php8.2 shell";

/// Runs a shell command line on a new terminal and returns the terminal's output.
fn on_a_terminal(tool: &Tool, line: &str) -> Outcome {
    tool.write("line.sh", line);
    // A pipe that is open at both ends has no end of file, so the terminal's input never ends.
    tool.shell("rm -f keys; mkfifo keys; script -qefc 'sh ~/line.sh' /dev/null <> keys")
}

fn pods(tool: &Tool) -> String {
    let pods: Value = serde_json::from_str(&tool.kubectl(&["get", "pods", "-o", "json"])).unwrap();
    let remaining = pods["items"].as_array().unwrap().iter().map(|pod| &pod["metadata"]);
    let remaining = remaining.filter(|metadata| metadata.get("deletionTimestamp").is_none());
    remaining.map(|metadata| metadata["name"].as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

fn wait_until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(120), "{what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn types_have_their_programs() {
    let tool = Tool::new("shell-types");
    for (type_name, line) in [
        ("python3.11", "python3 -m venv venv && venv/bin/python -m pip --version && uwsgi --version"),
        ("node18", "node --version && npm --version"),
        ("php8.2", "php --version && lighttpd -v"),
        ("tcl8.6", "echo 'puts $tcl_version; package require json' | tclsh"),
    ] {
        tool.webservice(&[type_name, "shell", "--", "sh", "-c", line]).exits(0).and_that_is_all();
    }
}

#[test]
fn script_gets_streams_and_exit_code() {
    let tool = Tool::new("shell-script");
    let outcome = tool.shell(&format!("{SHELL} -- sh -c 'echo out; echo err >&2; pwd; exit 7'"));
    assert_eq!(
        (outcome.code, outcome.stdout.as_str()),
        (7, "out\n/data/project/shell-script\n"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.stderr, "err\n");
    for (line, code) in
        [("true", 0), ("sh -c 'exit 255'", 255), ("sh -c 'kill -KILL $$'", 137), ("no-such-program", 127)]
    {
        let outcome = tool.shell(&format!("{SHELL} -- {line}"));
        assert_eq!(outcome.code, code, "{line}: {}", outcome.stderr);
    }
    // All byte values, and more data than any buffer holds, in both directions.
    tool.shell("head -c 3000000 /dev/urandom > big").exits(0).and_that_is_all();
    tool.shell(&format!("cat big | {SHELL} -- cat | cmp - big")).exits(0).and_that_is_all();
    tool.shell(&format!("{SHELL} -- cat < big | cmp - big")).exits(0).and_that_is_all();
    tool.shell(&format!("{SHELL} -- cat big | head -c 10 | wc -c")).exits(0).says("10").and_that_is_all();
    // The command gets a terminal only if both the input and the output are one.
    tool.shell(&format!("{SHELL} -- tty")).exits(1).says("not a tty").and_that_is_all();
    wait_until("a pod is left", || pods(&tool).is_empty());
}

#[test]
fn shell_has_requested_limits() {
    let tool = Tool::new("shell-limits");
    let line = format!(
        "{SHELL} -m 256Mi -c 250m -- cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"
    );
    tool.shell(&line).says("268435456").and_that_is_all();
    let line = format!("ulimit -u 1; {SHELL} -- echo alone");
    tool.run(&["/bin/bash", "-c", &line]).exits(0).says("alone").and_that_is_all();
    tool.shell(&format!("{SHELL} -m 5Gi -- true")).exits(3).says("4Gi").and_that_is_all();
    tool.shell(&format!("{SHELL} --dry-run=server -- true"))
        .exits(0)
        .says("the cluster accepts it")
        .and_that_is_all();
    wait_until("a pod is left", || pods(&tool).is_empty());
}

#[test]
fn shell_restores_terminal_modes() {
    let tool = Tool::new("shell-terminal");
    let outcome = on_a_terminal(
        &tool,
        &format!(
            "stty cols 123 rows 45; stty -g > before; {SHELL} -- sh -c 'sleep 1; stty size; tty; exit 3'; echo code $?; stty -g > after"
        ),
    );
    for expected in ["45 123", "/dev/pts/", "code 3"] {
        assert!(outcome.stdout.contains(expected), "{expected}: {}{}", outcome.stdout, outcome.stderr);
    }
    tool.shell("test -s before && cmp before after").exits(0).and_that_is_all();
    wait_until("a pod is left", || pods(&tool).is_empty());
}

#[test]
fn signal_restores_terminal_and_deletes_pod() {
    for (signal, code) in [("TERM", 143), ("HUP", 129)] {
        let tool = Tool::new(&format!("shell-{}", signal.to_lowercase()));
        let line = format!(
            "stty -g > before; (while ! test -e ~/inside; do sleep 0.2; done; stty -g > during; \
             pkill -{signal} -x -u $(id -u) webservice) & \
             {SHELL} -- sh -c 'touch ~/inside; sleep 60'; echo code $?; stty -g > after"
        );
        let outcome = on_a_terminal(&tool, &line);
        assert!(
            outcome.stdout.contains(&format!("code {code}")),
            "{signal}: {}{}",
            outcome.stdout,
            outcome.stderr
        );
        tool.shell("test -s before && cmp before after").exits(0).and_that_is_all();
        // The modes were different in between, so the comparison is meaningful.
        tool.shell("cmp before during").exits(1).and_that_is_all();
        wait_until("a pod is left", || pods(&tool).is_empty());
    }
}

#[test]
fn terminal_resize_reaches_the_shell() {
    let tool = Tool::new("shell-resize");
    let line = format!(
        "stty cols 80 rows 24; (while ! test -e ~/inside; do sleep 0.2; done; stty cols 132 rows 50 < /dev/tty) & \
         {SHELL} -- sh -c 'touch ~/inside; for i in 1 2 3 4 5 6 7 8 9 10; do sleep 0.3; done; stty size'"
    );
    let outcome = on_a_terminal(&tool, &line);
    assert!(outcome.stdout.contains("50 132"), "{}{}", outcome.stdout, outcome.stderr);
}

#[test]
fn next_shell_deletes_the_orphaned_pod() {
    let tool = Tool::new("shell-killed");
    let line = format!(
        "{SHELL} -- sh -c 'touch ~/inside; sleep 60' & \
         while ! test -e ~/inside; do sleep 0.2; done; pkill -KILL -x -u $(id -u) webservice; wait"
    );
    let _ = tool.shell(&line);
    let left = pods(&tool);
    assert!(left.starts_with("shell-"), "{left}");
    tool.shell(&format!("{SHELL} -- true"))
        .exits(0)
        .says(&left)
        .says("whose command was killed")
        .and_that_is_all();
    wait_until("a pod is left", || pods(&tool).is_empty());
}

#[test]
fn concurrent_shells_do_not_interfere() {
    let tool = Tool::new("shell-two");
    let line = format!("{SHELL} -- sh -c 'echo one' & {SHELL} -- sh -c 'echo two' & wait");
    tool.shell(&line).exits(0).says("one").says("two").and_that_is_all();
}

#[test]
fn full_quota_shows_stop_command() {
    let tool = Tool::with_quota("shell-full", "seed-2020");
    tool.write("public_html/index.php", "");
    tool.webservice(&["php8.2", "start", "-c", "1", "-r", "2"]).exits(0).and_that_is_all();
    let before = pods(&tool);
    tool.shell(&format!("{SHELL} -- true"))
        .exits(3)
        .says("limits.cpu: 3 of 2, 1 CPU too much")
        .says("running: the web service, with 2 pods; `webservice stop` stops it")
        .says("webservice exec")
        .and_that_is_all();
    assert_eq!(pods(&tool), before);
}

#[test]
fn missing_image_ends_wait_and_pod() {
    let tool = Tool::new("shell-image");
    tool.webservice(&["buildservice", "shell", "--", "true"])
        .exits(5)
        .says("cannot be pulled")
        .and_that_is_all();
    wait_until("a pod is left", || pods(&tool).is_empty());
}

#[test]
fn node_shell_finds_node_and_files() {
    let tool = Tool::new("shell-node");
    tool.write("www/js/package.json", &json!({"scripts": {"start": "node app.js"}}).to_string());
    tool.write(
        "www/js/app.js",
        "require('http').createServer((_, page) => page.end('node ' + process.version)).listen(process.env.PORT);",
    );
    tool.webservice(&["node18", "start"]).exits(0).and_that_is_all();
    assert!(tool.page("/").body.starts_with("node v18."), "{}", tool.page("/").body);
    // The manual steps of the help page of 2020: find the program, and add files to the tool's.
    let line = "cd ~/www/js && node --version && mkdir -p node_modules/.bin && pwd";
    tool.webservice(&["node18", "shell", "--", "bash", "-c", line])
        .exits(0)
        .says("v18.")
        .says("/data/project/shell-node/www/js")
        .and_that_is_all();
    tool.shell("test -d ~/www/js/node_modules/.bin").exits(0).and_that_is_all();
    // With a running web service, the type is optional.
    tool.webservice(&["shell", "--", "node", "--version"]).exits(0).says("v18.").and_that_is_all();
}

#[test]
fn exec_passes_output_and_exit_code() {
    let tool = Tool::new("exec");
    tool.webservice(&["exec", "--", "true"])
        .exits(1)
        .says("no pod of the web service is ready")
        .and_that_is_all();
    tool.write("public_html/index.php", "");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    let pod = tool.kubectl(&["get", "pods", "-o", "jsonpath={.items[0].metadata.name}"]);
    tool.webservice(&["exec", "--", "hostname"]).exits(0).says(&pod).and_that_is_all();
    tool.webservice(&["exec", "--", "sh", "-c", "exit 42"]).exits(42).and_that_is_all();
    tool.shell("echo typed | webservice exec -- cat").exits(0).says("typed").and_that_is_all();
    // No pod was created for it.
    assert_eq!(tool.kubectl(&["get", "pods", "-o", "name"]).lines().count(), 1);
    tool.webservice(&["status"]).exits(0).says("is running").and_that_is_all();
}
