//! Why the pods of a web service do not run.

use k8s_openapi::jiff::Timestamp;

use crate::pod::{Evidence, RolloutProgress};
use crate::web_service::LiveWebService;

/// Returns why the pods of the Deployment's newest revision do not run or are not ready at `now`: terminal causes first,
/// each cause once.
#[must_use]
pub fn web_service_causes(live: &LiveWebService, now: Timestamp) -> Vec<Evidence> {
    live.rollout().causes(now)
}

/// Returns the progress of the rollout of the Deployment's `generation` at `now`; `None` means the current generation.
#[must_use]
pub fn web_service_progress(
    live: &LiveWebService,
    generation: Option<i64>,
    now: Timestamp,
) -> RolloutProgress {
    live.rollout().progress(generation, now)
}
