//! The log of one pod, run after run.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use toolforge_model::Untrusted;
use toolforge_render::pod::{ContainerRun, container_runs, has_ended, main_container};

use crate::log::item::{LogItem, LogOptions, LogSince};
use crate::log::reading::{LogEvent, LogRequest, Reading};
use crate::log::resume::ResumePoint;
use crate::{Client, Error, ObjectPath, ResourceType};

/// The log of one pod, and how far it has been read.
pub(super) struct PodLog {
    client: Client,
    pub(super) name: Untrusted,
    path: ObjectPath,
    container: String,
    /// The time from which to read, until a line has been read.
    since: Option<LogSince>,
    /// Whether the log is followed, now or later.
    follow: bool,
    outage: Duration,
    pub(super) seen: ResumePoint,
    /// The last run whose termination has been reported.
    pub(super) reported: Option<String>,
    /// The kubelet's last notice, which it repeats.
    notice: Option<String>,
}

impl PodLog {
    /// Returns a pod's log, unread.
    pub(super) fn new(client: Client, pod: &Pod, options: LogOptions) -> Self {
        let LogOptions { last: _, since, follow, watch } = options;
        let name = pod.metadata.name.clone().unwrap_or_default();
        let namespace = pod.metadata.namespace.clone().unwrap_or_default();
        Self {
            client,
            path: ResourceType::of::<Pod>().in_namespace(namespace).named(name.as_str()),
            container: main_container(pod).unwrap_or_default().to_owned(),
            name: Untrusted::new(name),
            since,
            follow,
            outage: watch.outage,
            seen: ResumePoint::default(),
            reported: None,
            notice: None,
        }
    }

    /// Starts reading a run's log, or its last lines.
    fn read_all(&self, run: &ContainerRun, last: Option<u32>) -> Reading {
        let request = self.request(run, false, last);
        Reading::new(self.client.clone(), request, self.outage, false)
    }

    /// Starts reading the unread part of a run's log.
    pub(super) fn read_on(&self, run: &ContainerRun, follow: bool) -> Reading {
        Reading::new(self.client.clone(), self.request(run, follow, None), self.outage, true)
    }

    fn request(&self, run: &ContainerRun, follow: bool, last: Option<u32>) -> LogRequest {
        LogRequest {
            pod: self.path.clone(),
            container: self.container.clone(),
            previous: run.is_previous,
            follow,
            whole_lines: self.follow && run.termination.is_none(),
            since: self.since,
            last,
        }
    }

    /// Returns the next item of a run's log.
    pub(super) async fn next(&mut self, reading: &mut Reading) -> Result<Option<LogItem>, Error> {
        loop {
            let pod = self.name.clone();
            match reading.next(&mut self.seen).await? {
                Some(LogEvent::Line(moment, message)) => {
                    let (container, message) = (self.container.as_str().into(), Untrusted::new(message));
                    return Ok(Some(LogItem::Line { pod, container, moment, message }));
                }
                Some(LogEvent::Notice(text)) if self.notice.as_ref() != Some(&text) => {
                    self.notice = Some(text.clone());
                    return Ok(Some(LogItem::Notice { pod, text: Untrusted::new(text) }));
                }
                Some(LogEvent::Notice(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// Marks a run's log as read, and returns the item for its termination.
    pub(super) fn ended(&mut self, run: &ContainerRun) -> Option<LogItem> {
        self.reported = Some(run.id.clone());
        let end = run.termination.clone()?;
        let is_asked_for = self.since.is_none_or(|since| end.finished >= Some(since.moment()));
        is_asked_for.then(|| LogItem::ContainerTerminated { container: self.container.as_str().into(), end })
    }

    /// Returns the first run whose termination has not been reported.
    pub(super) fn next_run<'a>(&self, runs: &'a [ContainerRun]) -> Option<&'a ContainerRun> {
        let reported = runs.iter().position(|run| Some(&run.id) == self.reported.as_ref());
        runs.get(reported.map_or(0, |index| index + 1))
    }
}

/// A pod's log up to now: the runs whose logs the kubelet has kept, one after the other.
pub(super) struct PodSnapshot {
    pub(super) log: PodLog,
    runs: VecDeque<ContainerRun>,
    reading: Option<Reading>,
    last: Option<u32>,
    /// The next item, with the time that orders it among the items of other pods.
    pub(super) head: Option<(Timestamp, LogItem)>,
    moment: Timestamp,
}

impl PodSnapshot {
    /// Returns the log of a pod; nothing is requested yet.
    ///
    /// The previous run is read if it terminated after `recent`, or no other has followed it. If the log is going to be
    /// followed, a run that has just terminated is left to the follower: the log that the kubelet returns for it can change at
    /// any moment, unless the whole pod has terminated.
    pub(super) fn new(mut log: PodLog, pod: &Pod, last: Option<u32>, recent: Timestamp) -> Self {
        let mut runs: VecDeque<ContainerRun> = container_runs(pod).into();
        if let [previous, newest] = runs.make_contiguous()
            && newest.termination.is_none()
            && let finished = previous.termination.as_ref().and_then(|end| end.finished)
            && finished.is_some_and(|finished| finished < recent)
        {
            log.reported = Some(previous.id.clone());
            runs.pop_front();
        }
        if log.follow && !has_ended(pod) {
            runs.retain(|run| run.is_previous || run.termination.is_none());
        }
        Self { log, runs, reading: None, last, head: None, moment: Timestamp::MIN }
    }

    /// Reads the next item into `head`.
    pub(super) async fn advance(&mut self) -> Result<(), Error> {
        let item = self.next().await?;
        self.head = item.map(|item| {
            let moment = match &item {
                LogItem::Line { moment, .. } => *moment,
                LogItem::ContainerTerminated { container: _, end } => end.finished.unwrap_or(self.moment),
                LogItem::Notice { .. } => self.moment,
            };
            // The order within a pod is more important than its times.
            self.moment = self.moment.max(moment);
            (self.moment, item)
        });
        Ok(())
    }

    async fn next(&mut self) -> Result<Option<LogItem>, Error> {
        while let Some(run) = self.runs.front() {
            let (log, last) = (&self.log, self.last);
            let reading = self.reading.get_or_insert_with(|| log.read_all(run, last));
            if let Some(item) = self.log.next(reading).await? {
                return Ok(Some(item));
            }
            self.reading = None;
            if let Some(run) = self.runs.pop_front()
                && run.termination.is_some()
                && let Some(item) = self.log.ended(&run)
            {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }
}
