//! Waiting until a run of a job has finished, or until it is known that it cannot start.

use std::ops::ControlFlow;
use std::time::Duration;

use tokio::time::Instant;
use toolforge_render::job::{LiveJobs, RunOutcome};
use toolforge_render::pod::{Cause, Evidence};

use crate::rollout::IMAGE;
use crate::{Client, Error, JobRun, WaitOptions, WaitOutcome};

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
    /// A run that waits for quota or a node is waited for until the deadline. One that needs a change ends the wait: at once
    /// if its container cannot be created or its pod is refused, and after 8 seconds without its image. That is known from
    /// events, which `options` have to include.
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
