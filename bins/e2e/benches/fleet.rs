//! Compares `quota-check --all` with kubectl and jq in one run: time and memory, for 3,000 namespaces on the sandbox, and for
//! dumps of 3,000 and of 100,000.
//!
//! `cargo bench --package toolforge-e2e --bench fleet` needs a running sandbox, jq, and the variables of `against_kubectl`. It
//! prints the table in `docs/performance.md`. The namespaces are deleted at the end, unless `TOOLFORGE_E2E_KEEP` is set.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a measurement stops where it cannot measure, and prints ratios"
)]

use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use toolforge_e2e::{Api, Sandbox};

/// How often to run each command. Commands alternate, so that a busy moment affects all of them.
const ROUNDS: usize = 3;

/// The namespaces on the sandbox.
const NAMESPACES: usize = 3000;

/// The namespaces of the large dump.
const LARGE: usize = 100_000;

/// A row for each resource of each quota, as `quota-check --all --output csv` prints them, without its states.
const JQ: &str = ".items[] | .metadata.namespace as $namespace | .metadata.name as $name | .status.used as $used \
                  | (.status.hard // {}) | to_entries[] | [$namespace, $name, .key, $used[.key], .value] | @csv";

/// A command, or a pipe of two.
struct Pipe {
    commands: Vec<(PathBuf, Vec<String>)>,
    input: Option<PathBuf>,
    times: Vec<Duration>,
    /// The most memory of all processes together.
    kibibytes: usize,
}

impl Pipe {
    fn new(commands: &[(&Path, &[&str])], input: Option<&Path>) -> Self {
        let owned = |(program, arguments): &(&Path, &[&str])| {
            ((*program).to_owned(), arguments.iter().map(|argument| (*argument).to_owned()).collect())
        };
        let (commands, input) = (commands.iter().map(owned).collect(), input.map(Path::to_owned));
        Self { commands, input, times: Vec::new(), kibibytes: 0 }
    }

    fn run(&mut self, kubeconfig: &Path) {
        let started = Instant::now();
        let mut children: Vec<Child> = Vec::new();
        for (index, (program, arguments)) in self.commands.iter().enumerate() {
            let mut command = Command::new(program);
            // kubectl caches its discovery of the API below HOME.
            let home = kubeconfig.parent().unwrap();
            command.args(arguments).env_clear().env("HOME", home).env("KUBECONFIG", kubeconfig);
            let input = self.input.as_ref().map(|path| std::fs::File::open(path).unwrap());
            command.stdin(match children.last_mut().and_then(|child| child.stdout.take()) {
                Some(stdout) => Stdio::from(stdout),
                None => input.map_or_else(Stdio::null, Stdio::from),
            });
            let is_last = index + 1 == self.commands.len();
            command.stdout(if is_last { Stdio::null() } else { Stdio::piped() });
            children.push(command.spawn().unwrap());
        }
        let mut most = vec![0; children.len()];
        while children.iter_mut().any(|child| child.try_wait().unwrap().is_none()) {
            for (child, most) in children.iter().zip(&mut most) {
                *most = (*most).max(peak_memory(child.id()));
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.times.push(started.elapsed());
        for child in &mut children {
            assert!(child.wait().unwrap().success(), "{:?}", self.commands);
        }
        self.kibibytes = self.kibibytes.max(most.iter().sum());
    }

    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    }

    fn mebibytes(&self) -> f64 {
        self.kibibytes as f64 / 1024.0
    }
}

/// Returns the peak memory of a process in KiB; 0 if it has ended.
fn peak_memory(process: u32) -> usize {
    let text = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let field = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    field.and_then(|text| text.trim().split(' ').next()?.parse().ok()).unwrap_or(0)
}

fn hard() -> Value {
    json!({
        "pods": "10", "requests.cpu": "2", "requests.memory": "6Gi", "limits.cpu": "2", "limits.memory": "8Gi",
        "services": "1", "services.nodeports": "0", "replicationcontrollers": "1", "secrets": "10",
        "configmaps": "10", "persistentvolumeclaims": "3", "count/cronjobs.batch": "50",
        "count/jobs.batch": "15", "count/deployments.apps": "3",
    })
}

fn name(index: usize) -> String {
    format!("tool-fleet-{index}")
}

fn quota(index: usize) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": name(index), "namespace": name(index)}, "spec": {"hard": hard()},
    })
}

/// Writes a list of quotas as kubectl prints it.
fn write_dump(path: &Path, count: usize) {
    let mut file = BufWriter::new(std::fs::File::create(path).unwrap());
    write!(file, "{{\n\"apiVersion\": \"v1\",\n\"items\": [").unwrap();
    for index in 0..count {
        let mut quota = quota(index);
        let memory = format!("{}Mi", index * 37 % 8192);
        quota["metadata"]["uid"] = json!(format!("{index:032x}"));
        quota["metadata"]["creationTimestamp"] = json!("2026-01-01T00:00:00Z");
        quota["status"] = json!({"hard": hard(), "used": {
            "pods": (index % 11).to_string(), "requests.cpu": "250m", "requests.memory": "1Gi", "limits.cpu": "1",
            "limits.memory": memory, "services": "1", "services.nodeports": "0", "replicationcontrollers": "0",
            "secrets": "1", "configmaps": "2", "persistentvolumeclaims": "0", "count/cronjobs.batch": "3",
            "count/jobs.batch": "1", "count/deployments.apps": "2",
        }});
        let separator = if index == 0 { "" } else { "," };
        write!(file, "{separator}\n{quota:#}").unwrap();
    }
    write!(file, "\n],\n\"kind\": \"List\",\n\"metadata\": {{\"resourceVersion\": \"\"}}\n}}\n").unwrap();
    file.flush().unwrap();
}

/// Creates the namespaces with their quotas, and waits until all are counted.
fn create(sandbox: &Sandbox) {
    let api = Api::of(sandbox);
    std::thread::scope(|scope| {
        for part in 0..4 {
            let mut connection = api.connect();
            scope.spawn(move || {
                for index in (0..NAMESPACES).filter(|index| index % 4 == part) {
                    let labels = json!({"name": name(index), "tenancy": "tool"});
                    let metadata = json!({"name": name(index), "labels": labels});
                    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata});
                    for (path, object) in [
                        ("/api/v1/namespaces".to_owned(), &namespace),
                        (format!("/api/v1/namespaces/{}/resourcequotas", name(index)), &quota(index)),
                    ] {
                        let (code, answer) = connection.request("POST", &path, object);
                        assert!(matches!(code, 201 | 409), "{answer}");
                    }
                }
            });
        }
    });
    let mut connection = api.connect();
    let started = Instant::now();
    loop {
        let (_, list) = connection.request("GET", "/api/v1/resourcequotas", &Value::Null);
        let quotas = list["items"].as_array().unwrap();
        let is_counted = |quota: &&Value| {
            let name = quota["metadata"]["name"].as_str().unwrap_or_default();
            name.starts_with("tool-fleet-") && quota["status"]["used"].is_object()
        };
        if quotas.iter().filter(is_counted).count() >= NAMESPACES {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(600), "the quotas are not counted");
        std::thread::sleep(Duration::from_secs(1));
    }
}

fn delete(sandbox: &Sandbox) {
    let mut connection = Api::of(sandbox).connect();
    for index in 0..NAMESPACES {
        let _ = connection.request("DELETE", &format!("/api/v1/namespaces/{}", name(index)), &Value::Null);
    }
}

fn main() {
    let sandbox = Sandbox::for_tests();
    let kubectl =
        PathBuf::from(std::env::var_os("TOOLFORGE_KUBECTL").expect("TOOLFORGE_KUBECTL names a kubectl"));
    let jq = std::env::var_os("TOOLFORGE_JQ").map_or_else(|| PathBuf::from("/usr/bin/jq"), PathBuf::from);
    let quota_check = sandbox.programs().join("quota-check");
    let directory = std::env::temp_dir().join(format!("toolforge-fleet-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let kubeconfig = directory.join("config");
    std::fs::write(&kubeconfig, sandbox.kubectl(&["config", "view", "--raw", "--flatten"])).unwrap();
    let (small, large) = (directory.join("small.json"), directory.join("large.json"));
    write_dump(&small, NAMESPACES);
    write_dump(&large, LARGE);
    create(&sandbox);

    let get: &[&str] = &["get", "resourcequota", "--all-namespaces", "--output", "json"];
    let offline: &[&str] = &["--all", "--from", "-", "--output", "csv"];
    let only_jq = |input: &Path| Pipe::new(&[(jq.as_path(), &["-r", JQ])], Some(input));
    let ours = |input: &Path| Pipe::new(&[(quota_check.as_path(), offline)], Some(input));
    let mut rows = [
        (
            "3,000 namespaces of the cluster",
            Pipe::new(&[(quota_check.as_path(), &["--all", "--output", "csv"])], None),
            Pipe::new(&[(kubectl.as_path(), get), (jq.as_path(), &["-r", JQ])], None),
        ),
        ("a dump of 3,000", ours(&small), only_jq(&small)),
        ("a dump of 100,000", ours(&large), only_jq(&large)),
    ];
    for _ in 0..ROUNDS {
        for (_, ours, theirs) in &mut rows {
            ours.run(&kubeconfig);
            theirs.run(&kubeconfig);
        }
    }
    println!("| input | here, s | kubectl and jq, s | ratio | here, MiB | kubectl and jq, MiB | ratio |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    for (what, ours, theirs) in &rows {
        println!(
            "| {what} | {:.2} | {:.2} | {:.1} × | {:.1} | {:.1} | {:.0} × |",
            ours.median(),
            theirs.median(),
            theirs.median() / ours.median(),
            ours.mebibytes(),
            theirs.mebibytes(),
            theirs.mebibytes() / ours.mebibytes(),
        );
    }
    println!("large dump: {} MB", std::fs::metadata(&large).unwrap().len() / 1_000_000);
    std::fs::remove_dir_all(&directory).unwrap();
    if std::env::var_os("TOOLFORGE_E2E_KEEP").is_none() {
        delete(&sandbox);
    }
}
