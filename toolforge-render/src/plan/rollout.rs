use k8s_openapi::api::apps::v1::{Deployment, DeploymentStrategy, RollingUpdateDeployment};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

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
