//! What is asked of a log, and what it answers.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use toolforge_model::Untrusted;
use toolforge_render::pod::LastEnd;

use crate::WatchOptions;

/// How long a follow bears with a cluster that is away: an API server's restart, or a short way through a tunnel.
const OUTAGE: Duration = Duration::from_secs(60);

/// Which part of a log is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogOptions {
    /// How many of the last lines of each run are needed; all where it is `None`.
    pub last: Option<u32>,
    /// From when on.
    pub since: Option<LogSince>,
    /// Whether the log shall be followed afterwards.
    pub follow: bool,
    /// How reading bears with the network and the server.
    pub watch: WatchOptions,
}

impl LogOptions {
    /// Returns the options of a log that is followed, with a patience of 60 s.
    #[must_use]
    pub fn following() -> Self {
        Self {
            follow: true,
            watch: WatchOptions { outage: OUTAGE, ..WatchOptions::default() },
            ..Self::default()
        }
    }
}

/// What a log tells next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// A line.
    Line {
        /// The pod's name.
        pod: Untrusted,
        /// The name of the container in it.
        container: Untrusted,
        /// When it was written, by the node's clock.
        moment: Timestamp,
        /// What was written, without its line end.
        message: Untrusted,
    },
    /// The container has ended; what follows of the same pod is of its next run.
    RunEnded {
        /// The container's name.
        container: Untrusted,
        /// How it ended, and in which pod.
        end: LastEnd,
    },
    /// Why there is no log, or not all of it, in the cluster's words.
    Notice {
        /// The pod's name.
        pod: Untrusted,
        /// The cluster's words.
        text: Untrusted,
    },
}

/// From when on a log is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogSince {
    /// So many seconds before now, by the node's clock; at least one.
    Seconds(u32),
    /// A moment, of which the server takes the whole seconds.
    Moment(Timestamp),
}

impl LogSince {
    /// Returns the moment, by this machine's clock where it is so long before now.
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
