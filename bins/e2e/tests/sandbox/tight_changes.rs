//! The API server accepts each smallest change that is proposed, and refuses one mebibyte, milli or replica more.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};
use toolforge_e2e::{Api, Connection, Sandbox};
use toolforge_images::Catalog;
use toolforge_model::{Cpu, Memory, ToolName};
use toolforge_quota::{Demand, Resource, Verdict};
use toolforge_render::change::{Adjustment, ChangeSet};
use toolforge_render::files::{FileContents, FilePlanFacts, file_adjustments, plan_files};
use toolforge_render::namespace::{Documents, Namespace, limits};
use toolforge_render::object::Object;
use toolforge_render::pod::pod_demand;

use crate::random::Random;

/// How many files are planned.
const CASES: usize = 72;

/// How many files are drawn to find one with the change whose turn it is.
const DRAWS: usize = 3000;

/// The image of every pod; the sandbox admits no others.
const IMAGE: &str = "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest";

const MEBIBYTE: u64 = 1 << 20;

/// What is changed of a workload so that it fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Changed {
    Memory,
    Cpu,
    MemoryAndCpu,
    Replicas,
    /// An amount is raised to the minimum.
    Raised,
    /// The memory or CPU of a pod that starts before the pod that it replaces stops.
    Surge,
}

impl Changed {
    const ALL: [Self; 6] =
        [Self::Memory, Self::Cpu, Self::MemoryAndCpu, Self::Replicas, Self::Raised, Self::Surge];
}

/// What a file asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ReplicaSet,
    Job,
    WebService,
    ContinuousJob,
    OneOffJob,
    /// A Deployment with one pod, which runs already and is changed.
    ChangedDeployment,
}

/// Memory in bytes, CPU in millis, number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    memory: u64,
    cpu: u64,
    replicas: u64,
    /// The requests of a manifest's container, in bytes and millis. None is above the limit.
    requests: Requests,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Requests {
    memory: u64,
    cpu: u64,
}

/// A file, and the quota and the LimitRange of its namespace.
#[derive(Clone, Debug)]
struct Case {
    kind: Kind,
    asked: Size,
    hard: BTreeMap<Resource, u64>,
    used: Demand,
    limit_range: Option<Value>,
    verdict: Verdict,
    /// The sizes that are proposed.
    proposed: Vec<Size>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, asked, limit_range, verdict, proposed, .. } = self;
        write!(
            f,
            "{kind:?} {asked:?}, quota {}, {limit_range:?}: {verdict}, proposed {proposed:?}",
            self.quota()
        )
    }
}

impl Case {
    fn of(random: &mut Random, changed: Changed) -> Self {
        let kind = if changed == Changed::Surge {
            Kind::ChangedDeployment
        } else {
            let kinds = [Kind::ReplicaSet, Kind::Job, Kind::WebService, Kind::ContinuousJob, Kind::OneOffJob];
            random.pick(&kinds)
        };
        let has_replicas = !matches!(kind, Kind::OneOffJob | Kind::ChangedDeployment);
        let memory = random.pick(&[100, 130, 256, 300, 512, 513, 700, 1024, 2000]) * MEBIBYTE;
        // A job with 100m has the default limit, which is larger.
        let cpu = random.pick(&[99, 101, 250, 333, 500, 501, 750, 1000]);
        let replicas = if has_replicas { random.pick(&[1, 2, 3, 5]) } else { 1 };
        let share = random.pick(&[3, 2, 1]);
        let requests = Requests { memory: memory / share, cpu: cpu / share };
        let asked = Size { memory, cpu, replicas, requests };
        let mut case = Self {
            kind,
            asked,
            hard: BTreeMap::new(),
            used: Demand::default(),
            limit_range: limit_range(random, asked),
            verdict: Verdict::Fits,
            proposed: Vec::new(),
        };
        let each = case.each(asked);
        for resource in [
            Resource::Pods,
            Resource::LimitsMemory,
            Resource::LimitsCpu,
            Resource::RequestsMemory,
            Resource::RequestsCpu,
        ] {
            if !random.percent(45) {
                continue;
            }
            // The quota is between nothing and more than all pods need, and not a whole mebibyte.
            let needed = each.get(&resource) * asked.replicas;
            let headroom = needed * (10 + random.below(110) as u64) / 100;
            let used = each.get(&resource) * random.pick(&[0, 1, 2, 4]);
            // One pod of the Deployment is already running.
            let used = if kind == Kind::ChangedDeployment { used + each.get(&resource) } else { used };
            case.used.add(resource.clone(), used);
            case.hard.insert(resource, used + headroom);
        }
        if case.hard.is_empty() {
            // A quota without resources has no status.
            case.hard.insert(Resource::Services, 1);
        }
        case.plan();
        case
    }

    /// Predicts the verdict and the proposed sizes.
    fn plan(&mut self) {
        let (contents, facts) = (vec![self.contents(self.asked)], self.facts());
        let plan = plan_files(&contents, &facts);
        self.verdict = plan.verdict();
        let found = file_adjustments(&contents, &facts, &plan, ChangeSet::fits);
        self.proposed =
            found.iter().filter(|found| found.rollout.is_none()).map(|found| self.size(found)).collect();
    }

    /// Returns the size that is proposed, with all that is as before.
    fn size(&self, found: &Adjustment) -> Size {
        let Size { memory, cpu, replicas, requests } = self.asked;
        Size {
            memory: found.limits.memory.map_or(memory, Memory::bytes),
            cpu: found.limits.cpu.map_or(cpu, Cpu::millis),
            replicas: found.replicas.or(found.parallelism).unwrap_or(replicas),
            requests: Requests {
                memory: found.requests.memory.map_or(requests.memory, Memory::bytes),
                cpu: found.requests.cpu.map_or(requests.cpu, Cpu::millis),
            },
        }
    }

    /// Returns what a proposed size changes.
    fn changed(&self, proposed: Size) -> Changed {
        let Size { memory, cpu, replicas, requests } = self.asked;
        let is_more = |proposed: Requests| proposed.memory > requests.memory || proposed.cpu > requests.cpu;
        match (proposed.memory != memory, proposed.cpu != cpu, proposed.replicas != replicas) {
            _ if self.kind == Kind::ChangedDeployment => Changed::Surge,
            _ if proposed.memory > memory || proposed.cpu > cpu || is_more(proposed.requests) => {
                Changed::Raised
            }
            (.., true) => Changed::Replicas,
            (true, true, _) => Changed::MemoryAndCpu,
            (true, ..) => Changed::Memory,
            _ => Changed::Cpu,
        }
    }

    /// Returns the sizes that are one step nearer to the requested size than a proposed one.
    fn steps_back(&self, proposed: Size) -> Vec<Size> {
        let step = |amount: u64, asked: u64, step: u64| {
            if asked > amount { asked.min(amount + step) } else { asked.max(amount.saturating_sub(step)) }
        };
        let Size { memory, cpu, replicas, requests } = self.asked;
        // A request that was lowered with its limit is also raised with it.
        let request = |proposed: u64, asked: u64, limit: u64| {
            if proposed < asked { asked.min(limit) } else { proposed.min(limit) }
        };
        let own = proposed.requests;
        let (more_memory, more_cpu) = (step(proposed.memory, memory, MEBIBYTE), step(proposed.cpu, cpu, 1));
        let with_memory = Requests { memory: request(own.memory, requests.memory, more_memory), ..own };
        let with_cpu = Requests { cpu: request(own.cpu, requests.cpu, more_cpu), ..own };
        // One that was raised is lowered alone.
        let lower_memory = own.memory.saturating_sub(MEBIBYTE).max(requests.memory.min(own.memory));
        let lower_cpu = own.cpu.saturating_sub(1).max(requests.cpu.min(own.cpu));
        let nearer = [
            Size { memory: more_memory, requests: with_memory, ..proposed },
            Size { cpu: more_cpu, requests: with_cpu, ..proposed },
            Size { replicas: step(proposed.replicas, replicas, 1), ..proposed },
            Size { requests: Requests { memory: lower_memory, ..own }, ..proposed },
            Size { requests: Requests { cpu: lower_cpu, ..own }, ..proposed },
        ];
        let is_nearer = |size: &Size| *size != proposed;
        // An amount that is raised together with another one does not fit alone.
        nearer.into_iter().filter(is_nearer).collect()
    }

    fn quota(&self) -> Value {
        let hard: Map<String, Value> = self
            .hard
            .iter()
            .map(|(resource, amount)| (resource.to_string(), quantity(resource, *amount)))
            .collect();
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": hard}})
    }

    /// Returns the usage of the quota for an amount.
    fn used(&self, besides: &Demand) -> Value {
        let used = |resource: &Resource| self.used.get(resource) + besides.get(resource);
        let used =
            self.hard.keys().map(|resource| (resource.to_string(), quantity(resource, used(resource))));
        Value::Object(used.collect())
    }

    fn facts(&self) -> FilePlanFacts {
        let tool: ToolName = "x".parse().unwrap();
        let mut quota = self.quota();
        quota["status"] = json!({"hard": quota["spec"]["hard"], "used": self.used(&Demand::default())});
        let quota = serde_json::from_value(quota).unwrap();
        let ranges: Vec<_> =
            self.limit_range.iter().map(|range| serde_json::from_value(range.clone()).unwrap()).collect();
        let limits = limits(&[quota], &ranges);
        let mut facts = FilePlanFacts::new(empty_namespace());
        if self.kind == Kind::ChangedDeployment {
            let mut live = self.manifest(self.asked);
            live["metadata"] = json!({"name": "asked", "namespace": "tool-x", "uid": "u"});
            live["spec"]["template"]["metadata"]["labels"]["version"] = json!("old");
            let pod = json!({
                "apiVersion": "v1", "kind": "Pod",
                "metadata": {"name": "asked-1", "namespace": "tool-x", "labels": {"app": "asked"}},
                "spec": live["spec"]["template"]["spec"], "status": {"phase": "Running"},
            });
            let mut documents = Documents::default();
            let list = json!({"apiVersion": "v1", "kind": "List", "items": [live, pod]});
            documents.read("live", &list.to_string()).unwrap();
            let namespace = documents.namespace(&tool).unwrap();
            facts = documents.file_facts(namespace).unwrap();
        }
        facts.jobs.namespace.limits = limits.clone();
        facts.web_service.namespace.limits = limits;
        facts
    }

    /// Returns the file with a size.
    fn contents(&self, asked: Size) -> FileContents {
        let Size { memory, cpu, replicas, .. } = asked;
        let size = format!("mem: {memory}, cpu: {cpu}m");
        let text = match self.kind {
            Kind::ReplicaSet | Kind::Job | Kind::ChangedDeployment => self.manifest(asked).to_string(),
            Kind::WebService => {
                format!("type: php8.2\n{}\nreplicas: {replicas}\n", size.replace(", ", "\n"))
            }
            Kind::ContinuousJob => format!(
                "- {{name: asked, command: x, image: bookworm, continuous: true, {size}, replicas: {replicas}}}\n"
            ),
            Kind::OneOffJob => format!("- {{name: asked, command: x, image: bookworm, {size}}}\n"),
        };
        let contents = FileContents::parse(&text, &"x".parse().unwrap());
        assert!(contents.errors.is_empty(), "{text}: {:?}", contents.errors);
        contents
    }

    fn manifest(&self, size: Size) -> Value {
        let pod = pod(size);
        let template = json!({"metadata": {"labels": {"app": "asked", "version": "new"}}, "spec": pod});
        let selector = json!({"matchLabels": {"app": "asked"}});
        let metadata = json!({"name": "asked"});
        match self.kind {
            Kind::Job => json!({
                "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata,
                "spec": {"parallelism": size.replicas, "template": template},
            }),
            Kind::ReplicaSet => json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata,
                "spec": {"replicas": size.replicas, "selector": selector, "template": template},
            }),
            _ => json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata,
                "spec": {
                    "replicas": size.replicas, "selector": selector, "template": template,
                    "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
                },
            }),
        }
    }

    /// Returns the spec of a pod of any kind, as it is sent.
    fn sent(&self, size: Size) -> Value {
        if matches!(self.kind, Kind::ReplicaSet | Kind::Job | Kind::ChangedDeployment) {
            return pod(size);
        }
        let facts = FilePlanFacts::new(empty_namespace());
        let plan = plan_files(&[self.contents(size)], &facts);
        let template = plan.set.objects().find_map(|object| match object {
            Object::Deployment(found) => serde_json::to_value(found).ok(),
            Object::Job(found) => serde_json::to_value(found).ok(),
            _ => None,
        });
        let resources = template.unwrap()["spec"]["template"]["spec"]["containers"][0]["resources"].clone();
        json!({"containers": [{"name": "main", "image": IMAGE, "resources": resources}]})
    }

    fn each(&self, size: Size) -> Demand {
        let spec = serde_json::from_value(self.sent(size)).unwrap();
        let ranges: Vec<_> =
            self.limit_range.iter().map(|range| serde_json::from_value(range.clone()).unwrap()).collect();
        pod_demand(&spec, &limits(&[], &ranges).limit_ranges)
    }
}

/// Returns the spec of a pod of a manifest.
fn pod(Size { memory, cpu, requests, .. }: Size) -> Value {
    let amounts = |memory: u64, cpu: u64| json!({"memory": memory.to_string(), "cpu": format!("{cpu}m")});
    let resources =
        json!({"limits": amounts(memory, cpu), "requests": amounts(requests.memory, requests.cpu)});
    json!({"containers": [{"name": "main", "image": IMAGE, "resources": resources}]})
}

/// Returns a namespace without quotas; the catalog of its images is read once.
fn empty_namespace() -> Namespace {
    static NAMESPACE: OnceLock<Namespace> = OnceLock::new();
    let new = || Namespace::new(&"x".parse().unwrap(), Catalog::bundled()).with_uid(52503);
    NAMESPACE.get_or_init(new).clone()
}

fn quantity(resource: &Resource, amount: u64) -> Value {
    json!(resource.amount(amount))
}

/// Returns a LimitRange whose minimum or maximum some sizes break.
fn limit_range(random: &mut Random, asked: Size) -> Option<Value> {
    if random.percent(50) {
        return None;
    }
    let (memory, cpu) = (random.pick(&[70, 100, 120]), random.pick(&[70, 100, 120]));
    let mut item = json!({"type": "Container", "max": {
        "memory": (asked.memory * memory / 100).to_string(), "cpu": format!("{}m", asked.cpu * cpu / 100),
    }});
    if random.percent(50) {
        let (memory, cpu) = (random.pick(&[10, 50, 105]), random.pick(&[10, 50, 105]));
        item["min"] = json!({
            "memory": (asked.memory * memory / 100).min(asked.memory * 2).to_string(),
            "cpu": format!("{}m", asked.cpu * cpu / 100),
        });
        // A maximum below the minimum is refused.
        for key in ["memory", "cpu"] {
            if random.percent(60) {
                item["max"].as_object_mut().unwrap().remove(key);
            }
        }
    }
    let is_ordered = |key: &str, parse: fn(&str) -> u64| {
        let amount = |bound: &str| item[bound][key].as_str().map(parse);
        amount("min").zip(amount("max")).is_none_or(|(min, max)| min <= max)
    };
    let bytes = |text: &str| text.parse().unwrap();
    let millis = |text: &str| text.trim_end_matches('m').parse().unwrap();
    (is_ordered("memory", bytes) && is_ordered("cpu", millis)).then(|| {
        json!({"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "limits"}, "spec": {"limits": [item]}})
    })
}

/// A pod that is sent, as the last of its workload.
struct Trial {
    case: usize,
    size: Size,
    /// Whether its size is a proposed one, and not a step back.
    is_proposed: bool,
}

/// Writes what the other pods of a size use into the status of a case's quota.
fn write_used(connection: &mut Connection, namespace: &str, case: &Case, size: Size) {
    // The pods of a Job are created one after the other if they do not fit at once.
    let others = if case.kind == Kind::Job { 0 } else { size.replicas - 1 };
    let others = case.each(size).times(others);
    let status = json!({"status": {"used": case.used(&others)}});
    let path = format!("/api/v1/namespaces/{namespace}/resourcequotas/quota/status");
    let (code, answer) = connection.request("PATCH", &path, &status);
    assert_eq!(code, 200, "{answer}");
}

#[test]
fn proposed_changes_are_tight() {
    let seed = std::env::var("TOOLFORGE_E2E_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(2026);
    let mut random = Random::new(seed);
    // Namespaces of an earlier run may still be terminating.
    let run = std::process::id();
    let cases: Vec<Case> = (0..CASES).map(|number| draw(&mut random, number)).collect();
    let api = Api::of(&Sandbox::for_tests());
    let mut connection = api.connect();
    let namespace = |case: usize| format!("tight-{run}-{case}");
    for (number, case) in cases.iter().enumerate() {
        create(&mut connection, &namespace(number), case);
    }
    for number in 0..cases.len() {
        until_counted(&mut connection, &namespace(number));
    }
    // The trials of a case run one after the other, each with its own usage.
    let trials: Vec<Vec<Trial>> =
        cases.iter().enumerate().map(|(number, case)| trials(number, case)).collect();
    let rounds = trials.iter().map(Vec::len).max().unwrap_or(0);
    let (mut sent, mut wrong) = (0, Vec::new());
    for round in 0..rounds {
        let of_round = || trials.iter().filter_map(|trials| trials.get(round));
        for trial in of_round() {
            write_used(&mut connection, &namespace(trial.case), &cases[trial.case], trial.size);
        }
        // The admission plugins learn of it a moment later.
        std::thread::sleep(Duration::from_millis(1200));
        for Trial { case: number, size, is_proposed } in of_round() {
            let (case, namespace) = (&cases[*number], namespace(*number));
            let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": case.sent(*size)});
            let path = format!("/api/v1/namespaces/{namespace}/pods?dryRun=All");
            let mut answered = connection.request("POST", &path, &pod);
            sent += 1;
            // On a busy machine, the plugins learn of it later, or the quota controller has recounted in the meantime.
            for _ in 0..3 {
                if (answered.0 == 201) == *is_proposed {
                    break;
                }
                write_used(&mut connection, &namespace, case, *size);
                std::thread::sleep(Duration::from_secs(3));
                answered = connection.request("POST", &path, &pod);
            }
            let (code, answer) = answered;
            if (code == 201) != *is_proposed {
                let what = if *is_proposed { "proposed, and refused" } else { "a step back, and accepted" };
                wrong.push(format!("{case}\n{size:?} {what}: {}", answer["message"]));
            }
        }
    }
    for number in 0..cases.len() {
        let path = format!("/api/v1/namespaces/{}", namespace(number));
        let _ = connection.request("DELETE", &path, &Value::Null);
    }
    println!("seed {seed}, {CASES} files, {sent} pods");
    let mut histogram: BTreeMap<String, usize> = BTreeMap::new();
    for case in &cases {
        *histogram.entry(case.verdict.to_string()).or_default() += 1;
        for proposed in &case.proposed {
            *histogram.entry(format!("{:?}", case.changed(*proposed))).or_default() += 1;
        }
    }
    for (name, count) in &histogram {
        println!("{name}: {count}");
    }
    println!("{} disagreements", wrong.len());
    assert!(
        wrong.is_empty(),
        "{} disagreements:\n{}",
        wrong.len(),
        wrong[..wrong.len().min(10)].join("\n\n")
    );
    for verdict in [Verdict::QuotaExceeded, Verdict::Never, Verdict::Deadlock] {
        let count = histogram.get(verdict.as_str()).copied().unwrap_or(0);
        assert!(count * 100 >= CASES * 15, "only {count} files: {verdict}");
    }
}

/// Returns a random file for which a change is proposed; each change has its turn, and so has each verdict.
fn draw(random: &mut Random, number: usize) -> Case {
    let changed = Changed::ALL[number % Changed::ALL.len()];
    let verdict = match changed {
        Changed::Surge => Verdict::Deadlock,
        Changed::Raised => Verdict::Never,
        _ if (number / Changed::ALL.len()).is_multiple_of(2) => Verdict::QuotaExceeded,
        _ => Verdict::Never,
    };
    let mut cases = (0..DRAWS).map(|_| Case::of(random, changed));
    let is_wanted = |case: &Case| {
        case.verdict == verdict && case.proposed.iter().any(|found| case.changed(*found) == changed)
    };
    let found = cases.find(is_wanted);
    assert!(found.is_some(), "no file for {changed:?}, {verdict}");
    found.unwrap()
}

fn trials(number: usize, case: &Case) -> Vec<Trial> {
    let of_proposed = |proposed: &Size| {
        let nearer = case.steps_back(*proposed).into_iter();
        let nearer = nearer.map(|size| Trial { case: number, size, is_proposed: false });
        let proposed = Trial { case: number, size: *proposed, is_proposed: true };
        std::iter::once(proposed).chain(nearer).collect::<Vec<_>>()
    };
    case.proposed.iter().flat_map(of_proposed).collect()
}

/// Creates the namespace of a case.
fn create(connection: &mut Connection, namespace: &str, case: &Case) {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    let core = format!("/api/v1/namespaces/{namespace}");
    let mut post = |path: &str, object: &Value| {
        let (code, answer) = connection.request("POST", path, object);
        assert_eq!(code, 201, "{object}: {answer}");
    };
    post("/api/v1/namespaces", &object);
    post(&format!("{core}/resourcequotas"), &case.quota());
    if let Some(range) = &case.limit_range {
        post(&format!("{core}/limitranges"), range);
    }
}

/// Waits until the quota of a namespace is counted, and pods can be created.
fn until_counted(connection: &mut Connection, namespace: &str) {
    let core = format!("/api/v1/namespaces/{namespace}");
    wait_for(connection, &format!("{core}/resourcequotas/quota"), |found| {
        found["status"]["used"].is_object()
    });
    wait_for(connection, &format!("{core}/serviceaccounts/default"), |found| {
        found["metadata"]["uid"].is_string()
    });
}

fn wait_for(connection: &mut Connection, path: &str, is_ready: impl Fn(&Value) -> bool) {
    let begin = Instant::now();
    while !is_ready(&connection.request("GET", path, &Value::Null).1) {
        assert!(begin.elapsed() < Duration::from_secs(60), "{path} is not ready");
        std::thread::sleep(Duration::from_millis(50));
    }
}
