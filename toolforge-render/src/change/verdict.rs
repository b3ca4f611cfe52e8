//! Whether a plan fits the namespace's quotas and limits, at rest.

use toolforge_quota::{Verdict, at_rest, violations};

use crate::demand;
use crate::facts::Facts;
use crate::plan::WebServicePlan;
use crate::render::render;

/// Returns whether the namespace holds the plan's objects once its old ones are gone.
///
/// What is checked is what is sent: the demand is read from the rendered manifests.
#[must_use]
pub fn verdict(plan: &WebServicePlan, facts: &Facts) -> Verdict {
    let manifests = render(plan);
    let takes = demand::of_manifests(&manifests, &facts.limit_ranges);
    let releases = demand::of_live(&facts.live, &facts.limit_ranges);
    let mut verdict = at_rest(&facts.quotas, &releases, &takes);
    for container in
        manifests.deployment.spec.iter().flat_map(|spec| demand::containers(spec, &facts.limit_ranges))
    {
        verdict.violations.extend(violations(&facts.limit_ranges, &container));
    }
    verdict
}
