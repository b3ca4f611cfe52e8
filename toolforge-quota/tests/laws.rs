//! Laws that hold for every quota and every demand.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use toolforge_model::{Cpu, Memory};
use toolforge_quota::{ContainerResources, Demand, LimitRange, Resource, ResourceQuota, at_rest, defaulted};

fn resource() -> impl Strategy<Value = Resource> {
    prop::sample::select(vec![
        "pods",
        "limits.memory",
        "requests.cpu",
        "count/deployments.apps",
        "services",
        "odd",
    ])
    .prop_map(Resource::from)
}

fn amounts() -> impl Strategy<Value = BTreeMap<Resource, u64>> {
    prop::collection::btree_map(resource(), 0..20_u64, 0..6)
}

fn quotas() -> impl Strategy<Value = Vec<ResourceQuota>> {
    vec(
        (amounts(), amounts()).prop_map(|(hard, used)| ResourceQuota {
            name: "q".to_owned(),
            hard,
            used,
            ..ResourceQuota::default()
        }),
        0..4,
    )
}

fn demand(amounts: &BTreeMap<Resource, u64>) -> Demand {
    let mut demand = Demand::default();
    for (resource, amount) in amounts {
        demand.add(resource.clone(), *amount);
    }
    demand
}

fn container() -> impl Strategy<Value = ContainerResources> {
    let cpu = || prop::option::of((1..2000_u64).prop_map(Cpu::from_millis));
    let memory = || prop::option::of((1..2000_u64).prop_map(Memory::from_bytes));
    (cpu(), cpu(), memory(), memory()).prop_map(|(cpu_limit, cpu_request, memory_limit, memory_request)| {
        ContainerResources { cpu_limit, cpu_request, memory_limit, memory_request }
    })
}

fn limit_range() -> impl Strategy<Value = LimitRange> {
    (container(), container()).prop_map(|(defaults, bounds)| LimitRange {
        name: "l".to_owned(),
        default_cpu: defaults.cpu_limit,
        default_memory: defaults.memory_limit,
        default_request_cpu: defaults.cpu_request,
        default_request_memory: defaults.memory_request,
        max_cpu: bounds.cpu_limit,
        max_memory: bounds.memory_limit,
        min_cpu: bounds.cpu_request,
        min_memory: bounds.memory_request,
    })
}

proptest! {
    #[test]
    fn the_verdict_is_that_of_counting_by_hand(quotas in quotas(), releases in amounts(), takes in amounts()) {
        let fits = quotas.iter().all(|quota| {
            quota.hard.iter().all(|(resource, hard)| {
                let amount = |map: &BTreeMap<Resource, u64>| i128::from(map.get(resource).copied().unwrap_or(0));
                let (released, taken, used) = (amount(&releases), amount(&takes), amount(&quota.used));
                taken <= released || (used - released).max(0) + taken <= i128::from(*hard)
            })
        });
        prop_assert_eq!(at_rest(&quotas, &demand(&releases), &demand(&takes)).fits(), fits);
    }

    #[test]
    fn what_fits_still_fits_when_made_smaller(quotas in quotas(), releases in amounts(), takes in amounts(), less in 0..20_u64) {
        let smaller = takes.iter().map(|(resource, amount)| (resource.clone(), amount.saturating_sub(less))).collect();
        let releases = demand(&releases);
        if at_rest(&quotas, &releases, &demand(&takes)).fits() {
            prop_assert!(at_rest(&quotas, &releases, &demand(&smaller)).fits());
        }
    }

    #[test]
    fn another_quota_never_makes_room(quotas in quotas(), releases in amounts(), takes in amounts()) {
        let (releases, takes) = (demand(&releases), demand(&takes));
        if at_rest(&quotas, &releases, &takes).fits() {
            for count in 0..quotas.len() {
                prop_assert!(at_rest(&quotas[..count], &releases, &takes).fits());
            }
        }
    }

    #[test]
    fn defaults_are_given_once(ranges in vec(limit_range(), 0..3), container in container()) {
        let once = defaulted(&ranges, container);
        prop_assert_eq!(defaulted(&ranges, once), once);
    }

    #[test]
    fn what_is_stated_is_never_changed(ranges in vec(limit_range(), 0..3), container in container()) {
        let given = defaulted(&ranges, container);
        prop_assert!(container.cpu_limit.is_none() || given.cpu_limit == container.cpu_limit);
        prop_assert!(container.memory_request.is_none() || given.memory_request == container.memory_request);
    }

    #[test]
    fn every_key_is_printed_as_it_was_read(key in "[a-z./]{0,20}") {
        let resource = Resource::from(key.as_str());
        if key != "cpu" && key != "memory" {
            prop_assert_eq!(resource.to_string(), key);
        }
        let _ = resource.parse_amount("1");
    }
}
