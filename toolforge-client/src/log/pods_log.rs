//! What a set of pods has written, in the order of time.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use toolforge_model::{ToolName, Untrusted};
use toolforge_render::pod::LastEnd;

use crate::log::follow::LogFollow;
use crate::log::pod_log::{PodLog, PodSnapshot};
use crate::log::reading::LogSince;
use crate::log::subject::LogSubject;
use crate::{Client, Error, WatchOptions};

/// How long ago a run may have ended to be of interest beside the one that has followed it: who asks in the morning
/// wants to know of the night.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

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
    Remark {
        /// The pod's name.
        pod: Untrusted,
        /// The cluster's words.
        text: Untrusted,
    },
}

/// The log of a set of pods up to now.
///
/// All logs are read at the same time, and no more of them is held than one line each and what is on its way.
pub struct PodsLog {
    client: Client,
    subject: LogSubject,
    options: LogOptions,
    /// By the pods' uids.
    pods: BTreeMap<String, PodSnapshot>,
    begun: bool,
}

impl Client {
    /// Returns what the pods of a web service have written; those of `pods` that do not serve are left out.
    ///
    /// No request is made yet.
    #[must_use]
    pub fn web_service_log(&self, tool: &ToolName, pods: &[Pod], options: LogOptions) -> PodsLog {
        PodsLog::new(self.clone(), LogSubject::web_service(tool), pods, options)
    }

    /// Returns what the pods of a job have written; those of `pods` that are not its own are left out.
    ///
    /// No request is made yet.
    #[must_use]
    pub fn job_log(&self, subject: LogSubject, pods: &[Pod], options: LogOptions) -> PodsLog {
        PodsLog::new(self.clone(), subject, pods, options)
    }
}

impl PodsLog {
    fn new(client: Client, subject: LogSubject, pods: &[Pod], options: LogOptions) -> Self {
        let recent = Timestamp::now().checked_sub(RECENT).unwrap_or(Timestamp::MIN);
        let snapshot = |pod: &Pod| {
            let log = PodLog::new(client.clone(), pod, options);
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            (uid, PodSnapshot::new(log, pod, options.last, recent))
        };
        let pods = pods.iter().filter(|pod| subject.has(pod)).map(snapshot).collect();
        Self { client, subject, options, pods, begun: false }
    }

    /// Returns what was written next, by any of the pods, or `None` where all is told.
    ///
    /// # Errors
    /// When a log must not be read, or the cluster is away for longer than the options allow.
    pub async fn next(&mut self) -> Result<Option<LogItem>, Error> {
        if !self.begun {
            try_join_all(self.pods.values_mut().map(PodSnapshot::advance)).await?;
            self.begun = true;
        }
        let heads = self.pods.values_mut().filter(|pod| pod.head.is_some());
        let Some(first) = heads.min_by_key(|pod| pod.head.as_ref().map(|(moment, _)| *moment)) else {
            return Ok(None);
        };
        let item = first.head.take().map(|(_, item)| item);
        first.advance().await?;
        Ok(item)
    }

    /// Returns what is written from here on.
    #[must_use]
    pub fn follow(self) -> LogFollow {
        let Self { client, subject, options, pods, begun: _ } = self;
        let logs = pods.into_iter().map(|(uid, pod)| (uid, pod.log)).collect();
        LogFollow::new(client, subject, options, logs)
    }
}
