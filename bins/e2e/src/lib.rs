//! Helpers for tests on the sandbox: a tool for each test, commands run as that tool, and pages fetched through the
//! front door.
//!
//! This crate contains no tests and none of the programs' logic. It uses the sandbox only through `cargo sandbox`, as a
//! user does, so it needs one that is running:
//!
//! ```
//! let missing = toolforge_e2e::Sandbox::from_variables(|_| None).unwrap_err();
//! assert!(missing.contains("cargo sandbox up"));
//! ```

mod api;
mod sandbox;
mod tool;

pub use api::{Api, Connection};
pub use sandbox::{Page, Sandbox, TemporarySandbox};
pub use tool::{Outcome, Tool};
