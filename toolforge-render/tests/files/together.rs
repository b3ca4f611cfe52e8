//! Files of which several workloads must change, or several parts of one.

use std::cell::Cell;
use std::fmt::Write as _;

use insta::assert_snapshot;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use toolforge_model::ToolName;
use toolforge_render::change::{Adjustment, ChangeSet, PodPart, Rollout};
use toolforge_render::files::{FileContents, FilePlan, FilePlanFacts, file_adjustments, plan_files};
use toolforge_render::namespace::Documents;
use toolforge_render::pod::pod_demand;

use crate::support::{deployment, plan, planned_with_facts, pod};

const MEBIBYTE: u64 = 1 << 20;

/// Returns the proposals of a plan.
fn proposals(profile: &str, live: &str, files: &[&str]) -> String {
    let plan = plan(profile, live, files);
    let lines = plan.lines().filter_map(|line| line.strip_prefix("fits: "));
    lines.collect::<Vec<_>>().join("\n")
}

fn continuous(name: &str, rest: &str) -> String {
    format!("- {{name: {name}, command: x, image: bookworm, continuous: true, {rest}}}\n")
}

#[test]
fn limits_of_several_workloads_are_lowered() {
    let two = [continuous("a", "mem: 5Gi"), continuous("b", "mem: 5Gi")].concat();
    assert_snapshot!(proposals("seed-2020", "", &[&two]), @"job a and job b: each memory 4Gi");
    let three = ["a", "b", "c"].map(|name| continuous(name, "mem: 4Gi, cpu: 200m")).concat();
    assert_snapshot!(proposals("seed-2020", "", &[&three]), @"job a, job b and job c: each memory 2730Mi");
    let many: String =
        (0..13).map(|index| continuous(&format!("b{index}"), "mem: 200Mi, cpu: 100m")).collect();
    let quota = "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, status: {hard: {limits.memory: 2Gi}, used: \
                 {limits.memory: '0'}}}\n";
    assert_snapshot!(proposals("", quota, &[&many]), @"job b0, job b1, job b2, job b3, job b4, job b5, job b6, job b7, job b8, job b9 and 3 others: each memory 157Mi");
    let bot = deployment("bot", "5Gi", 1, "");
    assert_snapshot!(proposals("seed-2020", "", &[&two, &bot, "type: php8.2\nmem: 6Gi\n"]), @"the web service and Deployment bot: each memory 2Gi; job a and job b: each memory 2Gi and CPU 700m");
}

#[test]
fn rollouts_of_several_objects_change() {
    let both = |replicas: u32| {
        ["a", "b"]
            .map(|name| deployment(name, if replicas == 1 { "3Gi" } else { "1536Mi" }, replicas, ""))
            .concat()
    };
    let live = |replicas: u32| {
        let pods = ["a", "b"].map(|name| {
            let pods = (0..replicas).map(|index| {
                pod(name, if replicas == 1 { "3Gi" } else { "1536Mi" }, "")
                    .replace("-1,", &format!("-{index},"))
            });
            pods.collect::<String>()
        });
        format!("{}{}", both(replicas), pods.concat())
    };
    let files = |replicas: u32| both(replicas).replace("image: x", "image: new");
    assert_snapshot!(proposals("seed-2020", &live(1), &[&files(1)]), @"Deployment a and Deployment b: each rollout recreate, with downtime");
    assert_snapshot!(proposals("seed-2020", &live(2), &[&files(2)]), @"
    Deployment a: 1 replica
    Deployment b: 1 replica
    ");
}

#[test]
fn sizes_and_rollouts_change_together() {
    let live = [deployment("web", "1Gi", 1, ""), pod("web", "1Gi", "")].concat();
    let quota = "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, status: {hard: {pods: '1', limits.memory: 2Gi}, \
                 used: {pods: '1', limits.memory: 1Gi}}}\n";
    let file = deployment("web", "3Gi", 1, "").replace("image: x", "image: new");
    assert_snapshot!(proposals("", &format!("{live}{quota}"), &[&file]), @"Deployment web: memory 2Gi and rollout recreate, with downtime");
}

#[test]
fn pods_and_amounts_change_together() {
    assert_snapshot!(proposals("seed-2020", "", &["type: php8.2\nmem: 5Gi\nreplicas: 5\n"]), @"the web service: memory 2Gi and 4 replicas");
    let set = deployment("bot", "5Gi", 5, "").replace("Deployment", "StatefulSet");
    assert_snapshot!(proposals("seed-2020", "", &[&set]), @"StatefulSet bot: memory 1536Mi and 4 replicas");
    let two = [continuous("a", "mem: 5Gi, replicas: 3"), continuous("b", "mem: 5Gi, replicas: 3")].concat();
    assert_snapshot!(proposals("seed-2020", "", &[&two]), @"job a and job b: each memory 2Gi and CPU 500m and 2 replicas");
}

#[test]
fn parallel_pods_become_fewer() {
    // Others cannot wait for long.
    let spec = "activeDeadlineSeconds: 60, parallelism: 5, completions: 10, template: {spec: {containers: [{name: a, resources: {limits: {memory: 100Mi, \
                cpu: 100m}}}]}}";
    let job = format!("{{apiVersion: batch/v1, kind: Job, metadata: {{name: a}}, spec: {{{spec}}}}}");
    let cron_job = format!(
        "{{apiVersion: batch/v1, kind: CronJob, metadata: {{name: a}}, spec: {{schedule: '@daily', jobTemplate: {{spec: \
         {{{spec}}}}}}}}}"
    );
    assert_eq!(proposals("seed-2020", "", &[&job]), "Job a: parallelism 4");
    assert_eq!(proposals("seed-2020", "", &[&cron_job]), "CronJob a: parallelism 4");
    for kind in ["StatefulSet", "ReplicaSet"] {
        let file = deployment("a", "100Mi", 5, "").replace("Deployment", kind);
        assert_eq!(proposals("seed-2020", "", &[&file]), format!("{kind} a: 4 replicas"));
    }
    let controller = deployment("a", "100Mi", 5, "")
        .replace("apps/v1\nkind: Deployment", "v1\nkind: ReplicationController")
        .replace("matchLabels: {app: a}", "app: a");
    assert_eq!(proposals("seed-2020", "", &[&controller]), "ReplicationController a: 4 replicas");
}

#[test]
fn requests_below_the_minimum_are_raised() {
    let file = deployment("bot", "1Gi", 1, "").replace("cpu: 100m}", "cpu: 100m}, requests: {cpu: 10m}");
    assert_snapshot!(proposals("toolforge-2023", "", &[&file]), @"Deployment bot: CPU request 50m");
}

#[test]
fn kinds_of_other_groups_are_other_objects() {
    let foreign = |kind: &str, name: &str| {
        format!("{{apiVersion: example.org/v1, kind: {kind}, metadata: {{name: {name}}}}}\n---\n")
    };
    let bot = deployment("bot", "5Gi", 1, "");
    let file = [foreign("Deployment", "bot"), bot].concat();
    assert_eq!(proposals("seed-2020", "", &[&file]), "Deployment bot: memory 4Gi");
    // The same with several objects.
    let two = ["a", "b"].map(|name| [foreign("Deployment", name), deployment(name, "5Gi", 1, "")].concat());
    assert_eq!(
        proposals("seed-2020", "", &[&two.concat()]),
        "Deployment a and Deployment b: each memory 3Gi"
    );
    // Only the one with pods has another rollout.
    let live = [deployment("web", "1Gi", 1, ""), pod("web", "1Gi", "")].concat();
    let quota = "---\n{apiVersion: v1, kind: ResourceQuota, metadata: {name: q}, status: {hard: {pods: '1'}, used: {pods: '1'}}}\n";
    let web = deployment("web", "1Gi", 1, "").replace("image: x", "image: new");
    let file = [foreign("Deployment", "web"), web].concat();
    assert_snapshot!(proposals("", &format!("{live}{quota}"), &[&file]), @"Deployment web: rollout recreate, with downtime");
}

#[test]
fn live_objects_of_other_groups_are_left_out() {
    let foreign = "{apiVersion: example.org/v1, kind: Job, metadata: {name: a}, spec: {queue: q}}\n---\n\
                   {apiVersion: example.org/v1, kind: StatefulSet, metadata: {name: a}, spec: {replicas: 3, template: {spec: \
                   {containers: []}}}, status: {replicas: 1}}\n---\n";
    let own = "{apiVersion: v1, kind: PodList, items: [{metadata: {name: p}, spec: {containers: []}}]}";
    let (_, facts) = planned_with_facts(&format!("{foreign}{own}"), &deployment("bot", "1Gi", 1, ""));
    let live = &facts.jobs.live;
    assert_eq!((live.jobs.len(), live.sets.len(), live.pods.len()), (0, 0, 1));
}

/// What a random workload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    WebService,
    Continuous,
    OneOff,
    Scheduled,
    Manifest(&'static str),
    /// A Deployment whose pods run already.
    Changed,
}

/// A random workload: memory in bytes and CPU in millis of each container, with the same requests or none.
#[derive(Clone, Debug)]
struct Workload {
    kind: Kind,
    containers: Vec<Container>,
    replicas: u64,
    strategy: Option<Rollout>,
}

#[derive(Clone, Copy, Debug)]
struct Container {
    memory: u64,
    cpu: u64,
    requests: Option<(u64, u64)>,
}

impl Workload {
    /// Returns what an adjustment calls it.
    fn name(&self, index: usize) -> String {
        match self.kind {
            Kind::WebService => "the web service".to_owned(),
            Kind::Continuous | Kind::OneOff | Kind::Scheduled => format!("job w{index}"),
            Kind::Manifest(kind) => format!("{kind} w{index}"),
            Kind::Changed => format!("Deployment w{index}"),
        }
    }

    fn pod_spec(&self, image: &str) -> String {
        let container = |(index, container): (usize, &Container)| {
            let Container { memory, cpu, requests } = container;
            let requests =
                requests.map(|(memory, cpu)| format!(", requests: {{memory: '{memory}', cpu: {cpu}m}}"));
            format!(
                "{{name: c{index}, image: {image}, resources: {{limits: {{memory: '{memory}', cpu: {cpu}m}}{}}}}}",
                requests.unwrap_or_default()
            )
        };
        let containers: Vec<String> = self.containers.iter().enumerate().map(container).collect();
        format!("{{containers: [{}]}}", containers.join(", "))
    }

    fn file(&self, index: usize) -> String {
        self.file_of(index, "new")
    }

    fn file_of(&self, index: usize, image: &str) -> String {
        let Self { kind, containers, replicas, strategy } = self;
        let Container { memory, cpu, .. } = containers[0];
        let job = |rest: String| {
            format!("- {{name: w{index}, command: x, image: bookworm, mem: {memory}, cpu: {cpu}m{rest}}}\n")
        };
        let (api_version, kind) = match kind {
            Kind::WebService => {
                return format!("type: php8.2\nmem: {memory}\ncpu: {cpu}m\nreplicas: {replicas}\n");
            }
            Kind::Continuous => return job(format!(", continuous: true, replicas: {replicas}")),
            Kind::OneOff => return job(String::new()),
            Kind::Scheduled => return job(", schedule: '@daily'".to_owned()),
            Kind::Manifest(kind @ ("Job" | "CronJob")) => ("batch/v1", *kind),
            Kind::Manifest("Pod") => ("v1", "Pod"),
            Kind::Manifest(kind) => ("apps/v1", *kind),
            Kind::Changed => ("apps/v1", "Deployment"),
        };
        let pods = self.pod_spec(image);
        let strategy = match strategy {
            Some(Rollout::Recreate) => ", strategy: {type: Recreate}",
            Some(Rollout::InPlace) => ", strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}",
            _ if kind == "Deployment" => ", strategy: {rollingUpdate: {maxSurge: 1, maxUnavailable: 0}}",
            _ => "",
        };
        let labels = format!("metadata: {{labels: {{app: w{index}}}}}");
        let spec = match kind {
            "Pod" => pods,
            "Job" => format!(
                "{{parallelism: {replicas}, completions: 9, backoffLimit: 0, template: {{spec: {pods}}}}}"
            ),
            "CronJob" => format!(
                "{{schedule: '@daily', jobTemplate: {{spec: {{parallelism: {replicas}, completions: 9, template: {{spec: {pods}}}}}}}}}"
            ),
            _ => format!(
                "{{replicas: {replicas}, selector: {{matchLabels: {{app: w{index}}}}}, template: {{{labels}, spec: {pods}}}{strategy}}}"
            ),
        };
        format!(
            "{{apiVersion: {api_version}, kind: {kind}, metadata: {{name: w{index}, namespace: tool-stashbot, uid: u{index}}}, spec: {spec}}}\n"
        )
    }

    /// Returns the Deployment and its pods that run already.
    fn live(&self, index: usize) -> String {
        if self.kind != Kind::Changed {
            return String::new();
        }
        let mut text = format!("{}---\n", self.file_of(index, "old"));
        for replica in 0..self.replicas {
            writeln!(
                text,
                "{{apiVersion: v1, kind: Pod, metadata: {{name: w{index}-{replica}, namespace: tool-stashbot, labels: {{app: \
                 w{index}}}}}, spec: {}, status: {{phase: Running}}}}\n---",
                self.pod_spec("old")
            )
            .unwrap();
        }
        text
    }

    fn with(&self, found: &Adjustment) -> Self {
        let mut other = self.clone();
        let lowered =
            |own: &mut u64, amount: u64, most: bool| *own = if most { amount.min(*own) } else { amount };
        for (index, container) in other.containers.iter_mut().enumerate() {
            let most = match &found.part {
                None if index == 0 => false,
                Some(PodPart::Container(name)) if *name == format!("c{index}") => false,
                Some(PodPart::EachContainer) => true,
                _ => continue,
            };
            if let Some(memory) = found.limits.memory {
                lowered(&mut container.memory, memory.bytes(), most);
            }
            if let Some(cpu) = found.limits.cpu {
                lowered(&mut container.cpu, cpu.millis(), most);
            }
            if let Some((memory, cpu)) = &mut container.requests {
                if let Some(amount) = found.requests.memory {
                    lowered(memory, amount.bytes(), most);
                }
                if let Some(amount) = found.requests.cpu {
                    lowered(cpu, amount.millis(), most);
                }
            }
        }
        other.replicas = found.replicas.or(found.parallelism).unwrap_or(other.replicas);
        other.strategy = found.rollout.or(other.strategy);
        other
    }
}

/// A namespace and files.
#[derive(Clone, Debug)]
struct Case {
    /// The minimum of each container: mebibytes, and millis of CPU.
    least: (u64, u64),
    most: (u64, u64),
    /// Pods, mebibytes and millis that the quota allows.
    hard: (u64, u64, u64),
    workloads: Vec<Workload>,
}

impl Case {
    fn facts(&self) -> FilePlanFacts {
        let tool: ToolName = "stashbot".parse().unwrap();
        let Self { least, most, hard, workloads } = self;
        let live: String =
            workloads.iter().enumerate().map(|(index, workload)| workload.live(index)).collect();
        let text = format!(
            "---\n{live}{{apiVersion: v1, kind: LimitRange, metadata: {{name: l, namespace: tool-stashbot}}, spec: {{limits: \
             [{{type: Container, min: {{memory: {}Mi, cpu: {}m}}, max: {{memory: {}Mi, cpu: {}m}}}}]}}}}\n---\n\
             {{apiVersion: v1, kind: ResourceQuota, metadata: {{name: q, namespace: tool-stashbot}}, spec: {{hard: {{pods: {}, \
             limits.memory: {}Mi, limits.cpu: {}m, requests.memory: {}Mi}}}}}}\n",
            least.0,
            least.1,
            most.0,
            most.1,
            hard.0,
            hard.1,
            hard.2,
            hard.1 * 3 / 4
        );
        let mut documents = Documents::default();
        documents.read("live", &text).unwrap();
        let mut facts = documents.file_facts(documents.namespace(&tool).unwrap()).unwrap();
        let limits = &mut facts.jobs.namespace.limits;
        for pod in &facts.jobs.live.pods {
            let used = pod_demand(pod.spec.as_ref().unwrap(), &limits.limit_ranges);
            limits.quotas.iter_mut().for_each(|quota| quota.used.add_all(&used));
        }
        facts
    }

    fn files(&self, workloads: &[Workload]) -> Vec<FileContents> {
        let file = |(index, workload): (usize, &Workload)| {
            let file = FileContents::parse(&workload.file(index), &"stashbot".parse().unwrap());
            assert_eq!(file.errors, [], "{}", workload.file(index));
            file
        };
        workloads.iter().enumerate().map(file).collect()
    }

    fn plan(&self, workloads: &[Workload], facts: &FilePlanFacts) -> FilePlan {
        plan_files(&self.files(workloads), facts)
    }

    /// Returns the smallest sizes of all workloads.
    fn smallest(&self) -> Vec<Workload> {
        let (memory, cpu) = (self.least.0 * MEBIBYTE, self.least.1);
        let smallest = |workload: &Workload| Workload {
            containers: vec![
                Container { memory, cpu, requests: Some((memory, cpu)) };
                workload.containers.len()
            ],
            replicas: workload.replicas.min(1),
            ..workload.clone()
        };
        self.workloads.iter().map(smallest).collect()
    }

    fn with(&self, found: &Adjustment) -> Vec<Workload> {
        let mut workloads = self.workloads.clone();
        for found in found.all() {
            let same = |(index, workload): &(usize, &mut Workload)| {
                workload.name(*index) == found.workload().to_string()
            };
            let (_, workload) = workloads.iter_mut().enumerate().find(same).unwrap();
            *workload = workload.with(found);
        }
        workloads
    }
}

/// Returns adjustments that are each one step nearer to the request, in one amount or count of all workloads.
fn steps_back(case: &Case, found: &Adjustment) -> Vec<Vec<Workload>> {
    let workloads = case.with(found);
    let pairs = || case.workloads.iter().zip(&workloads);
    let containers = || pairs().flat_map(|(own, other)| own.containers.iter().zip(&other.containers));
    let mut all = Vec::new();
    let most =
        containers().filter(|(own, other)| other.memory < own.memory).map(|(_, other)| other.memory).max();
    if let Some(most) = most {
        all.push(stepped(case, &workloads, |own, other| {
            let memory = if other.memory == most { own.memory.min(most + MEBIBYTE) } else { other.memory };
            let requests = own.requests.map(|(request, _)| (request.min(memory), other.requests.unwrap().1));
            Container { memory, requests, ..*other }
        }));
    }
    let most = containers().filter(|(own, other)| other.cpu < own.cpu).map(|(_, other)| other.cpu).max();
    if let Some(most) = most {
        all.push(stepped(case, &workloads, |own, other| {
            let cpu = if other.cpu == most { own.cpu.min(most + 1) } else { other.cpu };
            let requests = own.requests.map(|(_, request)| (other.requests.unwrap().0, request.min(cpu)));
            Container { cpu, requests, ..*other }
        }));
    }
    let most =
        pairs().filter(|(own, other)| other.replicas < own.replicas).map(|(_, other)| other.replicas).max();
    if let Some(most) = most {
        let mut other = workloads.clone();
        for (own, other) in case.workloads.iter().zip(&mut other) {
            if other.replicas == most {
                other.replicas = own.replicas.min(most + 1);
            }
        }
        all.push(other);
    }
    all
}

fn stepped(
    case: &Case,
    workloads: &[Workload],
    step: impl Fn(&Container, &Container) -> Container,
) -> Vec<Workload> {
    let mut stepped = workloads.to_vec();
    for (own, other) in case.workloads.iter().zip(&mut stepped) {
        for (own, other) in own.containers.iter().zip(&mut other.containers) {
            *other = step(own, other);
        }
    }
    stepped
}

fn workload() -> impl Strategy<Value = Workload> {
    let kind = prop::sample::select(vec![
        Kind::Continuous,
        Kind::Continuous,
        Kind::OneOff,
        Kind::Scheduled,
        Kind::WebService,
        Kind::Changed,
        Kind::Changed,
        Kind::Manifest("Deployment"),
        Kind::Manifest("StatefulSet"),
        Kind::Manifest("ReplicaSet"),
        Kind::Manifest("Job"),
        Kind::Manifest("CronJob"),
        Kind::Manifest("Pod"),
    ]);
    // Mebibytes and millis; a share of each is requested.
    let container = (20..3000_u64, 10..900_u64, 0..4_u64);
    (kind, prop::collection::vec(container, 1..3), 1..5_u64).prop_map(|(kind, containers, replicas)| {
        let is_manifest = matches!(kind, Kind::Manifest(_) | Kind::Changed);
        let container = |(memory, cpu, share): (u64, u64, u64)| {
            let requests = (is_manifest && share > 0).then(|| (memory / share * MEBIBYTE, cpu / share));
            Container { memory: memory * MEBIBYTE, cpu, requests }
        };
        let count = if is_manifest { containers.len() } else { 1 };
        let is_single = matches!(kind, Kind::OneOff | Kind::Scheduled | Kind::Manifest("Pod"));
        Workload {
            kind,
            containers: containers.into_iter().take(count).map(container).collect(),
            replicas: if is_single { 1 } else { replicas },
            strategy: None,
        }
    })
}

fn case() -> impl Strategy<Value = Case> {
    let least = (20..120_u64, 5..60_u64);
    let most = (500..3000_u64, 300..900_u64);
    let hard = (1..14_u64, 200..8000_u64, 100..4000_u64);
    (least, most, hard, prop::collection::vec(workload(), 2..5)).prop_map(
        |(least, most, hard, mut workloads)| {
            // A tool has one web service.
            let mut has_web_service = false;
            workloads.retain(|workload| {
                workload.kind != Kind::WebService || !std::mem::replace(&mut has_web_service, true)
            });
            Case { least, most, hard, workloads }
        },
    )
}

/// The number of random sets of files.
const CASES: u32 = 32;

#[test]
fn proposes_a_size_if_the_smallest_fits() {
    let (refused, together) = (Cell::new(0), Cell::new(0));
    let mut runner = TestRunner::new(ProptestConfig::with_cases(CASES));
    let result = runner.run(&case(), |case| {
        let facts = case.facts();
        let plan = case.plan(&case.workloads, &facts);
        let found = file_adjustments(&case.files(&case.workloads), &facts, &plan, ChangeSet::fits);
        if plan.fits() {
            prop_assert!(found.is_empty(), "{:?}", found);
            return Ok(());
        }
        refused.set(refused.get() + 1);
        together.set(together.get() + u32::from(found.iter().any(|found| !found.also.is_empty())));
        if case.plan(&case.smallest(), &facts).fits() {
            prop_assert!(!found.is_empty(), "{}", plan.verdict());
        }
        for found in &found {
            let description = found.description();
            prop_assert!(case.plan(&case.with(found), &facts).fits(), "{description}");
            for step in steps_back(&case, found) {
                let plan = case.plan(&step, &facts);
                // A plan fits, too, with a scheduled job that is changed and can never start.
                let mut blocked = plan.set.blocked_runs().iter().filter(|run| !run.when_history_is_full);
                let is_blocked = blocked.any(|run| {
                    found
                        .all()
                        .any(|change| change.object.as_ref().is_some_and(|object| object.name == run.name))
                });
                prop_assert!(!plan.fits() || is_blocked, "{description}: {step:?}");
            }
        }
        Ok(())
    });
    let (refused, together) = (refused.get(), together.get());
    assert_eq!(result.map_err(|error| error.to_string()), Ok(()));
    // Otherwise, the cases are not meaningful.
    assert!(
        refused * 2 > CASES && together * 5 > CASES,
        "{refused} refused, {together} with several changes"
    );
}
