//! Starts the components, starts them again when they end, and buries what else ends inside.

use std::fs::OpenOptions;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitOptions, WaitStatus, wait};

use crate::failure::{Failure, OrFail};
use crate::supervisor::components::Component;

/// What a component waits before it starts again, the first time; twice as long each time.
const FIRST_DELAY: Duration = Duration::from_millis(200);
/// The longest that a component waits before it starts again.
const LONGEST_DELAY: Duration = Duration::from_secs(10);
/// How long a component must have run for its earlier ends to be forgotten.
const STEADY: Duration = Duration::from_secs(30);
/// Where the components find the programs that they call: runc, iptables, the shims.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The components of a sandbox, seen from its first process.
#[derive(Debug)]
pub(crate) struct Processes {
    logs: PathBuf,
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    component: Component,
    state: State,
    /// How often it ended since it last ran steadily.
    ends: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Running { pid: Pid, since: Instant },
    Waiting { until: Instant },
}

impl Processes {
    /// Returns no processes, whose logs will be in this directory.
    pub(crate) fn new(logs: PathBuf) -> Self {
        Self { logs, entries: Vec::new() }
    }

    /// Starts components and keeps them running from now on.
    pub(crate) fn start(&mut self, components: Vec<Component>) {
        let until = Instant::now();
        self.entries.extend(components.into_iter().map(|component| Entry {
            component,
            state: State::Waiting { until },
            ends: 0,
        }));
        self.start_due();
    }

    /// Starts what has waited long enough.
    pub(crate) fn start_due(&mut self) {
        let now = Instant::now();
        for entry in &mut self.entries {
            if matches!(entry.state, State::Waiting { until } if until <= now) {
                entry.state = match spawn(&entry.component, &self.logs) {
                    Ok(pid) => State::Running { pid, since: now },
                    Err(failure) => {
                        log(&failure.to_string());
                        entry.ends += 1;
                        State::Waiting { until: now + delay(entry.ends) }
                    }
                };
            }
        }
    }

    /// Returns when the next component has waited long enough.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        let until = |entry: &Entry| match entry.state {
            State::Waiting { until } => Some(until),
            State::Running { .. } => None,
        };
        self.entries.iter().filter_map(until).min()
    }

    /// Buries every process that has ended: components, and what lost its parent inside.
    pub(crate) fn reap(&mut self) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            self.ended(pid, status);
        }
    }

    fn ended(&mut self, ended: Pid, status: WaitStatus) {
        let now = Instant::now();
        for entry in &mut self.entries {
            let State::Running { pid, since } = entry.state else { continue };
            if pid == ended {
                let ran = now.duration_since(since);
                entry.ends = if ran >= STEADY { 1 } else { entry.ends + 1 };
                let delay = delay(entry.ends);
                log(&format!(
                    "{} {} after {ran:.1?}, starts again in {delay:.1?}",
                    entry.component.name,
                    end(status)
                ));
                entry.state = State::Waiting { until: now + delay };
            }
        }
    }
}

/// Says something in the supervisor's log, which its stderr is.
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

fn delay(ends: u32) -> Duration {
    FIRST_DELAY.saturating_mul(2_u32.saturating_pow(ends.saturating_sub(1))).min(LONGEST_DELAY)
}

fn end(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exited with code {code}"),
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        _ => "ended".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_each_time_but_not_for_ever() {
        let milliseconds: Vec<_> = [1, 2, 3, 7, 100].map(|ends| delay(ends).as_millis()).into();
        assert_eq!(milliseconds, [200, 400, 800, 10_000, 10_000]);
    }
}
