//! What a set of pods writes from now on, whichever pods come and go.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream, Select, SelectAll};
use k8s_openapi::api::core::v1::Pod;
use tokio::sync::watch;
use toolforge_render::pod::runs;

use crate::log::follower::{Follower, PodState};
use crate::log::owner::{self, OwnerState};
use crate::log::pod_log::{PodLog, has_ended};
use crate::log::pods_log::{LogItem, LogOptions};
use crate::log::subject::LogSubject;
use crate::{Change, Client, Error};

/// The log of a set of pods from a moment on.
///
/// A pod's lines come in their order; those of different pods as they arrive.
pub struct LogFollow {
    client: Client,
    subject: LogSubject,
    options: LogOptions,
    /// What the cluster tells of the pods, and of the object that makes them.
    told: Select<Tellings, Tellings>,
    /// Logs that have been read in part, by their pods' uids.
    begun: BTreeMap<String, PodLog>,
    /// Pods that are followed, by their uids.
    pods: BTreeMap<String, watch::Sender<PodState>>,
    lines: SelectAll<BoxStream<'static, Result<LogItem, Error>>>,
    /// Whether the pods have been listed.
    listed: bool,
    /// Whether new pods can come; `None` where it is not known yet.
    owner: Option<OwnerState>,
}

type Tellings = BoxStream<'static, Result<Told, Error>>;

enum Told {
    Pod(Box<Change<Pod>>),
    Owner(OwnerState),
}

impl LogFollow {
    pub(super) fn new(
        client: Client,
        subject: LogSubject,
        options: LogOptions,
        begun: BTreeMap<String, PodLog>,
    ) -> Self {
        let owner = owner::states(&client, subject.owner(), options.watch);
        let owner = owner.map(|state| state.map(Told::Owner)).boxed();
        let told = stream::select(tell_pods(&client, &subject, options), owner);
        Self {
            client,
            subject,
            options,
            told,
            begun,
            pods: BTreeMap::new(),
            lines: SelectAll::new(),
            listed: false,
            owner: None,
        }
    }

    /// Returns what is written next, or `None` where nothing more can be: the object that makes the pods is gone with
    /// all of them, or it is a Job that has finished.
    ///
    /// Nothing is lost where the caller stops waiting.
    ///
    /// # Errors
    /// When a log must not be read, or the cluster is away for longer than the options allow.
    pub async fn next(&mut self) -> Result<Option<LogItem>, Error> {
        loop {
            tokio::select! {
                biased;
                told = self.told.next() => match told {
                    Some(Ok(Told::Pod(change))) => self.take_pods(*change),
                    Some(Ok(Told::Owner(state))) => self.take_owner(state),
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
            None | Some(OwnerState::Stands) => false,
            Some(OwnerState::Finished) => self.pods.values().all(|pod| pod.borrow().is_over),
            Some(OwnerState::Gone) => self.pods.is_empty(),
        };
        self.listed && have_pods_ended && self.lines.is_empty()
    }

    fn take_owner(&mut self, state: OwnerState) {
        if state == OwnerState::Finished && self.owner != Some(state) {
            // What is known of the pods may be older than the Job's end, and there may even be one more.
            let (pods, _) = self.told.get_mut();
            *pods = tell_pods(&self.client, &self.subject, self.options);
            self.listed = false;
        }
        self.owner = Some(state);
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
        if !self.subject.has(pod) {
            return;
        }
        let uid = uid(pod);
        let state = PodState {
            runs: runs(pod),
            leaves: pod.metadata.deletion_timestamp.is_some(),
            is_over: self.owner == Some(OwnerState::Finished) && has_ended(pod),
            is_gone: false,
        };
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
                state.runs = last.map_or_else(|| std::mem::take(&mut state.runs), runs);
            });
        }
    }
}

fn tell_pods(client: &Client, subject: &LogSubject, options: LogOptions) -> Tellings {
    let changes = client.watch(subject.collection(), subject.list_params(), options.watch);
    changes.map(|change| change.map(|change| Told::Pod(Box::new(change)))).boxed()
}

fn uid(pod: &Pod) -> String {
    pod.metadata.uid.clone().unwrap_or_default()
}
