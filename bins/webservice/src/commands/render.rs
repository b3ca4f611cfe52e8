use toolforge_cli::{Document, ExitCode, Failure, OutputFormat, Session, print};
use toolforge_render::object::{to_json_list, to_yaml};
use toolforge_render::web_service::{StartTime, web_service_changes};

use super::facts;
use crate::arguments::Arguments;
use crate::fetch;
use crate::invocation::Invocation;

/// Prints the Kubernetes objects: YAML documents, or with `--output json` one `v1` `List`; they contain no time of the start.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = fetch::facts(session)?;
    let planned = facts::plan(session, arguments, invocation, &facts)?;
    facts::warn_of_needs(session, &planned, invocation.action);
    let plan = planned.plan;
    let set = web_service_changes(&plan, &facts, StartTime::Omit);
    let document = Document { text: to_yaml(set.objects()), value: to_json_list(set.objects()) };
    let format = match arguments.output.of_document() {
        OutputFormat::Table | OutputFormat::Yaml => OutputFormat::Table,
        OutputFormat::Json => OutputFormat::Json,
    };
    print(&document, format)?;
    Ok(ExitCode::Success)
}
