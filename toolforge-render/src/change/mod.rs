//! What carrying out a plan would change, whether that fits, and what stopping removes.

mod difference;
mod removal;
mod rollout;
mod verdict;

pub use difference::{Change, Difference, changes};
pub use removal::{Removal, removals};
pub use rollout::{has_outage, replaces_pods, verdict_at_peak, with_room};
pub use verdict::verdict;
