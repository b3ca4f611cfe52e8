use std::collections::BTreeSet;
use std::fmt;

/// A scope of a ResourceQuota, with the pods that it selects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Scope {
    /// Pods with a deadline (`activeDeadlineSeconds`).
    Terminating,
    /// Pods without a deadline.
    NotTerminating,
    /// Pods whose containers state neither requests nor limits.
    BestEffort,
    /// Pods with a container that sets a request or a limit.
    NotBestEffort,
    /// Pods of certain priority classes.
    PriorityClass(PriorityClasses),
    /// Pods with affinity terms that select pods of other namespaces.
    CrossNamespacePodAffinity,
    /// A scope that this library does not know; the API server matches no pod with it.
    Other(String),
}

/// Which priority classes a scope selects. A pod need not have one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PriorityClasses {
    /// Pods with a class (`Exists`).
    Any,
    /// Pods without a class (`DoesNotExist`).
    None,
    /// Pods with one of these classes (`In`).
    In(BTreeSet<String>),
    /// Pods with a class other than these, or without one (`NotIn`).
    NotIn(BTreeSet<String>),
}

impl PriorityClasses {
    fn matches(&self, class: Option<&str>) -> bool {
        match self {
            Self::Any => class.is_some(),
            Self::None => class.is_none(),
            Self::In(classes) => class.is_some_and(|class| classes.contains(class)),
            Self::NotIn(classes) => class.is_none_or(|class| !classes.contains(class)),
        }
    }
}

impl fmt::Display for PriorityClasses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |classes: &BTreeSet<String>| classes.iter().cloned().collect::<Vec<_>>().join(", ");
        match self {
            Self::Any => f.write_str("PriorityClass"),
            Self::None => f.write_str("no PriorityClass"),
            Self::In(classes) => write!(f, "PriorityClass in ({})", list(classes)),
            Self::NotIn(classes) => write!(f, "PriorityClass not in ({})", list(classes)),
        }
    }
}

impl Scope {
    /// Returns a scope by the name and the operator that Kubernetes gives it; the list `scopes` has only names, which mean
    /// `Exists`.
    #[must_use]
    pub fn new(name: &str, operator: &str, values: impl IntoIterator<Item = String>) -> Self {
        match (name, operator) {
            ("Terminating", _) => Self::Terminating,
            ("NotTerminating", _) => Self::NotTerminating,
            ("BestEffort", _) => Self::BestEffort,
            ("NotBestEffort", _) => Self::NotBestEffort,
            ("CrossNamespacePodAffinity", _) => Self::CrossNamespacePodAffinity,
            ("PriorityClass", "Exists") => Self::PriorityClass(PriorityClasses::Any),
            ("PriorityClass", "DoesNotExist") => Self::PriorityClass(PriorityClasses::None),
            ("PriorityClass", "In") => Self::PriorityClass(PriorityClasses::In(values.into_iter().collect())),
            ("PriorityClass", "NotIn") => {
                Self::PriorityClass(PriorityClasses::NotIn(values.into_iter().collect()))
            }
            (other, _) => Self::Other(other.to_owned()),
        }
    }

    fn matches(&self, pod: &PodTraits) -> bool {
        match self {
            Self::Terminating => pod.has_deadline,
            Self::NotTerminating => !pod.has_deadline,
            Self::BestEffort => pod.is_best_effort,
            Self::NotBestEffort => !pod.is_best_effort,
            Self::PriorityClass(classes) => classes.matches(pod.priority_class.as_deref()),
            Self::CrossNamespacePodAffinity => pod.has_cross_namespace_affinity,
            Self::Other(_) => false,
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Terminating => f.pad("Terminating"),
            Self::NotTerminating => f.pad("NotTerminating"),
            Self::BestEffort => f.pad("BestEffort"),
            Self::NotBestEffort => f.pad("NotBestEffort"),
            Self::PriorityClass(classes) => classes.fmt(f),
            Self::CrossNamespacePodAffinity => f.pad("CrossNamespacePodAffinity"),
            Self::Other(name) => f.pad(name),
        }
    }
}

/// The properties of a pod that decide which scopes it matches.
///
/// The default is a pod without a deadline that states resources, such as one of a web service.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct PodTraits {
    /// Whether it has a deadline (`activeDeadlineSeconds`).
    pub has_deadline: bool,
    /// Whether its containers state neither requests nor limits of CPU and memory.
    pub is_best_effort: bool,
    /// The name of its priority class.
    pub priority_class: Option<String>,
    /// Whether an affinity term selects pods of other namespaces.
    pub has_cross_namespace_affinity: bool,
}

/// The scopes of a ResourceQuota: it counts only the pods that match all of them, and no other objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Returns whether the quota counts a pod.
    #[must_use]
    pub fn matches(&self, pod: &PodTraits) -> bool {
        self.0.iter().all(|scope| scope.matches(pod))
    }

    /// Returns whether the quota counts every object.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
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
        let across = PodTraits { has_cross_namespace_affinity: true, ..PodTraits::default() };
        let pods = [without_deadline, with_deadline, best_effort, across];
        for (scopes, expected) in [
            (&[][..], [true, true, true, true]),
            (&["NotTerminating"], [true, false, true, true]),
            (&["Terminating"], [false, true, false, false]),
            (&["NotBestEffort"], [true, true, false, true]),
            (&["BestEffort"], [false, false, true, false]),
            (&["NotTerminating", "BestEffort"], [false, false, true, false]),
            (&["CrossNamespacePodAffinity"], [false, false, false, true]),
            (&["Tomorrow"], [false; 4]),
        ] {
            let scopes: Scopes = scopes.iter().map(|name| Scope::new(name, "Exists", [])).collect();
            assert_eq!(pods.each_ref().map(|pod| scopes.matches(pod)), expected, "{scopes:?}");
        }
    }

    #[test]
    fn pods_match_by_priority_class() {
        let of = |class: Option<&str>| PodTraits {
            priority_class: class.map(str::to_owned),
            ..PodTraits::default()
        };
        let pods = [of(None), of(Some("high")), of(Some("low"))];
        for (operator, printed, expected) in [
            ("Exists", "PriorityClass", [false, true, true]),
            ("DoesNotExist", "no PriorityClass", [true, false, false]),
            ("In", "PriorityClass in (high)", [false, true, false]),
            ("NotIn", "PriorityClass not in (high)", [true, false, true]),
        ] {
            let scope = Scope::new("PriorityClass", operator, ["high".to_owned()]);
            assert_eq!(scope.to_string(), printed);
            let scopes: Scopes = [scope].into_iter().collect();
            assert_eq!(pods.each_ref().map(|pod| scopes.matches(pod)), expected, "{operator}");
        }
    }

    #[test]
    fn names_are_printed() {
        for name in [
            "Terminating",
            "NotTerminating",
            "BestEffort",
            "NotBestEffort",
            "CrossNamespacePodAffinity",
            "Tomorrow",
        ] {
            assert_eq!(Scope::new(name, "Exists", []).to_string(), name);
        }
    }
}
