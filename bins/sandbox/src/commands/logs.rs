//! `logs`: shows what a component wrote.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::supervisor::COMPONENTS;
use clap::Args;

/// How often a log is looked at for more.
const PAUSE: Duration = Duration::from_millis(250);

/// Whose log.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogsArguments {
    /// The component; `cargo sandbox logs` lists them.
    pub(crate) component: Option<String>,
    /// Go on showing what is written.
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// Writes a component's log to stdout, as it is; lists the components where none is named.
pub(crate) fn run(sandbox: &Sandbox, arguments: &LogsArguments) -> Result<ExitCode, Failure> {
    let LogsArguments { component, follow } = arguments;
    let names = || COMPONENTS.into_iter().chain(["supervisor"]);
    let Some(component) = component else {
        let list: String = names().map(|name| format!("{name}\n")).collect();
        return written(io::stdout().write_all(list.as_bytes()));
    };
    if !names().any(|name| name == component) {
        let (component, names) = (component.escape_debug(), names().collect::<Vec<_>>().join(", "));
        return Err(Failure::new(format!("no component \"{component}\"; there are {names}")).code(2));
    }
    let path = sandbox.logs().join(format!("{component}.log"));
    let mut log = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(Failure::new(format!("{component} has written nothing yet"))
                .hint("Start it: `cargo sandbox up`."));
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

/// A closed pipe is a success: somebody has seen enough.
fn written(result: io::Result<()>) -> Result<ExitCode, Failure> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error).or_fail("cannot write"),
        _ => Ok(ExitCode::SUCCESS),
    }
}
