use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{ExitCode, Failure, Session, print};
use toolforge_render::web_service::observe_web_service;

use crate::arguments::{Arguments, StatusOptions};
use crate::fetch;
use crate::report;

/// Prints the state of the web service; with `--exit-code` it fails if the web service is not up.
pub(super) fn run(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let (facts, complete) = fetch::status_facts(session)?;
    let now = Timestamp::now();
    let observation = observe_web_service(&facts, now);
    let document = report::status(&session.tool, &session.platform, &observation, now)?;
    print(&document, arguments.output.of_document())?;
    let StatusOptions { exit_code } = arguments.status;
    Ok(if exit_code && !observation.status.state.is_up() { ExitCode::Failed } else { complete })
}
