use toolforge_cli::{Document, ExitCode, Failure, OutputFormat, Session, print};
use toolforge_render::web_service::{render, with_room};

use super::facts;
use crate::arguments::Arguments;
use crate::fetch;
use crate::invocation::Invocation;

/// Prints the Kubernetes objects: YAML documents, or with `--output json` one `v1` `List`; no moment stands in them.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = fetch::facts(session)?;
    let plan = with_room(facts::plan(session, arguments, invocation, &facts)?, &facts);
    facts::warn_of_needs(session, &plan, &facts);
    let manifests = render(&plan.without_start());
    let document = Document { text: manifests.to_yaml(), value: manifests.to_json() };
    let format = match arguments.output.output {
        OutputFormat::Table | OutputFormat::Yaml => OutputFormat::Table,
        OutputFormat::Json => OutputFormat::Json,
    };
    print(&document, format)?;
    Ok(ExitCode::Success)
}
