//! `tool`: adds, lists and removes tools.

use std::process::ExitCode;

use anstream::println;

use crate::arguments::ToolVerb;
use crate::failure::Failure;
use crate::folder::Sandbox;
use crate::provision::tool;
use crate::report::Report;

/// Does what is asked with the sandbox's tools.
pub(crate) fn run(sandbox: &Sandbox, verb: ToolVerb, report: &Report) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match verb {
        ToolVerb::Add { name, quota } => {
            let profile = quota.as_deref().unwrap_or(tool::DEFAULT_PROFILE);
            let uid = runtime.block_on(tool::add(sandbox, &name, profile, report))?;
            let pages = sandbox.ports()?.pages;
            report.note(format!(
                "\nThe tool {name} has the user id {uid}; its pages are at http://{name}.localhost:{pages}/"
            ));
            report.note(format!("\nNext: `cargo sandbox as {name}`."));
        }
        ToolVerb::List => {
            for (name, uid) in tool::tools(sandbox)? {
                println!("{name} {uid}");
            }
        }
        ToolVerb::Remove { name } => {
            let work = tool::remove(sandbox, &name);
            runtime.block_on(report.wait(format!("Remove the tool {name}"), work))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
