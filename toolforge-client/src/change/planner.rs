//! Planning and applying, repeated while missing quota is about to be freed or somebody else changes objects.

use std::future;

use toolforge_model::ToolName;
use toolforge_render::change::{Change, ChangeSet};
use toolforge_render::job::JobObjects;

use crate::change::apply_report::{ApplyReport, ChangeOutcome, ChangeReport, Progress, Written};
use crate::change::freed_quota::{MissingQuota, wait_for_quota};
use crate::{ApplyError, ApplyEvent, ApplyOptions, Client};

/// How often changes are applied if somebody else makes them outdated.
const ATTEMPTS: u32 = 5;

/// What a command plans, and what it does around the requests that apply it.
///
/// An async closure that returns a change set, or a plan with one, is a planner: `async |_: &Attempt| …`.
#[expect(async_fn_in_trait, reason = "a command awaits them on one thread")]
pub trait Planner {
    /// A plan, with its changes.
    type Plan: AsRef<ChangeSet>;
    /// Why nothing can be planned, or a check or a follow-up fails.
    type Error: From<ApplyError>;

    /// Fetches the facts and plans what earlier attempts have not done.
    ///
    /// # Errors
    /// When there is no plan; then nothing more is sent.
    async fn plan(&self, attempt: &Attempt) -> Result<Self::Plan, Self::Error>;

    /// Checks a plan, once in each attempt, before anything of it is sent.
    ///
    /// Changes that do not fit are refused after this, so a planner need not check that.
    ///
    /// # Errors
    /// When it must not be applied.
    fn check(&self, _plan: &Self::Plan, _attempt: &Attempt) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Is called after each change that was done.
    ///
    /// # Errors
    /// When nothing more should be applied.
    async fn follow_up(&self, _change: &Change, _written: &[Written]) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Is called for each event, such as a wait.
    fn event(&self, _event: ApplyEvent<'_>) {}

    /// Waits until somebody interrupts the command. It is awaited from the first write request on; it may be awaited again
    /// after it has returned, and then returns at once.
    async fn interrupted(&self) {
        future::pending::<()>().await;
    }

    /// Returns the error of a command that was interrupted between two attempts.
    fn interruption(&self, _attempt: &Attempt) -> Self::Error {
        ApplyError::Interrupted.into()
    }
}

impl<F, P, E> Planner for F
where
    F: AsyncFn(&Attempt) -> Result<P, E>,
    P: AsRef<ChangeSet>,
    E: From<ApplyError>,
{
    type Plan = P;
    type Error = E;

    async fn plan(&self, attempt: &Attempt) -> Result<P, E> {
        self(attempt).await
    }
}

/// An attempt to apply changes, with what earlier attempts have done.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Attempt {
    /// How many attempts there were before.
    pub earlier_attempts: u32,
    /// How many plans there were before, in this and earlier attempts.
    pub earlier_plans: u32,
    /// The changes that earlier attempts have applied, completely or in part, in order.
    pub earlier: Vec<EarlierChange>,
    /// The object that earlier attempts of an [adoption](Client::adopt) have deleted, and whose job they have not created: see
    /// [`resume_adoption`](toolforge_render::convert::resume_adoption).
    pub deleted: Option<JobObjects>,
}

/// A change that an earlier attempt has applied, completely or in part.
#[derive(Debug)]
#[non_exhaustive]
pub struct EarlierChange {
    /// The change.
    pub change: Change,
    /// The objects that were written.
    pub written: Vec<Written>,
    /// Whether it was done completely.
    pub is_done: bool,
}

impl Attempt {
    /// Returns whether it is the first attempt.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.earlier_attempts == 0
    }

    /// Returns whether nothing was planned before.
    #[must_use]
    pub fn is_first_plan(&self) -> bool {
        self.earlier_plans == 0
    }

    /// Returns the changes that earlier attempts have done completely, including those in which nothing had to be changed.
    pub fn done(&self) -> impl Iterator<Item = &Change> {
        self.earlier.iter().filter(|earlier| earlier.is_done).map(|earlier| &earlier.change)
    }

    /// Returns the objects that earlier attempts have written.
    pub fn written(&self) -> impl Iterator<Item = &Written> {
        self.earlier.iter().flat_map(|earlier| &earlier.written)
    }

    /// Records what the last attempt has done.
    fn add<E>(&mut self, report: ApplyReport<E>) {
        for ChangeReport { change, written, outcome, .. } in report.changes {
            let is_done = matches!(outcome, ChangeOutcome::Done);
            if is_done || !written.is_empty() {
                self.earlier.push(EarlierChange { change, written, is_done });
            }
        }
        self.earlier_attempts += 1;
    }
}

/// The result of a planner's changes.
#[derive(Debug)]
#[non_exhaustive]
pub struct Applied<P, E> {
    /// The plan that was applied last.
    pub plan: P,
    /// What was done by the last attempt.
    pub report: ApplyReport<E>,
    /// The last attempt, with what earlier ones have done.
    pub attempt: Attempt,
}

impl<P, E> Applied<P, E> {
    /// Returns the plan that was applied last, and what was done by all attempts: first the changes that are not part of the
    /// last plan, because an earlier attempt has done them.
    #[must_use]
    pub fn into_parts(self) -> (P, ApplyReport<E>) {
        let Self { plan, mut report, attempt } = self;
        let mut done = Vec::new();
        for EarlierChange { change, written, is_done } in attempt.earlier {
            let same = report
                .changes
                .iter_mut()
                .find(|last| (last.change.kind, &last.change.name) == (change.kind, &change.name));
            match same {
                Some(last) => {
                    let is_again = |earlier: &Written| {
                        last.written.iter().any(|last| (&last.id, last.kind) == (&earlier.id, earlier.kind))
                    };
                    let earlier: Vec<Written> =
                        written.into_iter().filter(|earlier| !is_again(earlier)).collect();
                    if last.progress == Progress::Nothing && !earlier.is_empty() {
                        last.progress = Progress::Partial;
                    }
                    last.written.splice(0..0, earlier);
                }
                None if is_done => done.push(ChangeReport {
                    change,
                    written,
                    progress: Progress::Complete,
                    failed_at: None,
                    outcome: ChangeOutcome::Done,
                }),
                None => {}
            }
        }
        report.changes.splice(0..0, done);
        (plan, report)
    }
}

impl Client {
    /// Plans changes until they fit, and applies them. Both are repeated while somebody else changes the objects, so
    /// neither change is lost.
    ///
    /// A plan that does not fit is repeated while terminating pods use the missing quota (at most a minute), while a quota
    /// counts deleted objects (at most 15 seconds), and once, a second later, if quota is missing for objects other than pods:
    /// somebody else may have created some after they were listed, or deleted others just before. A dry run neither waits nor
    /// plans again.
    ///
    /// # Errors
    /// When there is no plan, a check refuses it, or it does not fit. Refusals by the cluster are in the report.
    pub async fn apply_planned<T: Planner>(
        &self,
        tool: &ToolName,
        options: ApplyOptions,
        planner: &T,
    ) -> Result<Applied<T::Plan, T::Error>, T::Error> {
        let mut attempt = Attempt::default();
        let (plan, report) = self.apply_attempts(tool, options, planner, &mut attempt, |_, _| None).await?;
        Ok(Applied { plan, report, attempt })
    }

    /// Plans and applies changes as [`apply_planned`](Self::apply_planned) does. `look` is called with what each attempt has
    /// done, and returns the object that was deleted and whose job was not created.
    pub(super) async fn apply_attempts<T: Planner>(
        &self,
        tool: &ToolName,
        options: ApplyOptions,
        planner: &T,
        attempt: &mut Attempt,
        mut look: impl FnMut(&T::Plan, &ApplyReport<T::Error>) -> Option<JobObjects>,
    ) -> Result<(T::Plan, ApplyReport<T::Error>), T::Error> {
        loop {
            let is_first = attempt.is_first();
            // Boxed, because the futures of planning and applying are large.
            let planning = Box::pin(plan_until_it_fits(planner, attempt, options));
            let plan = if is_first {
                planning.await?
            } else {
                let plan = tokio::select! {
                    biased;
                    plan = planning => Some(plan),
                    () = planner.interrupted() => None,
                };
                plan.unwrap_or_else(|| Err(planner.interruption(attempt)))?
            };
            planner.check(&plan, attempt)?;
            let set = plan.as_ref();
            if !set.fits() {
                return Err(ApplyError::DoesNotFit { set: Box::new(set.clone()) }.into());
            }
            let report = Box::pin(self.apply_changes_with(
                tool,
                set,
                options,
                planner.interrupted(),
                |event| planner.event(event),
                async |change, written| planner.follow_up(change, written).await,
            ))
            .await;
            attempt.deleted = look(&plan, &report);
            let is_last = options.dry_run || attempt.earlier_attempts + 1 == ATTEMPTS;
            if is_last || !is_outdated(&report, set) {
                return Ok((plan, report));
            }
            planner.event(ApplyEvent::Outdated);
            attempt.add(report);
        }
    }
}

/// Returns a plan that fits, or one that does not fit and will not fit soon.
async fn plan_until_it_fits<T: Planner>(
    planner: &T,
    attempt: &mut Attempt,
    options: ApplyOptions,
) -> Result<T::Plan, T::Error> {
    let look = async || {
        let plan = planner.plan(attempt).await?;
        attempt.earlier_plans += 1;
        Ok(plan)
    };
    let missing = |plan: &T::Plan| match plan.as_ref() {
        set if set.fits() || options.dry_run => MissingQuota::Nothing,
        set if !set.terminating().is_empty() => {
            MissingQuota::of_pods_until(set.terminating().iter().map(|pod| pod.until))
        }
        set if set.counts_deleted() => MissingQuota::Deleted,
        set if set.lacks_objects() => MissingQuota::Objects,
        _ => MissingQuota::Nothing,
    };
    wait_for_quota(look, missing, |plan| planner.event(ApplyEvent::WaitingForQuota(plan.as_ref()))).await
}

/// Returns whether a change failed because somebody else changed objects since they were read.
///
/// A quota that refuses a resource that the plan does not count would refuse it again.
fn is_outdated<E>(report: &ApplyReport<E>, set: &ChangeSet) -> bool {
    let is_counted = |resource: &str| set.forecast().any(|row| row.at_rest.resource.to_string() == resource);
    report.changes.iter().any(|change| match &change.outcome {
        ChangeOutcome::Failed(error) => {
            error.is_outdated() && error.exceeded().all(|exceeded| is_counted(exceeded.resource.as_raw()))
        }
        _ => false,
    })
}
