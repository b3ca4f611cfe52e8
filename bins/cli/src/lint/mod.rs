//! `lint`: checks files, prints findings, and fixes those that have a fix. It is the same command in each program.

mod checked;
mod excerpt;
mod facts;
mod fixes;
mod options;
mod run;
mod sarif;
mod summary;

pub use options::LintOptions;
pub use run::{lint, lint_in};
