//! How the pods of a Deployment are replaced, and what that requests at the peak.

use crate::object::{deployment_spec, deployment_spec_mut};
use k8s_openapi::api::apps::v1::{
    DaemonSetUpdateStrategy, Deployment, DeploymentStrategy, RollingUpdateDeployment,
};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use toolforge_quota::{Demand, Pods, RollingUpdate, RolloutForecast, forecast_rollout};

/// How the pods of a Deployment are replaced by new ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rollout {
    /// A new pod is ready before an old one terminates; the quota must allow one more pod.
    #[default]
    Surge,
    /// The API server's default: up to a quarter of the replicas more, and up to a quarter unavailable.
    Rolling,
    /// An old pod terminates, then a new one starts; the other pods keep running.
    InPlace,
    /// All old pods terminate, then the new ones start.
    Recreate,
    /// As stated by the strategy of a manifest, or of a Deployment that no tool manages.
    Stated(RollingUpdate),
}

impl Rollout {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Surge => "surge",
            Self::Rolling => "rolling",
            Self::InPlace => "in-place",
            Self::Recreate => "recreate",
            Self::Stated(_) => "stated",
        }
    }

    /// Returns the rollout of a live Deployment's strategy, if it is a web service's.
    pub(crate) fn of_web_service(deployment: &Deployment) -> Option<Self> {
        let strategy = deployment_spec(deployment)?.strategy.as_ref()?;
        [Self::Surge, Self::InPlace, Self::Recreate]
            .into_iter()
            .find(|rollout| rollout.strategy() == *strategy)
    }

    /// Returns how the platform replaces the pods of a continuous job (jobs-api, 2026).
    pub(crate) fn of_replicas(replicas: u64) -> Self {
        if replicas == 1 { Self::Recreate } else { Self::Rolling }
    }

    /// Returns the rollout that the strategy of a Deployment results in for a number of replicas.
    ///
    /// Percentages are rounded as by the Deployment controller (Kubernetes 1.33): the surge up, the unavailable pods down. A
    /// value that is not a number counts as the default, 25 %.
    pub(crate) fn of_strategy(strategy: Option<&DeploymentStrategy>, replicas: u64) -> Self {
        if strategy.is_some_and(|strategy| strategy.type_.as_deref() == Some("Recreate")) {
            return Self::Recreate;
        }
        let update = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let pods = |stated: Option<&IntOrString>, rounds_up: bool| {
            stated_pods(stated, replicas, rounds_up).unwrap_or_else(|| percent_of(replicas, 25, rounds_up))
        };
        let max_surge = pods(update.and_then(|update| update.max_surge.as_ref()), true);
        let max_unavailable = pods(update.and_then(|update| update.max_unavailable.as_ref()), false);
        // If both are rounded to 0, one pod may be unavailable.
        let max_unavailable = if max_surge == 0 { max_unavailable.max(1) } else { max_unavailable };
        Self::Stated(RollingUpdate { max_surge, max_unavailable })
    }

    /// Returns how a DaemonSet replaces its pods on a number of nodes; `None` if it does not.
    ///
    /// Percentages are rounded up; by default, one pod is unavailable at a time (Kubernetes 1.33, the DaemonSet controller).
    pub(crate) fn of_daemon_set(strategy: Option<&DaemonSetUpdateStrategy>, nodes: u64) -> Option<Self> {
        if strategy.is_some_and(|strategy| strategy.type_.as_deref() == Some("OnDelete")) {
            return None;
        }
        let update = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
        let pods = |stated: Option<&IntOrString>| stated_pods(stated, nodes, true);
        let max_surge = pods(update.and_then(|update| update.max_surge.as_ref())).unwrap_or(0);
        let max_unavailable = pods(update.and_then(|update| update.max_unavailable.as_ref()));
        let max_unavailable = max_unavailable.unwrap_or_else(|| u64::from(max_surge == 0));
        let max_unavailable = if max_surge == 0 { max_unavailable.max(1) } else { max_unavailable };
        Some(Self::Stated(RollingUpdate { max_surge, max_unavailable }))
    }

    /// Returns how a Deployment replaces its pods with a number of new ones, as a named rollout if there is one.
    pub(crate) fn of_live(deployment: &Deployment, replicas: u64) -> Self {
        let strategy = deployment_spec(deployment).and_then(|spec| spec.strategy.as_ref());
        let stated = Self::of_strategy(strategy, replicas);
        let is_same = |rollout: &Self| rollout.bounds(replicas) == stated.bounds(replicas);
        [Self::Rolling, Self::InPlace, Self::Recreate].into_iter().find(is_same).unwrap_or(stated)
    }

    /// Returns whether all of a number of pods may stop before new ones are ready.
    pub(crate) fn may_stop_all(self, replicas: u64) -> bool {
        self.bounds(replicas).is_none_or(|RollingUpdate { max_surge, max_unavailable }| {
            // Without a surge, the controller lets at least one pod be unavailable.
            max_unavailable.max(u64::from(max_surge == 0)) >= replicas
        })
    }

    /// Returns the strategy of a Deployment.
    pub(crate) fn strategy(self) -> DeploymentStrategy {
        let rolling = |bounds: Option<(i32, i32)>| DeploymentStrategy {
            type_: Some("RollingUpdate".to_owned()),
            rolling_update: bounds.map(|(surge, unavailable)| RollingUpdateDeployment {
                max_surge: Some(IntOrString::Int(surge)),
                max_unavailable: Some(IntOrString::Int(unavailable)),
            }),
        };
        match self {
            Self::Surge => rolling(Some((1, 0))),
            Self::Rolling => rolling(None),
            Self::InPlace => rolling(Some((0, 1))),
            Self::Recreate => DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None },
            Self::Stated(RollingUpdate { max_surge, max_unavailable }) => {
                let pods = |count: u64| i32::try_from(count).unwrap_or(i32::MAX);
                rolling(Some((pods(max_surge), pods(max_unavailable))))
            }
        }
    }

    /// Sets the strategy of a rendered Deployment.
    pub(crate) fn apply_to(self, deployment: &mut Deployment) {
        if let Some(spec) = deployment_spec_mut(deployment) {
            spec.strategy = Some(self.strategy());
        }
    }

    /// Returns the bounds of the update to a number of replicas; `None` if all old pods terminate first.
    pub(super) fn bounds(self, replicas: u64) -> Option<RollingUpdate> {
        match self {
            Self::Surge => Some(RollingUpdate { max_surge: 1, max_unavailable: 0 }),
            // 25 % each: the surge rounded up, the unavailable pods rounded down (Kubernetes 1.33).
            Self::Rolling => {
                Some(RollingUpdate { max_surge: replicas.div_ceil(4), max_unavailable: replicas / 4 })
            }
            Self::InPlace => Some(RollingUpdate { max_surge: 0, max_unavailable: 1 }),
            Self::Recreate => None,
            Self::Stated(bounds) => Some(bounds),
        }
    }
}

/// Returns the number of pods that a strategy states, as a count or a share of the replicas; `None` if it is not a number.
fn stated_pods(stated: Option<&IntOrString>, replicas: u64, rounds_up: bool) -> Option<u64> {
    match stated? {
        IntOrString::Int(count) => u64::try_from(*count).ok(),
        IntOrString::String(text) => {
            let percent = text.strip_suffix('%')?.parse().ok()?;
            Some(percent_of(replicas, percent, rounds_up))
        }
    }
}

fn percent_of(replicas: u64, percent: u64, rounds_up: bool) -> u64 {
    let hundredths = u128::from(replicas) * u128::from(percent);
    let pods = if rounds_up { hundredths.div_ceil(100) } else { hundredths / 100 };
    u64::try_from(pods).unwrap_or(u64::MAX)
}

/// A time without running pods in a change of a running workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Downtime {
    /// From the termination of the old pods until the new ones are ready.
    BetweenPods,
    /// From the deletion of the workload until it is created again.
    UntilRecreated,
}

impl Downtime {
    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BetweenPods => "between-pods",
            Self::UntilRecreated => "until-recreated",
        }
    }
}

/// The pods of a Deployment before and after they are replaced.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PodReplacement {
    /// The pods that run until they are replaced.
    pub(crate) old: Pods,
    /// The pods that replace them.
    pub(crate) new: Pods,
    /// How many of the new pods replace old ones that the controller cannot create: they stay missing.
    pub(crate) missing: u64,
}

impl PodReplacement {
    /// Returns the replacement of pods with as many of the same size, where some of the old ones may not exist.
    ///
    /// The controller could not create those, and does not have to now. But if none exists, one must fit: otherwise nothing
    /// would run afterwards either.
    pub(crate) fn of_same(old: Pods, new: Pods) -> Self {
        let missing = new.count.saturating_sub(old.count.max(1));
        Self { old, new, missing }
    }

    /// Returns the demand of the new pods once all that can be created are running.
    pub(crate) fn at_rest(&self) -> Demand {
        self.new.each.times(self.new.count.saturating_sub(self.missing))
    }

    /// Returns the most of each resource that old pods request while no new one can be created: as many run as must be ready.
    pub(crate) fn kept(&self, rollout: Rollout) -> Demand {
        let kept =
            rollout.bounds(self.new.count).map_or(0, |RollingUpdate { max_surge, max_unavailable }| {
                let max_unavailable = if max_surge == 0 { max_unavailable.max(1) } else { max_unavailable };
                self.new.count.saturating_sub(max_unavailable)
            });
        if self.old.count == 0 { Demand::default() } else { self.old.each.times(kept) }
    }

    /// Returns the most of each resource that old and new pods request together right after a new one is created.
    ///
    /// Terminating pods are not counted: a step that they block only has to wait.
    pub(crate) fn peak(&self, rollout: Rollout) -> Demand {
        self.forecast(rollout, |_| true).peak
    }

    /// Returns the most of each resource that the pods request together if no old one has terminated when the last new one is
    /// created. A changed number of replicas applies to the old pods first.
    pub(crate) fn worst(&self) -> Demand {
        let Pods { count, each } = &self.old;
        let mut worst = each.times(if *count == 0 { 0 } else { self.new.count.max(*count) });
        worst.add_all(&self.new.each.times(self.new.count));
        worst
    }

    /// Returns the simulated rollout if the pods are limited.
    pub(crate) fn forecast(&self, rollout: Rollout, fits: impl Fn(&Demand) -> bool) -> RolloutForecast {
        let bounds = rollout.bounds(self.new.count);
        // If all pods are deleted first, those that the controller could not create before are still missing.
        let missing = if bounds.is_none() { self.missing } else { 0 };
        let new = Pods { count: self.new.count.saturating_sub(missing), each: self.new.each.clone() };
        forecast_rollout(&self.old, &new, bounds, fits)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn percentages_are_rounded_as_by_the_controller() {
        // Values for the surge and for unavailable pods, for a number of replicas.
        for (surge, unavailable, replicas, expected) in [
            (json!("25%"), json!("25%"), 1, (1, 0)),
            (json!("25%"), json!("25%"), 3, (1, 0)),
            (json!("25%"), json!("25%"), 4, (1, 1)),
            (json!("25%"), json!("25%"), 5, (2, 1)),
            (json!("25%"), json!("25%"), 10, (3, 2)),
            (json!("34%"), json!("34%"), 3, (2, 1)),
            (json!("1%"), json!("99%"), 100, (1, 99)),
            (json!("100%"), json!("0%"), 7, (7, 0)),
            (json!("150%"), json!("0%"), 3, (5, 0)),
            (json!("10%"), json!("10%"), 0, (0, 1)),
            // With neither, the rollout could not proceed.
            (json!("0%"), json!("25%"), 3, (0, 1)),
            (json!(0), json!("33%"), 3, (0, 1)),
            (json!(0), json!(0), 3, (0, 1)),
            (json!(0), json!("67%"), 3, (0, 2)),
            (json!(2), json!(1), 9, (2, 1)),
            // The defaults, also for values that are not numbers.
            (Value::Null, Value::Null, 5, (2, 1)),
            (json!("many"), json!("-1%"), 8, (2, 2)),
        ] {
            let strategy = json!({"rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}});
            let strategy: DeploymentStrategy = serde_json::from_value(strategy.clone()).unwrap();
            let (max_surge, max_unavailable) = expected;
            let expected = Rollout::Stated(RollingUpdate { max_surge, max_unavailable });
            let found = Rollout::of_strategy(Some(&strategy), replicas);
            assert_eq!(found, expected, "{surge} {unavailable} of {replicas}");
        }
        assert_eq!(
            Rollout::of_strategy(None, 8),
            Rollout::Stated(RollingUpdate { max_surge: 2, max_unavailable: 2 })
        );
    }
}
