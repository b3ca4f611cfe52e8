//! What carrying out a plan would change, whether that fits, and what stopping removes.

mod difference;
mod removal;
mod verdict;

pub use difference::{Change, Difference, changes};
pub use removal::{Removal, removals};
pub use verdict::verdict;
