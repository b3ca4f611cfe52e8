use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitKind, Failure, Session, print};
use toolforge_client::WantedJobs;

use super::facts::facts;
use crate::arguments::{Arguments, JobsFormat, ListArguments};
use crate::report::{self, ListedJob};

/// Lists the jobs and how they fare; no jobs are no failure.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &ListArguments,
) -> Result<ExitKind, Failure> {
    let ListArguments { output, long } = options;
    let format = if *long {
        anstream::eprintln!("warning: the `--long` flag is deprecated, use `--output long` instead");
        JobsFormat::Long
    } else {
        *output
    };
    let facts = facts(session, arguments, WantedJobs::for_list())?;
    let now = Timestamp::now();
    let document = report::list(&ListedJob::all(&facts, now), now, format)?;
    print(&document, format.of_document())?;
    Ok(ExitKind::Done)
}
