//! 2 to 16 concurrent commands: no object is left incomplete, every error is a documented one, objects of others are
//! untouched, and the next command does what was requested.
#![expect(clippy::print_stdout, reason = "the exit codes are printed")]

use std::time::Duration;

use toolforge_e2e::{Outcome, Tool};

/// Commands that run at the same time, each so often that there are enough of them.
struct Race {
    name: &'static str,
    /// A shell command line before each race.
    before: &'static str,
    commands: &'static [&'static str],
    /// The exit codes that are allowed.
    codes: &'static [i32],
    /// Returns whether no object is incomplete.
    is_whole: fn(&Tool) -> bool,
    /// A command that succeeds in any state that is left, and the check for it.
    then: (&'static str, fn(&Tool) -> bool),
}

const COUNTS: [usize; 4] = [2, 4, 8, 16];

const RUN: &str = "toolforge-jobs run tick --image bookworm --command true --schedule '17 4 1 1 *'";

fn names(tool: &Tool, kinds: &str) -> Vec<String> {
    let names = tool.kubectl(&["get", kinds, "--selector", "!foreign", "-o", "name"]);
    names.lines().map(str::to_owned).collect()
}

fn suspended(tool: &Tool) -> String {
    let path = "jsonpath={.items[?(@.metadata.name==\"tick\")].spec.suspend}";
    tool.kubectl(&["get", "cronjobs", "-o", path])
}

fn is_web_service_whole(tool: &Tool) -> bool {
    [0, 3].contains(&names(tool, "deployments,services,httproutes").len())
}

/// Returns whether a job with a port has its Deployment and its Service, or neither. The cluster deletes a Service whose
/// Deployment is gone in a moment.
fn is_port_whole(tool: &Tool) -> bool {
    for _ in 0..20 {
        if names(tool, "deployments").len() == names(tool, "services").len() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    false
}

const JOBS: [Race; 5] = [
    Race {
        name: "run and delete",
        before: "toolforge-jobs flush --yes",
        commands: &[RUN, "toolforge-jobs delete tick"],
        codes: &[0, 1, 6],
        is_whole: |tool| names(tool, "cronjobs").len() <= 1,
        then: ("toolforge-jobs load jobs.yaml", |tool| names(tool, "cronjobs").len() == 3),
    },
    Race {
        name: "load and flush",
        before: "toolforge-jobs load jobs.yaml",
        commands: &["toolforge-jobs load jobs.yaml", "toolforge-jobs flush --yes"],
        codes: &[0, 6],
        is_whole: |tool| names(tool, "cronjobs").len() <= 3,
        then: ("toolforge-jobs load jobs.yaml", |tool| names(tool, "cronjobs").len() == 3),
    },
    Race {
        name: "loads of different files",
        before: "toolforge-jobs flush --yes",
        commands: &["toolforge-jobs load jobs.yaml", "toolforge-jobs load other.yaml"],
        codes: &[0, 4, 6],
        is_whole: |tool| names(tool, "cronjobs").len() == 3,
        then: ("toolforge-jobs load other.yaml && toolforge-jobs plan other.yaml --exit-code", |tool| {
            names(tool, "cronjobs").len() == 3
        }),
    },
    Race {
        name: "suspend, resume, restart and delete of a run",
        before: "toolforge-jobs load jobs.yaml",
        commands: &[
            "toolforge-jobs suspend tick",
            "toolforge-jobs resume tick",
            "toolforge-jobs restart tick",
            "toolforge-jobs load jobs.yaml",
        ],
        codes: &[0, 3, 4, 6],
        is_whole: |tool| names(tool, "cronjobs").len() == 3,
        then: ("toolforge-jobs suspend tick", |tool| suspended(tool) == "true"),
    },
    Race {
        name: "run and delete of a job with a port",
        before: "toolforge-jobs flush --yes",
        commands: &[
            "toolforge-jobs run web --image bookworm --command 'exec sleep 600' --continuous --port 8000 --cpu 60m",
            "toolforge-jobs delete web",
        ],
        codes: &[0, 1, 3, 4, 6],
        is_whole: is_port_whole,
        then: ("toolforge-jobs load web.yaml", |tool| names(tool, "deployments,services").len() == 2),
    },
];

const WEB_SERVICE: [Race; 2] = [
    Race {
        name: "start and stop",
        before: "webservice stop",
        commands: &["webservice php8.2 start", "webservice stop"],
        // 4: an object that another command had deleted was changed again while it was completed.
        codes: &[0, 4, 5, 6],
        is_whole: is_web_service_whole,
        then: ("webservice php8.2 start", |tool| names(tool, "deployments,services,httproutes").len() == 3),
    },
    Race {
        name: "start, restart and stop",
        before: "webservice php8.2 start",
        commands: &[
            "webservice restart",
            "webservice start -r 1",
            "webservice php8.2 restart -m 300Mi",
            "webservice stop",
        ],
        codes: &[0, 1, 3, 4, 5, 6],
        is_whole: is_web_service_whole,
        then: ("webservice stop", |tool| names(tool, "deployments,services,httproutes").is_empty()),
    },
];

/// Returns what others have made, with its version.
fn foreign(tool: &Tool) -> String {
    let columns = "custom-columns=KIND:.kind,NAME:.metadata.name,UID:.metadata.uid,SPEC:.spec";
    tool.kubectl(&["get", "cronjobs,configmaps", "--selector", "foreign", "--no-headers", "-o", columns])
}

/// Runs so many commands at the same time, each in a process of its own.
fn at_once(tool: &Tool, commands: &[&str], count: usize) -> Vec<Outcome> {
    std::thread::scope(|scope| {
        let lines = commands.iter().cycle().take(count);
        let started: Vec<_> = lines.map(|line| scope.spawn(move || tool.shell(line))).collect();
        started.into_iter().map(|started| started.join().unwrap()).collect()
    })
}

fn run_races(tool: &Tool, races: &[Race]) {
    let cron_job = "kubectl create cronjob tick-by-hand --image x --schedule '1 1 1 1 1' -- true";
    let image = "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest";
    tool.shell(&cron_job.replace("--image x", &format!("--image {image}"))).exits(0).and_that_is_all();
    tool.shell("kubectl label cronjob tick-by-hand foreign=yes").exits(0).and_that_is_all();
    let others = foreign(tool);
    for race in races {
        for count in COUNTS {
            let at = format!("{}, {count} at once", race.name);
            tool.until(90, &at, |tool| tool.shell(race.before), |outcome| outcome.code == 0);
            let outcomes = at_once(tool, race.commands, count);
            let codes: Vec<i32> = outcomes.iter().map(|outcome| outcome.code).collect();
            println!("{at}: {codes:?}");
            for outcome in &outcomes {
                assert!(race.codes.contains(&outcome.code), "{at}: {outcome:?}");
                assert!(!outcome.stderr.contains("panicked"), "{at}: {outcome:?}");
                let is_reported = outcome.stderr.contains("error: ");
                assert!(outcome.code == 0 || is_reported, "{at}: {outcome:?}");
            }
            let left = names(tool, "deployments,cronjobs,services,httproutes");
            assert!((race.is_whole)(tool), "{at}: {left:?} of {outcomes:#?}");
            let (line, is_done) = race.then;
            tool.until(90, &at, |tool| tool.shell(line), |outcome| outcome.code == 0);
            assert!(is_done(tool), "{at}: {line}");
            assert_eq!(foreign(tool), others, "{at}");
        }
    }
}

#[test]
fn concurrent_jobs_stay_consistent() {
    let tool = Tool::new("races-jobs");
    let file = |schedule: &str| {
        ["tick", "a", "b"]
            .map(|name| {
                format!("- {{name: {name}, image: bookworm, command: 'true', schedule: '{schedule}'}}\n")
            })
            .concat()
    };
    tool.write("jobs.yaml", &file("17 4 1 1 *"));
    tool.write("other.yaml", &file("18 4 1 1 *"));
    tool.write(
        "web.yaml",
        "- {name: web, image: bookworm, command: exec sleep 600, continuous: true, port: 8000, cpu: 60m}\n",
    );
    run_races(&tool, &JOBS);
}

#[test]
fn concurrent_web_services_stay_consistent() {
    let tool = Tool::new("races-web");
    tool.write("public_html/index.php", "<?php echo 'here';");
    run_races(&tool, &WEB_SERVICE);
    let manifest = tool.shell("cat service.manifest").exits(0).stdout;
    assert!(manifest.contains("version: 4\n"), "{manifest}");
}
