//! Random rollouts under random quotas end as predicted, and use at most the predicted peak.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use toolforge_e2e::{Api, Connection, Sandbox};
use toolforge_images::Catalog;
use toolforge_quota::{Demand, Pods, Resource, ResourceQuota, RollingUpdate, Verdict, forecast_rollout};
use toolforge_render::files::{FileContents, FilePlan, plan_files};
use toolforge_render::namespace::{Documents, Namespace};

use crate::controllers::{self, Ends, Replacement, can_get_stuck};
use crate::random::Random;

/// How many rollouts there are in the gate; `TOOLFORGE_E2E_ROLLOUTS` sets another number.
const ROLLOUTS: usize = 64;

/// How many rollouts take place at the same time.
const AT_ONCE: usize = 4;

/// How many rollouts are drawn to find one with the verdict whose turn it is.
const DRAWS: usize = 500;

/// How long a rollout may take that completes. The ReplicaSet controller waits longer after each refusal, twice as long each
/// time, and on a busy machine it is refused more often.
const LONGEST: Duration = Duration::from_secs(600);

/// How long a rollout must not complete that is stuck, after the last of its pods was created.
const STUCK: Duration = Duration::from_secs(12);

/// The image of every pod; the sandbox admits no others.
const IMAGE: &str = "docker-registry.svc.toolforge.org/toolforge-bookworm-sssd:latest";

const VERDICTS: [Verdict; 4] =
    [Verdict::Fits, Verdict::FitsAfterTermination, Verdict::Deadlock, Verdict::Never];

/// Pods of one template: how many, and the CPU in millis and memory in MiB of each.
#[derive(Clone, Copy, Debug)]
struct Template {
    replicas: u64,
    cpu: u64,
    memory: u64,
}

impl Template {
    fn pods(self) -> Pods {
        let each = [
            (Resource::Pods, 1),
            (Resource::LimitsCpu, self.cpu),
            (Resource::LimitsMemory, self.memory << 20),
        ];
        Pods { count: self.replicas, each: each.into() }
    }

    fn of(random: &mut Random) -> Self {
        Self {
            replicas: random.pick(&[1, 1, 2, 2, 3, 4]),
            cpu: random.pick(&[10, 20, 30]),
            memory: random.pick(&[16, 24, 32]),
        }
    }
}

/// How a Deployment replaces its pods, as its strategy spells it.
#[derive(Clone, Copy, Debug)]
enum Strategy {
    Recreate,
    /// Pods, or percentages.
    Rolling {
        surge: Bound,
        unavailable: Bound,
    },
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    Pods(u64),
    Percent(u64),
}

impl Bound {
    fn json(self) -> Value {
        match self {
            Self::Pods(count) => json!(count),
            Self::Percent(percent) => json!(format!("{percent}%")),
        }
    }
}

impl Strategy {
    fn of(random: &mut Random) -> Self {
        let bound = |random: &mut Random| match random.below(4) {
            0 => Bound::Percent(random.pick(&[25, 34, 50, 100])),
            1 => Bound::Pods(2),
            _ => Bound::Pods(1),
        };
        match random.below(6) {
            0 => Self::Recreate,
            1 | 2 => Self::Rolling { surge: bound(random), unavailable: Bound::Pods(0) },
            3 | 4 => Self::Rolling { surge: Bound::Pods(0), unavailable: bound(random) },
            _ => Self::Rolling { surge: Bound::Percent(25), unavailable: Bound::Percent(25) },
        }
    }

    fn json(self) -> Value {
        match self {
            Self::Recreate => json!({"type": "Recreate"}),
            Self::Rolling { surge, unavailable } => json!({
                "type": "RollingUpdate",
                "rollingUpdate": {"maxSurge": surge.json(), "maxUnavailable": unavailable.json()},
            }),
        }
    }

    /// Surges are rounded up, unavailable pods down.
    fn update(self, replicas: u64) -> Option<RollingUpdate> {
        let Self::Rolling { surge, unavailable } = self else { return None };
        let max_surge = match surge {
            Bound::Pods(count) => count,
            Bound::Percent(percent) => (replicas * percent).div_ceil(100),
        };
        let max_unavailable = match unavailable {
            Bound::Pods(count) => count,
            Bound::Percent(percent) => replicas * percent / 100,
        };
        Some(RollingUpdate { max_surge, max_unavailable })
    }
}

/// A field that no file states: the live object has it from `kubectl scale` or `kubectl patch`, and it stays.
#[derive(Clone, Copy, Debug)]
enum Unstated {
    Nothing,
    Replicas,
    Strategy,
}

/// A change of a Deployment under a quota, with what `quota-check` predicts of it.
#[derive(Clone, Debug)]
struct Case {
    old: Template,
    new: Template,
    strategy: Strategy,
    unstated: Unstated,
    hard: BTreeMap<Resource, u64>,
    verdict: Verdict,
    /// The most of each resource that the pods request together right after one was created.
    peak: Demand,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { old, new, strategy, unstated, hard, verdict, peak } = self;
        let hard = &quota(hard)["spec"]["hard"];
        write!(
            f,
            "{old:?} -> {new:?}, {strategy:?}, unstated {unstated:?}, quota {hard}: {verdict}, peak {peak:?}"
        )
    }
}

impl Case {
    fn of(random: &mut Random) -> Self {
        let (old, mut new) = (Template::of(random), Template::of(random));
        if random.percent(50) {
            new.replicas = old.replicas;
        }
        let strategy = Strategy::of(random);
        // Each limit is between what the old pods use and twice what both need; most cases have one that is tight.
        let (old_pods, new_pods) = (old.pods(), new.pods());
        let mut hard = BTreeMap::new();
        for (resource, each) in new_pods.each.iter() {
            let used = old_pods.each.get(resource) * old.replicas;
            let all = used + each * new.replicas;
            let step = if *resource == Resource::Pods { 1 } else { each / 2 };
            let steps = usize::try_from((all - used) / step).unwrap_or(0) + 1;
            let amount = if random.percent(40) { used + step * random.below(steps + 1) as u64 } else { all };
            hard.insert(resource.clone(), amount);
        }
        let unstated = Unstated::Nothing;
        let (verdict, peak) = (Verdict::Never, Demand::default());
        Self { old, new, strategy, unstated, hard, verdict, peak }.predicted()
    }

    /// Returns the case with a field that its files do not state, in a third of the cases of each verdict. The prediction is the same.
    fn with_unstated(self, number: usize) -> Self {
        let is_scaled = self.old.replicas > 1 && self.old.replicas == self.new.replicas;
        let unstated = match number / VERDICTS.len() % 6 {
            0 if is_scaled => Unstated::Replicas,
            0 | 3 => Unstated::Strategy,
            _ => Unstated::Nothing,
        };
        Self { unstated, ..self }.predicted()
    }

    /// Returns the Deployment as a file.
    fn file(&self, template: Template, version: &str) -> Value {
        let mut object = deployment(template, version, self.strategy);
        let spec = object["spec"].as_object_mut().unwrap();
        match self.unstated {
            Unstated::Nothing => None,
            Unstated::Replicas => spec.remove("replicas"),
            Unstated::Strategy => spec.remove("strategy"),
        };
        object
    }

    /// Returns the live Deployment before the change, as `kubectl apply` and what sets the unstated field leave it.
    fn live(&self) -> Value {
        let mut object = deployment(self.old, "old", self.strategy);
        let applied = self.file(self.old, "old").to_string();
        object["metadata"]["annotations"] =
            json!({"kubectl.kubernetes.io/last-applied-configuration": applied});
        object
    }

    /// Returns the case with the verdict and the peak of a plan, which are those of the simulated rollout.
    fn predicted(self) -> Self {
        let plan = self.plan();
        let fits = |demand: &Demand| self.hard.iter().all(|(resource, hard)| demand.get(resource) <= *hard);
        let update = self.strategy.update(self.new.replicas);
        let forecast = forecast_rollout(&self.old.pods(), &self.new.pods(), update, fits);
        let case = Self { verdict: plan.verdict(), peak: forecast.peak, ..self };
        assert_eq!(case.verdict, forecast.verdict, "{case}");
        assert_eq!(case.verdict.completes(), !can_get_stuck(&[case.model()], &[]), "{case}");
        for row in plan.set.forecast().filter(|_| case.verdict.completes()) {
            let at_rest = row.at_rest;
            let expected = case.peak.get(&at_rest.resource).max(at_rest.used).max(at_rest.after);
            assert_eq!(row.peak, expected, "{} of {case}", at_rest.resource);
        }
        case
    }

    /// Returns what `quota-check` plans for the changed Deployment as a file.
    fn plan(&self) -> FilePlan {
        let mut namespace = Namespace::new(&"x".parse().unwrap(), Catalog::bundled());
        let pods = self.old.pods();
        namespace.limits.quotas = vec![ResourceQuota {
            hard: self.hard.clone(),
            used: pods.each.times(pods.count),
            ..ResourceQuota::default()
        }];
        let tool = namespace.tool.clone();
        let text = |mut object: Value| {
            object["metadata"]["namespace"] = json!(tool.namespace());
            object.to_string()
        };
        let mut documents = Documents::default();
        documents.read("live", &text(self.live())).unwrap();
        let facts = documents.file_facts(namespace).unwrap();
        plan_files(&[FileContents::parse(&text(self.file(self.new, "new")), &tool)], &facts)
    }

    /// Returns the case for the simulation of the controllers.
    fn model(&self) -> controllers::Case<3> {
        let pods = |template: Template| (template.replicas, [1, template.cpu, template.memory << 20]);
        let hard = [Resource::Pods, Resource::LimitsCpu, Resource::LimitsMemory].map(|key| self.hard[&key]);
        let strategy = match self.strategy.update(self.new.replicas) {
            Some(update) => {
                Replacement::Rolling { surge: update.max_surge, unavailable: update.max_unavailable }
            }
            None => Replacement::Recreate,
        };
        controllers::Case { hard, others: [0; 3], old: pods(self.old), new: pods(self.new), strategy }
    }
}

impl Case {
    /// Returns whether one pod is replaced after the other and none is refused, which leaves no choice to the controllers.
    fn is_one_by_one(&self) -> bool {
        let update = self.strategy.update(self.new.replicas);
        self.verdict == Verdict::Fits
            && update.is_none_or(|update| update.max_surge + update.max_unavailable <= 1)
    }

    /// Returns whether a rollout can have a peak. There are never more pods than the strategy allows, except those that the
    /// controller of the old pods has yet to delete when that of the new ones creates as many: at most those of one step.
    fn is_possible_peak(&self, peak: &Demand) -> bool {
        let (old, new) = (self.old.pods().each, self.new.pods().each);
        let replicas = self.new.replicas;
        let most_old = self.old.replicas.max(replicas);
        let most_pods = self.strategy.update(replicas).map_or(most_old, |update| {
            let max_unavailable =
                if update.max_surge == 0 { update.max_unavailable.max(1) } else { update.max_unavailable };
            most_old.max(replicas + update.max_surge) + update.max_surge + max_unavailable
        });
        let mut most = self.peak.clone();
        for running_new in 0..=replicas {
            let mut pods = new.times(running_new);
            pods.add_all(&old.times(most_old.min(most_pods.saturating_sub(running_new))));
            most = most.max(&pods);
        }
        peak.iter().all(|(resource, amount)| {
            amount <= most.get(resource) && self.hard.get(resource).is_none_or(|hard| amount <= *hard)
        })
    }
}

fn quota(hard: &BTreeMap<Resource, u64>) -> Value {
    let amounts: serde_json::Map<String, Value> = hard
        .iter()
        .map(|(resource, amount)| (resource.to_string(), json!(resource.amount(*amount))))
        .collect();
    json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "quota"}, "spec": {"hard": amounts}})
}

fn spec(template: Template, version: &str, strategy: Strategy) -> Value {
    let amounts = json!({"cpu": format!("{}m", template.cpu), "memory": format!("{}Mi", template.memory)});
    // As the first process of its container, sleep ignores the signal, and terminates when the grace period ends.
    json!({
        "replicas": template.replicas,
        "selector": {"matchLabels": {"app": "rollout"}},
        "strategy": strategy.json(),
        "template": {
            "metadata": {"labels": {"app": "rollout", "version": version}},
            "spec": {
                "terminationGracePeriodSeconds": 2,
                "containers": [{
                    "name": "sleep", "image": IMAGE, "command": ["sleep", "infinity"],
                    "resources": {"limits": amounts, "requests": amounts},
                }],
            },
        },
    })
}

fn deployment(template: Template, version: &str, strategy: Strategy) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "rollout"},
        "spec": spec(template, version, strategy),
    })
}

/// What a rollout did.
#[derive(Debug)]
struct Outcome {
    is_complete: bool,
    was_refused: bool,
    /// The most of each resource that pods requested together right after one was created.
    peak: Demand,
}

#[test]
fn random_rollouts_end_as_predicted() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let seed = variable("TOOLFORGE_E2E_SEED").unwrap_or(2026);
    let count =
        variable("TOOLFORGE_E2E_ROLLOUTS").and_then(|count| usize::try_from(count).ok()).unwrap_or(ROLLOUTS);
    let mut random = Random::new(seed);
    // A second run of the same cases on one sandbox has namespaces of its own.
    let run = format!("{}-{}", random.below(1_000_000), std::process::id());
    let case = |number| case_with(&mut random, VERDICTS[number % VERDICTS.len()]).with_unstated(number);
    let cases: Vec<Case> = (0..count).map(case).collect();
    let sandbox = Sandbox::for_tests();
    let api = Api::of(&sandbox);
    let next = Mutex::new(cases.iter().enumerate());
    let outcomes: Vec<(usize, Outcome)> = std::thread::scope(|scope| {
        let worker = || {
            let mut connection = api.connect();
            let mut outcomes = Vec::new();
            loop {
                let taken = next.lock().unwrap().next();
                let Some((number, case)) = taken else { return outcomes };
                let namespace = format!("rollout-{run}-{number}");
                outcomes.push((number, roll_out(&sandbox, &mut connection, &namespace, case)));
            }
        };
        let workers: Vec<_> = (0..AT_ONCE).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    });

    let mut histogram: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut one_by_one, mut equal_peaks, mut only_peaks, mut simulated_peaks, mut escaped) = (0, 0, 0, 0, 0);
    let mut wrong = Vec::new();
    for (number, outcome) in &outcomes {
        let case = &cases[*number];
        let verdict = case.verdict;
        *histogram.entry(verdict.as_str()).or_default() += 1;
        if case.is_one_by_one() {
            one_by_one += 1;
            equal_peaks += usize::from(outcome.peak == case.peak);
        }
        let Ends { can_complete, peaks } = controllers::ends(&case.model());
        let peak =
            [Resource::Pods, Resource::LimitsCpu, Resource::LimitsMemory].map(|key| outcome.peak.get(&key));
        if outcome.is_complete {
            simulated_peaks += usize::from(peaks.contains(peak.as_slice()));
        }
        // If the controllers have only one possible order, the observed peak is the predicted one.
        let has_one_peak = verdict.completes() && peaks.len() == 1;
        only_peaks += usize::from(has_one_peak);
        // A new pod may be created before the old ones are scaled up, which resolves some deadlocks.
        let escapes = verdict == Verdict::Deadlock && outcome.is_complete && can_complete;
        escaped += usize::from(escapes);
        let is_as_predicted = (outcome.is_complete == verdict.completes() || escapes)
            && (!has_one_peak || outcome.peak == case.peak)
            && (outcome.is_complete || outcome.was_refused)
            && !(verdict == Verdict::Fits && outcome.was_refused)
            && case.is_possible_peak(&outcome.peak);
        if !is_as_predicted {
            wrong.push(format!("{case}\n{outcome:?}"));
        }
    }
    let unstated = cases.iter().filter(|case| !matches!(case.unstated, Unstated::Nothing)).count();
    println!("seed {seed}, {count} rollouts, {unstated} of which do not state their replicas or strategy");
    for (verdict, found) in &histogram {
        println!("{verdict}: {found} ({}%)", found * 100 / count);
        assert!(found * 100 >= count * 15, "only {found} rollouts: {verdict}");
    }
    println!("{equal_peaks} of {one_by_one} that replace one pod after the other have the predicted peak");
    println!("{only_peaks} have only one possible peak, which is the predicted one");
    println!("{simulated_peaks} that completed have a peak of the simulated controllers");
    println!("{escaped} deadlocks completed, because a new pod was created before an old one");
    println!("{} disagreements", wrong.len());
    assert_eq!(histogram.len(), VERDICTS.len());
    // Another peak is only observed if a controller is late.
    assert!(equal_peaks * 10 >= one_by_one * 9, "{equal_peaks} of {one_by_one} peaks are as predicted");
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n\n"));
}

/// Returns a random rollout with a verdict.
fn case_with(random: &mut Random, verdict: Verdict) -> Case {
    let mut cases = (0..DRAWS).map(|_| Case::of(random));
    cases.find(|case| case.verdict == verdict).unwrap()
}

/// Creates a namespace, the old pods and the quota, changes the Deployment, and returns what happened.
fn roll_out(sandbox: &Sandbox, connection: &mut Connection, namespace: &str, case: &Case) -> Outcome {
    let object = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}});
    create(connection, "/api/v1/namespaces", &object);
    let core = format!("/api/v1/namespaces/{namespace}");
    wait_for(connection, &format!("{core}/serviceaccounts/default"), |account| {
        account["metadata"]["uid"].is_string()
    });
    let deployments = format!("/apis/apps/v1/namespaces/{namespace}/deployments");
    sandbox.apply(namespace, &case.file(case.old, "old"));
    let kubectl = |arguments: &[&str]| {
        let _ = sandbox.kubectl(&[arguments, &["deployment/rollout", "--namespace", namespace]].concat());
    };
    match case.unstated {
        Unstated::Nothing => {}
        Unstated::Replicas => kubectl(&["scale", "--replicas", &case.old.replicas.to_string()]),
        Unstated::Strategy => {
            // Without `null`, the default of the other type would be kept.
            let mut strategy = json!({"rollingUpdate": null});
            strategy.as_object_mut().unwrap().extend(case.strategy.json().as_object().unwrap().clone());
            kubectl(&["patch", "--patch", &json!({"spec": {"strategy": strategy}}).to_string()]);
        }
    }
    let path = format!("{deployments}/rollout");
    wait_for(connection, &path, |found| found["status"]["readyReplicas"] == json!(case.old.replicas));
    create(connection, &format!("{core}/resourcequotas"), &quota(&case.hard));
    let pods = Resource::Pods.to_string();
    wait_for(connection, &format!("{core}/resourcequotas/quota"), |found| {
        found["status"]["used"][&pods] == json!(case.old.replicas.to_string())
    });

    let (_, list) = connection.request("GET", &format!("{core}/pods"), &Value::Null);
    let version = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    sandbox.apply(namespace, &case.file(case.new, "new"));
    let (code, changed) = connection.request("GET", &path, &Value::Null);
    assert_eq!(code, 200, "{changed}");
    let generation = changed["metadata"]["generation"].clone();
    let is_complete = wait_until_over(connection, &path, &core, &generation, case);
    let events = connection.watch(&format!("{core}/pods?watch=1&resourceVersion={version}&timeoutSeconds=1"));
    let (_, reported) = connection.request("GET", &format!("{core}/events"), &Value::Null);
    let was_refused = reported["items"].as_array().unwrap().iter().any(|event| {
        event["reason"] == "FailedCreate"
            && event["message"].as_str().unwrap_or_default().contains("exceeded quota")
    });
    let peak = peak(case, &list, &events);
    let _ = connection.request("DELETE", &format!("/api/v1/namespaces/{namespace}"), &Value::Null);
    Outcome { is_complete, was_refused, peak }
}

/// Returns whether a rollout completes, once it has or is stuck.
fn wait_until_over(
    connection: &mut Connection,
    path: &str,
    core: &str,
    generation: &Value,
    case: &Case,
) -> bool {
    let replicas = case.new.replicas;
    let started = Instant::now();
    let (mut seen, mut changed) = (BTreeSet::new(), Instant::now());
    loop {
        let (_, found) = connection.request("GET", path, &Value::Null);
        let status = &found["status"];
        let is_all = |field: &str| status[field].as_u64().unwrap_or(0) == replicas;
        if status["observedGeneration"] == *generation
            && ["replicas", "updatedReplicas", "availableReplicas"].into_iter().all(is_all)
        {
            return true;
        }
        let (_, pods) = connection.request("GET", &format!("{core}/pods"), &Value::Null);
        let state: BTreeSet<String> = pods["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|pod| {
                let ready = pod["status"]["containerStatuses"][0]["ready"] == true;
                format!("{} {ready}", pod["metadata"]["name"])
            })
            .collect();
        if state != seen {
            (seen, changed) = (state, Instant::now());
        }
        // While pods terminate or start, it is not stuck; after that the controller tries again, later each time.
        let is_stuck = !case.verdict.completes() && changed.elapsed() > STUCK.max(started.elapsed() / 2);
        if is_stuck || started.elapsed() > LONGEST {
            return false;
        }
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Returns the most of each resource that pods requested together right after one of them was created, without those that
/// were terminating.
fn peak(case: &Case, list: &Value, events: &[Value]) -> Demand {
    let (old, new) = (case.old.pods().each, case.new.pods().each);
    let is_new = |pod: &Value| pod["metadata"]["labels"]["version"] == "new";
    let name = |pod: &Value| pod["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let mut pods: BTreeMap<String, bool> =
        list["items"].as_array().unwrap().iter().map(|pod| (name(pod), is_new(pod))).collect();
    let mut peak = Demand::default();
    for event in events {
        let pod = &event["object"];
        if event["type"] == "DELETED" || pod["metadata"]["deletionTimestamp"].is_string() {
            pods.remove(&name(pod));
        } else if event["type"] == "ADDED" {
            pods.insert(name(pod), is_new(pod));
            let count = |new: bool| pods.values().filter(|is_new| **is_new == new).count() as u64;
            let mut now = old.times(count(false));
            now.add_all(&new.times(count(true)));
            peak = peak.max(&now);
        }
    }
    peak
}

fn create(connection: &mut Connection, path: &str, object: &Value) {
    let (code, answer) = connection.request("POST", path, object);
    assert_eq!(code, 201, "{object}: {answer}");
}

fn wait_for(connection: &mut Connection, path: &str, is_met: impl Fn(&Value) -> bool) {
    let started = Instant::now();
    loop {
        let (_, found) = connection.request("GET", path, &Value::Null);
        if is_met(&found) {
            return;
        }
        assert!(started.elapsed() < LONGEST, "{path}: {found}");
        std::thread::sleep(Duration::from_millis(100));
    }
}
