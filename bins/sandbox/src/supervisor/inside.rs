//! The first process inside the sandbox's namespaces.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, ExitCode, Stdio};
use std::time::Instant;

use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::admission;
use crate::api_server;
use crate::build::debian::program;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::front_door;
use crate::root::{self, View};
use crate::supervisor::processes::{Processes, log};
use crate::supervisor::{Start, components, configuration, relay, survey};

/// Address of the API server inside.
const API_SERVER: &str = "127.0.0.1:6443";
/// Address of the admission webhooks inside.
const ADMISSION: &str = "127.0.0.1:8443";

/// Commands for `ip -batch`: a loopback and a bridge for the pods. The default route is needed to reach the Services'
/// addresses from the node; it does not lead out of the sandbox.
const NETWORK: &str = "\
link set lo up
link add sbx0 type bridge
address add 10.244.0.1/24 dev sbx0
link set sbx0 up
route add default dev sbx0
";

/// Runs the components, the admission webhooks and the front door until the supervisor on the host exits.
pub(crate) fn run(host: &Sandbox) -> Result<ExitCode, Failure> {
    if !rustix::process::getpid().is_init() {
        return Err(Failure::new("this command is internal; `cargo sandbox up` runs it").code(2));
    }
    exit_with_the_supervisor();
    let start = Start::read(host)?;
    root::enter(host, View::Node(&start.parts))?;
    let sandbox = host.inside();
    survey::record_namespace(&sandbox)?;
    set_up_network()?;
    configuration::write(&sandbox.runtime().join("config"), &sandbox.cgroup())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, serve(&sandbox, start))?;
    Ok(ExitCode::FAILURE)
}

/// Exits this process, and with it everything inside, when the supervisor on the host has exited. The supervisor holds
/// the other end of stdin.
fn exit_with_the_supervisor() {
    std::thread::spawn(|| {
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

async fn serve(sandbox: &Sandbox, start: Start) -> Result<(), Failure> {
    let Start { settings, parts: _ } = start;
    let mut children = signal(SignalKind::child()).or_fail("cannot watch for exited processes")?;
    let mut processes = Processes::new(sandbox.logs());
    processes.start(components::first()?);

    let api = UnixListener::bind(sandbox.api_socket()).or_fail("cannot listen for API requests")?;
    tokio::task::spawn_local(relay::socket_to_address(api, API_SERVER));
    let client = api_server::connect(&sandbox.inner_admin_kubeconfig()).await?;
    let pages = UnixListener::bind(sandbox.pages_socket()).or_fail("cannot listen for pages")?;
    let front_door = front_door::serve(pages, client.clone(), settings, sandbox.clone());
    let webhooks = TcpListener::bind(ADMISSION).or_fail("cannot listen for admission reviews")?;
    let (certificate, key) = (sandbox.pki().join("webhook.crt"), sandbox.pki().join("webhook.key"));
    let admission = admission::serve(webhooks, (&certificate, &key));
    let mut ready = Box::pin(api_server::ready(&client));
    let mut is_ready = false;
    tokio::pin!(front_door, admission);
    loop {
        let due = processes.next_due();
        tokio::select! {
            _ = children.recv() => processes.reap(),
            () = until(due), if due.is_some() => processes.start_due(),
            () = &mut ready, if !is_ready => {
                is_ready = true;
                log("the API server is ready");
                processes.start(components::second());
            }
            result = &mut front_door => return result.or_fail("the front door failed"),
            result = &mut admission => return result.or_fail("the admission webhooks failed"),
        }
    }
}

async fn until(due: Option<Instant>) {
    if let Some(due) = due {
        tokio::time::sleep_until(due.into()).await;
    }
}

/// Sets up the network in this process's network namespace.
fn set_up_network() -> Result<(), Failure> {
    let cannot = "cannot set up the sandbox's network";
    let mut ip =
        Command::new(program("ip")?).args(["-batch", "-"]).stdin(Stdio::piped()).spawn().or_fail(cannot)?;
    if let Some(mut stdin) = ip.stdin.take() {
        stdin.write_all(NETWORK.as_bytes()).or_fail(cannot)?;
    }
    if !ip.wait()?.success() {
        return Err(Failure::new(format!("{cannot}: `ip` failed")));
    }
    fs::write("/proc/sys/net/ipv4/ip_forward", "1").or_fail(cannot)
}
