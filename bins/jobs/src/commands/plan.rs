use toolforge_cli::{ExitCode, Failure, Session, print, print_text};
use toolforge_client::JobFetchOptions;

use super::{facts, load};
use crate::arguments::{Arguments, JobsFormat, PlanArguments};
use crate::report;

/// Says what `load` would change, and whether it fits.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &PlanArguments,
) -> Result<ExitCode, Failure> {
    let file = load::read(session, &options.file)?;
    let facts = facts::facts(session, JobFetchOptions::for_plan())?;
    let plan = load::planned(&file, &options.file, &facts, options.adopt, &[]);
    load::print_notes(session, &facts, &plan);
    if arguments.output == JobsFormat::Name {
        let names: String = plan.set.pending().map(|change| format!("{}\n", change.name)).collect();
        print_text(&names)?;
    } else {
        print(&report::plan(&plan)?, arguments.output.of_document())?;
    }
    if !plan.problems.is_empty() {
        return Err(crate::failures::of_problems(&plan, &file.jobs, &options.file.file));
    }
    if !plan.fits() {
        return Err(report::verdict_failure(&plan));
    }
    let changes = plan.set.pending().next().is_some();
    Ok(if changes && options.exit_code { ExitCode::Failed } else { ExitCode::Success })
}
