use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session, print};
use toolforge_client::JobFetchOptions;
use toolforge_render::job::{FoundWorkload, WorkloadRef};

use super::facts::facts_to_show;
use crate::arguments::Arguments;
use crate::report::{self, ListedJob, UnmanagedObject};

/// Prints one job or object in detail.
pub(super) fn run(session: &Session, arguments: &Arguments, name: &WorkloadRef) -> Result<ExitCode, Failure> {
    let shown = facts_to_show(session, JobFetchOptions::for_list())?;
    let facts = &shown.facts;
    let now = Timestamp::now();
    let document = match shown.find(name)? {
        FoundWorkload::Job(job) if job.is_managed() => {
            report::show(&ListedJob::of(&job, facts, now), now, arguments.output, session.home.as_ref())?
        }
        found => report::show_unmanaged(&UnmanagedObject::of(found, facts, now), now)?,
    };
    print(&document, arguments.output.of_document())?;
    Ok(shown.exit_code)
}
