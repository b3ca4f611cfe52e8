//! `up`: builds what is missing, starts the sandbox, and waits until it can be used.

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
use crate::provision;
use crate::report::{Report, Step};
use crate::state::{Ports, Routing, Settings};
use crate::supervisor::{self, Start, outside};
use crate::{api_server, build, pki};

/// How long the API server, or the node, may take to become ready.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long to wait between two looks at the node.
const PAUSE: Duration = Duration::from_millis(200);

/// How to start a sandbox.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct UpArguments {
    /// How pages reach their web service [default: as last time, gateway at first].
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) routing: Option<Routing>,
}

impl UpArguments {
    /// Returns the settings to start with, given those of the last time.
    pub(crate) fn settings(&self, last: Option<Settings>) -> Settings {
        let Self { routing } = self;
        let last = last.unwrap_or_default();
        Settings { routing: routing.unwrap_or(last.routing) }
    }
}

/// Starts the sandbox and says where it is.
pub(crate) fn run(sandbox: &Sandbox, arguments: &UpArguments, report: &Report) -> Result<ExitCode, Failure> {
    let settings = arguments.settings(sandbox.state()?.map(|state| state.settings));
    let ports = ensure_up(sandbox, &settings, report)?;
    report.note(format!("\nThe sandbox {} is up.", sandbox.name()));
    report.note(format!("  pages       http://NAME.localhost:{}/", ports.pages));
    report.note(format!(
        "  API server  https://127.0.0.1:{} ({})",
        ports.api,
        sandbox.admin_kubeconfig().display()
    ));
    report.note("\nNext: `cargo sandbox tool add NAME`, `cargo sandbox demo`, `cargo sandbox down`.");
    Ok(ExitCode::SUCCESS)
}

/// Makes sure that the sandbox runs with these settings and can be used, and returns its ports.
///
/// # Errors
/// Where this machine or this person can not run it, where something can not be built, where it runs with other
/// settings, and where it does not become ready.
pub(crate) fn ensure_up(sandbox: &Sandbox, settings: &Settings, report: &Report) -> Result<Ports, Failure> {
    check_machine(report)?;
    let parts = build::everything(report)?;
    let turn = sandbox.turn_file()?;
    take_turn(&turn, report)?;
    let launched = if sandbox.is_running() {
        let running = sandbox.state()?.map(|state| state.settings);
        if running.as_ref().is_some_and(|running| running != settings) {
            return Err(Failure::new("the sandbox runs with another --routing")
                .hint("Stop it first: `cargo sandbox down`. Its tools stay."));
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

/// Refuses, in one sentence, what can not work.
fn check_machine(report: &Report) -> Result<(), Failure> {
    if std::env::consts::OS != "linux" {
        return Err(Failure::new(format!("the sandbox needs Linux, and this is {}", std::env::consts::OS))
            .hint("A virtual machine with Debian 12 will do."));
    }
    match std::env::consts::ARCH {
        "x86_64" => {}
        "aarch64" => report.note("This is an aarch64 machine, on which the sandbox was not tried yet."),
        other => {
            return Err(Failure::new(format!("the sandbox runs on x86_64 and aarch64, and this is {other}")));
        }
    }
    if !rustix::process::geteuid().is_root() {
        return Err(Failure::new(
            "the sandbox needs root, to make namespaces, mounts and a network of its own",
        )
        .hint("Run it as root, as in `sudo -E env PATH=\"$PATH\" cargo sandbox up`."));
    }
    Ok(())
}

fn take_turn(turn: &File, report: &Report) -> Result<(), Failure> {
    match turn.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::WouldBlock) => {
            report.step("Wait for another `up` or `down` of this sandbox", |_| Ok(turn.lock()?))
        }
        Err(TryLockError::Error(error)) => Err(error).or_fail("cannot lock the sandbox's directory"),
    }
}

/// Starts the supervisor, which outlives this program, and waits until it has its ports.
fn launch(sandbox: &Sandbox, start: &Start) -> Result<(), Failure> {
    outside::sweep(sandbox)?;
    sandbox.create()?;
    pki::ensure(sandbox)?;
    start.write(sandbox)?;
    supervisor::turn_logs(sandbox)?;
    let log = File::create(supervisor_log(sandbox)).or_fail("cannot write the supervisor's log")?;
    let mut supervisor = Command::new(std::env::current_exe()?)
        .args(["--name", sandbox.name(), "internal-supervise"])
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
        .or_fail("cannot start the supervisor")?;
    let mut line = String::new();
    if let Some(stdout) = supervisor.stdout.take() {
        BufReader::new(stdout).read_line(&mut line).or_fail("cannot hear from the supervisor")?;
    }
    if line.trim_end() == outside::STARTED { Ok(()) } else { Err(died(sandbox)) }
}

/// Waits until what was started can be used, and installs what the platform adds.
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
    Ok(())
}

/// Awaits something that a component is to do, for as long as the supervisor lives.
async fn within_patience(
    sandbox: &Sandbox,
    component: &str,
    ready: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let died_meanwhile = async {
        while sandbox.is_running() {
            sleep(PAUSE).await;
        }
    };
    let both = async {
        tokio::select! {
            () = ready => Ok(()),
            () = died_meanwhile => Err(died(sandbox)),
        }
    };
    timeout(PATIENCE, both).await.unwrap_or_else(|_| {
        Err(Failure::new(format!("{component} is not ready after {} s", PATIENCE.as_secs()))
            .hint(format!(
                "See what it says: `cargo sandbox logs {component}`. To start anew: `cargo sandbox down --delete`."
            )))
    })
}

/// Waits until the node says that it is ready, and says so since the launch: before it speaks for the first time,
/// what it said in the run before is still there.
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
        let said = condition.last_heartbeat_time.as_ref().map_or(0, |time| time.0.as_second());
        condition.type_ == "Ready" && condition.status == "True" && said > since
    })
}

fn why_not(node: &Node) -> String {
    let not_ready =
        conditions(node).find(|condition| condition.type_ == "Ready" && condition.status != "True");
    let message = not_ready.and_then(|condition| condition.message.clone());
    message.unwrap_or_else(|| "the kubelet has not spoken yet".to_owned())
}

fn conditions(node: &Node) -> impl Iterator<Item = &k8s_openapi::api::core::v1::NodeCondition> {
    node.status.iter().flat_map(|status| status.conditions.iter().flatten())
}

fn supervisor_log(sandbox: &Sandbox) -> std::path::PathBuf {
    sandbox.logs().join("supervisor.log")
}

/// Returns why the supervisor ended, as it wrote it last.
fn died(sandbox: &Sandbox) -> Failure {
    let log = std::fs::read_to_string(supervisor_log(sandbox)).unwrap_or_default();
    match log.lines().rev().find_map(|line| line.strip_prefix("error: ")) {
        Some(error) => {
            let error: String = error.chars().filter(|c| !c.is_control()).collect();
            Failure::new(format!("the supervisor ended: {error}"))
                .hint("See all that it wrote: `cargo sandbox logs supervisor`.")
        }
        None => {
            Failure::new("the supervisor was ended from outside").hint("Start it again: `cargo sandbox up`.")
        }
    }
}
