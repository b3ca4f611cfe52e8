//! The supervisor on the host: it holds the ports, and everything inside exits with it.

use std::fs::{self, TryLockError};
use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::process::{ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

use crate::build::debian::program;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::own_program;
use crate::saved_state::{Ports, State};
use crate::supervisor::processes::log;
use crate::supervisor::{Start, cgroup, relay, survey};

/// The preferred port for pages.
const PAGES: u16 = 8080;
/// How long to wait for the lock: commands hold it briefly to check whether the sandbox is running.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the kernel may take to kill all processes of a namespace whose first process has exited.
const CLEAN_UP_PATIENCE: Duration = Duration::from_secs(10);

/// The file that holds the supervisor's PID.
const PID: &str = "supervisor.pid";

/// The line that the supervisor prints when it holds the lock and the ports. `up` waits for it.
pub(crate) const STARTED: &str = "started";

/// Returns the supervisor's PID, if it has written it.
pub(crate) fn pid(sandbox: &Sandbox) -> Option<i32> {
    fs::read_to_string(sandbox.runtime().join(PID)).ok()?.trim().parse().ok()
}

/// Returns how long the supervisor has been running.
pub(crate) fn running_for(sandbox: &Sandbox) -> Option<Duration> {
    fs::metadata(sandbox.runtime().join(PID)).ok()?.modified().ok()?.elapsed().ok()
}

/// Runs the sandbox until a signal stops it or the process inside exits.
pub(crate) fn run(sandbox: &Sandbox) -> Result<ExitCode, Failure> {
    // The supervisor must survive when the terminal of `up` is closed.
    let _ = rustix::process::setsid();
    let lock = sandbox.lock_file()?;
    take(&lock)?;
    fs::write(sandbox.runtime().join(PID), std::process::id().to_string())
        .or_fail("cannot write the supervisor's PID")?;
    let start = Start::read(sandbox)?;
    let last = sandbox.state()?.map(|state| state.ports);
    let (pages, api) =
        (listen([last.map(|ports| ports.pages), Some(PAGES)])?, listen([last.map(|ports| ports.api), None])?);
    let ports = Ports { pages: pages.local_addr()?.port(), api: api.local_addr()?.port() };
    sandbox.remember(&State { ports, settings: start.settings })?;
    cgroup::create(&sandbox.cgroup())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let end = runtime.block_on(supervise(sandbox, pages, api));
    drop(runtime);
    clean_up(sandbox)?;
    end.map(|()| ExitCode::SUCCESS)
}

async fn supervise(sandbox: &Sandbox, pages: TcpListener, api: TcpListener) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut inside = spawn(sandbox)?;
    // Taken out of the child, because waiting for the child would close it.
    let _lifeline = inside.stdin.take();
    for (listener, socket) in [(pages, sandbox.pages_socket()), (api, sandbox.api_socket())] {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(relay::port_to_socket(listener, socket));
    }
    let mut stdout = std::io::stdout();
    // `up` may have been interrupted.
    let _ = writeln!(stdout, "{STARTED}").and_then(|()| stdout.flush());
    tokio::select! {
        _ = terminate.recv() => {
            log("stopping");
            inside.kill().await.or_fail("cannot kill the process inside")
        }
        status = inside.wait() => Err(Failure::new(format!("the process inside exited: {}", status?))),
    }
}

/// Starts the first process inside. It is killed when this process exits, for whatever reason.
fn spawn(sandbox: &Sandbox) -> Result<Child, Failure> {
    Command::new(program("setpriv")?)
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program("unshare")?)
        .args(["--pid", "--fork", "--kill-child=KILL", "--mount", "--net", "--"])
        .arg(own_program::executable())
        .args(["--name", sandbox.name(), "internal-inside"])
        // Never written to. When it is closed, the process inside knows that this one has exited.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .or_fail("cannot start the process inside")
}

/// Takes the lock of a running sandbox, until this process exits.
fn take(lock: &std::fs::File) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => return Err(Failure::new("the sandbox is already running")),
            Err(TryLockError::Error(error)) => return Err(error).or_fail("cannot lock the sandbox"),
        }
    }
}

/// Listens on the first of these ports of 127.0.0.1 that is free, or else on any free port.
fn listen(preferred: [Option<u16>; 2]) -> Result<TcpListener, Failure> {
    let free =
        preferred.into_iter().flatten().find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    match free {
        Some(listener) => Ok(listener),
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).or_fail("cannot listen on 127.0.0.1"),
    }
}

/// Waits until all processes of the last run have exited, then removes its cgroups and files. Does nothing if there are
/// none. The caller makes sure that no supervisor is running.
pub(crate) fn clean_up(sandbox: &Sandbox) -> Result<(), Failure> {
    let deadline = Instant::now() + CLEAN_UP_PATIENCE;
    loop {
        let left = survey::pids(sandbox)?;
        if left.is_empty() {
            break;
        }
        if Instant::now() >= deadline {
            let pids: Vec<_> = left.iter().map(ToString::to_string).collect();
            return Err(Failure::new(format!(
                "some processes of the sandbox do not exit: {}",
                pids.join(" ")
            )));
        }
        sleep(Duration::from_millis(20));
    }
    cgroup::remove(&sandbox.cgroup())?;
    let runtime = sandbox.runtime();
    match fs::remove_dir_all(&runtime) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).or_fail(format!("cannot remove {}", runtime.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listens_on_the_first_free_port() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let other = listen([Some(port), None]).unwrap().local_addr().unwrap().port();
        assert_ne!(other, port);
        drop(taken);
        assert_eq!(listen([Some(port), Some(PAGES)]).unwrap().local_addr().unwrap().port(), port);
    }
}
