//! Pods of which several containers are too large together.

use insta::assert_snapshot;
use proptest::prelude::*;
use toolforge_model::{Cpu, Memory, ToolName};
use toolforge_render::change::{Adjustment, ChangeSet, PodPart};
use toolforge_render::files::{FileContents, FilePlanFacts, file_adjustments, plan_files};
use toolforge_render::namespace::Documents;

const MEBIBYTE: u64 = 1 << 20;

fn facts() -> FilePlanFacts {
    let tool: ToolName = "stashbot".parse().unwrap();
    let namespace = Documents::default().namespace(&tool).unwrap().with_profile("seed-2020").unwrap();
    Documents::default().file_facts(namespace).unwrap()
}

/// Returns a pod of containers with a memory limit in bytes and a CPU limit in millis; requests are the same if stated.
fn pod(containers: &[(u64, u64)], has_requests: bool) -> String {
    let container = |(index, (memory, cpu)): (usize, &(u64, u64))| {
        let amounts = format!("{{memory: '{memory}', cpu: {cpu}m}}");
        let requests = if has_requests { format!(", requests: {amounts}") } else { String::new() };
        format!("{{name: c{index}, image: x, resources: {{limits: {amounts}{requests}}}}}")
    };
    let containers: Vec<String> = containers.iter().enumerate().map(container).collect();
    format!(
        "{{apiVersion: v1, kind: Pod, metadata: {{name: a}}, spec: {{containers: [{}]}}}}\n",
        containers.join(", ")
    )
}

fn check(containers: &[(u64, u64)], has_requests: bool, facts: &FilePlanFacts) -> (bool, Vec<Adjustment>) {
    let files = [FileContents::parse(&pod(containers, has_requests), &facts.jobs.namespace.tool)];
    let plan = plan_files(&files, facts);
    (plan.fits(), file_adjustments(&files, facts, &plan, ChangeSet::fits))
}

#[test]
fn containers_are_lowered_together() {
    let printed = |containers: &[(u64, u64)], has_requests| {
        let (_, found) = check(containers, has_requests, &facts());
        let found: Vec<String> = found.iter().map(|found| format!("{}: {found}", found.workload())).collect();
        found.join("\n")
    };
    // Each of them is above the maximum of one container, so lowering one is not enough.
    assert_snapshot!(printed(&[(5 << 30, 100), (6 << 30, 100)], false), @"Pod a: memory 3Gi at most in each container");
    // The smallest of three keeps its amounts.
    assert_snapshot!(printed(&[(7 << 30, 100), (7 << 30, 100), (1 << 30, 100)], false), @"Pod a: memory 2560Mi at most in each container");
    assert_snapshot!(
        printed(&[(4 << 30, 1000), (4 << 30, 1000), (4 << 30, 1000)], true),
        @"Pod a: memory 2Gi and memory request 2Gi and CPU 666m and CPU request 666m at most in each container"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn largest_size_of_each_container_is_tight(
        containers in prop::collection::vec((1..7_u64, 1..30_u64), 2..4),
        has_requests in any::<bool>(),
    ) {
        let facts = facts();
        let containers: Vec<(u64, u64)> =
            containers.iter().map(|(gibibytes, cpu)| (gibibytes << 30, cpu * 100)).collect();
        let (fits, found) = check(&containers, has_requests, &facts);
        // Some size always fits.
        prop_assert_eq!(fits, found.is_empty(), "{:?}", containers);
        for found in found.iter().filter(|found| found.part == Some(PodPart::EachContainer)) {
            let memory = found.limits.memory.map_or(u64::MAX, Memory::bytes);
            let cpu = found.limits.cpu.map_or(u64::MAX, Cpu::millis);
            let with = |memory: u64, cpu: u64| {
                let lowered: Vec<(u64, u64)> =
                    containers.iter().map(|own| (own.0.min(memory), own.1.min(cpu))).collect();
                check(&lowered, has_requests, &facts).0
            };
            prop_assert!(with(memory, cpu), "{found} {containers:?}");
            prop_assert!(found.limits.memory.is_none() || !with(memory + MEBIBYTE, cpu), "{found} {containers:?}");
            prop_assert!(found.limits.cpu.is_none() || !with(memory, cpu + 1), "{found} {containers:?}");
        }
    }
}
