//! `tool`: adds, lists and removes tools.

use std::process::ExitCode;

use anstream::println;

use crate::directory::Sandbox;
use crate::failure::Failure;
use crate::progress::Report;
use crate::provision::tool;
use clap::Subcommand;
use toolforge_model::ToolName;

/// A command of `tool`.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ToolVerb {
    /// Create a tool as the platform does: namespace, quota, certificate, home.
    Add {
        /// Name of the tool.
        name: ToolName,
        /// Quota profile: seed-2020, with 4 pods, or tools-2023, with 10 pods and limits for jobs [default: tools-2023].
        #[arg(long, value_name = "PROFILE")]
        quota: Option<String>,
    },
    /// List the tools.
    List,
    /// Delete a tool's namespace and home.
    Remove {
        /// Name of the tool.
        name: ToolName,
    },
}

/// Adds, lists or removes tools.
pub(crate) fn run(sandbox: &Sandbox, verb: ToolVerb, report: &Report) -> Result<ExitCode, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match verb {
        ToolVerb::Add { name, quota } => {
            let profile = quota.as_deref().unwrap_or(tool::DEFAULT_PROFILE);
            let uid = runtime.block_on(tool::add(sandbox, &name, profile, report))?;
            let pages = sandbox.ports()?.page_of(name.as_str());
            report.note(format!("\nThe tool {name} has the user ID {uid}; its pages are at {pages}"));
            report.note(format!("\nNext: `{}`.", sandbox.typed(&format!("as {name}"))));
        }
        ToolVerb::List => {
            for (name, uid) in tool::tools(sandbox)? {
                println!("{name} {uid}");
            }
        }
        ToolVerb::Remove { name } => {
            let work = tool::remove(sandbox, &name);
            runtime.block_on(report.wait(format!("Delete the tool {name}"), work))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}
