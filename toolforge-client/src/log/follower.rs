//! Following one pod, run after run.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};
use toolforge_render::pod::Run;

use crate::log::pod_log::PodLog;
use crate::log::pods_log::LogItem;
use crate::log::reading::Reading;
use crate::{Client, Error};

/// How long an answer may go on after the run that it tells of has ended: the kubelet looks every five seconds whether
/// a container still runs (its `stateCheckPeriod`).
const GRACE: Duration = Duration::from_secs(8);

/// How long to wait until a run that has ended is the previous one: until then the kubelet may give out the log of
/// either run under the same name.
const SETTLE: Duration = Duration::from_secs(2);

/// What is known of a pod that is followed.
#[derive(Clone, Debug, Default)]
pub(super) struct PodState {
    pub(super) runs: Vec<Run>,
    /// Whether it is on its way out: its container is not started again.
    pub(super) leaves: bool,
    /// Whether it has ended for good and its Job has, too: all its runs are known.
    pub(super) is_over: bool,
    pub(super) is_gone: bool,
}

/// Follows one pod, run after run.
pub(super) struct Follower {
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
    pub(super) fn new(client: Client, log: PodLog, state: watch::Receiver<PodState>) -> Self {
        Self { client, log, state, step: Step::Choose, failures: 0 }
    }

    /// Returns what the pod writes next, or `None` where it writes nothing any more.
    pub(super) async fn next(&mut self) -> Result<Option<LogItem>, Error> {
        loop {
            let state = self.state.borrow_and_update().clone();
            match &mut self.step {
                Step::Choose => match self.log.untold(&state.runs) {
                    _ if state.is_gone => return Ok(None),
                    None if state.is_over => return Ok(None),
                    None => wait(&mut self.state, None).await,
                    Some(run) if run.end.is_none() => {
                        let reading = self.log.read_on(run, true);
                        self.step = Step::Follow { id: run.id.clone(), reading, until: None };
                    }
                    Some(run) if run.is_previous || state.leaves || state.is_over => {
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
