//! How far the size of a web service or a job can go: the largest size fits, and one step more does not.

#![expect(clippy::unwrap_used, reason = "a test's own function may stop the test")]

use proptest::prelude::*;
use toolforge_images::Catalog;
use toolforge_model::{
    Cpu, JobKind, JobOptions, JobRequest, Memory, Replicas, ToolName, WebServiceOptions, WebServiceRequest,
};
use toolforge_quota::Resource;
use toolforge_render::job::{JobFacts, JobForecast, largest_job};
use toolforge_render::namespace::Namespace;
use toolforge_render::web_service::{
    PlanOptions, WebServiceFacts, WebServiceForecast, WebServicePlan, largest_web_service,
};

const MEBIBYTE: u64 = 1 << 20;

fn tool() -> ToolName {
    "stashbot".parse().unwrap()
}

/// Returns a namespace with the quota of 2023, partly used by others.
fn namespace(memory: u64, cpu: u64, pods: u64) -> Namespace {
    let mut namespace = Namespace::new(&tool(), Catalog::bundled()).with_profile("toolforge-2023").unwrap();
    let used = &mut namespace.limits.quotas[0].used;
    let amounts = [
        (Resource::LimitsMemory, memory * MEBIBYTE),
        (Resource::RequestsMemory, memory * MEBIBYTE / 2),
        (Resource::LimitsCpu, cpu),
        (Resource::RequestsCpu, cpu / 2),
        (Resource::Pods, pods),
    ];
    used.add_all(&amounts.into());
    namespace
}

fn web_request(memory: u64, cpu: u64, replicas: u32) -> WebServiceRequest {
    let options = WebServiceOptions {
        memory: Some(Memory::from_bytes(memory * MEBIBYTE)),
        cpu: Some(Cpu::from_millis(cpu)),
        replicas: Replicas::try_from(replicas).ok(),
        ..WebServiceOptions::default()
    };
    options.merge_into(&tool(), None, "php8.2".parse().unwrap()).unwrap()
}

fn web_fits(request: &WebServiceRequest, facts: &WebServiceFacts) -> bool {
    let plan = WebServicePlan::new(request.clone(), facts, PlanOptions::default()).unwrap();
    WebServiceForecast::new(&plan, facts).fits_without_downtime()
}

fn job_request(memory: u64, cpu: u64, replicas: u32) -> JobRequest {
    let options = JobOptions {
        name: Some("bot".parse().unwrap()),
        command: Some("./bot.py".to_owned()),
        image: Some("python3.11".parse().unwrap()),
        is_continuous: true,
        memory: Some(Memory::from_bytes(memory * MEBIBYTE)),
        cpu: Some(Cpu::from_millis(cpu)),
        replicas: Replicas::try_from(replicas).ok(),
        ..JobOptions::default()
    };
    options.into_request(&tool()).unwrap()
}

fn job_fits(request: &JobRequest, facts: &JobFacts) -> bool {
    JobForecast::new(request, facts).unwrap().fits_as_usual()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn largest_web_service_is_tight(
        (memory, cpu, replicas) in (100..4096_u64, 50..1000_u64, 1..4_u32),
        (used_memory, used_cpu, used_pods) in (0..6000_u64, 0..1500_u64, 0..8_u64),
    ) {
        let facts = WebServiceFacts::new(namespace(used_memory, used_cpu, used_pods));
        let request = web_request(memory, cpu, replicas);
        let plan = WebServicePlan::new(request.clone(), &facts, PlanOptions::default()).unwrap();
        let largest = largest_web_service(&plan, &facts, WebServiceForecast::fits_without_downtime);
        if let Some(memory) = largest.memory.amount() {
            let with = |bytes| WebServiceRequest { memory: Some(Memory::from_bytes(bytes)), ..request.clone() };
            prop_assert!(web_fits(&with(memory.bytes()), &facts), "{memory}");
            prop_assert!(!web_fits(&with(memory.bytes() + MEBIBYTE), &facts), "{memory}");
        }
        if let Some(cpu) = largest.cpu.amount() {
            let with = |millis| WebServiceRequest { cpu: Some(Cpu::from_millis(millis)), ..request.clone() };
            prop_assert!(web_fits(&with(cpu.millis()), &facts), "{cpu}");
            prop_assert!(!web_fits(&with(cpu.millis() + 1), &facts), "{cpu}");
        }
        if let Some(count) = largest.replicas.amount() {
            let with = |count: u64| {
                let replicas = Replicas::try_from(u32::try_from(count).unwrap()).unwrap();
                WebServiceRequest { replicas, ..request.clone() }
            };
            prop_assert!(web_fits(&with(count), &facts), "{count}");
            prop_assert!(!web_fits(&with(count + 1), &facts), "{count}");
        }
        // If the size itself fits, every part of it can be kept.
        if web_fits(&request, &facts) {
            prop_assert!(largest.memory.amount() >= request.memory && largest.cpu.amount() >= request.cpu);
            prop_assert!(largest.replicas.amount() >= Some(replicas.into()));
        }
    }

    #[test]
    fn largest_job_is_tight(
        (memory, cpu, replicas) in (100..4096_u64, 50..1000_u64, 1..4_u32),
        (used_memory, used_cpu, used_pods) in (0..6000_u64, 0..1500_u64, 0..8_u64),
    ) {
        let facts = JobFacts::new(namespace(used_memory, used_cpu, used_pods));
        let request = job_request(memory, cpu, replicas);
        let largest = largest_job(&request, &facts, JobForecast::fits_as_usual).unwrap();
        if let Some(memory) = largest.memory.amount() {
            let with = |bytes| JobRequest { memory: Some(Memory::from_bytes(bytes)), ..request.clone() };
            prop_assert!(job_fits(&with(memory.bytes()), &facts), "{memory}");
            prop_assert!(!job_fits(&with(memory.bytes() + MEBIBYTE), &facts), "{memory}");
        }
        if let Some(count) = largest.replicas.amount() {
            let with = |count: u64| {
                let mut request = request.clone();
                if let JobKind::Continuous { replicas, .. } = &mut request.kind {
                    *replicas = Replicas::try_from(u32::try_from(count).unwrap()).unwrap();
                }
                request
            };
            prop_assert!(job_fits(&with(count), &facts), "{count}");
            prop_assert!(!job_fits(&with(count + 1), &facts), "{count}");
        }
    }
}
