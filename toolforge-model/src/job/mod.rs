//! Jobs: what a tool's owner asks of one, and the file in which several are written down.

mod name;

pub use name::{JobName, JobNameError};
