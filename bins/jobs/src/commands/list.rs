use std::io::IsTerminal as _;

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Notice, OutputFormat, Session, print, print_message};
use toolforge_client::JobFetchOptions;

use super::facts::facts_to_show;
use crate::arguments::{JobsFormat, ListArguments};
use crate::report::{self, ListedJob, UnmanagedObject};

/// Lists the jobs and their states; an empty list is not a failure. Objects that no tool manages are listed for people only: scripts
/// parse the formats of the platform's tool.
pub(super) fn run(session: &Session, options: &ListArguments) -> Result<ExitCode, Failure> {
    let ListArguments { output, long } = options;
    let format = if *long {
        Notice::warning("the `--long` flag is deprecated, use `--output long` instead").print();
        if output.of_document() == OutputFormat::Table { JobsFormat::Long } else { *output }
    } else {
        *output
    };
    let shown = facts_to_show(session, JobFetchOptions::for_list())?;
    let facts = &shown.facts;
    let now = Timestamp::now();
    let jobs = ListedJob::all(facts, now);
    let unmanaged = UnmanagedObject::all(facts, now);
    let is_known = shown.exit_code == ExitCode::Success;
    if jobs.is_empty() && unmanaged.is_empty() && is_known && std::io::stderr().is_terminal() {
        print_message("there are no jobs; one-off jobs are deleted 30 seconds after they finish");
    }
    let mut document =
        report::list(&jobs, unmanaged.iter().map(UnmanagedObject::report).collect(), now, format)?;
    match format {
        JobsFormat::Normal | JobsFormat::Long if !std::io::stdout().is_terminal() => {
            if let Some(note) = report::note_of_unmanaged(&unmanaged) {
                print_message(&note);
            }
        }
        JobsFormat::Sarif | JobsFormat::Normal | JobsFormat::Long | JobsFormat::Table | JobsFormat::Wide => {
            let table = report::unmanaged_table(&unmanaged, now);
            let gap = if document.text.is_empty() || table.is_empty() { "" } else { "\n" };
            document.text.push_str(gap);
            document.text.push_str(&table);
        }
        // Scripts delete by these names.
        JobsFormat::Name | JobsFormat::Json | JobsFormat::Yaml => {}
    }
    print(&document, format.of_document())?;
    Ok(shown.exit_code)
}
