//! The command line: parses it and runs the command.

use std::ffi::OsString;
use std::process::ExitCode;

use anstream::eprintln;
use clap::{Parser, Subcommand};
use rustix::fs::Mode;
use rustix::process::umask;

use crate::commands;
use crate::directory::Sandbox;
use crate::failure::Failure;
use crate::progress::Report;
use crate::supervisor;

/// A real Kubernetes on this machine, provisioned like Toolforge.
#[derive(Debug, Parser)]
#[command(name = "cargo sandbox", bin_name = "cargo sandbox", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Name of the sandbox, to run several [default: one per checkout].
    #[arg(id = "sandbox", long = "name", global = true, value_name = "NAME", env = "TOOLFORGE_SANDBOX")]
    name: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Build missing components, start the sandbox, and wait until it is ready.
    Up(commands::up::UpArguments),
    /// Stop the sandbox; its data is kept for the next `up`.
    Down(commands::down::DownArguments),
    /// Show the components with their memory, the uptime and the addresses.
    Status,
    /// Add, list or remove tools.
    #[command(subcommand)]
    Tool(commands::tool::ToolVerb),
    /// Run a command or a shell as a tool, with its uid, home and kubeconfig.
    As(commands::as_tool::AsArguments),
    /// Run kubectl as the cluster's admin.
    #[command(disable_help_flag = true)]
    Kubectl(commands::kubectl::KubectlArguments),
    /// Show the log of a component.
    Logs(commands::logs::LogsArguments),
    /// Run a demo: create a tool, write a page and start its web service.
    Demo(commands::demo::DemoArguments),
    /// Run the workspace's tests on a sandbox of their own.
    Test(commands::test::TestArguments),
    /// Supervise the sandbox from the host.
    #[command(name = "internal-supervise", hide = true)]
    Supervise,
    /// Run as the first process inside the sandbox's namespaces.
    #[command(name = "internal-inside", hide = true)]
    Inside,
    /// Run a command with a tool's view of the file system; needs a mount namespace of its own.
    #[command(name = "internal-enter", hide = true)]
    Enter(commands::as_tool::EnterArguments),
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn run() -> ExitCode {
    run_with(std::env::args_os())
}

/// Runs the program with the given arguments. The first is the program's name.
#[must_use]
pub fn run_with(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe is not an error.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match dispatch(arguments) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("error: {failure}");
            if let Some(hint) = failure.advice() {
                eprintln!("\nhint: {hint}");
            }
            failure.exit_code()
        }
    }
}

fn dispatch(arguments: Arguments) -> Result<ExitCode, Failure> {
    let Arguments { name, verb } = arguments;
    // Tools read the files that root creates here, so root's own umask must not close them. Keys get stricter modes.
    umask(Mode::WGRP | Mode::WOTH);
    let sandbox = Sandbox::named(name.as_deref())?;
    let report = Report::new();
    match verb {
        Verb::Up(arguments) => commands::up::run(&sandbox, &arguments, &report),
        Verb::Down(arguments) => commands::down::run(&sandbox, &arguments, &report),
        Verb::Status => commands::status::run(&sandbox),
        Verb::Tool(verb) => commands::tool::run(&sandbox, verb, &report),
        Verb::As(arguments) => commands::as_tool::run(&sandbox, &arguments),
        Verb::Kubectl(arguments) => commands::kubectl::run(&sandbox, &arguments, &report),
        Verb::Logs(arguments) => commands::logs::run(&sandbox, &arguments),
        Verb::Demo(arguments) => commands::demo::run(&sandbox, &arguments, &report),
        Verb::Test(arguments) => commands::test::run(&sandbox, &arguments, &report),
        Verb::Supervise => supervisor::outside::run(&sandbox),
        Verb::Inside => supervisor::inside::run(&sandbox),
        Verb::Enter(arguments) => commands::as_tool::enter(&sandbox, &arguments),
    }
}
