//! Deleting several workloads: all of them are deleted, followed by one wait for all of them.

use futures_util::future::Shared;
use futures_util::{StreamExt as _, stream};
use toolforge_model::ToolName;
use toolforge_render::change::{Change, Step, StepAction};

use crate::change::apply::{DeletionOutcome, Work, is_ready};
use crate::{ApplyError, ApplyEvent, ApplyOptions, Client, Progress};

/// How many deleted workloads are watched at the same time: two streams each, and an API server allows 100 on a connection
/// (kube-apiserver 1.33).
const WAITS_AT_ONCE: usize = 16;

/// A deletion, what was written for it, and its outcome.
pub(crate) type Deletion<'a, 'b> = (&'a Change, Work<'b>, Result<DeletionOutcome, ApplyError>);

impl Client {
    /// Sends all deletions, and then waits once for all of them.
    pub(crate) async fn apply_deletions<'a, 'b>(
        &self,
        tool: &'b ToolName,
        deletions: &'a [Change],
        options: ApplyOptions,
        cancel: &Shared<impl Future<Output = ()>>,
        event: &mut impl FnMut(ApplyEvent<'_>),
    ) -> Vec<Deletion<'a, 'b>> {
        let mut all: Vec<Deletion<'a, 'b>> = Vec::new();
        let mut is_stopped = false;
        for change in deletions {
            let mut work = Work::new(tool, options);
            let outcome = if is_stopped || is_ready(cancel) {
                Ok(DeletionOutcome::NotTried)
            } else {
                let (steps, _) = split_waits(change);
                tokio::select! {
                    biased;
                    result = self.apply_steps(change, steps, &mut work, event) => {
                        result.map(|()| DeletionOutcome::Done)
                    }
                    () = cancel.clone() => Ok(DeletionOutcome::Interrupted),
                }
            };
            is_stopped = !matches!(outcome, Ok(DeletionOutcome::Done));
            all.push((change, work, outcome));
        }
        let waits = all
            .iter()
            .enumerate()
            .filter(|(_, (_, _, outcome))| matches!(outcome, Ok(DeletionOutcome::Done)));
        let waits: Vec<(usize, &'a Change, &'a Step)> = waits
            .flat_map(|(index, (change, ..))| {
                split_waits(change).1.iter().map(move |step| (index, *change, step))
            })
            .filter(|_| !options.dry_run)
            .collect();
        let mut left: Vec<usize> = waits.iter().map(|(index, ..)| *index).collect();
        let waits = if is_ready(cancel) { Vec::new() } else { waits };
        waits.iter().for_each(|(_, change, _)| event(ApplyEvent::Terminating(change)));
        let mut gone = stream::iter(waits)
            .map(|(index, change, step)| async move {
                let uid = match &step.action {
                    StepAction::AwaitGone { uid } => uid.as_ref(),
                    _ => None,
                };
                (index, change, self.await_gone(change, step, uid, tool).await)
            })
            .buffer_unordered(WAITS_AT_ONCE);
        loop {
            let next = tokio::select! {
                biased;
                next = gone.next() => next,
                () = cancel.clone() => None,
            };
            let Some((index, change, result)) = next else { break };
            left.retain(|waiting| *waiting != index);
            event(ApplyEvent::Terminated(change));
            match result {
                Ok(true) => {}
                Ok(false) => event(ApplyEvent::PodsRemain(change)),
                Err(error) => all[index].2 = Err(error),
            }
        }
        for index in left {
            all[index].2 = Ok(DeletionOutcome::Interrupted);
        }
        for (_, work, outcome) in &mut all {
            if matches!(outcome, Ok(DeletionOutcome::Done)) {
                (work.at, work.progress) = (None, Progress::Complete);
            }
        }
        all
    }
}

/// Splits the steps of a deletion into the requests and the waits at its end.
fn split_waits(change: &Change) -> (&[Step], &[Step]) {
    let is_wait = |step: &Step| matches!(step.action, StepAction::AwaitGone { .. });
    let waits = change.steps.iter().rev().take_while(|step| is_wait(step)).count();
    change.steps.split_at(change.steps.len() - waits)
}
