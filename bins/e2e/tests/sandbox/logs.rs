//! `webservice logs`: the output of real pods across restarts, crashes and closed pipes.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use toolforge_e2e::Tool;

/// A Node program that counts on standard output and standard error, and exits with 3 on request. Each line has the name
/// of its run; the two streams are not ordered.
const PROGRAM: &str = r#"
const http = require("http"), os = require("os");
const run = `${os.hostname()}/${Date.now()}`;
let number = 0;
const count = () => {
  for (let i = 0; i < 5; i++) (i % 2 ? console.error : console.log)(`count ${run} ${number++}`);
};
console.log("\x1b[32mgreen\x1b[0m \x1b]0;title\x07\x1b[2J");
setInterval(count, 50);
process.on("SIGTERM", () => { count(); console.log(`last ${run} ${number}`); process.exit(0); });
http.createServer((request, response) => {
  if (request.url === "/crash") { count(); console.log(`last ${run} ${number}`); process.exit(3); }
  response.end("up");
}).listen(8000);
"#;

fn counting(name: &str, quiet: bool) -> Tool {
    let tool = Tool::new(name);
    let program =
        if quiet { PROGRAM.replace("setInterval(count, 50);", "count();") } else { PROGRAM.to_owned() };
    tool.write("www/js/app.js", &program);
    tool.write("www/js/package.json", r#"{"scripts": {"start": "node app.js"}}"#);
    tool
}

/// A shell command of the tool that runs concurrently with the test.
struct Background(Child);

impl Background {
    fn shell(tool: &Tool, line: &str) -> Self {
        let mut command = tool.sandbox().command(&["as", tool.name(), "--", "/bin/sh", "-c", line]);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn exits_within(mut self, seconds: u64) -> (i32, String) {
        let started = Instant::now();
        let limit = Duration::from_secs(seconds);
        while self.0.try_wait().unwrap().is_none() && started.elapsed() < limit {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        assert!(started.elapsed() < limit, "still running after {seconds} s");
        let output = self.0.wait_with_output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&text).into_owned())
    }
}

fn crash(tool: &Tool) {
    until("the page is served", || tool.page("/").status == 200);
    // The program exits without a response, which the front door reports as 502.
    let page = tool.page("/crash");
    assert_eq!(page.status, 502, "{page:?}");
}

/// Waits until a condition holds.
fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < Duration::from_secs(240), "not within four minutes: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Returns how many lines of each run were printed, and how many each run has counted itself, if it has. Checks that no
/// line is missing or repeated.
fn runs(log: &str) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let words = |word: &str| -> Vec<(String, usize)> {
        let trailing = log.lines().filter_map(|line| line.split_once(word)?.1.split_once(' '));
        trailing.map(|(run, number)| (run.to_owned(), number.trim().parse().unwrap())).collect()
    };
    let mut numbers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (run, number) in words(" count ") {
        numbers.entry(run).or_default().push(number);
    }
    let printed = numbers.into_iter().map(|(run, mut numbers)| {
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(0..numbers.len()), "{run}: {numbers:?}");
        (run, numbers.len())
    });
    (printed.collect(), words(" last ").into_iter().collect())
}

#[test]
fn follow_neither_loses_nor_repeats_lines() {
    let tool = counting("logs-follow", false);
    tool.webservice(&["node18", "start"]).exits(0).and_that_is_all();
    let follow = Background::shell(&tool, "webservice logs -f > ~/followed.log");
    let followed = || tool.shell("cat ~/followed.log").stdout;
    let started = |count: usize| {
        move |log: String| {
            log.matches("green").count() == count
                && log.lines().last().is_some_and(|line| line.contains("count"))
        }
    };
    until("the first run", || started(1)(followed()));
    crash(&tool);
    until("the second run", || started(2)(followed()));
    // After the second crash, Kubernetes waits ten seconds before it restarts the container.
    crash(&tool);
    until("the third run", || started(3)(followed()));
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    until("the new pod", || started(4)(followed()));
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    let (code, text) = follow.exits_within(240);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("the web service has been stopped"), "{text}");

    let log = followed();
    // Each run is complete.
    let (printed, written) = runs(&log);
    assert_eq!(printed.len(), 4, "{printed:?}");
    assert_eq!(printed, written);
    let ends: Vec<&str> = log.lines().filter(|line| line.contains("---")).collect();
    assert_eq!(ends.len(), 2, "{ends:?}");
    assert!(ends.iter().all(|end| end.contains("--- terminated with exit code 3 ---")), "{ends:?}");
    // Lines have a pod's name only after the restart, when a second pod has written.
    assert!(!log.lines().next().unwrap().contains(" [logs-follow-"));
    assert!(log.lines().last().unwrap().contains(" [logs-follow-"));
}

#[test]
fn previous_run_is_shown_first_and_escaped() {
    let tool = counting("logs-crash", true);
    tool.webservice(&["node18", "start"]).exits(0).and_that_is_all();
    crash(&tool);
    until("the second run", || tool.page("/").status == 200);
    let log = tool.webservice(&["logs"]).exits(0).stdout;
    let (previous, current) =
        log.split_once("--- terminated with exit code 3 ---").unwrap_or_else(|| panic!("{log}"));
    assert!(previous.contains(" last ") && previous.contains(" 10\n"), "{log}");
    assert_eq!(runs(current).0.len(), 1, "{log}");
    assert!(!log.contains('\u{1b}') && log.contains(r"green \u{1b}]0;title\u{7}\u{1b}[2J"), "{log}");

    // The platform's format: the time in UTC with seconds, and the message.
    let line = log.lines().next().unwrap();
    assert_eq!((line.as_bytes()[10], &line[19..26]), (b'T', "+00:00 "), "{line}");
    let last = |arguments: &[&str]| tool.webservice(&[&["logs"], arguments].concat()).exits(0).stdout;
    assert_eq!(last(&["-l", "2"]).lines().count(), 2);
    assert_eq!(last(&["--last", "0"]), log);
    assert_eq!(last(&["--grep", "last "]).lines().count(), 1 + 1);
    assert_eq!(last(&["--grep", "count", "--last", "3"]).lines().count(), 3);
    assert_eq!(last(&["--since", "1h"]), log);
    assert_eq!(last(&["--since", "2100-01-01T00:00:00Z"]), "");

    let on_a_terminal = |variables: &str| {
        let line = format!("{variables} script -qec 'webservice logs -l 30' /dev/null");
        tool.shell(&line).exits(0).stdout
    };
    let colored = on_a_terminal("TERM=xterm");
    assert!(colored.contains("\u{1b}[32mgreen\u{1b}[0m"), "{colored:?}");
    assert!(!colored.contains("\u{1b}]0") && !colored.contains("\u{1b}[2J"), "{colored:?}");
    for variables in ["TERM=xterm NO_COLOR=1", "TERM=dumb"] {
        let plain = on_a_terminal(variables);
        assert!(plain.contains(" green ") && !plain.contains('\u{1b}'), "{plain:?}");
    }
}

#[test]
fn logs_of_several_pods_are_sorted_by_time() {
    let tool = counting("logs-several", true);
    tool.webservice(&["node18", "start", "--replicas", "2"]).exits(0).and_that_is_all();
    let log = tool.webservice(&["logs"]).exits(0).stdout;
    assert_eq!(runs(&log).0.len(), 2, "{log}");
    assert!(log.lines().all(|line| line.contains(" [logs-several-")), "{log}");
    let seconds: Vec<&str> = log.lines().map(|line| &line[..19]).collect();
    assert!(seconds.is_sorted(), "{log}");
    assert_eq!(tool.webservice(&["logs", "-l", "3"]).exits(0).stdout.lines().count(), 3);
}

#[test]
fn follow_ends_on_closed_pipe_or_interrupt() {
    let tool = counting("logs-reader", true);
    tool.webservice(&["node18", "start"]).exits(0).and_that_is_all();
    let status = "echo $? > ~/status";
    // `head` exits after the first line. There is no further output then, so no write can fail.
    let line = format!("(webservice logs -f; {status}) | head -1; cat ~/status");
    let (_, text) = Background::shell(&tool, &line).exits_within(60);
    assert!(text.lines().count() == 2 && text.contains("+00:00 ") && text.ends_with("\n0\n"), "{text}");
    let line = format!("(webservice logs; {status}) | true; cat ~/status");
    assert!(Background::shell(&tool, &line).exits_within(60).1.ends_with("0\n"));

    // A shell makes background processes ignore interrupts, so `timeout` sends one to a foreground process.
    let interrupted = tool.shell("timeout --foreground --preserve-status -s INT 3 webservice logs -f");
    let interrupted = interrupted.exits(130);
    assert_eq!(interrupted.stderr, "");
    assert_eq!(runs(&interrupted.stdout).0.len(), 1);
}

#[test]
fn empty_logs_explain_why() {
    let tool = Tool::new("logs-none");
    let nothing = tool.webservice(&["logs"]).exits(0);
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", "No logs found!\n"));
    let followed = tool.webservice(&["logs", "--follow"]).exits(0);
    assert_eq!(followed.stderr, "No logs found!\n");

    tool.write("public_html/index.php", "<?php echo 1;");
    tool.webservice(&["php8.2", "start"]).exits(0).and_that_is_all();
    tool.webservice(&["logs"]).exits(0).says("No logs found!").says("~/error.log").and_that_is_all();

    let _ = tool.kubectl(&["scale", "deployment", tool.name(), "--replicas=0"]);
    let _ = tool.kubectl(&[
        "patch",
        "resourcequota",
        &tool.namespace(),
        "-p",
        r#"{"spec":{"hard":{"pods":"0"}}}"#,
    ]);
    until("the pod is deleted", || tool.kubectl(&["get", "pods", "-o", "name"]).is_empty());
    let _ = tool.kubectl(&["scale", "deployment", tool.name(), "--replicas=1"]);
    until("the quota error is reported", || {
        let set =
            tool.kubectl(&["get", "replicasets", "-o", "jsonpath={.items[*].status.conditions[*].type}"]);
        set.contains("ReplicaFailure")
    });
    tool.webservice(&["logs"])
        .exits(0)
        .says("No logs found!")
        .says("no pod can be created: the namespace's quota is full")
        .and_that_is_all();
}
