//! The command line.

use std::ffi::OsString;
use std::process::ExitCode;

use anstream::eprintln;
use clap::{Args, Parser, Subcommand};
use rustix::fs::Mode;
use rustix::process::umask;
use toolforge_model::ToolName;

use crate::commands;
use crate::failure::Failure;
use crate::folder::Sandbox;
use crate::report::Report;
use crate::settings::{Routing, Settings};
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
    Up(UpArguments),
    /// Stop the sandbox; its data stays for the next `up`.
    Down(DownArguments),
    /// Show what runs, since when, at which addresses, with how much memory.
    Status,
    /// Tools: add, list, remove.
    #[command(subcommand)]
    Tool(ToolVerb),
    /// Be a tool: its uid, home and kubeconfig; a shell where no command is given.
    As(AsArguments),
    /// Run kubectl as the cluster's admin.
    #[command(disable_help_flag = true)]
    Kubectl(KubectlArguments),
    /// Show what a component wrote.
    Logs(LogsArguments),
    /// A story: a new tool, its page, its web service, on the screen.
    Demo(DemoArguments),
    /// Run the tests that need a cluster.
    Test(TestArguments),
    /// The supervisor of the sandbox's processes, outside.
    #[command(name = "internal-supervise", hide = true)]
    Supervise,
    /// The first process inside the sandbox's namespaces.
    #[command(name = "internal-inside", hide = true)]
    Inside,
    /// Give a command the view of a tool's shell: runs in a mount namespace of its own.
    #[command(name = "internal-enter", hide = true)]
    Enter(EnterArguments),
}

/// How to start a sandbox.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct UpArguments {
    /// How pages reach their web service [default: as last time, gateway at first].
    #[arg(long, value_enum, value_name = "HOW")]
    pub(crate) routing: Option<Routing>,
}

impl UpArguments {
    /// Returns the settings to start with, given those of the last time.
    pub(crate) fn settings(&self, last: Option<Settings>) -> Settings {
        let Self { routing } = self;
        let last = last.unwrap_or_default();
        Settings { routing: routing.unwrap_or(last.routing) }
    }
}

/// How to stop a sandbox.
#[derive(Debug, Clone, Args)]
pub(crate) struct DownArguments {
    /// Remove the sandbox's data as well: its tools, their homes, its certificates.
    #[arg(long)]
    pub(crate) delete: bool,
}

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

/// Whom to be, and what to run.
#[derive(Debug, Clone, Args)]
pub(crate) struct AsArguments {
    /// The tool's name.
    pub(crate) tool: ToolName,
    /// The command, after `--`; a shell without one.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Arguments for kubectl.
#[derive(Debug, Clone, Args)]
pub(crate) struct KubectlArguments {
    /// Arguments for kubectl.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    pub(crate) arguments: Vec<OsString>,
}

/// Whose log.
#[derive(Debug, Clone, Args)]
pub(crate) struct LogsArguments {
    /// The component; `cargo sandbox logs` lists them.
    pub(crate) component: Option<String>,
    /// Go on showing what is written.
    #[arg(short, long)]
    pub(crate) follow: bool,
}

/// How to tell the story.
#[derive(Debug, Clone, Args)]
pub(crate) struct DemoArguments {
    #[command(flatten)]
    pub(crate) up: UpArguments,
}

/// Which tests.
#[derive(Debug, Clone, Args)]
pub(crate) struct TestArguments {
    /// Only the tests whose names contain this.
    pub(crate) filter: Option<String>,
}

/// What to run in a tool's shell; made by `as`, not by people.
#[derive(Debug, Clone, Args)]
pub(crate) struct EnterArguments {
    /// The tool's name.
    pub(crate) tool: ToolName,
    /// The command, after `--`.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
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
