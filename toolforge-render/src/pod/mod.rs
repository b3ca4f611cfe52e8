//! Pods of web services and jobs: their resources, their demand, the runs of their containers, and why they do not run.

mod cause;
mod claim;
mod container_run;
mod containers;
mod demand;
mod event;
mod evidence;
mod health;
mod index_set;
mod kept_jobs;
mod last_termination;
pub(crate) mod missing_pods;
mod pod_set;
mod probe;
mod refusal;
mod resources;
mod rollout_progress;
mod scheduled_run;
mod start_error;
mod unsettled;

pub use cause::{Cause, Evidence};
pub(crate) use cause::{of_refusal as cause_of_refusal, sort_evidence};
pub(crate) use claim::{claim_demand, claimed, own_claims, own_claims_demand};
pub(crate) use container_run::restarts;
pub use container_run::{ContainerRun, container_runs, main_container};
pub(crate) use containers::{container, container_statuses};
pub(crate) use demand::{
    REPLICA_SETS, REVISION, count_demand, failures_allowed, freed_at_end, job_pods, least_demand, least_pods,
    least_run_demand, may_wait, of_live_pods, one_pod_of, parallel_pods, pods_of, remaining_completions,
    remaining_pods, retries_of, retry_demand, run_demand, running_pods, shortfalls_when_empty, status_count,
    succeeded_before, succeeded_demand, terminal_demand, traits_of, waits_for_unpausing,
};
pub use demand::{has_ended, pod_demand, stated_pod};
pub(crate) use event::{event_time, first_time as first_event_time};
pub(crate) use evidence::{
    of_deployment as cause_of_deployment, of_pod as causes_of_pod, of_probes as causes_of_probes,
    of_terminating as cause_of_terminating,
};
pub(crate) use index_set::IndexSet;
pub use kept_jobs::with_kept_jobs;
pub(crate) use kept_jobs::{HistoryLimits, RunEnd, kept_jobs};
pub use last_termination::{LastTermination, TerminationKind};
pub(crate) use last_termination::{OUT_OF_MEMORY, last_termination};
pub use pod_set::{PodSet, PodSetKind, with_pod_sets};
pub use probe::HealthProbe;
pub use refusal::{AdmissionRefusal, Exceeded};
pub use resources::PodResources;
pub(crate) use resources::{cpu_of, memory_of, resources};
pub use rollout_progress::{LiveRollout, ReadyPods, RolloutObjects, RolloutProgress};
pub(crate) use rollout_progress::{newest_by_hash, revision_of};
pub(crate) use scheduled_run::{ScheduledRun, scheduled_run};
pub use unsettled::{FetchTime, with_unsettled_pods};
pub(crate) use unsettled::{REPLICA_FAILURE, pod_id, remove_terminating_pods, replica_failure};
