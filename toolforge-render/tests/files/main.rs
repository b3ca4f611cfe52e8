//! What applying files of every kind does to the quota.
#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

mod changes;
mod each_container;
mod pods;
mod stateful_set;
mod support;
mod together;
