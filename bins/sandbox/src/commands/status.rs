//! `status`: shows the components, their memory, and the addresses.

use std::fmt::Write as _;
use std::io::{self, ErrorKind, Write as _};
use std::process::ExitCode;

use crate::api_server;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::progress::duration;
use crate::saved_state::State;
use crate::supervisor::survey::{self, Process};
use crate::supervisor::{COMPONENTS, outside};

/// Prints the state of the sandbox. The exit code is 1 if a component is not running or the API server is not ready.
pub(crate) fn run(sandbox: &Sandbox) -> Result<ExitCode, Failure> {
    let Some(state) = sandbox.state()?.filter(|_| sandbox.is_running()) else {
        return Err(sandbox.not_running());
    };
    let processes = survey::processes(sandbox)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ready =
        runtime.block_on(async { Ok::<_, Failure>(api_server::is_ready(&sandbox.client().await?).await) })?;
    let text = text(sandbox, &state, outside::pid(sandbox), ready, &processes);
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => return Err(error).or_fail("cannot write"),
        _ => {}
    }
    let is_complete = ready
        && COMPONENTS.iter().all(|name| processes.iter().any(|process| process.component == Some(name)));
    Ok(if is_complete { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(
    sandbox: &Sandbox,
    state: &State,
    supervisor: Option<i32>,
    ready: bool,
    processes: &[Process],
) -> String {
    let State { ports, settings } = state;
    let mut text = String::new();
    let supervisor = supervisor.map_or("?".to_owned(), |pid| pid.to_string());
    let ready = if ready { "ready" } else { "not ready" };
    let memory: u64 = processes.iter().map(|process| process.memory).sum();
    let _ = writeln!(text, "sandbox     {} (supervisor {supervisor})", sandbox.name());
    if let Some(since) = outside::running_for(sandbox) {
        let _ = writeln!(text, "running for {}", duration(since));
    }
    let _ = writeln!(text, "directory   {}", sandbox.directory().display());
    let _ = writeln!(text, "pages       {} (routing: {})", ports.page_of("NAME"), settings.routing);
    let _ = writeln!(text, "API server  https://127.0.0.1:{} ({ready})", ports.api);
    let _ = writeln!(text, "memory      {} MiB in {} processes", memory / 1024, processes.len());
    let _ = writeln!(text, "\n{:<24} {:>8} {:>8}", "component", "pid", "MiB");
    for name in COMPONENTS {
        match processes.iter().find(|process| process.component == Some(name)) {
            Some(Process { pid, memory, .. }) => {
                let _ = writeln!(text, "{name:<24} {pid:>8} {:>8}", memory / 1024);
            }
            None => {
                let _ = writeln!(text, "{name:<24} {:>8} {:>8}", "-", "-");
            }
        }
    }
    let others = processes.iter().filter(|process| process.component.is_none());
    let (count, memory) =
        others.fold((0, 0), |(count, memory), process| (count + 1, memory + process.memory));
    let _ = writeln!(text, "{:<24} {count:>8} {:>8}", "others, including pods", memory / 1024);
    text
}
