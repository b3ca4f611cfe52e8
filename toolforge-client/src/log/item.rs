//! Options and items of a log.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use toolforge_model::Untrusted;
use toolforge_render::pod::LastTermination;

use crate::WatchOptions;

/// How long the cluster may be unreachable while a log is followed: a restart of the API server, or a short network failure.
const OUTAGE: Duration = Duration::from_secs(60);

/// The part of a log to read, and how to read it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogOptions {
    /// The number of last lines of each run; `None` for all.
    pub last: Option<u32>,
    /// The time from which lines are read; `None` for all.
    pub since: Option<LogSince>,
    /// Whether the log is going to be followed.
    pub follow: bool,
    /// How reading deals with failures of the network and the server.
    pub watch: WatchOptions,
}

impl LogOptions {
    /// Returns the options of a log that is followed, which tolerates an outage of 60 s.
    #[must_use]
    pub fn following() -> Self {
        Self {
            follow: true,
            watch: WatchOptions { outage: OUTAGE, ..WatchOptions::default() },
            ..Self::default()
        }
    }

    /// Returns the options with this number of last lines of each run.
    #[must_use]
    pub fn with_last(self, last: Option<u32>) -> Self {
        Self { last, ..self }
    }

    /// Returns the options with this time from which lines are read.
    #[must_use]
    pub fn with_since(self, since: Option<LogSince>) -> Self {
        Self { since, ..self }
    }
}

/// An item of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// A line.
    Line {
        /// The pod's name.
        pod: Untrusted,
        /// The name of the container in it.
        container: Untrusted,
        /// The time at which it was written, by the node's clock.
        moment: Timestamp,
        /// The text, without the line end.
        message: Untrusted,
    },
    /// The container has terminated; the items of the same pod that follow belong to its next run.
    ContainerTerminated {
        /// The container's name.
        container: Untrusted,
        /// Its termination, and its pod.
        end: LastTermination,
    },
    /// Why the log is missing or incomplete.
    Notice {
        /// The pod's name.
        pod: Untrusted,
        /// The cluster's message.
        text: Untrusted,
    },
}

/// The time from which a log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSince {
    /// A number of seconds before now, by the node's clock; at least 1.
    Seconds(u32),
    /// A time, which the server rounds down to whole seconds.
    Moment(Timestamp),
}

impl LogSince {
    /// Returns the time; a number of seconds is subtracted from this machine's clock.
    pub(crate) fn moment(self) -> Timestamp {
        match self {
            Self::Seconds(seconds) => {
                let ago = SignedDuration::from_secs(seconds.into());
                Timestamp::now().checked_sub(ago).unwrap_or(Timestamp::MIN)
            }
            Self::Moment(moment) => moment,
        }
    }
}
