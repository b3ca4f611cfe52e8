//! The real programs, run with a tool's uid, against a real Kubernetes.
#![expect(clippy::unwrap_used, reason = "helper functions of tests may panic")]

mod admission;
mod adoption;
mod completion;
#[path = "../../../../toolforge-quota/tests/controllers/deployment.rs"]
mod controllers;
mod doctor;
mod examples;

mod faults;
mod fleet;
mod handwritten;
mod health;
mod jobs;
mod judged;
mod limits;
mod lint;
mod logs;
mod manifest;
mod outage;
mod predicted_rollouts;
mod quota_check;
mod races;
mod random;
mod readers;
mod refusals;
mod rollout;
mod routing;
mod sandbox;
mod shell;
mod site;
mod stories;
mod tight_changes;
