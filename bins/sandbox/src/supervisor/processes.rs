//! Starts the components, restarts them when they exit, and reaps all other processes that exit inside.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use crate::failure::{Failure, OrFail};
use crate::supervisor::components::Component;

/// Delay before a component is restarted the first time. It doubles each time.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// Maximum delay before a component is restarted.
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// How long a component must run before its delay is reset.
const STEADY: Duration = Duration::from_secs(30);
/// PATH of the components, for the programs that they run: runc, iptables, the shims.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The components of a sandbox, as children of its first process.
#[derive(Debug)]
pub(crate) struct Processes {
    logs: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    component: Component,
    state: State,
    /// How often it has exited since it last ran for [`STEADY`].
    exits: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running { pid: Pid, since: Instant },
    Waiting { until: Instant },
}

impl Processes {
    /// Returns an empty set of processes with their logs in this directory.
    pub(crate) fn new(logs: PathBuf) -> Self {
        Self { logs, entries: Vec::new() }
    }

    /// Starts components and restarts them from now on.
    pub(crate) fn start(&mut self, components: Vec<Component>) {
        let until = Instant::now();
        self.entries.extend(components.into_iter().map(|component| Entry {
            component,
            state: State::Waiting { until },
            exits: 0,
        }));
        self.start_due();
    }

    /// Starts the components whose delay is over.
    pub(crate) fn start_due(&mut self) {
        let now = Instant::now();
        for entry in &mut self.entries {
            if matches!(entry.state, State::Waiting { until } if until <= now) {
                entry.state = match spawn(&entry.component, &self.logs) {
                    Ok(pid) => State::Running { pid, since: now },
                    Err(failure) => {
                        log(&failure.to_string());
                        entry.exits += 1;
                        State::Waiting { until: now + delay(entry.exits) }
                    }
                };
            }
        }
    }

    /// Returns when the next delay is over.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let until = |entry: &Entry| match entry.state {
            State::Waiting { until } => Some(until),
            State::Running { .. } => None,
        };
        self.entries.iter().filter_map(until).min()
    }

    /// Reaps every process that has exited: components, and orphans inside.
    pub(crate) fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.exited(pid, status);
        }
    }

    fn exited(&mut self, exited: Pid, status: WaitStatus) {
        let now = Instant::now();
        for entry in &mut self.entries {
            let State::Running { pid, since } = entry.state else { continue };
            if pid == exited {
                let ran = now.duration_since(since);
                entry.exits = if ran >= STEADY { 1 } else { entry.exits + 1 };
                let delay = delay(entry.exits);
                log(&format!(
                    "{} {} after {ran:.1?}, restarting in {delay:.1?}",
                    entry.component.name,
                    describe(status)
                ));
                entry.state = State::Waiting { until: now + delay };
            }
        }
    }
}

/// Writes a line to the supervisor's log, which is its stderr.
pub(crate) fn log(text: &str) {
    anstream::eprintln!("{text}");
}

fn spawn(component: &Component, logs: &std::path::Path) -> Result<Pid, Failure> {
    let Component { name, program, arguments } = component;
    let cannot = || format!("cannot start {name} ({})", program.display());
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(logs.join(format!("{name}.log")))
        .or_fail(cannot())?;
    let child = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", PATH)
        .env("HOME", "/root")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .or_fail(cannot())?;
    Pid::from_raw(i32::try_from(child.id()).unwrap_or_default()).or_fail(cannot())
}

fn delay(exits: u32) -> Duration {
    FIRST_DELAY.saturating_mul(2_u32.saturating_pow(exits.saturating_sub(1))).min(LONGEST_DELAY)
}

fn describe(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (_, Some(signal)) => format!("was killed by signal {signal}"),
        _ => "exited".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delay_doubles_up_to_its_maximum() {
        let milliseconds: Vec<_> = [1, 2, 3, 7, 100].map(|exits| delay(exits).as_millis()).into();
        assert_eq!(milliseconds, [200, 400, 800, 10_000, 10_000]);
    }
}
