//! What a set of pods writes from now on, while pods come and go.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, Select, SelectAll};
use k8s_openapi::api::core::v1::Pod;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use toolforge_render::pod::{ContainerRun, container_runs, has_ended};

use crate::log::item::{LogItem, LogOptions};
use crate::log::pod_log::PodLog;
use crate::log::reader::LogReader;
use crate::log::reading::Reading;
use crate::log::source::{LogTarget, OwnerState, owner_states};
use crate::{Client, Error, WatcherEvent};

/// How long a response may continue after its run has terminated: the kubelet checks every five seconds whether a
/// container still runs (its `stateCheckPeriod`).
const GRACE: Duration = Duration::from_secs(8);

/// How long to wait until a terminated run is the previous one: until then the kubelet may return the log of either run.
const SETTLE: Duration = Duration::from_secs(2);

/// The log of a set of pods from a moment on.
///
/// The lines of a pod are in order; those of different pods come as they arrive.
pub struct LogTail {
    client: Client,
    target: LogTarget,
    options: LogOptions,
    /// Changes of the pods, and of the object that creates them.
    events: Select<Events, Events>,
    /// Logs that have been read in part, by the uids of their pods.
    started: BTreeMap<String, PodLog>,
    /// Pods that are followed, by uid.
    pods: BTreeMap<String, watch::Sender<PodState>>,
    lines: SelectAll<BoxStream<'static, Result<LogItem, Error>>>,
    /// Whether the pods have been listed.
    listed: bool,
    /// Whether new pods can appear; `None` if that is not known yet.
    owner: Option<OwnerState>,
}

type Events = BoxStream<'static, Result<TailEvent, Error>>;

enum TailEvent {
    Pod(Box<WatcherEvent<Pod>>),
    Owner(OwnerState),
}

/// State of a pod that is followed.
#[derive(Clone, Debug, Default, PartialEq)]
struct PodState {
    runs: Vec<ContainerRun>,
    /// Whether it is terminating: its container is not started again.
    is_terminating: bool,
    /// Whether it and its Job have terminated: all its runs are known.
    is_over: bool,
    is_gone: bool,
}

/// Follows one pod, run after run.
struct Follower {
    client: Client,
    log: PodLog,
    state: watch::Receiver<PodState>,
    step: Step,
    /// How many responses in a row have ended without a line.
    failures: u32,
}

enum Step {
    /// The pod's state decides what to read next.
    Choose,
    /// A run's log is followed, until the moment once the run has terminated.
    Follow { id: String, reading: Reading, until: Option<Instant> },
    /// A run has terminated, and the kubelet has not put its log aside yet.
    Settle(ContainerRun),
    /// The remainder of a terminated run's log is read.
    Rest(ContainerRun, Reading),
}

impl LogReader {
    /// Returns the tail: everything that is written from now on.
    #[must_use]
    pub fn follow(self) -> LogTail {
        let Self { client, target, options, pods, started: _ } = self;
        let logs = pods.into_iter().map(|(uid, pod)| (uid, pod.log)).collect();
        LogTail::new(client, target, options, logs)
    }
}

impl LogTail {
    fn new(
        client: Client,
        target: LogTarget,
        options: LogOptions,
        started: BTreeMap<String, PodLog>,
    ) -> Self {
        let owner = owner_states(&client, target.owner(), options.watch);
        let owner = owner.map(|state| state.map(TailEvent::Owner)).boxed();
        let events = stream::select(pod_events(&client, &target, options), owner);
        Self {
            client,
            target,
            options,
            events,
            started,
            pods: BTreeMap::new(),
            lines: SelectAll::new(),
            listed: false,
            owner: None,
        }
    }

    /// Returns the next item, or `None` at the end: the object that creates the pods and all pods are gone, or it is a Job
    /// that has finished. Cancel-safe.
    ///
    /// # Errors
    /// When reading a log is forbidden, or the cluster is unreachable for longer than the options allow.
    pub async fn next(&mut self) -> Result<Option<LogItem>, Error> {
        loop {
            tokio::select! {
                biased;
                event = self.events.next() => match event {
                    Some(Ok(TailEvent::Pod(change))) => self.take_pods(*change),
                    Some(Ok(TailEvent::Owner(state))) => self.take_owner(state),
                    Some(Err(error)) => return Err(error),
                    None => return Ok(None),
                },
                item = self.lines.next(), if !self.lines.is_empty() => {
                    if let Some(item) = item {
                        return item.map(Some);
                    }
                }
            }
            if self.has_ended() {
                return Ok(None);
            }
        }
    }

    fn has_ended(&self) -> bool {
        let have_pods_ended = match self.owner {
            None | Some(OwnerState::Exists) => false,
            Some(OwnerState::Finished) => self.pods.values().all(|pod| pod.borrow().is_over),
            Some(OwnerState::Gone) => self.pods.is_empty(),
        };
        self.listed && have_pods_ended && self.lines.is_empty()
    }

    fn take_owner(&mut self, state: OwnerState) {
        if state == OwnerState::Finished && self.owner != Some(state) {
            // The list of pods may predate the completion of the Job, and there may even be one more pod.
            let (pods, _) = self.events.get_mut();
            *pods = pod_events(&self.client, &self.target, self.options);
            self.listed = false;
        }
        self.owner = Some(state);
    }

    fn take_pods(&mut self, change: WatcherEvent<Pod>) {
        match change {
            WatcherEvent::Init(pods) => {
                self.listed = true;
                let left: BTreeSet<String> = pods.iter().map(uid).collect();
                let gone: Vec<String> =
                    self.pods.keys().filter(|uid| !left.contains(*uid)).cloned().collect();
                gone.iter().for_each(|uid| self.forget(uid, None));
                pods.iter().for_each(|pod| self.take_pod(pod));
            }
            WatcherEvent::Apply(pod) => self.take_pod(&pod),
            WatcherEvent::Delete(pod) => self.forget(&uid(&pod), Some(&pod)),
        }
    }

    fn take_pod(&mut self, pod: &Pod) {
        if !self.target.includes(pod) {
            return;
        }
        let uid = uid(pod);
        let state = PodState {
            runs: container_runs(pod),
            is_terminating: pod.metadata.deletion_timestamp.is_some(),
            is_over: self.owner == Some(OwnerState::Finished) && has_ended(pod),
            is_gone: false,
        };
        if let Some(sender) = self.pods.get(&uid) {
            // A list of unchanged pods must not restart the request for a quiet log.
            sender.send_if_modified(|known| std::mem::replace(known, state) != *known);
            return;
        }
        let log = self.started.remove(&uid).unwrap_or_else(|| {
            // The log of a new pod is read from its start.
            PodLog::new(self.client.clone(), pod, LogOptions { since: None, ..self.options })
        });
        let (sender, state) = watch::channel(state);
        self.pods.insert(uid, sender);
        let follower = Follower::new(self.client.clone(), log, state);
        let items = stream::unfold(follower, |mut follower| async move {
            Some((follower.next().await.transpose()?, follower))
        });
        self.lines.push(items.boxed());
    }

    fn forget(&mut self, uid: &str, last: Option<&Pod>) {
        if let Some(sender) = self.pods.remove(uid) {
            sender.send_modify(|state| {
                state.is_gone = true;
                state.runs = last.map_or_else(|| std::mem::take(&mut state.runs), container_runs);
            });
        }
    }
}

fn pod_events(client: &Client, target: &LogTarget, options: LogOptions) -> Events {
    let changes = client.watch(target.collection(), target.list_params(), options.watch);
    changes.map(|change| change.map(|change| TailEvent::Pod(Box::new(change)))).boxed()
}

fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}

impl Follower {
    fn new(client: Client, log: PodLog, state: watch::Receiver<PodState>) -> Self {
        Self { client, log, state, step: Step::Choose, failures: 0 }
    }

    /// Returns the next item of the pod, or `None` when it writes nothing more.
    async fn next(&mut self) -> Result<Option<LogItem>, Error> {
        loop {
            let state = self.state.borrow_and_update().clone();
            match &mut self.step {
                Step::Choose => match self.log.next_run(&state.runs) {
                    _ if state.is_gone => return Ok(None),
                    None if state.is_over => return Ok(None),
                    None => wait(&mut self.state, None).await,
                    Some(run) if run.termination.is_none() => {
                        let reading = self.log.read_on(run, true);
                        self.step = Step::Follow { id: run.id.clone(), reading, until: None };
                    }
                    Some(run) if run.is_previous || state.is_terminating || state.is_over => {
                        self.step = Step::Rest(run.clone(), self.log.read_on(run, false));
                    }
                    Some(run) => self.step = Step::Settle(run.clone()),
                },
                Step::Follow { id, reading, until } => {
                    let runs = state.runs.iter().any(|run| run.id == *id && run.termination.is_none());
                    if (!runs || state.is_gone) && until.is_none() {
                        *until = Some(Instant::now() + GRACE);
                    }
                    tokio::select! {
                        biased;
                        item = self.log.next(reading) => match item? {
                            Some(LogItem::Notice { .. }) if until.is_some() => {}
                            Some(item) => {
                                self.failures = 0;
                                return Ok(Some(item));
                            }
                            None => {
                                let again = until.is_none();
                                self.step = Step::Choose;
                                if again {
                                    // The run has terminated, and its state arrives in a moment; or the server has closed
                                    // the response, and the run is still followed.
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
                        // There may be nothing left: a log is deleted with its pod.
                        Some(LogItem::Notice { .. }) if state.is_terminating => continue,
                        Some(item) => return Ok(Some(item)),
                        None => {}
                    }
                    let end = self.log.ended(run);
                    self.step = Step::Choose;
                    // A deleted pod needs no notice of its termination.
                    if let Some(end) = end.filter(|_| !state.is_terminating) {
                        return Ok(Some(end));
                    }
                }
            }
        }
    }
}

/// Waits for a change of a pod's state, at most for the pause.
async fn wait(state: &mut watch::Receiver<PodState>, pause: Option<Duration>) {
    let changed = async {
        if state.changed().await.is_err() {
            // The pod is gone and no new state arrives; only the pause ends the wait.
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
