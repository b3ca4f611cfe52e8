//! Whether there is room for a rollout, and which one has it.

use toolforge_quota::{RollingUpdate, Verdict, at_rest, rolling_peak};

use crate::change::{Change, changes, verdict};
use crate::demand;
use crate::facts::{Facts, LiveWebService, ObjectKind};
use crate::plan::{Rollout, WebServicePlan};
use crate::render::render;

/// Returns whether carrying out a plan makes every pod of the live Deployment anew.
#[must_use]
pub fn replaces_pods(plan: &WebServicePlan, live: &LiveWebService) -> bool {
    changes(plan, live).iter().any(|change| match change {
        Change::Update { kind: ObjectKind::Deployment, name: _, differences } => {
            differences.iter().any(|difference| difference.path.starts_with("spec.template"))
        }
        Change::Create { .. } | Change::Update { .. } | Change::Keep { .. } | Change::Delete { .. } => false,
    })
}

/// Returns whether the namespace holds the old and the new pods at the worst moment of a plan's rollout; where no pod
/// is replaced, that is the moment at which all run.
///
/// Pods that are on their way out may make a step wait, but not for good, so they are not counted.
#[must_use]
pub fn verdict_at_peak(plan: &WebServicePlan, facts: &Facts) -> Verdict {
    if !replaces_pods(plan, &facts.live) {
        return verdict(plan, facts);
    }
    let update = match plan.rollout() {
        Rollout::Surge => RollingUpdate { max_surge: 1, max_unavailable: 0 },
        Rollout::InPlace => RollingUpdate { max_surge: 0, max_unavailable: 1 },
        Rollout::Recreate => return verdict(plan, facts),
    };
    let manifests = render(plan);
    let old = demand::staying_pods(&facts.live, &facts.limit_ranges);
    let new = demand::pods_of_manifests(&manifests, &facts.limit_ranges);
    let mut takes = rolling_peak(&old, &new, update);
    takes.add_all(&demand::besides_pods(&manifests));
    at_rest(&facts.quotas, &demand::of_live(&facts.live, &facts.limit_ranges), &takes)
}

/// Returns a plan with the gentlest rollout for which there is room: a new pod before an old one leaves, else one pod
/// after the other, else, for a single pod, all at once.
///
/// A plan that replaces no pods stays as it is, and so does one that does not even fit when all is done.
#[must_use]
pub fn with_room(plan: WebServicePlan, facts: &Facts) -> WebServicePlan {
    if !replaces_pods(&plan, &facts.live) || !verdict(&plan, facts).fits() {
        return plan;
    }
    let surge = plan.rolled_out_by(Rollout::Surge);
    if verdict_at_peak(&surge, facts).fits() {
        return surge;
    }
    let is_single = surge.request().replicas.count() < 2;
    surge.rolled_out_by(if is_single { Rollout::Recreate } else { Rollout::InPlace })
}

/// Returns whether a plan's rollout leaves nobody served for a while, although somebody is served now.
#[must_use]
pub fn has_outage(plan: &WebServicePlan, live: &LiveWebService) -> bool {
    let ready = live.deployment.as_ref().and_then(|deployment| deployment.status.as_ref()?.ready_replicas);
    plan.rollout() == Rollout::Recreate && ready.unwrap_or(0) > 0 && replaces_pods(plan, live)
}
