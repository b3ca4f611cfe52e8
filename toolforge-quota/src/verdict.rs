use std::fmt;

use crate::quota_check::QuotaCheck;
use crate::resource_check::ResourceCheck;

/// Whether a change or a rollout fits, in one word; a later one is worse.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Verdict {
    /// No quota is known, so nothing was checked.
    NotChecked,
    /// Every new pod can be created when its turn comes, even if no old pod has terminated yet.
    Fits,
    /// It completes, but some pods cannot be created before old ones have terminated.
    FitsAfterTermination,
    /// It fits, but not all at once: some pods are created when pods of Jobs have terminated.
    FitsOneAfterAnother,
    /// Every pod of a Job can be created, but not all of its retries if pods fail, because the objects of failed pods remain.
    FitsWithoutRetries,
    /// It would fit, but a quota has no status yet, and the API server refuses objects that the quota counts until it has one.
    NotCounted,
    /// Any additions fit, but missing pods of existing workloads do not, and cannot be created.
    MissingPods,
    /// It does not fit in addition to current usage.
    QuotaExceeded,
    /// The new pods fit, but not together with the old ones, which must run until the new ones are ready.
    Deadlock,
    /// It exceeds a quota or a limit by itself, regardless of what else runs.
    Never,
}

impl Verdict {
    /// Returns the verdict of checks at rest and at the peak, where terminating old pods are not counted.
    #[must_use]
    pub fn new(at_rest: &QuotaCheck, at_peak: &QuotaCheck) -> Self {
        if at_rest.fits() && at_peak.fits() {
            return Self::Fits;
        }
        let exceeded = if at_rest.fits() { at_peak } else { at_rest };
        let is_too_large = |check: &ResourceCheck| check.requested > check.hard;
        if !exceeded.violations().is_empty() || at_rest.shortfalls().any(is_too_large) {
            Self::Never
        } else if !exceeded.terminating().is_empty() {
            Self::FitsAfterTermination
        } else if at_rest.fits() {
            Self::Deadlock
        } else {
            Self::QuotaExceeded
        }
    }

    /// Returns whether it completes without another change, as long as the pods of Jobs do not fail. If a quota has no status
    /// yet, that is unknown, and assumed.
    #[must_use]
    pub fn completes(self) -> bool {
        matches!(
            self,
            Self::Fits
                | Self::FitsAfterTermination
                | Self::FitsOneAfterAnother
                | Self::FitsWithoutRetries
                | Self::NotCounted
        )
    }

    /// Returns the code, in kebab-case.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fits => "fits",
            Self::FitsAfterTermination => "fits-after-termination",
            Self::FitsOneAfterAnother => "fits-one-after-another",
            Self::FitsWithoutRetries => "fits-without-retries",
            Self::NotCounted => "not-counted",
            Self::MissingPods => "missing-pods",
            Self::QuotaExceeded => "quota-exceeded",
            Self::Deadlock => "deadlock",
            Self::Never => "never",
            Self::NotChecked => "not-checked",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Demand, Limits, Resource, ResourceQuota, TerminatingPod};

    fn limits(used: u64) -> Limits {
        let quota = ResourceQuota {
            hard: [(Resource::Pods, 3)].into(),
            used: [(Resource::Pods, used)].into(),
            ..ResourceQuota::default()
        };
        Limits { quotas: vec![quota], ..Limits::default() }
    }

    fn check(limits: &Limits, pods: u64) -> QuotaCheck {
        limits.evaluate(&Demand::default(), &[(Resource::Pods, pods)].into(), &[])
    }

    #[test]
    fn verdicts_depend_on_rest_and_peak() {
        for (used, at_rest, at_peak, expected) in [
            (0, 2, 3, Verdict::Fits),
            (1, 2, 3, Verdict::Deadlock),
            (0, 3, 4, Verdict::Deadlock),
            (2, 2, 2, Verdict::QuotaExceeded),
            (0, 4, 4, Verdict::Never),
        ] {
            let limits = limits(used);
            let found = Verdict::new(&check(&limits, at_rest), &check(&limits, at_peak));
            assert_eq!(found, expected, "{used} {at_rest} {at_peak}");
        }
    }

    #[test]
    fn terminating_pods_make_it_fit_later() {
        let demand: Demand = [(Resource::Pods, 1)].into();
        let terminating = vec![TerminatingPod { name: "a".to_owned(), demand, ..TerminatingPod::default() }];
        let limits = Limits { terminating, ..limits(3) };
        let one = check(&limits, 1);
        assert_eq!(Verdict::new(&one, &one), Verdict::FitsAfterTermination);
    }
}
