//! Named sets of limits: those that the platform gave to every tool at some time. They are for tests and for experiments
//! without a cluster; a cluster's own limits always take precedence. Today's defaults are not public.

use std::collections::BTreeSet;

use toolforge_model::{Cpu, Memory};

use crate::container_resources::Amounts;
use crate::limit_range::{Bounds, LimitRange};
use crate::quota_check::Limits;
use crate::resource::Resource;
use crate::resource_quota::ResourceQuota;

/// The names of the profiles.
pub const NAMES: &[&str] = &["seed-2020", "toolforge-2023"];

/// A previous name of `toolforge-2023`.
const FORMER_NAME: &str = "tools-2023";

/// The ResourceQuota and the LimitRange of a tool's namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Profile {
    /// The quota, with nothing used.
    pub quota: ResourceQuota,
    /// The limits of each container.
    pub limit_range: LimitRange,
}

impl From<Profile> for Limits {
    fn from(Profile { quota, limit_range }: Profile) -> Self {
        Self { quotas: vec![quota], limit_ranges: vec![limit_range], ..Self::default() }
    }
}

impl Limits {
    /// Returns the limits of a profile with the current usage; a resource that no quota counts now counts as unused.
    #[must_use]
    pub fn with_profile(self, profile: Profile) -> Self {
        let Profile { mut quota, limit_range } = profile;
        for resource in quota.hard.keys() {
            let used = self.quotas.iter().map(|quota| quota.used(resource)).max();
            quota.used.add(resource.clone(), used.unwrap_or(0));
        }
        Self { quotas: vec![quota], limit_ranges: vec![limit_range], unread: BTreeSet::new(), ..self }
    }
}

/// A name that no profile has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown quota profile \"{}\"; the profiles are {}", name.escape_debug(), NAMES.join(", "))]
pub struct UnknownProfileError {
    /// The name.
    pub name: String,
}

/// The eleven values of the platform's page of 2020, with its misspelled `services.nodeport` corrected.
const SEED_2020: &[(&str, &str)] = &[
    ("requests.cpu", "2"),
    ("requests.memory", "6Gi"),
    ("limits.cpu", "2"),
    ("limits.memory", "8Gi"),
    ("pods", "4"),
    ("services", "1"),
    ("services.nodeports", "0"),
    ("replicationcontrollers", "1"),
    ("secrets", "10"),
    ("configmaps", "10"),
    ("persistentvolumeclaims", "3"),
];

/// The values that maintain-kubeusers wrote in 2023, where they differ from 2020.
const TOOLS_2023: &[(&str, &str)] = &[
    ("pods", "10"),
    ("count/cronjobs.batch", "50"),
    ("count/jobs.batch", "15"),
    ("count/deployments.apps", "3"),
];

/// Returns a profile. `tools-2023` is another name of `toolforge-2023`.
///
/// # Errors
/// When [`NAMES`] does not contain the name.
pub fn by_name(name: &str) -> Result<Profile, UnknownProfileError> {
    let values: &[&[(&str, &str)]] = match name {
        "seed-2020" => &[SEED_2020],
        "toolforge-2023" | FORMER_NAME => &[SEED_2020, TOOLS_2023],
        _ => return Err(UnknownProfileError { name: name.to_owned() }),
    };
    let mut quota = ResourceQuota { name: name.to_owned(), ..ResourceQuota::default() };
    for (key, amount) in values.iter().flat_map(|values| values.iter()) {
        let resource = Resource::from(*key);
        let amount = resource.parse_amount(amount).expect("the profiles' amounts are Kubernetes quantities");
        quota.used.add(resource.clone(), 0);
        quota.hard.insert(resource, amount);
    }
    Ok(Profile { quota, limit_range: limit_range(name) })
}

/// The LimitRange of both profiles: the page of 2020 names the defaults and maxima, maintain-kubeusers of
/// February 2020 to 2023 the rest.
fn limit_range(name: &str) -> LimitRange {
    let amounts =
        |millis, bytes| Amounts::new(Some(Cpu::from_millis(millis)), Some(Memory::from_bytes(bytes)));
    LimitRange {
        name: name.to_owned(),
        default: amounts(500, 512 << 20),
        default_request: amounts(150, 256 << 20),
        container: Bounds { max: amounts(1000, 4 << 30), min: amounts(50, 100 << 20), ..Bounds::default() },
        ..LimitRange::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_match_their_year() {
        let amounts = |name: &str| {
            let quota = by_name(name).unwrap().quota;
            quota
                .hard
                .iter()
                .map(|(resource, hard)| format!("{resource} {}", resource.amount(*hard)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let shared = |pods| {
            format!(
                "pods {pods}, requests.cpu 2, requests.memory 6Gi, limits.cpu 2, limits.memory 8Gi, services 1, \
                 services.nodeports 0, replicationcontrollers 1, secrets 10, configmaps 10, persistentvolumeclaims 3"
            )
        };
        assert_eq!(amounts("seed-2020"), shared(4));
        let counts = "count/cronjobs.batch 50, count/deployments.apps 3, count/jobs.batch 15";
        assert_eq!(amounts("tools-2023"), format!("{}, {counts}", shared(10)));
    }

    #[test]
    fn every_name_has_a_profile() {
        for name in NAMES {
            assert_eq!(by_name(name).unwrap().quota.name, *name);
        }
        assert_eq!(by_name("seed-2020").unwrap().quota.hard.len(), 11);
        assert_eq!(by_name("tools-2023").unwrap().quota.hard.len(), 14);
    }

    #[test]
    fn unknown_names_are_refused_with_the_known_ones() {
        assert_eq!(
            by_name("tomorrow").unwrap_err().to_string(),
            "unknown quota profile \"tomorrow\"; the profiles are seed-2020, toolforge-2023"
        );
    }

    #[test]
    fn profile_keeps_usage() {
        let mut limits = Limits::default();
        let used = [(Resource::Pods, 2), (Resource::Secrets, 3)].into();
        limits.quotas = vec![ResourceQuota { used, ..ResourceQuota::default() }];
        let limits = limits.with_profile(by_name("seed-2020").unwrap());
        assert_eq!(limits.quotas.len(), 1);
        assert_eq!((limits.quotas[0].hard[&Resource::Pods], limits.quotas[0].used(&Resource::Pods)), (4, 2));
        assert_eq!(limits.quotas[0].used(&Resource::Secrets), 3);
        assert_eq!(limits.limit_ranges[0].name, "seed-2020");
    }
}
