use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session, print};
use toolforge_client::JobFetchOptions;
use toolforge_model::JobName;

use super::facts::{facts_to_show, job};
use crate::arguments::Arguments;
use crate::report::{self, ListedJob};

/// Prints one job in detail.
pub(super) fn run(session: &Session, arguments: &Arguments, name: &JobName) -> Result<ExitCode, Failure> {
    let facts = facts_to_show(session, JobFetchOptions::for_list())?;
    let now = Timestamp::now();
    let listed = ListedJob::of(&job(&facts, name)?, &facts, now);
    print(&report::show(&listed, now, arguments.output)?, arguments.output.of_document())?;
    Ok(ExitCode::Success)
}
