//! Watching the objects of a collection, and waiting for their states.

mod frames;
mod wait;
mod watcher;

pub(crate) use wait::{Store, wait_until};
pub use wait::{WaitOptions, WaitOutcome};

use std::time::Duration;

/// A change of a collection that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatcherEvent<T> {
    /// All objects: at the beginning, and again whenever the changes in between are no longer known. They replace
    /// everything that was known before.
    Init(Vec<T>),
    /// An object was created or changed.
    Apply(T),
    /// An object was deleted; this is its last state.
    Delete(T),
}

/// How a watch deals with failures of the network and the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WatchOptions {
    /// How long the server may be unreachable or failing before the watch gives up. Default: 15 s.
    pub outage: Duration,
    /// How long a watch may be silent before the objects are listed again: a watch that a proxy holds back looks like one
    /// of objects that do not change. Default: 30 s.
    pub idle: Duration,
    /// How often the collection is listed if the user may list it, but not watch it. Default: 2 s.
    pub poll: Duration,
}

impl WatchOptions {
    /// Returns the options with this limit for an outage.
    #[must_use]
    pub fn with_outage(self, outage: Duration) -> Self {
        Self { outage, ..self }
    }
}

impl Default for WatchOptions {
    fn default() -> Self {
        Self { outage: Duration::from_secs(15), idle: Duration::from_secs(30), poll: Duration::from_secs(2) }
    }
}
