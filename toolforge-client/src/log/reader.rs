//! What a set of pods has written up to now, in chronological order.

use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use toolforge_model::ToolName;

use crate::log::item::{LogItem, LogOptions};
use crate::log::pod_log::{PodLog, PodSnapshot};
use crate::log::source::LogTarget;
use crate::{Client, Error};

/// How long ago a run may have terminated to be shown before the one that followed it: in the morning, people want to
/// see the night's output.
const RECENT: SignedDuration = SignedDuration::from_hours(24);

/// The log of a set of pods up to now.
///
/// All logs are read concurrently; only one line of each and the connection's buffers are kept in memory.
pub struct LogReader {
    pub(super) client: Client,
    pub(super) target: LogTarget,
    pub(super) options: LogOptions,
    /// By the uids of the pods.
    pub(super) pods: BTreeMap<String, PodSnapshot>,
    pub(super) started: bool,
}

impl Client {
    /// Returns a reader of the logs of a web service's pods up to now. Other pods in `pods` are ignored.
    ///
    /// No request is sent yet.
    #[must_use]
    pub fn web_service_log(&self, tool: &ToolName, pods: &[Pod], options: LogOptions) -> LogReader {
        LogReader::new(self.clone(), LogTarget::web_service(tool), pods, options)
    }

    /// Returns a reader of the logs of a job's pods up to now. Other pods in `pods` are ignored.
    ///
    /// No request is sent yet.
    #[must_use]
    pub fn job_log(&self, target: LogTarget, pods: &[Pod], options: LogOptions) -> LogReader {
        LogReader::new(self.clone(), target, pods, options)
    }
}

impl LogReader {
    fn new(client: Client, target: LogTarget, pods: &[Pod], options: LogOptions) -> Self {
        let recent = Timestamp::now().checked_sub(RECENT).unwrap_or(Timestamp::MIN);
        let snapshot = |pod: &Pod| {
            let log = PodLog::new(client.clone(), pod, options);
            let uid = pod.metadata.uid.clone().unwrap_or_default();
            (uid, PodSnapshot::new(log, pod, options.last, recent))
        };
        let pods = pods.iter().filter(|pod| target.includes(pod)).map(snapshot).collect();
        Self { client, target, options, pods, started: false }
    }

    /// Returns the next item of any pod, or `None` at the end.
    ///
    /// # Errors
    /// When reading a log is forbidden, or the cluster is unreachable for longer than the options allow.
    pub async fn next(&mut self) -> Result<Option<LogItem>, Error> {
        if !self.started {
            try_join_all(self.pods.values_mut().map(PodSnapshot::advance)).await?;
            self.started = true;
        }
        let heads = self.pods.values_mut().filter(|pod| pod.head.is_some());
        let Some(first) = heads.min_by_key(|pod| pod.head.as_ref().map(|(moment, _)| *moment)) else {
            return Ok(None);
        };
        let item = first.head.take().map(|(_, item)| item);
        first.advance().await?;
        Ok(item)
    }
}
