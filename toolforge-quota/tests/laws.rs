//! Laws that hold for every quota and every demand.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use toolforge_model::{Cpu, Memory};
use toolforge_quota::{
    ContainerResources, Demand, LimitRange, Pods, Ratio, Resource, ResourceQuota, RollingUpdate, at_rest,
    defaulted, rolling_peak, violations,
};

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
    amounts.iter().map(|(resource, amount)| (resource.clone(), *amount)).collect()
}

fn container() -> impl Strategy<Value = ContainerResources> {
    let cpu = || prop::option::of((1..2000_u64).prop_map(Cpu::from_millis));
    let memory = || prop::option::of((1..2000_u64).prop_map(Memory::from_bytes));
    (cpu(), cpu(), memory(), memory()).prop_map(|(cpu_limit, cpu_request, memory_limit, memory_request)| {
        ContainerResources { cpu_limit, cpu_request, memory_limit, memory_request }
    })
}

fn limit_range() -> impl Strategy<Value = LimitRange> {
    let ratio = || prop::option::of(0..5000_u64);
    (container(), container(), (ratio(), ratio())).prop_map(|(defaults, bounds, ratios)| LimitRange {
        name: "l".to_owned(),
        default_cpu: defaults.cpu_limit,
        default_memory: defaults.memory_limit,
        default_request_cpu: defaults.cpu_request,
        default_request_memory: defaults.memory_request,
        max_cpu: bounds.cpu_limit,
        max_memory: bounds.memory_limit,
        min_cpu: bounds.cpu_request,
        min_memory: bounds.memory_request,
        max_limit_request_ratio_cpu: ratios.0.map(Ratio::from_thousandths),
        max_limit_request_ratio_memory: ratios.1.map(Ratio::from_thousandths),
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
    fn one_limit_range_gives_its_defaults_once(range in limit_range(), container in container()) {
        let once = range.with_defaults(container);
        prop_assert_eq!(range.with_defaults(once), once);
    }

    #[test]
    fn a_container_is_refused_exactly_where_counting_by_hand_refuses_it(
        ranges in vec(limit_range(), 0..3), container in container(),
    ) {
        let ContainerResources { cpu_limit, cpu_request, memory_limit, memory_request } = container;
        let cpu = |amount: Option<Cpu>| amount.map(|amount| u128::from(amount.millis()));
        let memory = |amount: Option<Memory>| amount.map(|amount| u128::from(amount.bytes()));
        // A bound on what is missing is broken: `None` is below every minimum and above every maximum.
        let allowed = |limit: Option<u128>, request: Option<u128>, min: Option<u128>, max: Option<u128>| {
            let both = || limit.into_iter().chain(request);
            min.is_none_or(|min| request.is_some() && both().all(|amount| amount >= min))
                && max.is_none_or(|max| limit.is_some() && both().all(|amount| amount <= max))
        };
        let within = |limit: Option<u128>, request: Option<u128>, ratio: Option<Ratio>| {
            // Thousandths, as the strategy makes them.
            let thousandths = |ratio: Ratio| (0..5000).find(|count| Ratio::from_thousandths(*count) == ratio);
            ratio.and_then(thousandths).is_none_or(|ratio| match (limit, request) {
                (Some(limit), Some(request)) => limit * 1000 <= u128::from(ratio) * request,
                _ => false,
            })
        };
        let fits = cpu(cpu_request).is_none_or(|request| cpu(cpu_limit).is_none_or(|limit| request <= limit))
            && memory(memory_request).is_none_or(|request| memory(memory_limit).is_none_or(|limit| request <= limit))
            && ranges.iter().all(|range| {
                allowed(cpu(cpu_limit), cpu(cpu_request), cpu(range.min_cpu), cpu(range.max_cpu))
                    && allowed(memory(memory_limit), memory(memory_request), memory(range.min_memory), memory(range.max_memory))
                    && within(cpu(cpu_limit), cpu(cpu_request), range.max_limit_request_ratio_cpu)
                    && within(memory(memory_limit), memory(memory_request), range.max_limit_request_ratio_memory)
            });
        let found = violations(&ranges, &container);
        prop_assert_eq!(found.is_empty(), fits, "{:?}", found);
    }

    #[test]
    fn the_largest_numbers_neither_panic_nor_fit(used in any::<u64>(), released in any::<u64>(), hard in 0..=i64::MAX as u64) {
        let amounts = |amount| BTreeMap::from([(Resource::LimitsMemory, amount)]);
        let quota = ResourceQuota { hard: amounts(hard), used: amounts(used), ..ResourceQuota::default() };
        let takes = demand(&amounts(u64::MAX - 1)).times(u64::MAX);
        for releases in [demand(&amounts(released)), takes.clone()] {
            let verdict = at_rest(std::slice::from_ref(&quota), &releases, &takes);
            prop_assert!(!verdict.fits());
            for row in &verdict.rows {
                prop_assert!(!row.to_string().is_empty());
            }
        }
    }

    #[test]
    fn every_key_is_printed_as_it_was_read(key in "[a-z./]{0,20}") {
        let resource = Resource::from(key.as_str());
        if key != "cpu" && key != "memory" {
            prop_assert_eq!(resource.to_string(), key);
        }
    }

    #[test]
    fn an_amount_is_read_back_from_what_is_printed(key in "[a-z./]{0,20}", amount in 0..=i64::MAX as u64) {
        for resource in [Resource::from(key.as_str()), Resource::LimitsCpu, Resource::LimitsMemory, Resource::Pods] {
            prop_assert_eq!(resource.parse_amount(&resource.amount(amount)), Ok(amount));
        }
    }

    #[test]
    fn no_amount_makes_the_reader_panic(text in any::<String>()) {
        for key in ["pods", "limits.cpu", "limits.memory", "requests.storage"] {
            let _ = Resource::from(key).parse_amount(&text);
        }
    }

    /// The controller's steps one pod at a time, every way they can interleave.
    #[test]
    fn the_peak_of_a_rollout_is_the_worst_state_that_its_controller_can_reach(
        old in (0..5_u64, 0..5_u64), new in (0..5_u64, 0..5_u64), gentle in any::<bool>(),
    ) {
        let pods = |(count, each)| Pods { count, each: [(Resource::Pods, each)].into_iter().collect() };
        let (surge, unavailable) = if gentle { (1, 0) } else { (0, 1) };
        let update = RollingUpdate { max_surge: surge, max_unavailable: unavailable };
        let peak = rolling_peak(&pods(old), &pods(new), update).get(&Resource::Pods);
        let mut reached = std::collections::BTreeSet::new();
        let mut open = vec![(old.0, 0)];
        while let Some((olds, news)) = open.pop() {
            if !reached.insert((olds, news)) {
                continue;
            }
            if news < new.0 && olds + news < new.0 + surge {
                open.push((olds, news + 1));
            }
            if olds > 0 && olds + news > new.0.saturating_sub(unavailable) {
                open.push((olds - 1, news));
            }
        }
        let worst = reached.iter().map(|(olds, news)| olds * old.1 + news * new.1).max().unwrap_or(0);
        prop_assert_eq!(peak, worst);
    }
}
