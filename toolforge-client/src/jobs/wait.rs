//! Waiting for jobs by watch.

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::stream;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::ListParams;
use toolforge_model::{JobName, ToolName};
use toolforge_render::job::LiveJobs;

use crate::path::named;
use crate::watch::{Known, until};
use crate::{Change, Client, Error, LogOwner, LogSubject, Waited, WatchOptions};

#[expect(clippy::large_enum_variant, reason = "one at a time, unpacked at once")]
enum Told {
    Job(Change<Job>),
    Pod(Change<Pod>),
    Event(Change<Event>),
}

impl Client {
    /// Follows one run of a job, that job's pods and the namespace's events, and asks the caller after every change, until
    /// it breaks off or the deadline passes. `run` is the name of the run's Job, which for a scheduled job is not the job's
    /// own.
    ///
    /// The caller sees the objects for the first time when all kinds have been listed.
    ///
    /// # Errors
    /// When a kind cannot be listed, or the cluster is away for longer than the options allow.
    pub async fn wait_run<T>(
        &self,
        (tool, name): (&ToolName, &JobName),
        run: &str,
        (deadline, options): (Duration, WatchOptions),
        decide: impl FnMut(&LiveJobs) -> ControlFlow<T>,
    ) -> Result<Waited<T, LiveJobs>, Error> {
        let namespace = tool.namespace();
        let one = named(run);
        let subject = LogSubject::job(tool, name.as_str(), LogOwner::Job);
        let told = stream::select_all([
            self.followed(&namespace, one, options, Told::Job),
            self.followed(&namespace, subject.list_params(), options, Told::Pod),
            self.followed(&namespace, ListParams::default(), options, Told::Event),
        ]);
        let mut seen = Seen::default();
        let take = |told| {
            seen.take(told);
            seen.live()
        };
        until(told, deadline, take, decide).await
    }
}

/// What is known so far.
#[derive(Default)]
struct Seen {
    jobs: Known<Job>,
    pods: Known<Pod>,
    events: Known<Event>,
}

impl Seen {
    fn take(&mut self, told: Told) {
        match told {
            Told::Job(change) => self.jobs.take(change),
            Told::Pod(change) => self.pods.take(change),
            Told::Event(change) => self.events.take(change),
        }
    }

    /// Returns the objects, or `None` where a kind has not been listed yet.
    fn live(&self) -> Option<LiveJobs> {
        let (jobs, pods, events) = (self.jobs.all()?, self.pods.all()?, self.events.all()?);
        Some(LiveJobs { jobs, pods, events, ..LiveJobs::default() })
    }
}
