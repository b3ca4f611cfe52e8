//! How the pods of a web service are replaced, and whether there is room for it.

use k8s_openapi::api::apps::v1::{Deployment, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use toolforge_quota::{ContainerDemand, QuotaCheck, RollingUpdate, rolling_peak};

use crate::object::ObjectKind;
use crate::web_service::{
    Change, Facts, LiveWebService, WebServiceManifests, WebServicePlan, changes, demand, render,
};

/// How the pods of a web service are replaced by new ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Rollout {
    /// A new pod is ready before an old one leaves; there has to be room for one pod more.
    #[default]
    Surge,
    /// An old pod leaves, then a new one comes; the other pods serve on.
    InPlace,
    /// All old pods leave, then the new ones come; nobody is served in between.
    Recreate,
}

impl Rollout {
    /// Returns the word that people and programs read.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Surge => "surge",
            Self::InPlace => "in-place",
            Self::Recreate => "recreate",
        }
    }

    /// Returns the rollout of a live Deployment, where it is one that a plan may have.
    pub(crate) fn of(deployment: &Deployment) -> Option<Self> {
        let strategy = deployment.spec.as_ref()?.strategy.as_ref()?;
        [Self::Surge, Self::InPlace, Self::Recreate]
            .into_iter()
            .find(|rollout| rollout.strategy() == *strategy)
    }

    /// Returns the strategy as the Deployment states it.
    pub(crate) fn strategy(self) -> DeploymentStrategy {
        let rolling = |surge, unavailable| DeploymentStrategy {
            type_: Some("RollingUpdate".to_owned()),
            rolling_update: Some(RollingUpdateDeployment {
                max_surge: Some(IntOrString::Int(surge)),
                max_unavailable: Some(IntOrString::Int(unavailable)),
            }),
        };
        match self {
            Self::Surge => rolling(1, 0),
            Self::InPlace => rolling(0, 1),
            Self::Recreate => DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None },
        }
    }
}

/// Returns whether the namespace holds the plan's objects once its old ones are gone.
///
/// What is checked is what is sent: the demand is read from the rendered manifests.
#[must_use]
pub fn verdict(plan: &WebServicePlan, facts: &Facts) -> QuotaCheck {
    let manifests = render(plan);
    let takes = demand::of_manifests(&manifests, &facts.limits.limit_ranges);
    let releases = demand::of_live(&facts.live, &facts.limits.limit_ranges);
    facts.limits.evaluate(&releases, &takes, &container_demands(&manifests, facts))
}

fn container_demands(manifests: &WebServiceManifests, facts: &Facts) -> Vec<ContainerDemand> {
    let spec = manifests.deployment.spec.iter();
    spec.flat_map(|spec| demand::containers(spec, &facts.limits.limit_ranges))
        .map(ContainerDemand::from)
        .collect()
}

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
pub fn verdict_at_peak(plan: &WebServicePlan, facts: &Facts) -> QuotaCheck {
    if !replaces_pods(plan, &facts.live) {
        return verdict(plan, facts);
    }
    let update = match plan.rollout() {
        Rollout::Surge => RollingUpdate { max_surge: 1, max_unavailable: 0 },
        Rollout::InPlace => RollingUpdate { max_surge: 0, max_unavailable: 1 },
        Rollout::Recreate => return verdict(plan, facts),
    };
    let manifests = render(plan);
    let old = demand::staying_pods(&facts.live, &facts.limits.limit_ranges);
    let new = demand::pods_of_manifests(&manifests, &facts.limits.limit_ranges);
    let mut takes = rolling_peak(&old, &new, update);
    takes.add_all(&demand::besides_pods(&manifests));
    let releases = demand::of_live(&facts.live, &facts.limits.limit_ranges);
    facts.limits.evaluate(&releases, &takes, &container_demands(&manifests, facts))
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
