//! What a web service's pods write from now on, whichever pods come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, SelectAll};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use serde::de::IgnoredAny;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use toolforge_model::ToolName;
use toolforge_render::observe::{Run, runs, serves};

use crate::log::Reading;
use crate::web_service::log::{LogItem, LogOptions};
use crate::web_service::pod_log::PodLog;
use crate::web_service::selector;
use crate::{Change, Client, Error, ResourceType, Selector};

/// How long an answer may go on after the run that it tells of has ended: the kubelet looks every five seconds whether
/// a container still runs (its `stateCheckPeriod`).
const GRACE: Duration = Duration::from_secs(8);

/// How long to wait until a run that has ended is the previous one: until then the kubelet may give out the log of
/// either run under the same name.
const SETTLE: Duration = Duration::from_secs(2);

/// The log of a web service's pods from a moment on.
///
/// A pod's lines come in their order; those of different pods as they arrive.
pub struct LogFollow {
    client: Client,
    options: LogOptions,
    changes: BoxStream<'static, Result<Told, Error>>,
    /// Logs that have been read in part, by their pods' uids.
    begun: BTreeMap<String, PodLog>,
    /// Pods that are followed, by their uids.
    pods: BTreeMap<String, watch::Sender<PodState>>,
    lines: SelectAll<BoxStream<'static, Result<LogItem, Error>>>,
    /// Whether the pods have been listed.
    listed: bool,
    /// Whether the Deployment stands; `None` where it is not known yet.
    deployed: Option<bool>,
}

enum Told {
    Pod(Box<Change<Pod>>),
    /// Whether the Deployment stands.
    Deployed(bool),
}

/// What is known of a pod that is followed.
#[derive(Clone, Debug, Default)]
struct PodState {
    runs: Vec<Run>,
    /// Whether it is on its way out: its container is not started again.
    leaves: bool,
    is_gone: bool,
}

impl LogFollow {
    pub(super) fn new(
        client: Client,
        tool: &ToolName,
        options: LogOptions,
        begun: BTreeMap<String, PodLog>,
    ) -> Self {
        let pods = ResourceType::of::<Pod>().in_namespace(tool.namespace());
        let deployments = ResourceType::of::<Deployment>().in_namespace(tool.namespace());
        let one = Selector::all().field("metadata.name", tool.as_str());
        let pods = client.watch(pods, selector(tool), options.watch);
        let deployments = client.watch::<IgnoredAny>(deployments, one, options.watch);
        let stands = |change| match change {
            Change::Reset(deployments) => !deployments.is_empty(),
            Change::Applied(_) => true,
            Change::Deleted(_) => false,
        };
        let changes = stream::select(
            pods.map(|change| change.map(|change| Told::Pod(Box::new(change)))),
            deployments
                .map(move |change| change.map(|change: Change<IgnoredAny>| Told::Deployed(stands(change)))),
        );
        Self {
            client,
            options,
            changes: changes.boxed(),
            begun,
            pods: BTreeMap::new(),
            lines: SelectAll::new(),
            listed: false,
            deployed: None,
        }
    }

    /// Returns what is written next, or `None` where the web service is gone with all its pods.
    ///
    /// Nothing is lost where the caller stops waiting.
    ///
    /// # Errors
    /// When a log must not be read, or the cluster is away for longer than the options allow.
    pub async fn next(&mut self) -> Result<Option<LogItem>, Error> {
        loop {
            tokio::select! {
                biased;
                change = self.changes.next() => match change {
                    Some(Ok(Told::Pod(change))) => self.take_pods(*change),
                    Some(Ok(Told::Deployed(stands))) => self.deployed = Some(stands),
                    Some(Err(error)) => return Err(error),
                    None => return Ok(None),
                },
                item = self.lines.next(), if !self.lines.is_empty() => {
                    if let Some(item) = item {
                        return item.map(Some);
                    }
                }
            }
            if self.listed && self.deployed == Some(false) && self.pods.is_empty() && self.lines.is_empty() {
                return Ok(None);
            }
        }
    }

    fn take_pods(&mut self, change: Change<Pod>) {
        match change {
            Change::Reset(pods) => {
                self.listed = true;
                let left: BTreeSet<String> = pods.iter().map(uid).collect();
                let gone: Vec<String> =
                    self.pods.keys().filter(|uid| !left.contains(*uid)).cloned().collect();
                gone.iter().for_each(|uid| self.forget(uid, None));
                pods.iter().for_each(|pod| self.take_pod(pod));
            }
            Change::Applied(pod) => self.take_pod(&pod),
            Change::Deleted(pod) => self.forget(&uid(&pod), Some(&pod)),
        }
    }

    fn take_pod(&mut self, pod: &Pod) {
        if !serves(pod) {
            return;
        }
        let uid = uid(pod);
        let state =
            PodState { runs: runs(pod), leaves: pod.metadata.deletion_timestamp.is_some(), is_gone: false };
        if let Some(sender) = self.pods.get(&uid) {
            // A follower that has ended needs no news.
            let _ = sender.send(state);
            return;
        }
        let log = self.begun.remove(&uid).unwrap_or_else(|| {
            // A pod that is new is read from its beginning.
            PodLog::new(self.client.clone(), pod, LogOptions { since: None, ..self.options })
        });
        let (sender, state) = watch::channel(state);
        self.pods.insert(uid, sender);
        let follower = Follower { client: self.client.clone(), log, state, step: Step::Choose, failures: 0 };
        let items = stream::unfold(follower, |mut follower| async move {
            Some((follower.next().await.transpose()?, follower))
        });
        self.lines.push(items.boxed());
    }

    fn forget(&mut self, uid: &str, last: Option<&Pod>) {
        if let Some(sender) = self.pods.remove(uid) {
            sender.send_modify(|state| {
                state.is_gone = true;
                state.runs = last.map_or_else(|| std::mem::take(&mut state.runs), runs);
            });
        }
    }
}

fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}

/// Follows one pod, run after run.
struct Follower {
    client: Client,
    log: PodLog,
    state: watch::Receiver<PodState>,
    step: Step,
    /// How often in a row an answer has ended without a line.
    failures: u32,
}

enum Step {
    /// What to read next depends on the pod's state.
    Choose,
    /// A run's log is followed; the moment says how long still, once the run has ended.
    Follow { id: String, reading: Reading, until: Option<Instant> },
    /// A run has ended, and the kubelet has not put its log aside yet.
    Settle(Run),
    /// The rest of a run that has ended is read.
    Rest(Run, Reading),
}

impl Follower {
    async fn next(&mut self) -> Result<Option<LogItem>, Error> {
        loop {
            let state = self.state.borrow_and_update().clone();
            match &mut self.step {
                Step::Choose => match self.log.untold(&state.runs) {
                    _ if state.is_gone => return Ok(None),
                    None => wait(&mut self.state, None).await,
                    Some(run) if run.end.is_none() => {
                        let reading = self.log.read_on(run, true);
                        self.step = Step::Follow { id: run.id.clone(), reading, until: None };
                    }
                    Some(run) if run.is_previous || state.leaves => {
                        self.step = Step::Rest(run.clone(), self.log.read_on(run, false));
                    }
                    Some(run) => self.step = Step::Settle(run.clone()),
                },
                Step::Follow { id, reading, until } => {
                    let runs = state.runs.iter().any(|run| run.id == *id && run.end.is_none());
                    if (!runs || state.is_gone) && until.is_none() {
                        *until = Some(Instant::now() + GRACE);
                    }
                    tokio::select! {
                        biased;
                        item = self.log.next(reading) => match item? {
                            Some(LogItem::Remark { .. }) if until.is_some() => {}
                            Some(item) => {
                                self.failures = 0;
                                return Ok(Some(item));
                            }
                            None => {
                                let again = until.is_none();
                                self.step = Step::Choose;
                                if again {
                                    // The run has ended, and its state comes in a moment; or the server has ended
                                    // the answer, and the run is to be followed further.
                                    let pause = self.client.retry().pause(self.failures);
                                    self.failures = self.failures.saturating_add(1);
                                    wait(&mut self.state, Some(pause)).await;
                                }
                            }
                        },
                        () = wait(&mut self.state, None), if !state.is_gone => {}
                        () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                            self.step = Step::Choose;
                        }
                    }
                }
                Step::Settle(run) => {
                    wait(&mut self.state, Some(SETTLE)).await;
                    let is_still = self.state.borrow().runs.iter().any(|known| known == run);
                    self.step = if is_still {
                        let reading = self.log.read_on(run, false);
                        Step::Rest(run.clone(), reading)
                    } else {
                        Step::Choose
                    };
                }
                Step::Rest(run, reading) => {
                    match self.log.next(reading).await? {
                        // What is left may be nothing: the log goes with its pod.
                        Some(LogItem::Remark { .. }) if state.leaves => continue,
                        Some(item) => return Ok(Some(item)),
                        None => {}
                    }
                    let end = self.log.ended(run);
                    self.step = Step::Choose;
                    // Whoever stops a pod need not be told that it ended.
                    if let Some(end) = end.filter(|_| !state.leaves) {
                        return Ok(Some(end));
                    }
                }
            }
        }
    }
}

/// Waits until a pod's state changes, or for so long.
async fn wait(state: &mut watch::Receiver<PodState>, pause: Option<Duration>) {
    let changed = async {
        if state.changed().await.is_err() {
            // The pod is gone, and that has been told; only the pause ends the wait.
            std::future::pending::<()>().await;
        }
    };
    match pause {
        None => changed.await,
        Some(pause) => tokio::select! {
            () = changed => {}
            () = sleep(pause) => {}
        },
    }
}
