//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use anstream::eprintln;
use clap::{Parser, Subcommand};
use rustix::fs::Mode;
use rustix::process::umask;

use crate::commands;
use crate::directory::Sandbox;
use crate::failure::Failure;
use crate::report::Report;
use crate::supervisor;

/// A real Kubernetes on this machine, provisioned like Toolforge.
#[derive(Debug, Parser)]
#[command(name = "cargo sandbox", bin_name = "cargo sandbox", version, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// The sandbox's name, where several are wanted [default: one per checkout].
    #[arg(id = "sandbox", long = "name", global = true, value_name = "NAME", env = "TOOLFORGE_SANDBOX")]
    name: Option<String>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Build what is missing, start the sandbox, and wait until it can be used.
    Up(commands::up::UpArguments),
    /// Stop the sandbox; its data stays for the next `up`.
    Down(commands::down::DownArguments),
    /// Show what runs, since when, at which addresses, with how much memory.
    Status,
    /// Tools: add, list, remove.
    #[command(subcommand)]
    Tool(commands::tool::ToolVerb),
    /// Be a tool: its uid, home and kubeconfig; a shell where no command is given.
    As(commands::as_tool::AsArguments),
    /// Run kubectl as the cluster's admin.
    #[command(disable_help_flag = true)]
    Kubectl(commands::kubectl::KubectlArguments),
    /// Show what a component wrote.
    Logs(commands::logs::LogsArguments),
    /// A story: a new tool, its page, its web service, on the screen.
    Demo(commands::demo::DemoArguments),
    /// Run the tests that need a cluster.
    Test(commands::test::TestArguments),
    /// The supervisor of the sandbox's processes, outside.
    #[command(name = "internal-supervise", hide = true)]
    Supervise,
    /// The first process inside the sandbox's namespaces.
    #[command(name = "internal-inside", hide = true)]
    Inside,
    /// Give a command the view of a tool's shell: runs in a mount namespace of its own.
    #[command(name = "internal-enter", hide = true)]
    Enter(commands::as_tool::EnterArguments),
}

/// Runs the program with the process's own arguments.
#[must_use]
pub fn run() -> ExitCode {
    run_with(std::env::args_os())
}

/// Runs the program with these arguments, the first of which is the program's name.
#[must_use]
pub fn run_with(arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> ExitCode {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => {
            // A closed pipe is no failure of ours.
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
    // Tools read what root makes here, also where root closes its files to others. Keys have permissions of their own.
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
