//! `up`: builds missing components, starts the sandbox, and waits until it is ready.

use std::fs::{File, TryLockError};
use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, SystemTime};

use clap::Args;
use k8s_openapi::api::core::v1::Node;
use kube::{Api, Client};
use tokio::time::{sleep, timeout};

use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::own_program;
use crate::progress::{Report, Step};
use crate::provision;
use crate::saved_state::{Ports, Routing, Settings};
use crate::supervisor::{self, Start, outside};
use crate::{api_server, build, pki};

/// How long the API server, or the node, may take to become ready.
const PATIENCE: Duration = Duration::from_secs(90);
/// Interval between two checks of the node.
const PAUSE: Duration = Duration::from_millis(200);

/// How to start a sandbox.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct UpArguments {
    /// How requests reach a web service [default: as last time, at first gateway].
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) routing: Option<Routing>,
}

impl UpArguments {
    /// Returns the settings to start with, given those of the last start.
    pub(crate) fn settings(&self, last: Option<Settings>) -> Settings {
        let Self { routing } = self;
        let last = last.unwrap_or_default();
        Settings { routing: routing.unwrap_or(last.routing) }
    }
}

/// Starts the sandbox and prints its addresses.
pub(crate) fn run(sandbox: &Sandbox, arguments: &UpArguments, report: &Report) -> Result<ExitCode, Failure> {
    let settings = arguments.settings(sandbox.state()?.map(|state| state.settings));
    let ports = ensure_up(sandbox, &settings, report)?;
    report.note(format!("\nThe sandbox {} is running.", sandbox.name()));
    report.note(format!("  pages       {}", ports.page_of("NAME")));
    report.note(format!(
        "  API server  https://127.0.0.1:{} ({})",
        ports.api,
        sandbox.admin_kubeconfig().display()
    ));
    let [add, demo, down] = ["tool add NAME", "demo", "down"].map(|command| sandbox.typed(command));
    report.note(format!("\nNext: `{add}`, `{demo}`, `{down}`."));
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that the sandbox runs with these settings and is ready, and returns its ports.
///
/// # Errors
/// The machine or the user cannot run it, a component cannot be built, it is running with other settings, or it does
/// not become ready.
pub(crate) fn ensure_up(sandbox: &Sandbox, settings: &Settings, report: &Report) -> Result<Ports, Failure> {
    check_machine(sandbox, report)?;
    let parts = build::everything(report)?;
    let lock = sandbox.command_lock_file()?;
    wait_for_lock(&lock, report)?;
    let launched = if sandbox.is_running() {
        let running = sandbox.state()?.map(|state| state.settings);
        if running.as_ref().is_some_and(|running| running != settings) {
            return Err(Failure::new("the sandbox is running with another --routing")
                .hint(format!("Stop it first: `{}`. Its tools are kept.", sandbox.typed("down"))));
        }
        None
    } else {
        let start = Start { settings: settings.clone(), parts };
        let now = SystemTime::now();
        report.step("Start the supervisor", |_| launch(sandbox, &start))?;
        Some(now)
    };
    let ports = sandbox.ports()?;
    pki::write_admin_kubeconfig(sandbox, ports.api)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(usable(sandbox, settings, launched, report))?;
    Ok(ports)
}

/// Rejects machines and users that cannot run a sandbox.
fn check_machine(sandbox: &Sandbox, report: &Report) -> Result<(), Failure> {
    if std::env::consts::OS != "linux" {
        return Err(Failure::new(format!("the sandbox needs Linux; this is {}", std::env::consts::OS))
            .hint("Use a virtual machine with Debian 12."));
    }
    match std::env::consts::ARCH {
        "x86_64" => {}
        "aarch64" => report.note("This is an aarch64 machine; the sandbox has not been tested on one yet."),
        other => {
            return Err(Failure::new(format!("the sandbox needs x86_64 or aarch64; this is {other}")));
        }
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new("the sandbox needs root to create namespaces, mounts and a network")
            .hint(format!("Run it as root: `sudo -E env PATH=\"$PATH\" {}`.", sandbox.typed("up"))));
    }
    Ok(())
}

fn wait_for_lock(lock: &File, report: &Report) -> Result<(), Failure> {
    match lock.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            report.step("Wait for another `up` or `down` of this sandbox", |_| Ok(lock.lock()?))
        }
        Err(TryLockError::Error(error)) => Err(error).or_fail("cannot lock the sandbox's directory"),
    }
}

/// Starts the supervisor, which outlives this process, and waits until it has its ports.
fn launch(sandbox: &Sandbox, start: &Start) -> Result<(), Failure> {
    outside::clean_up(sandbox)?;
    sandbox.create()?;
    pki::ensure(sandbox)?;
    start.write(sandbox)?;
    supervisor::rotate_logs(sandbox)?;
    let log = File::create(supervisor_log(sandbox)).or_fail("cannot write the supervisor's log")?;
    let mut supervisor = Command::new(own_program::executable())
        .args(["--name", sandbox.name(), "internal-supervise"])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .or_fail("cannot start the supervisor")?;
    let mut line = String::new();
    if let Some(stdout) = supervisor.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).or_fail("cannot read from the supervisor")?;
    }
    if line.trim_end() == outside::STARTED { Ok(()) } else { Err(died(sandbox)) }
}

/// Waits until the cluster is ready, and installs the platform's objects.
async fn usable(
    sandbox: &Sandbox,
    settings: &Settings,
    launched: Option<SystemTime>,
    report: &Report,
) -> Result<(), Failure> {
    let client = sandbox.client().await?;
    let ready = within_patience(sandbox, "kube-apiserver", api_server::ready(&client));
    report.wait("Start the API server", ready).await?;
    provision::tool::rewrite_kubeconfigs(sandbox, sandbox.ports()?.api)?;
    provision::cluster::install(&client, sandbox, settings, report).await?;
    let step = report.begin("Start the node");
    within_patience(sandbox, "kubelet", node_ready(&client, launched, &step)).await?;
    step.done();
    // Without it, namespaces are not deleted: the controller waits until it knows all kinds of objects.
    let metrics = within_patience(sandbox, "metrics-server", api_server::metrics_ready(&client));
    report.wait("Start the metrics API", metrics).await
}

/// Awaits a component, for as long as the supervisor is running.
async fn within_patience(
    sandbox: &Sandbox,
    component: &str,
    ready: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let supervisor_died = async {
        while sandbox.is_running() {
            sleep(PAUSE).await;
        }
    };
    let both = async {
        tokio::select! {
            () = ready => Ok(()),
            () = supervisor_died => Err(died(sandbox)),
        }
    };
    timeout(PATIENCE, both).await.unwrap_or_else(|_| {
        Err(Failure::new(format!("{component} is not ready after {} s", PATIENCE.as_secs())).hint(format!(
            "See its log: `{}`. To start over: `{}`.",
            sandbox.typed(&format!("logs {component}")),
            sandbox.typed("down --delete"),
        )))
    })
}

/// Waits until the node reports that it is ready. The report must be newer than the launch: until the first one, that
/// of the previous run is still stored.
async fn node_ready(client: &Client, launched: Option<SystemTime>, step: &Step) {
    let since = launched.and_then(|launched| launched.duration_since(SystemTime::UNIX_EPOCH).ok());
    let since = since.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or_default();
    let nodes: Api<Node> = Api::all(client.clone());
    loop {
        match nodes.get_opt(pki::NODE).await {
            Ok(Some(node)) if is_ready(&node, since) => return,
            Ok(Some(node)) => step.progress(why_not(&node)),
            Ok(None) => step.progress("not registered yet"),
            Err(_) => step.progress("the API server does not answer"),
        }
        sleep(PAUSE).await;
    }
}

fn is_ready(node: &Node, since: i64) -> bool {
    conditions(node).any(|condition| {
        let reported = condition.last_heartbeat_time.as_ref().map_or(0, |time| time.0.as_second());
        condition.type_ == "Ready" && condition.status == "True" && reported > since
    })
}

fn why_not(node: &Node) -> String {
    let not_ready =
        conditions(node).find(|condition| condition.type_ == "Ready" && condition.status != "True");
    let message = not_ready.and_then(|condition| condition.message.clone());
    message.unwrap_or_else(|| "the kubelet has not reported yet".to_owned())
}

fn conditions(node: &Node) -> impl Iterator<Item = &k8s_openapi::api::core::v1::NodeCondition> {
    node.status.iter().flat_map(|status| status.conditions.iter().flatten())
}

fn supervisor_log(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.logs().join("supervisor.log")
}

/// Returns why the supervisor exited: the last error in its log.
fn died(sandbox: &Sandbox) -> Failure {
    let log = std::fs::read_to_string(supervisor_log(sandbox)).unwrap_or_default();
    match log.lines().rev().find_map(|line| line.strip_prefix("error: ")) {
        Some(error) => {
            let error: String = error.chars().filter(|c| !c.is_control()).collect();
            Failure::new(format!("the supervisor exited: {error}"))
                .hint(format!("See its log: `{}`.", sandbox.typed("logs supervisor")))
        }
        None => Failure::new("the supervisor was killed")
            .hint(format!("Start it again: `{}`.", sandbox.typed("up"))),
    }
}
