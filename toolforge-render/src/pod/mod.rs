//! Pods of web services and jobs: their resources, their demand, the runs of their containers, and why they do not run.

mod admission;
mod cause;
mod container_run;
mod demand;
mod last_termination;
mod resources;

pub use admission::{AdmissionRefusal, Exceeded};
pub use cause::{Cause, Evidence};
pub(crate) use cause::{event_time, of_pod as causes_of_pod, of_refusal as cause_of_refusal};
pub(crate) use container_run::restarts;
pub use container_run::{ContainerRun, container_runs, main_container};
pub use demand::pod_demand;
pub(crate) use demand::{
    REPLICA_SETS, containers_of_pod, count_demand, has_ended, of_live_pods, one_pod_of, pods_of,
};
pub use last_termination::LastTermination;
pub(crate) use last_termination::last_termination;
pub use resources::PodResources;
pub(crate) use resources::{cpu_of, memory_of, resources};
