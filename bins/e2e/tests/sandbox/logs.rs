//! `webservice logs`: what real pods write, across restarts, crashes and readers that go away.

use std::collections::BTreeMap;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use toolforge_e2e::Tool;

/// A Node program that counts on standard output and on standard error, and ends with 3 where it is asked to. Each run
/// names itself; the two outputs may overtake each other.
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

/// A `webservice logs` that runs beside the test, in a shell of the tool.
struct Beside(Child);

impl Beside {
    fn shell(tool: &Tool, line: &str) -> Self {
        let mut command = tool.sandbox().command(&["as", tool.name(), "--", "/bin/sh", "-c", line]);
        Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    fn exits_within(mut self, seconds: u64) -> (i32, String) {
        let begun = Instant::now();
        let limit = Duration::from_secs(seconds);
        while self.0.try_wait().unwrap().is_none() && begun.elapsed() < limit {
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.0.kill();
        assert!(begun.elapsed() < limit, "it ran on after {seconds} s");
        let output = self.0.wait_with_output().unwrap();
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    }
}

fn crash(tool: &Tool) {
    until("the page is served", || tool.page("/").status == 200);
    // The program ends instead of answering, which the front door tells as 502.
    let page = tool.page("/crash");
    assert_eq!(page.status, 502, "{page:?}");
}

/// Waits until something is so.
fn until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Returns how many lines of each run are told, none of them twice and none missing in between; and how many each run
/// says that it has written, where it said so.
fn runs(log: &str) -> (BTreeMap<String, usize>, BTreeMap<String, usize>) {
    let words = |word: &str| -> Vec<(String, usize)> {
        let behind = log.lines().filter_map(|line| line.split_once(word)?.1.split_once(' '));
        behind.map(|(run, number)| (run.to_owned(), number.trim().parse().unwrap())).collect()
    };
    let mut numbers: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (run, number) in words(" count ") {
        numbers.entry(run).or_default().push(number);
    }
    let told = numbers.into_iter().map(|(run, mut numbers)| {
        numbers.sort_unstable();
        assert!(numbers.iter().copied().eq(0..numbers.len()), "{run}: {numbers:?}");
        (run, numbers.len())
    });
    (told.collect(), words(" last ").into_iter().collect())
}

#[test]
fn a_follow_across_crashes_and_restarts_loses_and_doubles_no_line() {
    let tool = counting("logs-follow", false);
    tool.webservice(&["node18", "start"]).exits(0).and_that_is_all();
    let follow = Beside::shell(&tool, "webservice logs -f > ~/followed.log");
    let followed = || tool.shell("cat ~/followed.log").stdout;
    let begun = |count: usize| {
        move |log: String| {
            log.matches("green").count() == count
                && log.lines().last().is_some_and(|line| line.contains("count"))
        }
    };
    until("the first run", || begun(1)(followed()));
    crash(&tool);
    until("the second run", || begun(2)(followed()));
    // The second crash is answered by a pause of ten seconds.
    crash(&tool);
    until("the third run", || begun(3)(followed()));
    tool.webservice(&["restart"]).exits(0).and_that_is_all();
    until("the new pod", || begun(4)(followed()));
    tool.webservice(&["stop"]).exits(0).and_that_is_all();
    let (code, said) = follow.exits_within(60);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("the web service has been stopped"), "{said}");

    let log = followed();
    // Each run is told to its last line.
    let (told, written) = runs(&log);
    assert_eq!(told.len(), 4, "{told:?}");
    assert_eq!(told, written);
    let ends: Vec<&str> = log.lines().filter(|line| line.contains("---")).collect();
    assert_eq!(ends.len(), 2, "{ends:?}");
    assert!(ends.iter().all(|end| end.contains("--- ended with exit code 3 ---")), "{ends:?}");
    // Two pods have written since the restart, and only since then are they told apart.
    assert!(!log.lines().next().unwrap().contains(" [logs-follow-"));
    assert!(log.lines().last().unwrap().contains(" [logs-follow-"));
}

#[test]
fn the_run_before_a_crash_is_told_first_and_a_terminal_obeys_nothing_in_it() {
    let tool = counting("logs-crash", true);
    tool.webservice(&["node18", "start"]).exits(0).and_that_is_all();
    crash(&tool);
    until("the second run", || tool.page("/").status == 200);
    let log = tool.webservice(&["logs"]).exits(0).stdout;
    let (previous, present) =
        log.split_once("--- ended with exit code 3 ---").unwrap_or_else(|| panic!("{log}"));
    assert!(previous.contains(" last ") && previous.contains(" 10\n"), "{log}");
    assert_eq!(runs(present).0.len(), 1, "{log}");
    assert!(!log.contains('\u{1b}') && log.contains(r"green \u{1b}]0;title\u{7}\u{1b}[2J"), "{log}");

    // The platform's format: a second in UTC, and the message.
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
fn several_pods_are_told_by_time_and_by_name() {
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
fn a_reader_that_goes_away_and_an_interrupt_end_a_follow_at_once() {
    let tool = counting("logs-reader", true);
    tool.webservice(&["node18", "start"]).exits(0).and_that_is_all();
    let status = "echo $? > ~/status";
    // `head` ends after the first line; the log is quiet then, so nothing is written that could fail.
    let line = format!("(webservice logs -f; {status}) | head -1; cat ~/status");
    let (_, said) = Beside::shell(&tool, &line).exits_within(10);
    assert!(said.lines().count() == 2 && said.contains("+00:00 ") && said.ends_with("\n0\n"), "{said}");
    let line = format!("(webservice logs; {status}) | true; cat ~/status");
    assert!(Beside::shell(&tool, &line).exits_within(10).1.ends_with("0\n"));

    // A shell lets what runs behind it ignore interrupts, so `timeout` sends it to what runs before it.
    let interrupted = tool.shell("timeout --foreground --preserve-status -s INT 3 webservice logs -f");
    let interrupted = interrupted.exits(130);
    assert_eq!(interrupted.stderr, "");
    assert_eq!(runs(&interrupted.stdout).0.len(), 1);
}

#[test]
fn where_there_is_no_log_it_is_said_why_and_where_else_to_look() {
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
    until("the pod leaves", || tool.kubectl(&["get", "pods", "-o", "name"]).is_empty());
    let _ = tool.kubectl(&["scale", "deployment", tool.name(), "--replicas=1"]);
    until("the quota is noticed", || {
        let set =
            tool.kubectl(&["get", "replicasets", "-o", "jsonpath={.items[*].status.conditions[*].type}"]);
        set.contains("ReplicaFailure")
    });
    tool.webservice(&["logs"])
        .exits(0)
        .says("No logs found!")
        .says("no pod can be made: the namespace's quota is full")
        .and_that_is_all();
}
