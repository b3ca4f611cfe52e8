//! What the tests on the sandbox share: a tool of the test's own, commands run as that tool, pages fetched through
//! the front door.
//!
//! It holds no test and knows nothing of what the programs decide. It talks to the sandbox only through
//! `cargo sandbox`, as a person does, so it needs one that is up:
//!
//! ```
//! let missing = toolforge_e2e::Sandbox::found_by(|_| None).unwrap_err();
//! assert!(missing.contains("cargo sandbox up"));
//! ```

mod page;
mod sandbox;
mod tool;

pub use page::Page;
pub use sandbox::Sandbox;
pub use tool::{Outcome, Tool};
