//! `tool`: adds, lists and removes tools.

use std::process::ExitCode;

use anstream::println;

use crate::directory::Sandbox;
use crate::failure::Failure;
use crate::provision::tool;
use crate::report::Report;
use clap::Subcommand;
use toolforge_model::ToolName;

/// What to do with tools.
#[derive(Debug, Clone, Subcommand)]
pub(crate) enum ToolVerb {
    /// Provision a tool as the platform does: namespace, quota, certificate, home.
    Add {
        /// The tool's name.
        name: ToolName,
        /// The quota profile.
        #[arg(long, value_name = "PROFILE")]
        quota: Option<String>,
    },
    /// List the tools.
    List,
    /// Remove a tool: its namespace and its home.
    Remove {
        /// The tool's name.
        name: ToolName,
    },
}

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
