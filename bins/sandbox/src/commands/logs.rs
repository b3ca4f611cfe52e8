//! `logs`: shows the log of a component.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::supervisor::COMPONENTS;
use clap::Args;

/// How often a followed log is checked for new lines.
const PAUSE: Duration = Duration::from_millis(250);

/// Which log to show.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogsArguments {
    /// Component [default: list the components].
    pub(crate) component: Option<String>,
    /// Keep printing new lines.
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// Prints a component's log as it is; without a component, lists the components.
pub(crate) fn run(sandbox: &Sandbox, arguments: &LogsArguments) -> Result<ExitCode, Failure> {
    let LogsArguments { component, follow } = arguments;
    let names = || COMPONENTS.into_iter().chain(["supervisor"]);
    let Some(component) = component else {
        let list: String = names().map(|name| format!("{name}\n")).collect();
        return written(io::stdout().write_all(list.as_bytes()));
    };
    if !names().any(|name| name == component) {
        let (component, names) = (component.escape_debug(), names().collect::<Vec<_>>().join(", "));
        return Err(
            Failure::new(format!("unknown component \"{component}\"; the components are {names}")).code(2)
        );
    }
    let path = sandbox.logs().join(format!("{component}.log"));
    let mut log = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::new(format!("{component} has no log yet"))
                .hint(format!("Start it: `{}`.", sandbox.typed("up"))));
        }
        log => log.or_fail(format!("cannot read {}", path.display()))?,
    };
    loop {
        match copy(&mut log) {
            Ok(_) if *follow && fs::exists(&path).unwrap_or_default() => sleep(PAUSE),
            result => return written(result.map(|_| ())),
        }
    }
}

fn copy(log: &mut impl Read) -> io::Result<u64> {
    let mut stdout = io::stdout().lock();
    let count = io::copy(log, &mut stdout)?;
    stdout.flush()?;
    Ok(count)
}

/// Treats a closed pipe as a success: its reader has seen enough.
fn written(result: io::Result<()>) -> Result<ExitCode, Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).or_fail("cannot write"),
        _ => Ok(ExitCode::SUCCESS),
    }
}
