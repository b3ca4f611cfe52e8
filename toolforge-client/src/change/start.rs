//! Starting a web service, also while somebody else starts or stops it.

use std::cell::Cell;

use toolforge_model::ToolName;
use toolforge_render::change::{ChangeSet, Step};
use toolforge_render::object::ObjectKind;
use toolforge_render::web_service::LiveWebService;

use crate::{ApplyEvent, ApplyOptions, ApplyReport, Attempt, Client, Planner, RolloutTarget};

/// A plan to start a web service.
pub trait StartPlan: AsRef<ChangeSet> + AsMut<ChangeSet> {
    /// Returns the live objects on which the plan is based.
    fn live(&self) -> &LiveWebService;
}

/// The changes of a start, and the live objects on which they are based.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WebServiceStart {
    /// The changes.
    pub set: ChangeSet,
    /// The live objects.
    pub live: LiveWebService,
}

impl WebServiceStart {
    /// Returns the plan of a start.
    #[must_use]
    pub fn new(set: ChangeSet, live: LiveWebService) -> Self {
        Self { set, live }
    }
}

impl AsRef<ChangeSet> for WebServiceStart {
    fn as_ref(&self) -> &ChangeSet {
        &self.set
    }
}

impl AsMut<ChangeSet> for WebServiceStart {
    fn as_mut(&mut self) -> &mut ChangeSet {
        &mut self.set
    }
}

impl StartPlan for WebServiceStart {
    fn live(&self) -> &LiveWebService {
        &self.live
    }
}

/// A start whose changes were applied, completely or in part.
#[derive(Debug)]
#[non_exhaustive]
pub struct StartedWebService<P, E> {
    /// The plan that was applied last.
    pub plan: P,
    /// What was done by all attempts.
    pub report: ApplyReport<E>,
    /// The Deployment of the rollout to wait for.
    pub target: RolloutTarget,
    /// Whether somebody else has created the Deployment at the same time, and these changes were applied to it.
    pub applied_to_concurrent_start: bool,
    /// Whether somebody else started or stopped the web service at the same time, and may have deleted existing objects. Once
    /// its pods are ready, [`complete_web_service`](Client::complete_web_service) re-creates them.
    pub is_contested: bool,
}

impl Client {
    /// Plans a start and applies it, as [`apply_planned`](Self::apply_planned) does.
    ///
    /// # Errors
    /// Same as for `apply_planned`.
    pub async fn start_web_service<T: Planner<Plan: StartPlan>>(
        &self,
        tool: &ToolName,
        options: ApplyOptions,
        planner: &T,
    ) -> Result<StartedWebService<T::Plan, T::Error>, T::Error> {
        let applied = self.apply_planned(tool, options, planner).await?;
        let live = applied.plan.live();
        let is_orphan = live.deployment.is_none() && !live.is_absent();
        let is_contested = options == ApplyOptions::default() && (is_orphan || !applied.attempt.is_first());
        let current = live.deployment.as_ref().map(|deployment| RolloutTarget::from(&deployment.metadata));
        let is_new = current.is_none();
        let written = applied.report.last_written(ObjectKind::Deployment).map(RolloutTarget::from);
        let target = written.or(current).unwrap_or_default();
        // An object that is created has the first generation.
        let applied_to_concurrent_start =
            is_new && target.generation.is_some_and(|generation| generation > 1);
        let (plan, report) = applied.into_parts();
        Ok(StartedWebService { plan, report, target, applied_to_concurrent_start, is_contested })
    }

    /// Re-creates the objects of a web service that somebody else has deleted, except its Deployment, which is not changed.
    /// Returns `None` if `target` is no longer its Deployment: somebody else has stopped it.
    ///
    /// # Errors
    /// When nothing can be planned. Refusals by the cluster are in the report.
    pub async fn complete_web_service<T: Planner<Plan: StartPlan>>(
        &self,
        tool: &ToolName,
        planner: &T,
        target: &RolloutTarget,
    ) -> Result<Option<ApplyReport<T::Error>>, T::Error> {
        let completion = Completion { planner, target, is_stopped: Cell::new(false) };
        let applied = self.apply_planned(tool, ApplyOptions::default(), &completion).await?;
        let (_, report) = applied.into_parts();
        Ok((!completion.is_stopped.get()).then_some(report))
    }
}

/// A planner of the missing objects other than the Deployment.
struct Completion<'a, T> {
    planner: &'a T,
    target: &'a RolloutTarget,
    is_stopped: Cell<bool>,
}

impl<T: Planner<Plan: StartPlan>> Planner for Completion<'_, T> {
    type Plan = T::Plan;
    type Error = T::Error;

    async fn plan(&self, attempt: &Attempt) -> Result<T::Plan, T::Error> {
        let mut plan = self.planner.plan(attempt).await?;
        let current = plan.live().deployment.as_ref().and_then(|found| found.metadata.uid.as_ref());
        let is_stopped = self.target.uid.is_some() && current != self.target.uid.as_ref();
        self.is_stopped.set(is_stopped);
        let set = plan.as_mut();
        if is_stopped {
            set.changes.clear();
            (set.at_rest, set.at_peak) = Default::default();
        }
        // A later change to the Deployment by somebody else is kept.
        let is_missing = |step: &Step| step.id.kind != ObjectKind::Deployment;
        set.changes.iter_mut().for_each(|change| change.steps.retain(is_missing));
        Ok(plan)
    }

    fn event(&self, event: ApplyEvent<'_>) {
        self.planner.event(event);
    }

    async fn interrupted(&self) {
        self.planner.interrupted().await;
    }

    fn interruption(&self, attempt: &Attempt) -> T::Error {
        self.planner.interruption(attempt)
    }
}
