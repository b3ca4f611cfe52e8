//! What a restart of the jobs that a load keeps would do.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{restart_forecast, restart_outcome};
use toolforge_render::change::{ChangeSet, WorkloadKind};
use toolforge_render::job::{JobFacts, LoadPlan, restart_job};
use toolforge_report::RestartForecast;

/// What a restart of each continuous job would do that a load keeps, by the job's name.
#[derive(Clone, Debug, Default)]
pub(crate) struct LoadRestarts(BTreeMap<String, ChangeSet>);

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
            kept.filter_map(|job| Some((job.name.to_string(), restart_job(job, facts, now).ok()?))).collect(),
        )
    }

    /// Returns what a restart of a job would do, for the JSON output.
    pub(crate) fn forecast(&self, name: &str) -> Option<RestartForecast> {
        self.0.get(name).map(restart_forecast)
    }

    /// Returns a line for all jobs with the same outcome.
    pub(crate) fn text(&self) -> String {
        let mut outcomes: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, set) in &self.0 {
            outcomes.entry(restart_outcome(set)).or_default().push(name);
        }
        let mut text = String::new();
        for (outcome, names) in outcomes {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "a restart of {} {outcome}", names.join(" or "));
        }
        text
    }
}
