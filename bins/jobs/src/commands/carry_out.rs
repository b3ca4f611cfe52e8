//! Carrying out what was planned, step by step, with a report where not all of it was done.

use std::ops::ControlFlow;
use std::pin::pin;
use std::time::Duration;

use crate::report::step_word;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use toolforge_cli::{ExitCode, Failure, ProgressLine, Table, interrupted};
use toolforge_client::kube::api::PostParams;
use toolforge_client::{Client, JobObject};
use toolforge_model::ToolName;
use toolforge_render::job::{LiveJob, LoadStep, StepKind, render_job};

/// How long pods may take to leave (jobs-api, 2026: 30 s; their grace is 15).
pub(super) const LEAVING: Duration = Duration::from_secs(30);

/// What came of a step.
enum Outcome {
    Done,
    Failed(Box<Failure>, Reached),
    Interrupted,
    NotTried,
}

/// How far a step came that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reached {
    /// Nothing of it was done.
    Nothing,
    /// The old job is gone, or its record, and the new one was not made.
    Half,
    /// It was done, and what was to be waited for did not end well.
    Made,
}

/// What came of all steps.
pub(super) struct Carried<'a> {
    steps: Vec<(&'a LoadStep, Outcome)>,
    signal: Option<ExitCode>,
}

/// Carries out steps in their order, until one fails or somebody ends it. `after` is done after each step; what it
/// answers is the step's end.
pub(super) async fn carry_out<'a>(
    client: &Client,
    tool: &ToolName,
    steps: impl Iterator<Item = &'a LoadStep>,
    options: &PostParams,
    mut after: impl AsyncFnMut(&LoadStep) -> Result<(), Failure>,
) -> Carried<'a> {
    let mut carried = Carried { steps: Vec::new(), signal: None };
    let mut signal = pin!(interrupted());
    let mut stopped = false;
    for step in steps {
        if stopped {
            carried.steps.push((step, Outcome::NotTried));
            continue;
        }
        let mut reached = Reached::Nothing;
        let whole = async {
            carry_out_one(client, tool, step, options, &mut reached).await?;
            reached = Reached::Made;
            after(step).await
        };
        let outcome = tokio::select! {
            biased;
            result = whole => match result {
                Ok(()) => Outcome::Done,
                Err(failure) => Outcome::Failed(Box::new(failure), reached),
            },
            kind = &mut signal => {
                carried.signal = Some(kind.unwrap_or(ExitCode::Partial));
                Outcome::Interrupted
            }
        };
        stopped = !matches!(outcome, Outcome::Done);
        carried.steps.push((step, outcome));
    }
    carried
}

async fn carry_out_one(
    client: &Client,
    tool: &ToolName,
    step: &LoadStep,
    options: &PostParams,
    reached: &mut Reached,
) -> Result<(), Failure> {
    if step.kind == StepKind::Keep {
        return Ok(());
    }
    if let Some(record) = step.record {
        client.delete_job_record(tool, &step.name, record, options.dry_run).await?;
        *reached = if options.dry_run { Reached::Nothing } else { Reached::Half };
    }
    let manifests = step.plan.as_ref().map(render_job);
    match (&step.kind, &step.live, &manifests) {
        (StepKind::Create, _, Some(manifests)) => client.create_job(tool, manifests, options).await?,
        (StepKind::Update { .. }, Some(live), Some(manifests)) => {
            client.replace_job(tool, live, manifests, options).await?;
        }
        (StepKind::Recreate { .. }, Some(live), Some(manifests)) => {
            client.delete_job(tool, live, options.dry_run).await?;
            if options.dry_run {
                return Ok(());
            }
            *reached = Reached::Half;
            until_gone(client, tool, live).await?;
            client.create_job(tool, manifests, options).await?;
        }
        (StepKind::Delete, Some(live), _) => {
            client.delete_job(tool, live, options.dry_run).await?;
            if !options.dry_run {
                until_gone(client, tool, live).await?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// Waits until a job's object and its pods are gone.
pub(super) async fn until_gone(client: &Client, tool: &ToolName, live: &LiveJob) -> Result<(), Failure> {
    #[derive(Deserialize)]
    struct Leaving {
        metadata: ObjectMeta,
    }
    let mut line = ProgressLine::new();
    line.show(&format!("job {} is leaving", live.name));
    let kind = JobObject::of_live(&live.workload);
    let path = kind.of(tool).named(live.name.as_str());
    let uid = live.workload.metadata().uid.as_ref();
    let gone = client
        .wait_object(&path, LEAVING, |found: Option<&Leaving>| match found {
            Some(found) if found.metadata.uid.as_ref() == uid => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        })
        .await?;
    let are_gone = client.wait_pods_gone(tool, &live.name, LEAVING).await?;
    line.clear();
    if gone.is_none() {
        let failure = format!("job {} is not gone after {} seconds", live.name, LEAVING.as_secs());
        return Err(Failure::new(ExitCode::Rollout, failure).hint("Try again in a minute."));
    }
    if !are_gone {
        anstream::eprintln!(
            "note: pods of job {} take longer than {} seconds to leave; until then they count for the quota",
            live.name,
            LEAVING.as_secs()
        );
    }
    Ok(())
}

impl Carried<'_> {
    /// Returns how the program ends: well, or with what was done, what failed and what was not tried.
    pub(super) fn end(self) -> Result<ExitCode, Failure> {
        let mut table = Table::new(&["JOB", "STEP", "OUTCOME"]);
        let (mut done, mut left, mut first) = (0, 0, None);
        for (step, outcome) in &self.steps {
            let word = match outcome {
                Outcome::Done => "done",
                Outcome::Failed(_, Reached::Nothing) => "failed",
                Outcome::Failed(_, Reached::Half) => {
                    "failed half-way: what was there is gone, and nothing new was made"
                }
                Outcome::Failed(_, Reached::Made) => "done, but it did not end well",
                Outcome::Interrupted => "interrupted; whether it was done is not known",
                Outcome::NotTried => "not tried",
            };
            table.row([step.name.to_string(), step_word(&step.kind).to_owned(), word.to_owned()]);
            let changes = usize::from(step.kind != StepKind::Keep);
            match outcome {
                Outcome::Done => done += changes,
                Outcome::Failed(failure, reached) => {
                    done += usize::from(*reached == Reached::Made);
                    left += usize::from(*reached != Reached::Made);
                    first = first.or(Some(((**failure).clone(), *reached)));
                }
                Outcome::Interrupted | Outcome::NotTried => left += changes,
            }
        }
        match (first, self.signal) {
            (None, None) => Ok(ExitCode::Success),
            // Nothing was done, or all of it was: the failure itself says all.
            (Some((failure, Reached::Nothing)), _) if done == 0 => Err(failure),
            (Some((failure, Reached::Made)), None) if left == 0 => Err(failure),
            (failure, signal) => {
                let kind =
                    if failure.is_some() { ExitCode::Partial } else { signal.unwrap_or(ExitCode::Partial) };
                let steps = self.steps.iter().filter(|(step, _)| step.kind != StepKind::Keep).count();
                let mut report = Failure::new(kind, format!("{done} of {steps} changes were made"))
                    .detail(table.to_text(None));
                if let Some((failure, _)) = failure {
                    report = report.detail(failure.to_string().trim_end().to_owned());
                }
                Err(report.hint("What was done stands; the same command again does the rest."))
            }
        }
    }
}
