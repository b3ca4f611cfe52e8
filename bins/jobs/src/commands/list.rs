use std::io::IsTerminal as _;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session, print};
use toolforge_client::JobFetchOptions;

use super::facts::facts_to_show;
use crate::arguments::{JobsFormat, ListArguments};
use crate::report::{self, ListedJob};

/// Lists the jobs and how they fare; no jobs are no failure.
pub(super) fn run(session: &Session, options: &ListArguments) -> Result<ExitCode, Failure> {
    let ListArguments { output, long } = options;
    let format = if *long {
        anstream::eprintln!("warning: the `--long` flag is deprecated, use `--output long` instead");
        JobsFormat::Long
    } else {
        *output
    };
    let facts = facts_to_show(session, JobFetchOptions::for_list())?;
    let now = Timestamp::now();
    let jobs = ListedJob::all(&facts, now);
    if jobs.is_empty() && std::io::stderr().is_terminal() {
        anstream::eprintln!("there are no jobs; a one-off job is gone half a minute after its end");
    }
    let document = report::list(&jobs, now, format)?;
    print(&document, format.of_document())?;
    Ok(ExitCode::Success)
}
