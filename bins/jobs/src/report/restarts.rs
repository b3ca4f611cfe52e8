//! What a restart of the jobs that a load keeps would do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{restart_forecast, restart_outcome};
use toolforge_render::change::{ChangeSet, WorkloadKind};
use toolforge_render::job::{JobFacts, JobObjects, JobWorkload, LoadPlan, restart_job};
use toolforge_render::pod::RolloutObjects;
use toolforge_report::RestartForecast;

/// What a restart of each continuous job would do that a load keeps, by the job's name.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadRestarts(BTreeMap<String, JobRestart>);

#[derive(Clone, Debug)]
struct JobRestart {
    set: ChangeSet,
    /// Whether none of its pods is ready now.
    is_down: bool,
}

impl LoadRestarts {
    pub(crate) fn of(plan: &LoadPlan, facts: &JobFacts, now: Timestamp) -> Self {
        let is_kept = |name: &str| {
            let mut changes = plan.set.changes.iter();
            changes.any(|change| {
                change.name == name && change.is_keep() && change.kind == WorkloadKind::Continuous
            })
        };
        let jobs = facts.live.jobs_of(&facts.namespace.tool);
        let kept = jobs.iter().filter(|job| is_kept(job.name.as_str()) && job.workload.replicas() != Some(0));
        Self(
            kept.filter_map(|job| {
                let set = restart_job(job, facts, now).ok()?;
                Some((job.name.to_string(), JobRestart { set, is_down: is_down(job) }))
            })
            .collect(),
        )
    }

    /// Returns what a restart of a job would do, for the JSON output.
    pub(crate) fn forecast(&self, name: &str) -> Option<RestartForecast> {
        self.0.get(name).map(|restart| restart_forecast(&restart.set))
    }

    /// Returns a line for all jobs with the same outcome.
    pub(crate) fn text(&self) -> String {
        let mut outcomes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, JobRestart { set, is_down }) in &self.0 {
            outcomes.entry(restart_outcome(set, *is_down)).or_default().push(name);
        }
        let mut text = String::new();
        for (outcome, names) in outcomes {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "a restart of {} {outcome}", names.join(" or "));
        }
        text
    }
}

fn is_down(job: &JobObjects) -> bool {
    match &job.workload {
        JobWorkload::Continuous(deployment) => {
            let deployment = Some(&**deployment);
            RolloutObjects { deployment, replica_sets: &[], pods: &[], events: &[] }.is_down()
        }
        JobWorkload::Scheduled(_) | JobWorkload::OneOff(_) => false,
    }
}
