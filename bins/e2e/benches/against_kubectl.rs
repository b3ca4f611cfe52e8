//! Compares the programs with kubectl in one run: time, memory, threads, size.
//!
//! `cargo bench --package toolforge-e2e` needs a running sandbox and the variables `TOOLFORGE_SANDBOX`,
//! `TOOLFORGE_SANDBOX_BIN` (the release build, next to the measured programs) and `TOOLFORGE_KUBECTL` (a kubectl that is
//! a separate binary). It prints the table in `docs/performance.md`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::cast_precision_loss,
    reason = "a measurement stops where it cannot measure, and prints ratios"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use toolforge_e2e::Sandbox;

/// How often to run each command. Commands alternate, so that a busy moment affects all of them.
const ROUNDS: usize = 25;

struct Measured {
    what: &'static str,
    program: PathBuf,
    arguments: Vec<String>,
    times: Vec<Duration>,
    threads: usize,
    kibibytes: usize,
}

impl Measured {
    fn new(what: &'static str, program: &Path, arguments: &str) -> Self {
        let arguments = arguments.split_whitespace().map(str::to_owned).collect();
        Self { what, program: program.to_owned(), arguments, times: Vec::new(), threads: 0, kibibytes: 0 }
    }

    fn command(&self, kubeconfig: &Path) -> Command {
        let mut command = Command::new(&self.program);
        // kubectl caches its discovery of the API below HOME.
        let home = kubeconfig.ancestors().nth(2).unwrap_or(kubeconfig);
        command.args(&self.arguments).env_clear().env("HOME", home).env("KUBECONFIG", kubeconfig);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    fn run(&mut self, kubeconfig: &Path) {
        let started = Instant::now();
        let status = self.command(kubeconfig).status().unwrap();
        self.times.push(started.elapsed());
        assert!(status.success(), "{:?} {:?}", self.program, self.arguments);
    }

    /// Runs the command several times and samples its threads and memory as often as possible.
    fn watch(&mut self, kubeconfig: &Path) {
        for _ in 0..ROUNDS {
            let mut child = self.command(kubeconfig).spawn().unwrap();
            let status = format!("/proc/{}/status", child.id());
            let name = self.program.file_name().unwrap().to_string_lossy().into_owned();
            while child.try_wait().unwrap().is_none() {
                let text = std::fs::read_to_string(&status).unwrap_or_default();
                let field = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
                // Before exec, the process is still a copy of this one.
                if field("Name:").is_some_and(|found| name.starts_with(found)) {
                    let number =
                        |key| field(key).and_then(|text| text.split(' ').next()?.parse().ok()).unwrap_or(0);
                    self.threads = self.threads.max(number("Threads:"));
                    self.kibibytes = self.kibibytes.max(number("VmHWM:"));
                }
            }
        }
    }

    fn median(&self) -> f64 {
        let mut times = self.times.clone();
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1000.0
    }
}

/// Returns a file with forty scheduled jobs, none of which runs during the measurement.
fn jobs_file() -> String {
    let job = |index| {
        format!("- {{name: job-{index}, image: bookworm, command: ./run.sh, schedule: '{index} 0 1 1 *'}}\n")
    };
    (0..40).map(job).collect()
}

fn main() {
    let sandbox = Sandbox::for_tests();
    let kubectl =
        PathBuf::from(std::env::var_os("TOOLFORGE_KUBECTL").expect("TOOLFORGE_KUBECTL names a kubectl"));
    let programs = sandbox.programs().to_owned();
    let tool = toolforge_e2e::Tool::on(sandbox.clone(), "measured", "tools-2023");
    tool.write("public_html/index.php", "measured");
    let _ = tool.webservice(&["php8.2", "start"]).exits(0);

    // Copy the tool's kubeconfig and key (RSA-4096, as on the platform) to where this user can read them.
    let directory = std::env::temp_dir().join(format!("toolforge-bench-{}", std::process::id()));
    for file in [".kube/config", ".toolskube/client.crt", ".toolskube/client.key"] {
        let path = directory.join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, tool.shell(&format!("cat ~/{file}")).exits(0).stdout).unwrap();
    }
    let kubeconfig = directory.join(".kube/config");
    tool.write("jobs.yaml", &jobs_file());
    let _ = tool.jobs(&["load", "jobs.yaml"]).exits(0);
    let (webservice, quota_check) = (programs.join("webservice"), programs.join("quota-check"));
    let jobs = programs.join("jobs");
    let facts = toolforge_fixtures::path("facts");
    let offline = format!(
        "php8.2 render --tool stashbot --from {0}/limits.yaml --from {0}/catalog.yaml",
        facts.display()
    );
    let mut pairs = [
        (Measured::new("start-up, `--help`", &webservice, "--help"), Measured::new("", &kubectl, "--help")),
        (
            Measured::new("start-up, `--version`", &webservice, "--version"),
            Measured::new("", &kubectl, "version --client"),
        ),
        (
            Measured::new("offline `render`", &webservice, &offline),
            Measured::new("", &kubectl, "create deployment x --image=x --dry-run=client -o yaml"),
        ),
        (Measured::new("`status`", &webservice, "status"), Measured::new("", &kubectl, "get deployment")),
        (Measured::new("`quota-check`", &quota_check, ""), Measured::new("", &kubectl, "get resourcequota")),
        (
            Measured::new("`jobs --version`", &jobs, "--version"),
            Measured::new("", &kubectl, "version --client"),
        ),
        (
            Measured::new("`jobs list`, 40 jobs", &jobs, "list"),
            Measured::new("", &kubectl, "get deployments,cronjobs,jobs,pods"),
        ),
    ];
    for _ in 0..ROUNDS {
        for (ours, theirs) in &mut pairs {
            ours.run(&kubeconfig);
            theirs.run(&kubeconfig);
        }
    }
    println!(
        "| command | here, ms | kubectl, ms | ratio | here, MiB | kubectl, MiB | here, threads | kubectl, threads |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- |");
    for (ours, theirs) in &mut pairs {
        ours.watch(&kubeconfig);
        theirs.watch(&kubeconfig);
        println!(
            "| {} | {:.1} | {:.1} | {:.0} × | {:.1} | {:.1} | {} | {} |",
            ours.what,
            ours.median(),
            theirs.median(),
            theirs.median() / ours.median(),
            ours.kibibytes as f64 / 1024.0,
            theirs.kibibytes as f64 / 1024.0,
            ours.threads,
            theirs.threads,
        );
    }
    for program in [&webservice, &jobs, &quota_check, &kubectl] {
        let size = std::fs::metadata(program).unwrap().len() as f64 / 1e6;
        println!("{}: {size:.1} MB", program.file_name().unwrap().to_string_lossy());
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
