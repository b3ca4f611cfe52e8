//! `quota-check`: what a tool's namespace allows, what is used of it, and what is full.
//!
//! It reads the namespace's ResourceQuotas and LimitRanges, from the cluster or from files, and changes nothing.
//!
//! ```
//! let profile = toolforge_quota::profiles::by_name("seed-2020").unwrap();
//! let text = quota_check::report(&[profile.quota], &[profile.limit_range]);
//! assert!(text.contains("limits.memory"));
//! ```

mod report;

use clap::{CommandFactory as _, Parser};
use toolforge_cli::{ExitCode, Failure, GlobalOptions, OutputOption, Session, print};

pub use report::report;

/// Shows what the tool's namespace allows and what is used of it.
///
/// Exit codes: 0 answered, 1 a wrong request, 2 a command line that is not understood, 4 the cluster refused or cannot
/// be reached.
#[derive(Clone, Debug, Parser)]
#[command(name = "quota-check", version, infer_long_args = true)]
struct Arguments {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(flatten)]
    output: OutputOption,
}

/// Returns the description of the command line, from which help, the man page and the reference are made.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program with the process's own arguments.
#[must_use]
pub fn main() -> std::process::ExitCode {
    toolforge_cli::run(|| match toolforge_cli::parse(Arguments::command()) {
        Ok(arguments) => check(&arguments),
        Err(kind) => Ok(kind),
    })
}

fn check(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let session = Session::open(&arguments.global, "quota-check")?;
    let (quotas, limit_ranges) = session.limits()?;
    print(&report::document(&session.tool, &quotas, &limit_ranges)?, arguments.output.output)?;
    Ok(ExitCode::Success)
}
