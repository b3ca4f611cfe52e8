//! What uses the quota of a namespace, what is blocked by it, and what the next scheduled runs need.

mod audited;
mod blocked;
mod consumer;
mod upcoming;
mod workloads;

pub use audited::audited_workload;
pub use blocked::{BlockedObject, blocked_objects, unknown_sets};
pub use consumer::{QuotaConsumer, quota_consumers};
pub use upcoming::{UpcomingRun, upcoming_runs};
pub use workloads::{ContainerMetrics, MeasuredUse, PodMetrics};
pub use workloads::{OutOfMemoryKill, out_of_memory_kills};
pub use workloads::{QuotaShare, WorkloadUsage, workload_usage};
