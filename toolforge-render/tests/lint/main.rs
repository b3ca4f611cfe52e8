//! The linter: every rule, the seed's examples, files that cannot be read, and fixes.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a test's own functions may stop the test")]

mod bad_input;
mod fixes;
mod home;
mod laws;
mod quota;
mod rare_fields;
mod refused;
mod rules;
mod seed;
mod support;
mod texts;
