//! The object that makes the pods of a log: with it the log ends.

use futures_util::StreamExt as _;
use futures_util::stream::{BoxStream, Stream};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::batch::v1::{CronJob, Job};
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::path::named;
use crate::{Change, Client, Error, ObjectPath, ResourceType, WatchOptions};

/// The kind of the object that makes the pods of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOwner {
    /// A continuous job's, or a web service's.
    Deployment,
    /// A scheduled job's.
    CronJob,
    /// A one-off job's; its log ends when it has finished, too.
    Job,
}

impl LogOwner {
    /// Returns the object of this kind with a name.
    pub(super) fn path(self, namespace: String, name: &str) -> ObjectPath {
        let resource = match self {
            Self::Deployment => ResourceType::of::<Deployment>(),
            Self::CronJob => ResourceType::of::<CronJob>(),
            Self::Job => ResourceType::of::<Job>(),
        };
        resource.in_namespace(namespace).named(name)
    }
}

/// Whether new pods can still come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnerState {
    Stands,
    /// A Job has made all its pods, and all of them have ended.
    Finished,
    Gone,
}

/// Returns the states of an object, from now on.
pub(super) fn states(
    client: &Client,
    owner: &ObjectPath,
    options: WatchOptions,
) -> BoxStream<'static, Result<OwnerState, Error>> {
    let collection = owner.collection().clone();
    let one = named(owner.name());
    if owner.resource() == ResourceType::of::<Job>() {
        states_of(client.watch(collection, one, options), has_finished)
    } else {
        states_of(client.watch::<IgnoredAny>(collection, one, options), |_| false)
    }
}

fn states_of<T: DeserializeOwned + Send + 'static>(
    changes: impl Stream<Item = Result<Change<T>, Error>> + Send + 'static,
    has_finished: fn(&T) -> bool,
) -> BoxStream<'static, Result<OwnerState, Error>> {
    let state = move |object: Option<&T>| match object {
        None => OwnerState::Gone,
        Some(object) if has_finished(object) => OwnerState::Finished,
        Some(_) => OwnerState::Stands,
    };
    let states = changes.map(move |change| {
        change.map(|change| match change {
            Change::Reset(objects) => state(objects.first()),
            Change::Applied(object) => state(Some(&object)),
            Change::Deleted(_) => OwnerState::Gone,
        })
    });
    states.boxed()
}

/// Returns whether a Job runs no more pods, well or badly.
fn has_finished(job: &Job) -> bool {
    let conditions = job.status.iter().flat_map(|status| status.conditions.iter().flatten());
    conditions.into_iter().any(|condition| {
        matches!(condition.type_.as_str(), "Complete" | "Failed") && condition.status == "True"
    })
}
