use clap::Args;
use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session, print};
use toolforge_render::web_service::observe;

use crate::arguments::Arguments;
use crate::report;

/// The options of `status`.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Status options")]
pub(crate) struct StatusOptions {
    /// End with 1 where the web service is not up.
    #[arg(long)]
    exit_code: bool,
}

/// Says what is deployed and how it fares; it succeeds whenever it could answer.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let facts = session.web_service_state()?;
    let observation = observe(&session.tool, &facts);
    let document = report::status(&session.tool, &observation, Timestamp::now())?;
    print(&document, arguments.output.output)?;
    let StatusOptions { exit_code } = arguments.status;
    Ok(if exit_code && !observation.status.state.is_up() { ExitCode::Failed } else { ExitCode::Success })
}
