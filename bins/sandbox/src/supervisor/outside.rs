//! The supervisor on the host: the ports, and the life of everything inside.

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
use crate::state::{Ports, State};
use crate::supervisor::processes::log;
use crate::supervisor::{Start, cgroup, relay, survey};

/// The port for pages, where it is free.
const PAGES: u16 = 8080;
/// How long another program may hold the lock that only looks whether the sandbox runs.
const PATIENCE: Duration = Duration::from_secs(1);

/// How long the kernel may take to end all processes of a namespace whose first process has ended.
const SWEEP_PATIENCE: Duration = Duration::from_secs(10);

/// The file in which the supervisor leaves its process's number.
const PID: &str = "supervisor.pid";

/// The word by which the supervisor tells `up` that it holds the lock and the ports.
pub(crate) const STARTED: &str = "started";

/// Returns the number of the supervisor's process, where it has left it.
pub(crate) fn pid(sandbox: &Sandbox) -> Option<i32> {
    fs::read_to_string(sandbox.runtime().join(PID)).ok()?.trim().parse().ok()
}

/// Returns for how long the supervisor has run.
pub(crate) fn running_for(sandbox: &Sandbox) -> Option<Duration> {
    fs::metadata(sandbox.runtime().join(PID)).ok()?.modified().ok()?.elapsed().ok()
}

/// Runs the sandbox until it is told to end, or until what is inside ends.
pub(crate) fn run(sandbox: &Sandbox) -> Result<ExitCode, Failure> {
    // The terminal that `up` was typed in may be closed.
    let _ = rustix::process::setsid();
    let lock = sandbox.lock_file()?;
    take(&lock)?;
    fs::write(sandbox.runtime().join(PID), std::process::id().to_string())
        .or_fail("cannot leave the process's number")?;
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
    sweep(sandbox)?;
    end.map(|()| ExitCode::SUCCESS)
}

async fn supervise(sandbox: &Sandbox, pages: TcpListener, api: TcpListener) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut inside = spawn(sandbox)?;
    // Kept apart, for waiting would close it.
    let _lifeline = inside.stdin.take();
    for (listener, socket) in [(pages, sandbox.pages_socket()), (api, sandbox.api_socket())] {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::spawn(relay::port_to_socket(listener, socket));
    }
    let mut stdout = std::io::stdout();
    // Who waited for it may be gone.
    let _ = writeln!(stdout, "{STARTED}").and_then(|()| stdout.flush());
    tokio::select! {
        _ = terminate.recv() => {
            log("told to end");
            inside.kill().await.or_fail("cannot end what is inside")
        }
        status = inside.wait() => Err(Failure::new(format!("what is inside ended: {}", status?))),
    }
}

/// Starts the first process inside, which ends with this one, whatever ends it.
fn spawn(sandbox: &Sandbox) -> Result<Child, Failure> {
    Command::new(program("setpriv")?)
        .args(["--pdeathsig", "KILL", "--"])
        .arg(program("unshare")?)
        .args(["--pid", "--fork", "--kill-child=KILL", "--mount", "--net", "--"])
        .arg(std::env::current_exe()?)
        .args(["--name", sandbox.name(), "internal-inside"])
        // Never written to: that it is closed tells that this process has ended.
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .or_fail("cannot start what is inside")
}

/// Takes the lock of a sandbox that runs, for the life of this process.
fn take(lock: &std::fs::File) -> Result<(), Failure> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(TryLockError::WouldBlock) => return Err(Failure::new("the sandbox runs already")),
            Err(TryLockError::Error(error)) => return Err(error).or_fail("cannot lock the sandbox"),
        }
    }
}

/// Listens on the first of these ports of 127.0.0.1 that is free, or on any other.
fn listen(preferred: [Option<u16>; 2]) -> Result<TcpListener, Failure> {
    let free =
        preferred.into_iter().flatten().find_map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok());
    match free {
        Some(listener) => Ok(listener),
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).or_fail("cannot listen on 127.0.0.1"),
    }
}

/// Waits until no process of the last run is left, then removes its cgroups and files. Does nothing where there
/// is nothing. The caller makes sure that no supervisor runs.
pub(crate) fn sweep(sandbox: &Sandbox) -> Result<(), Failure> {
    let deadline = Instant::now() + SWEEP_PATIENCE;
    loop {
        let left = survey::pids(sandbox)?;
        if left.is_empty() {
            break;
        }
        if Instant::now() >= deadline {
            let pids: Vec<_> = left.iter().map(ToString::to_string).collect();
            return Err(Failure::new(format!("processes of the sandbox do not end: {}", pids.join(" "))));
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
    fn takes_the_first_free_port_and_any_other_where_none_is() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let other = listen([Some(port), None]).unwrap().local_addr().unwrap().port();
        assert_ne!(other, port);
        drop(taken);
        assert_eq!(listen([Some(port), Some(PAGES)]).unwrap().local_addr().unwrap().port(), port);
    }
}
