//! Properties that hold for every quota and every demand.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use toolforge_model::{Cpu, Memory};
use toolforge_quota::{
    Amounts, Bounds, ComputeResource, Concurrency, ConflictCounter, ContainerResources, Demand, LimitRange,
    Limits, MEMORY_STEP, PerResource, PodDemand, PodTraits, Pods, QuotaCheck, Ratio, Resource, ResourceQuota,
    ScheduledRuns, Scope, SizeBounds, WorkloadSize, apply_defaults, conflicting_runs, simulate, violations,
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
            used: demand(&used),
            ..ResourceQuota::default()
        }),
        0..4,
    )
}

fn demand(amounts: &BTreeMap<Resource, u64>) -> Demand {
    amounts.iter().map(|(resource, amount)| (resource.clone(), *amount)).collect()
}

fn evaluate(quotas: &[ResourceQuota], freed: &Demand, requested: &Demand) -> QuotaCheck {
    let limits = Limits { quotas: quotas.to_vec(), ..Limits::default() };
    limits.evaluate(freed, requested, &[])
}

fn resources() -> impl Strategy<Value = Amounts> {
    let cpu = prop::option::of((1..2000_u64).prop_map(Cpu::from_millis));
    let memory = prop::option::of((1..2000_u64).prop_map(Memory::from_bytes));
    (cpu, memory).prop_map(|(cpu, memory)| Amounts::new(cpu, memory))
}

fn container() -> impl Strategy<Value = ContainerResources> {
    (resources(), resources()).prop_map(|(limits, requests)| ContainerResources { limits, requests })
}

fn limit_range() -> impl Strategy<Value = LimitRange> {
    let ratio = || prop::option::of((0..5000_u64).prop_map(Ratio::from_thousandths));
    let ratios = (ratio(), ratio()).prop_map(|(cpu, memory)| {
        let cpu = cpu.map(|ratio| (ComputeResource::Cpu, ratio));
        cpu.into_iter().chain(memory.map(|ratio| (ComputeResource::Memory, ratio))).collect()
    });
    (container(), container(), ratios).prop_map(|(defaults, bounds, max_limit_request_ratio)| LimitRange {
        name: "l".to_owned(),
        default: defaults.limits,
        default_request: defaults.requests,
        container: Bounds { max: bounds.limits, min: bounds.requests, max_limit_request_ratio },
        ..LimitRange::default()
    })
}

proptest! {
    #[test]
    fn evaluate_equals_counting_by_hand(quotas in quotas(), freed in amounts(), requested in amounts()) {
        let fits = quotas.iter().all(|quota| {
            quota.hard.iter().all(|(resource, hard)| {
                let amount = |map: &BTreeMap<Resource, u64>| i128::from(map.get(resource).copied().unwrap_or(0));
                let (freed, requested) = (amount(&freed), amount(&requested));
                let used = i128::from(quota.used.get(resource));
                requested == 0 || (used - freed).max(0) + requested <= i128::from(*hard)
            })
        });
        prop_assert_eq!(evaluate(&quotas, &demand(&freed), &demand(&requested)).fits(), fits);
    }

    #[test]
    fn a_smaller_demand_still_fits(
        quotas in quotas(), freed in amounts(), requested in amounts(), less in 0..20_u64,
    ) {
        let smaller = requested.iter().map(|(resource, amount)| (resource.clone(), amount.saturating_sub(less))).collect();
        let freed = demand(&freed);
        if evaluate(&quotas, &freed, &demand(&requested)).fits() {
            prop_assert!(evaluate(&quotas, &freed, &demand(&smaller)).fits());
        }
    }

    #[test]
    fn removing_a_quota_never_refuses(quotas in quotas(), freed in amounts(), requested in amounts()) {
        let (freed, requested) = (demand(&freed), demand(&requested));
        if evaluate(&quotas, &freed, &requested).fits() {
            for count in 0..quotas.len() {
                prop_assert!(evaluate(&quotas[..count], &freed, &requested).fits());
            }
        }
    }

    #[test]
    fn applying_defaults_is_idempotent(ranges in vec(limit_range(), 0..3), container in container()) {
        let once = apply_defaults(&ranges, container);
        prop_assert_eq!(apply_defaults(&ranges, once.clone()), once);
    }

    #[test]
    fn defaults_keep_stated_amounts(ranges in vec(limit_range(), 0..3), container in container()) {
        let given = apply_defaults(&ranges, container.clone());
        for (resource, amount) in container.limits.iter() {
            prop_assert_eq!(given.limits.get(resource), Some(amount));
        }
        for (resource, amount) in container.requests.iter() {
            prop_assert_eq!(given.requests.get(resource), Some(amount));
        }
    }

    #[test]
    fn defaults_of_one_limit_range_are_idempotent(range in limit_range(), container in container()) {
        let once = range.with_defaults(container);
        prop_assert_eq!(range.with_defaults(once.clone()), once);
    }

    #[test]
    fn violations_equal_counting_by_hand(
        ranges in vec(limit_range(), 0..3), container in container(),
    ) {
        let ContainerResources { limits, requests } = &container;
        let cpu = |amounts: &Amounts| amounts.get(&ComputeResource::Cpu).map(u128::from);
        let memory = |amounts: &Amounts| amounts.get(&ComputeResource::Memory).map(u128::from);
        // A missing amount breaks every bound on it: `None` is below every minimum and above every maximum.
        let allowed = |limit: Option<u128>, request: Option<u128>, min: Option<u128>, max: Option<u128>| {
            let both = || limit.into_iter().chain(request);
            min.is_none_or(|min| request.is_some() && both().all(|amount| amount >= min))
                && max.is_none_or(|max| limit.is_some() && both().all(|amount| amount <= max))
        };
        let within = |limit: Option<u128>, request: Option<u128>, ratio: Option<Ratio>| {
            // Thousandths, as the strategy generates them.
            let thousandths = |ratio: Ratio| (0..5000).find(|count| Ratio::from_thousandths(*count) == ratio);
            ratio.and_then(thousandths).is_none_or(|ratio| match (limit, request) {
                (Some(limit), Some(request)) => limit * 1000 <= u128::from(ratio) * request,
                _ => false,
            })
        };
        let fits = cpu(requests).is_none_or(|request| cpu(limits).is_none_or(|limit| request <= limit))
            && memory(requests).is_none_or(|request| memory(limits).is_none_or(|limit| request <= limit))
            && ranges.iter().all(|range| {
                let Bounds { max, min, max_limit_request_ratio: ratio } = &range.container;
                let ratio = |resource| ratio.get(&resource).copied();
                allowed(cpu(limits), cpu(requests), cpu(min), cpu(max))
                    && allowed(memory(limits), memory(requests), memory(min), memory(max))
                    && within(cpu(limits), cpu(requests), ratio(ComputeResource::Cpu))
                    && within(memory(limits), memory(requests), ratio(ComputeResource::Memory))
            });
        let found = violations(&ranges, &PodDemand { containers: vec![container.clone()], ..PodDemand::default() });
        prop_assert_eq!(found.is_empty(), fits, "{:?}", found);
    }

    #[test]
    fn counting_conflicts_equals_simulating(
        mut quotas in quotas(), is_scoped in any::<bool>(),
        jobs in vec((
            (amounts(), 0..3_u64, any::<bool>()), vec(-20..120_i64, 0..6), 1..40_u32, 0..3_usize, 0..30_u32,
        ), 1..5),
    ) {
        if let Some(quota) = quotas.first_mut().filter(|_| is_scoped) {
            quota.scopes = [Scope::NotTerminating].into_iter().collect();
        }
        let jobs: Vec<ScheduledRuns> = jobs.iter().enumerate().map(|(index, (each, starts, seconds, policy, deadline))| {
            let (pod, extra_pods, has_deadline) = each;
            ScheduledRuns {
                name: format!("j{index}"),
                each: demand(pod).times(extra_pods + 1),
                extra_pods: Pods { count: *extra_pods, each: demand(pod) },
                traits: PodTraits { has_deadline: *has_deadline, ..PodTraits::default() },
                starts: starts.clone(),
                seconds: *seconds,
                concurrency: [Concurrency::Allow, Concurrency::Forbid, Concurrency::Replace][*policy],
                starting_deadline: *deadline,
            }
        }).collect();
        let intervals = simulate(&quotas, &jobs, 0..100);
        let exceeded = intervals.iter().filter(|interval| !interval.shortfalls.is_empty());
        let seconds: i64 = exceeded.map(|interval| interval.end - interval.start).sum();
        for (index, job) in jobs.iter().enumerate() {
            let others = jobs.iter().enumerate().filter(|(other, _)| *other != index).map(|(_, other)| other);
            let count = ConflictCounter::new(&quotas, others, job, 0..100).count(job);
            prop_assert_eq!((count.runs, count.seconds), (conflicting_runs(&intervals, 100), seconds));
        }
    }

    #[test]
    fn nearest_sizes_fit_and_one_step_back_does_not(
        (memory, cpu, replicas) in (1..4096_u64, 1..2000_u64, 1..6_u64),
        (free_memory, free_cpu, free_pods) in (0..6144_u64, 0..3000_u64, 0..6_u64),
        max in prop::option::of(50..4096_u64), halves in any::<bool>(),
    ) {
        let lowest = WorkloadSize { memory: 100 << 20, cpu: 50, replicas: 1 };
        let bounds = SizeBounds { lowest, steps: PerResource { cpu: vec![250], memory: vec![256 << 20] } };
        // As for web services: small limits are requested in full, larger ones by half.
        let request = |limit: u64, from: u64| if halves && limit >= from { limit.div_ceil(2) } else { limit };
        let fits = |size: WorkloadSize| {
            let quota = ResourceQuota {
                hard: [
                    (Resource::RequestsMemory, free_memory << 20),
                    (Resource::RequestsCpu, free_cpu),
                    (Resource::Pods, free_pods),
                ].into(),
                ..ResourceQuota::default()
            };
            let memory = |bytes| Amounts::new(None, Some(Memory::from_bytes(bytes)));
            let max = max.map(|mebibytes| memory(mebibytes << 20)).unwrap_or_default();
            let container = Bounds { max, min: memory(100 << 20), ..Bounds::default() };
            let range = LimitRange { container, ..LimitRange::default() };
            let limits = Amounts::new(Some(Cpu::from_millis(size.cpu)), Some(Memory::from_bytes(size.memory)));
            let requests = Amounts::new(
                Some(Cpu::from_millis(request(size.cpu, 250))),
                Some(Memory::from_bytes(request(size.memory, 256 << 20))),
            );
            let containers = vec![ContainerResources { limits, requests }];
            let pod = PodDemand { containers, ..PodDemand::default() };
            let limits = Limits { quotas: vec![quota], limit_ranges: vec![range], ..Limits::default() };
            limits.evaluate(&Demand::default(), &pod.demand().times(size.replicas), &[pod]).fits()
        };
        let size = WorkloadSize { memory: memory << 20, cpu, replicas };
        for found in size.nearest_that_fit(&bounds, fits) {
            prop_assert!(!fits(size) && fits(found), "{:?}", found);
            let memory = WorkloadSize { memory: found.memory + MEMORY_STEP, ..found };
            let cpu = WorkloadSize { cpu: found.cpu + 1, ..found };
            let replicas = WorkloadSize { replicas: found.replicas + 1, ..found };
            if found.memory < size.memory {
                prop_assert!(!fits(memory), "{:?}", memory);
            }
            if found.cpu < size.cpu {
                prop_assert!(!fits(cpu), "{:?}", cpu);
            }
            if found.replicas < size.replicas {
                prop_assert!(!fits(replicas), "{:?}", replicas);
            }
        }
    }

    #[test]
    fn the_largest_amounts_do_not_fit(used in any::<u64>(), freed in any::<u64>(), hard in 0..=i64::MAX as u64) {
        let amounts = |amount| BTreeMap::from([(Resource::LimitsMemory, amount)]);
        let used = demand(&amounts(used));
        let quota = ResourceQuota { hard: amounts(hard), used, ..ResourceQuota::default() };
        let requested = demand(&amounts(u64::MAX - 1)).times(u64::MAX);
        for freed in [demand(&amounts(freed)), requested.clone()] {
            let check = evaluate(std::slice::from_ref(&quota), &freed, &requested);
            prop_assert!(!check.fits());
            prop_assert!(check.to_string().contains("too much"));
        }
    }

    #[test]
    fn resource_keys_round_trip(key in "[a-z./]{0,20}") {
        let resource = Resource::from(key.as_str());
        let is_short = ["cpu", "memory", "ephemeral-storage"].contains(&key.as_str()) || key.starts_with("hugepages-");
        if !is_short {
            prop_assert_eq!(resource.to_string(), key);
        }
    }

    #[test]
    fn resource_amounts_round_trip(key in "[a-z./]{0,20}", amount in 0..=i64::MAX as u64) {
        for resource in [Resource::from(key.as_str()), Resource::LimitsCpu, Resource::LimitsMemory, Resource::Pods] {
            prop_assert_eq!(resource.parse_amount(&resource.amount(amount)), Ok(amount));
        }
    }

    #[test]
    fn short_amounts_keep_what_fits(
        key in prop::sample::select(vec!["limits.memory", "limits.cpu", "pods"]),
        hard in any::<u64>(), used in any::<u64>(), shift in 1..64_u32, near in 0..4_u64,
    ) {
        let resource = Resource::from(key);
        let hard = hard >> shift;
        for used in [used >> shift, hard.saturating_add(near), hard.saturating_sub(near)] {
            let (limit, [amount]) = resource.short_amounts(hard, [used]);
            let parsed = |text: &str| resource.parse_amount(text).unwrap();
            prop_assert_eq!(used <= hard, parsed(&amount) <= parsed(&limit), "{} {}", amount, limit);
            prop_assert!(parsed(&limit) <= hard && parsed(&amount) >= used, "{} {}", amount, limit);
        }
    }

    #[test]
    fn parsing_amounts_never_panics(text in any::<String>()) {
        for key in ["pods", "limits.cpu", "limits.memory", "requests.storage"] {
            let _ = Resource::from(key).parse_amount(&text);
        }
    }
}
