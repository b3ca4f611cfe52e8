//! What applying files of every kind does to the quota.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod applied;
mod changes;
#[path = "../../../toolforge-quota/tests/controllers/deployment.rs"]
mod controllers;
mod each_container;
mod pods;
mod queued;
mod rollouts;
mod scheduled_runs;
mod stateful_set;
mod support;
mod together;
