//! `quota-check`: the quotas and limits of a tool's namespace, and their usage.
//!
//! It reads ResourceQuotas and LimitRanges from the cluster or from files, and changes nothing.
//!
//! ```
//! let profile = toolforge_quota::profiles::by_name("seed-2020").unwrap();
//! let tool = "stashbot".parse().unwrap();
//! let report = toolforge_cli::quota_report(&tool, &[profile.quota], &[profile.limit_range]);
//! assert!(quota_check::text(&report).contains("limits.memory"));
//! ```

mod report;

use clap::{CommandFactory as _, Parser};
use toolforge_cli::{ExitCode, Failure, GlobalOptions, OutputOption, Session, print};

pub use report::text;

/// Show the quotas and limits of a tool's namespace, and their usage.
///
/// Exit codes: 0 done, 1 wrong request, 2 usage error, 4 the cluster refused or is unreachable.
#[derive(Clone, Debug, Parser)]
#[command(name = "quota-check", version, infer_long_args = true)]
struct Arguments {
    #[command(flatten)]
    global: GlobalOptions,
    #[command(flatten)]
    output: OutputOption,
}

/// Returns the clap command, from which help, the man page and the reference page are generated.
#[must_use]
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> std::process::ExitCode {
    toolforge_cli::run(|| match toolforge_cli::parse(Arguments::command()) {
        Ok(arguments) => check(&arguments),
        Err(exit_code) => Ok(exit_code),
    })
}

fn check(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let session = Session::open(&arguments.global, "quota-check")?;
    let (quotas, limit_ranges) = session.limits()?;
    print(&report::document(&session.tool, &quotas, &limit_ranges)?, arguments.output.output)?;
    Ok(ExitCode::Success)
}
