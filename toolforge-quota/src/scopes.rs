use std::collections::BTreeSet;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

/// A scope of a ResourceQuota, by Kubernetes' own names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// Pods with a deadline (`activeDeadlineSeconds`).
    Terminating,
    /// Pods without a deadline.
    NotTerminating,
    /// Pods whose containers state neither requests nor limits.
    BestEffort,
    /// Pods of which a container states a request or a limit.
    NotBestEffort,
    /// Pods of certain priority classes.
    PriorityClass,
    /// Pods with affinity terms that select pods of other namespaces.
    CrossNamespacePodAffinity,
    /// A scope that this library does not know.
    Other(String),
}

impl From<&str> for Scope {
    fn from(name: &str) -> Self {
        match name {
            "Terminating" => Self::Terminating,
            "NotTerminating" => Self::NotTerminating,
            "BestEffort" => Self::BestEffort,
            "NotBestEffort" => Self::NotBestEffort,
            "PriorityClass" => Self::PriorityClass,
            "CrossNamespacePodAffinity" => Self::CrossNamespacePodAffinity,
            other => Self::Other(other.to_owned()),
        }
    }
}

impl FromStr for Scope {
    type Err = Infallible;

    fn from_str(name: &str) -> Result<Self, Infallible> {
        Ok(Self::from(name))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Terminating => "Terminating",
            Self::NotTerminating => "NotTerminating",
            Self::BestEffort => "BestEffort",
            Self::NotBestEffort => "NotBestEffort",
            Self::PriorityClass => "PriorityClass",
            Self::CrossNamespacePodAffinity => "CrossNamespacePodAffinity",
            Self::Other(name) => name,
        })
    }
}

/// What of a pod decides which scopes it matches.
///
/// The default is a pod without a deadline that states resources, such as one of a web service.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodTraits {
    /// Whether it has a deadline (`activeDeadlineSeconds`).
    pub has_deadline: bool,
    /// Whether its containers state neither requests nor limits.
    pub is_best_effort: bool,
}

/// The scopes of a ResourceQuota: it counts only the pods that match all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Returns whether the quota counts a pod.
    ///
    /// Tools' pods have no priority class and no affinity, so a quota for those never counts them; a quota with a scope
    /// that this library does not know counts none either.
    #[must_use]
    pub fn matches(&self, pod: PodTraits) -> bool {
        self.0.iter().all(|scope| match scope {
            Scope::Terminating => pod.has_deadline,
            Scope::NotTerminating => !pod.has_deadline,
            Scope::BestEffort => pod.is_best_effort,
            Scope::NotBestEffort => !pod.is_best_effort,
            Scope::PriorityClass | Scope::CrossNamespacePodAffinity | Scope::Other(_) => false,
        })
    }

    /// Returns the scopes, in the order of [`Scope`].
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_match_by_deadline_and_resources() {
        let without_deadline = PodTraits::default();
        let with_deadline = PodTraits { has_deadline: true, ..PodTraits::default() };
        let best_effort = PodTraits { is_best_effort: true, ..PodTraits::default() };
        for (scopes, expected) in [
            (&[][..], [true, true, true]),
            (&["NotTerminating"], [true, false, true]),
            (&["Terminating"], [false, true, false]),
            (&["NotBestEffort"], [true, true, false]),
            (&["BestEffort"], [false, false, true]),
            (&["NotTerminating", "BestEffort"], [false, false, true]),
            (&["PriorityClass"], [false; 3]),
            (&["CrossNamespacePodAffinity"], [false; 3]),
            (&["Tomorrow"], [false; 3]),
        ] {
            let scopes: Scopes = scopes.iter().copied().map(Scope::from).collect();
            let found = [without_deadline, with_deadline, best_effort].map(|pod| scopes.matches(pod));
            assert_eq!(found, expected, "{scopes:?}");
        }
    }

    #[test]
    fn names_round_trip() {
        for name in
            ["Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "Tomorrow"]
        {
            assert_eq!(Scope::from(name).to_string(), name);
        }
    }
}
