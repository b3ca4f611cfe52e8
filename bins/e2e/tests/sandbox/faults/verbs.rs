//! The verbs of the tables.

use super::fault::{Effect, Fault, WatchFault};

/// A verb of one of the programs.
#[derive(Clone, Copy)]
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    /// A shell command line.
    pub(crate) line: &'static str,
    /// What its output contains when it works; `None` if it writes.
    pub(crate) expected: Option<&'static str>,
}

const fn reads(name: &'static str, line: &'static str, expected: &'static str) -> Verb {
    Verb { name, line, expected: Some(expected) }
}

const fn writes(name: &'static str, line: &'static str) -> Verb {
    Verb { name, line, expected: None }
}

/// The verbs that read.
pub(crate) const READING: [Verb; 30] = [
    reads("webservice status", "webservice status", "php8.2"),
    reads("webservice logs", "webservice logs --last 3", ""),
    reads("webservice logs --follow", "timeout --preserve-status 57 webservice logs --follow --last 3", ""),
    reads("webservice plan", "webservice php8.2 plan -r 2", "pods"),
    reads("webservice render", "webservice php8.2 render", "kind: Deployment"),
    reads("webservice local", "webservice php8.2 local", "--name webservice-"),
    reads("webservice lint", "webservice lint service.template", "nothing found"),
    reads("webservice types", "webservice types", "php8.2"),
    reads("webservice doctor", "webservice doctor", "Kubernetes v1"),
    reads("webservice exec", "webservice exec echo inside", "inside"),
    reads("jobs list", "toolforge-jobs list", "tick"),
    reads("jobs show", "toolforge-jobs show tick", "tick"),
    reads("jobs logs", "toolforge-jobs logs bot", "hello"),
    reads("jobs logs --follow", "timeout --preserve-status 57 toolforge-jobs logs bot --follow", "hello"),
    reads("jobs plan", "toolforge-jobs plan jobs.yaml", "create scheduled job new"),
    reads("jobs dump", "toolforge-jobs dump", "name: tick"),
    reads("jobs cron", "toolforge-jobs cron", "tick"),
    reads("jobs render", "toolforge-jobs render jobs.yaml", "kind: CronJob"),
    reads("jobs lint", "toolforge-jobs lint jobs.yaml", "nothing found"),
    reads("jobs convert", "toolforge-jobs convert cronjob.yaml", "name: hand"),
    reads("jobs exec", "toolforge-jobs exec bot -- echo inside", "inside"),
    reads("jobs images", "toolforge-jobs images", "python3.11"),
    reads("jobs quota", "toolforge-jobs quota", "limits"),
    reads("quota-check", "quota-check", "limits.memory"),
    reads("quota-check FILE", "quota-check jobs.yaml", "fits"),
    reads("quota-check what-if", "quota-check what-if --replicas 2", "replicas"),
    reads("quota-check request", "quota-check request", "tool faults-all"),
    reads("quota-check audit", "quota-check audit", ""),
    reads("quota-check audit --all", "quota-check audit --all", ""),
    reads("quota-check --all", "quota-check --all --sort name", "faults-all"),
];

/// The verbs that write, with command lines that would change something.
pub(crate) const WRITING: [Verb; 16] = [
    writes("webservice start", "webservice php8.2 start -r 2"),
    writes("webservice restart", "webservice restart"),
    writes("webservice stop", "webservice stop"),
    writes("webservice shell", "webservice shell true"),
    writes("jobs run", "toolforge-jobs run new --image bookworm --command true --schedule '17 4 1 1 *'"),
    writes("jobs run --wait", "toolforge-jobs run new --image bookworm --command true --wait"),
    writes("jobs load", "toolforge-jobs load jobs.yaml"),
    writes("jobs load with wait", "toolforge-jobs load wait.yaml"),
    writes("jobs suspend", "toolforge-jobs suspend tick"),
    writes("jobs resume", "toolforge-jobs resume rest"),
    writes("jobs trigger", "toolforge-jobs trigger tick"),
    writes("jobs trigger --wait", "toolforge-jobs trigger tick --wait"),
    writes("jobs restart", "toolforge-jobs restart bot"),
    writes("jobs adopt", "toolforge-jobs adopt cronjob/hand --yes"),
    writes("jobs delete", "toolforge-jobs delete tick"),
    writes("jobs flush", "toolforge-jobs flush --yes"),
];

impl Verb {
    pub(crate) fn is_writing(&self) -> bool {
        self.expected.is_none()
    }

    /// Returns whether the verb uses bundled data, with a warning, if the cluster's cannot be read.
    pub(crate) fn has_fallback(&self) -> bool {
        matches!(
            self.name,
            "webservice types" | "jobs images" | "webservice lint" | "jobs lint" | "jobs convert"
        )
    }

    /// Returns whether the verb prints what it has read before it fails.
    pub(crate) fn prints_before_failure(&self) -> bool {
        self.name == "quota-check --all"
    }

    /// Returns whether the verb ends only when it is interrupted, as its command line does after some time: later than the cluster
    /// can fail, and not within the bound of a verb that ends itself.
    pub(crate) fn is_endless(&self) -> bool {
        matches!(self.name, "webservice logs --follow" | "jobs logs --follow")
    }

    /// Returns whether the verb may find something, which ends it with exit code 1.
    pub(crate) fn may_find(&self) -> bool {
        self.name == "quota-check audit --all"
    }

    /// Returns the exit codes that are allowed with a fault of all requests.
    pub(crate) fn allowed(&self, fault: Fault) -> &'static [i32] {
        // `doctor` reports errors itself.
        let (harmless, fatal, either): (&[i32], &[i32], &[i32]) = match self.name {
            "webservice doctor" => (&[0], &[1], &[0, 1]),
            _ if self.has_fallback() => (&[0], &[0], &[0]),
            _ if self.is_endless() => (&[143], &[4], &[4, 6, 143]),
            _ if self.may_find() => (&[0, 1], &[4], &[0, 1, 4, 6]),
            _ => (&[0], &[4], &[0, 4, 6]),
        };
        let is_remote = matches!(self.name, "webservice exec" | "webservice shell" | "jobs exec");
        match fault.effect() {
            Effect::Harmless if fault == Fault::Watch(WatchFault::Silent) && is_remote => fatal,
            Effect::Harmless => harmless,
            Effect::Fatal | Effect::FatalForLists => fatal,
            Effect::DependsOnSize => either,
        }
    }
}
