//! The programs judge random requests as the cluster does: what they send gets its pods, and what they refuse never would.

use std::fmt;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use toolforge_e2e::{Outcome, Tool};

use crate::random::Random;

/// How many requests there are in the gate; `TOOLFORGE_E2E_REQUESTS` sets another number.
const REQUESTS: usize = 40;

/// How long pods, and refusals of pods, may take. A one-off job tries again after ten seconds, and the load of the machine counts.
const PATIENCE: Duration = Duration::from_secs(240);

/// The kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    OneOff,
    Scheduled,
    Continuous,
    WebService,
}

/// Memory in MiB and CPU in millis of each pod, and the number of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Size {
    memory: usize,
    cpu: usize,
    replicas: usize,
}

/// The limits of a quota: memory in MiB, CPU in millis, pods.
#[derive(Clone, Copy, Debug)]
struct Quota {
    memory: usize,
    cpu: usize,
    pods: usize,
}

#[derive(Clone, Copy, Debug)]
struct Request {
    kind: Kind,
    size: Size,
    quota: Quota,
    /// What it is changed to, once it runs, and the quota by then.
    change: Option<(Size, Quota)>,
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, size, quota, change } = self;
        write!(f, "{kind:?} {size:?} under {quota:?}, changed to {change:?}")
    }
}

impl Quota {
    /// Returns a quota for some pods in addition to others: at most one of its limits is tight.
    fn around(random: &mut Random, pods: Size, beside: Size) -> Self {
        let mut around = |needed: usize, used: usize, step: usize| match random.below(14) {
            // Just enough with the others, just too little, just enough alone, just too little alone, something in between, plenty.
            0 => used + needed,
            1 => (used + needed).saturating_sub(step).max(used).max(1),
            2 => needed,
            3 => needed.saturating_sub(step).max(1),
            4 => used + needed / 2,
            _ => 100 * (used + needed),
        };
        let (all, used) = (pods.replicas, beside.replicas);
        Self {
            memory: around(all * pods.memory, used * beside.memory, 1),
            cpu: around(all * pods.cpu, used * beside.cpu, 1),
            pods: around(all, used, 1),
        }
    }

    fn json(self) -> Value {
        let Self { memory, cpu, pods } = self;
        json!({"limits.memory": format!("{memory}Mi"), "limits.cpu": format!("{cpu}m"), "pods": pods.to_string()})
    }
}

impl Size {
    const NONE: Self = Self { memory: 0, cpu: 0, replicas: 0 };

    fn of(random: &mut Random, replicas: usize) -> Self {
        Self {
            memory: random.pick(&[101, 128, 160, 250, 300]),
            cpu: random.pick(&[101, 150, 200, 333]),
            replicas,
        }
    }
}

impl Request {
    fn of(random: &mut Random, kind: Kind) -> Self {
        let is_replicated = matches!(kind, Kind::Continuous | Kind::WebService);
        let replicas = if is_replicated { random.pick(&[1, 1, 2, 3]) } else { 1 };
        let size = Size::of(random, replicas);
        let quota = Quota::around(random, size, Size::NONE);
        let next = Size::of(random, replicas);
        let change = is_replicated.then(|| (next, Quota::around(random, next, size)));
        Self { kind, size, quota, change }
    }

    /// Returns the jobs file with the job.
    fn file(&self, size: Size) -> String {
        let kind = match self.kind {
            Kind::OneOff | Kind::WebService => String::new(),
            Kind::Scheduled => ", schedule: '@yearly'".to_owned(),
            Kind::Continuous => format!(", continuous: true, replicas: {}", size.replicas),
        };
        let (memory, cpu) = (size.memory, size.cpu);
        format!(
            "- {{name: asked, image: bookworm, command: sleep 3600, no-filelog: true, mem: {memory}Mi, cpu: {cpu}m{kind}}}\n"
        )
    }

    /// Runs the program that is asked.
    fn send(&self, tool: &Tool, size: Size, verb: &str) -> Outcome {
        if self.kind != Kind::WebService {
            tool.write("jobs.yaml", &self.file(size));
            return tool.jobs(&["load", "jobs.yaml"]);
        }
        let options = web_options(size);
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        tool.webservice(&[&["php8.2", verb], options.as_slice()].concat())
    }

    /// Creates or changes the same objects without the programs.
    fn force(&self, tool: &Tool, size: Size) -> Outcome {
        let render = if self.kind == Kind::WebService {
            format!("webservice php8.2 render {}", web_options(size).join(" "))
        } else {
            tool.write("jobs.yaml", &self.file(size));
            // The shell has a `jobs` of its own.
            "env jobs render jobs.yaml".to_owned()
        };
        let start = if self.kind == Kind::Scheduled {
            " && kubectl create job --from=cronjob/asked by-hand"
        } else {
            ""
        };
        tool.shell(&format!("{render} | kubectl apply --server-side --force-conflicts -f -{start}"))
    }
}

fn web_options(Size { memory, cpu, replicas }: Size) -> [String; 6] {
    let option = |name: &str, value: String| [name.to_owned(), value];
    let [memory, cpu, replicas] = [
        option("--mem", format!("{memory}Mi")),
        option("--cpu", format!("{cpu}m")),
        option("--replicas", replicas.to_string()),
    ];
    [memory, cpu, replicas].concat().try_into().unwrap_or_default()
}

/// Returns the pods that do not terminate and have these limits.
fn count_pods(tool: &Tool, Size { memory, cpu, .. }: Size) -> usize {
    let pods: Value = serde_json::from_str(&tool.kubectl(&["get", "pods", "-o", "json"])).unwrap();
    let limits = json!({"memory": format!("{memory}Mi"), "cpu": format!("{cpu}m")});
    let is_counted = |pod: &&Value| {
        pod["metadata"]["deletionTimestamp"].is_null()
            && pod["spec"]["containers"][0]["resources"]["limits"] == limits
    };
    pods["items"].as_array().into_iter().flatten().filter(is_counted).count()
}

/// Returns whether the quota has refused a pod since the last events were deleted.
fn was_refused(tool: &Tool) -> bool {
    let events: Value = serde_json::from_str(&tool.kubectl(&["get", "events", "-o", "json"])).unwrap();
    events["items"].as_array().into_iter().flatten().any(|event| {
        event["reason"] == "FailedCreate"
            && event["message"].as_str().is_some_and(|message| message.contains("exceeded quota"))
    })
}

fn becomes(is_met: impl Fn() -> bool) -> bool {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if is_met() {
            return true;
        }
        std::thread::sleep(Duration::from_millis(500));
    }
    false
}

fn clear(tool: &Tool) {
    let kinds = "deployments,cronjobs,jobs,services,httproutes,ingresses,replicasets";
    let _ = tool.kubectl(&["delete", kinds, "--all", "--wait=false"]);
    let _ = tool.kubectl(&["delete", "pods", "--all", "--force", "--grace-period=0"]);
    let quota = tool.namespace();
    let is_empty = || tool.object("resourcequota", &quota)["status"]["used"]["pods"] == "0";
    assert!(becomes(is_empty), "{}", tool.kubectl(&["get", "resourcequota,pods", "-o", "yaml"]));
    let _ = tool.kubectl(&["delete", "events", "--all"]);
}

/// Sends a request, and checks the response; returns whether it was sent, or the error.
fn judge(tool: &Tool, request: &Request, (size, quota): (Size, Quota), verb: &str) -> Result<bool, String> {
    tool.set_quota(&quota.json());
    let outcome = request.send(tool, size, verb);
    let wrong = |what: &str| Err(format!("{verb}: {what}\n{request}\n{}{}", outcome.stdout, outcome.stderr));
    match outcome.code {
        0 => {
            if request.kind == Kind::Scheduled {
                let run = tool.jobs(&["trigger", "asked"]);
                if run.code != 0 {
                    return wrong(&format!("the run: {}", run.stderr));
                }
            }
            let are_all = || count_pods(tool, size) == size.replicas;
            if becomes(are_all) { Ok(true) } else { wrong("not all pods were created") }
        }
        3 => {
            if was_refused(tool) {
                return wrong("it was sent");
            }
            let forced = request.force(tool, size);
            let is_refused = forced.stderr.contains("exceeded quota");
            if forced.code != 0 && !is_refused {
                return wrong(&format!("it was not forced: {}", forced.stderr));
            }
            let is_refused = is_refused || becomes(|| was_refused(tool));
            if is_refused { Ok(false) } else { wrong("the cluster creates all pods") }
        }
        _ => wrong("another exit code"),
    }
}

#[test]
fn programs_agree_with_the_cluster() {
    let variable = |name: &str| std::env::var(name).ok().and_then(|value| value.parse().ok());
    let seed = variable("TOOLFORGE_E2E_SEED").unwrap_or(2026);
    let requests =
        variable("TOOLFORGE_E2E_REQUESTS").and_then(|count| usize::try_from(count).ok()).unwrap_or(REQUESTS);
    let mut random = Random::new(seed);
    let tool = Tool::new("judged");
    tool.write("public_html/index.php", "<?php echo 'here';");
    let (mut sent, mut refused, mut changed, mut kept) = (0, 0, 0, 0);
    let mut wrong = Vec::new();
    for number in 0..requests {
        let kinds = [Kind::OneOff, Kind::Continuous, Kind::Scheduled, Kind::WebService, Kind::Continuous];
        let request = Request::of(&mut random, kinds[number % kinds.len()]);
        match judge(&tool, &request, (request.size, request.quota), "start") {
            Ok(true) => {
                sent += 1;
                match request.change.map(|change| judge(&tool, &request, change, "restart")) {
                    Some(Ok(true)) => changed += 1,
                    Some(Ok(false)) => kept += 1,
                    Some(Err(error)) => wrong.push(error),
                    None => {}
                }
            }
            Ok(false) => refused += 1,
            Err(error) => wrong.push(error),
        }
        clear(&tool);
    }
    println!("seed {seed}: {sent} sent, {refused} refused; {changed} changed, {kept} changes refused");
    println!("{} disagreements", wrong.len());
    assert!(wrong.is_empty(), "{} disagreements:\n{}", wrong.len(), wrong.join("\n\n"));
    assert!(sent > 0 && refused > 0 && changed > 0 && kept > 0);
}
