//! The rollout to wait for, and its outcome.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use toolforge_model::Untrusted;
use toolforge_render::pod::{Evidence, LiveRollout};

/// The Deployment of the rollout to wait for, as it was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RolloutTarget {
    /// Its UID; `None` if any Deployment with the tool's name is meant.
    pub uid: Option<String>,
    /// Its generation; `None` if the current one is meant.
    pub generation: Option<i64>,
}

impl From<&ObjectMeta> for RolloutTarget {
    fn from(metadata: &ObjectMeta) -> Self {
        Self { uid: metadata.uid.clone(), generation: metadata.generation }
    }
}

/// The outcome of a rollout.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RolloutOutcome {
    /// Every pod has the newest revision and is ready.
    Ready,
    /// It cannot become ready without a change.
    Failed {
        /// Why, most important first.
        causes: Vec<Evidence>,
        /// The objects at that moment.
        live: Box<LiveRollout>,
        /// The [last lines](crate::Client::last_lines) of the program, if it ran.
        log: Option<Untrusted>,
    },
    /// The deadline passed.
    TimedOut {
        /// Why it was not ready, most important first.
        causes: Vec<Evidence>,
    },
    /// The Deployment was deleted.
    Deleted,
    /// The Deployment was deleted, and another one was created.
    Replaced,
}

/// An observation while waiting for a rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RolloutEvent {
    /// Pods are not ready yet.
    Waiting {
        /// The number of ready pods of the newest revision.
        ready: u32,
        /// The desired number.
        desired: u32,
        /// The likely reason for the wait, if known.
        evidence: Option<Evidence>,
    },
    /// The quota does not allow the next pod yet.
    WaitingForQuota {
        /// The number of terminating pods; their quota is free when they are gone.
        terminating: usize,
    },
    /// Somebody else changed the Deployment; the wait continues for the rollout of that change.
    ChangedMeanwhile,
}
