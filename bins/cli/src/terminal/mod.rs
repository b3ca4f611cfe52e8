//! A person's terminal, or a script's pipes, connected to a command that runs in a container.
//!
//! All of it is on the calling thread: the login hosts allow few.

mod attach;
mod input;
mod raw_mode;

pub use attach::{Attached, attach};
pub use raw_mode::is_terminal;
