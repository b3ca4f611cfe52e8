//! Waiting for a run of a job.

use std::ops::ControlFlow;
use std::time::Duration;

use futures_util::stream;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::ListParams;
use tokio::time::Instant;
use toolforge_model::{JobName, ToolName};
use toolforge_render::job::{LiveJobs, RunOutcome};
use toolforge_render::pod::{Cause, Evidence};

use crate::api_path::named;
use crate::rollout::IMAGE;
use crate::watch::{Store, wait_until};
use crate::{Client, Error, LogOwner, LogTarget, WaitOptions, WaitOutcome, WatcherEvent};

/// The label with the name of a Job on its pods (Kubernetes 1.33, the Job controller).
const JOB_NAME: &str = "batch.kubernetes.io/job-name";

#[expect(clippy::large_enum_variant, reason = "one at a time, unpacked at once")]
enum JobEvent {
    Job(WatcherEvent<Job>),
    Pod(WatcherEvent<Pod>),
    Event(WatcherEvent<Event>),
}

/// One run of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct JobRun<'a> {
    /// The tool.
    pub tool: &'a ToolName,
    /// The name of the job.
    pub job: &'a JobName,
    /// The name of the run's Job; for a scheduled job it is not the job's own.
    pub run: &'a str,
    /// Whether it is a job; `false` for a run of a workload that no tool manages.
    pub is_managed: bool,
}

impl Client {
    /// Watches one run of a job, the job's pods and, if requested, the namespace's events. Calls `decide` after every change
    /// and every second until it breaks or the deadline passes, for the first time when all kinds have been listed.
    ///
    /// # Errors
    /// When a kind cannot be listed, or the cluster is unreachable for longer than the options allow.
    pub async fn wait_run<T>(
        &self,
        run: JobRun<'_>,
        options: WaitOptions,
        decide: impl FnMut(&LiveJobs) -> ControlFlow<T>,
    ) -> Result<WaitOutcome<T, LiveJobs>, Error> {
        let JobRun { tool, job, run, is_managed } = run;
        let WaitOptions { deadline, events, watch } = options;
        let namespace = tool.namespace();
        let one = named(run);
        let pods = if is_managed {
            LogTarget::job(tool, job.as_str(), LogOwner::Job).list_params()
        } else {
            ListParams::default().labels(&format!("{JOB_NAME}={run}"))
        };
        let mut kinds = vec![
            self.watch_kind(&namespace, one, watch, JobEvent::Job),
            self.watch_kind(&namespace, pods, watch, JobEvent::Pod),
        ];
        if events {
            kinds.push(self.watch_kind(&namespace, ListParams::default(), watch, JobEvent::Event));
        }
        let mut stores = Stores { events_wanted: events, ..Stores::default() };
        let take = |event| {
            stores.take(event);
            stores.live()
        };
        wait_until(stream::select_all(kinds), deadline, take, decide).await
    }
}

/// The objects as the watches have reported them so far.
#[derive(Default)]
struct Stores {
    events_wanted: bool,
    jobs: Store<Job>,
    pods: Store<Pod>,
    events: Store<Event>,
}

impl Stores {
    fn take(&mut self, event: JobEvent) {
        match event {
            JobEvent::Job(event) => self.jobs.apply(event),
            JobEvent::Pod(event) => self.pods.apply(event),
            JobEvent::Event(event) => self.events.apply(event),
        }
    }

    /// Returns the objects, or `None` if a kind has not been listed yet.
    fn live(&self) -> Option<LiveJobs> {
        let (jobs, pods) = (self.jobs.all()?, self.pods.all()?);
        let events = match self.events.all() {
            None if self.events_wanted => return None,
            events => events.unwrap_or_default(),
        };
        let mut live = LiveJobs::default();
        live.jobs = jobs;
        live.pods = pods;
        live.events = events;
        Some(live)
    }
}

/// The outcome of waiting for a run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RunWaitOutcome {
    /// It has succeeded or failed.
    Finished {
        /// How it finished.
        outcome: RunOutcome,
        /// The objects at that moment.
        live: Box<LiveJobs>,
    },
    /// It cannot start without a change.
    Blocked(Evidence),
    /// Its Job was deleted.
    Deleted,
    /// The deadline passed.
    TimedOut {
        /// The state at that moment; `None` without a Job.
        outcome: Option<RunOutcome>,
    },
}

impl Client {
    /// Waits until a run of a job has finished, and calls `event` with each state before.
    ///
    /// If the run waits for quota or a node, the wait continues until the deadline. If it needs a change, the wait ends: at
    /// once if its container cannot be created or its pod is refused, and after 8 seconds without its image. These causes are
    /// known from events, which `options` must include.
    ///
    /// # Errors
    /// When a kind cannot be listed, or the cluster is unreachable for longer than the options allow.
    pub async fn wait_run_finished(
        &self,
        run: JobRun<'_>,
        options: WaitOptions,
        mut event: impl FnMut(&RunOutcome),
    ) -> Result<RunWaitOutcome, Error> {
        let mut blocked_since: Option<Instant> = None;
        let waited = self
            .wait_run(run, options, |live| {
                let Some(job) = live.jobs.first() else { return ControlFlow::Break(RunWaitOutcome::Deleted) };
                let outcome = RunOutcome::of(job, live);
                if outcome.is_over() {
                    return ControlFlow::Break(RunWaitOutcome::Finished {
                        outcome,
                        live: Box::new(live.clone()),
                    });
                }
                event(&outcome);
                let RunOutcome::Starting { evidence: Some(evidence), .. } = outcome else {
                    blocked_since = None;
                    return ControlFlow::Continue(());
                };
                let Some(patience) = patience(&evidence.cause) else {
                    blocked_since = None;
                    return ControlFlow::Continue(());
                };
                let since = *blocked_since.get_or_insert_with(Instant::now);
                if since.elapsed() < patience {
                    return ControlFlow::Continue(());
                }
                ControlFlow::Break(RunWaitOutcome::Blocked(evidence))
            })
            .await?;
        Ok(match waited {
            WaitOutcome::Done(end) => end,
            WaitOutcome::DeadlineExceeded(live) => {
                RunWaitOutcome::TimedOut { outcome: live.jobs.first().map(|job| RunOutcome::of(job, &live)) }
            }
        })
    }
}

/// Returns how long a cause may last before the run counts as blocked; `None` if it may pass at any time.
fn patience(cause: &Cause) -> Option<Duration> {
    match cause {
        // A registry may fail once; the kubelet tries again after a pause.
        Cause::ImagePull { .. } => Some(IMAGE),
        Cause::ContainerStart { .. } | Cause::LimitRange | Cause::Refused => Some(Duration::ZERO),
        _ => None,
    }
}
