//! Named sets of limits: what the platform gave to every tool at a time. A cluster's own limits always win; these
//! are for trying things and for tests. Today's defaults are not public.

use toolforge_model::{Cpu, Memory};

use crate::limit_range::LimitRange;
use crate::resource::Resource;
use crate::resource_quota::ResourceQuota;

/// The names of the profiles.
pub const NAMES: [&str; 2] = ["seed-2020", "tools-2023"];

/// The eleven values of the platform's page of 2020, its misspelt `services.nodeport` put right.
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

/// What maintain-kubeusers wrote in 2023, where it differs from 2020.
const TOOLS_2023: &[(&str, &str)] = &[
    ("pods", "10"),
    ("count/cronjobs.batch", "50"),
    ("count/jobs.batch", "15"),
    ("count/deployments.apps", "3"),
];

/// Returns the ResourceQuota, with nothing used, and the LimitRange of a profile; `None` where there is no such
/// profile.
#[must_use]
pub fn by_name(name: &str) -> Option<(ResourceQuota, LimitRange)> {
    let values: &[&[(&str, &str)]] = match name {
        "seed-2020" => &[SEED_2020],
        "tools-2023" => &[SEED_2020, TOOLS_2023],
        _ => return None,
    };
    let mut quota = ResourceQuota { name: name.to_owned(), ..ResourceQuota::default() };
    for (key, amount) in values.iter().flat_map(|values| values.iter()) {
        let resource = Resource::from(*key);
        let amount = resource.parse_amount(amount).expect("the profiles' amounts are Kubernetes quantities");
        quota.hard.insert(resource, amount);
    }
    Some((quota, limit_range(name)))
}

/// The LimitRange of both profiles: the page of 2020 names the defaults and maxima, maintain-kubeusers of
/// February 2020 to 2023 the rest.
fn limit_range(name: &str) -> LimitRange {
    LimitRange {
        name: name.to_owned(),
        default_cpu: Some(Cpu::from_millis(500)),
        default_memory: Some(Memory::from_bytes(512 << 20)),
        default_request_cpu: Some(Cpu::from_millis(150)),
        default_request_memory: Some(Memory::from_bytes(256 << 20)),
        max_cpu: Some(Cpu::from_millis(1000)),
        max_memory: Some(Memory::from_bytes(4 << 30)),
        min_cpu: Some(Cpu::from_millis(50)),
        min_memory: Some(Memory::from_bytes(100 << 20)),
        max_limit_request_ratio_cpu: None,
        max_limit_request_ratio_memory: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_are_those_of_their_time() {
        let rows = |name: &str| {
            let (quota, _) = by_name(name).unwrap();
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
        assert_eq!(rows("seed-2020"), shared(4));
        let counts = "count/cronjobs.batch 50, count/deployments.apps 3, count/jobs.batch 15";
        assert_eq!(rows("tools-2023"), format!("{}, {counts}", shared(10)));
    }

    #[test]
    fn every_named_profile_is_there() {
        for name in NAMES {
            assert_eq!(by_name(name).unwrap().0.name, name);
        }
        assert_eq!(by_name("seed-2020").unwrap().0.hard.len(), 11);
        assert_eq!(by_name("tools-2023").unwrap().0.hard.len(), 14);
        assert_eq!(by_name("tomorrow"), None);
    }
}
