//! Logs of sets of pods, a web service's or a job's: read up to now, and followed from then on.

mod follow;
mod follower;
mod lines;
mod owner;
mod pod_log;
mod pods_log;
mod reading;
mod seen;
mod subject;

pub use follow::LogFollow;
pub use owner::LogOwner;
pub use pods_log::{LogItem, LogOptions, PodsLog};
pub use reading::LogSince;
pub use subject::LogSubject;
