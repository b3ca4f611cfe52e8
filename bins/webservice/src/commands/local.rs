use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anstream::eprintln;
use clap::{Args, ValueEnum};
use serde_json::json;
use toolforge_cli::{Document, ExitCode, Failure, Session, document, print};
use toolforge_client::ToolHome;
use toolforge_model::{MountStorage, Replicas};
use toolforge_render::web_service::{LocalOptions as Options, local_command};

use super::facts;
use crate::arguments::Arguments;
use crate::invocation::Invocation;

/// The options of `local`.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Local options")]
pub(crate) struct LocalOptions {
    /// What runs containers on this machine [default: the one that is installed].
    #[arg(long, value_enum, value_name = "ENGINE")]
    engine: Option<Engine>,
    /// The folder that stands for the tool's home [default: the tool's home, else the current folder].
    #[arg(long, value_name = "FOLDER")]
    home: Option<PathBuf>,
    /// Run it instead of printing the command line.
    #[arg(long)]
    run: bool,
}

/// What runs containers on a developer's machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

impl Engine {
    fn program(self) -> &'static str {
        match self {
            Self::Docker => "docker",
            Self::Podman => "podman",
        }
    }

    /// Returns the first of both that is in a folder of the search path, Docker where none is.
    fn installed() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let is_there = |engine: &Self| {
            std::env::split_paths(&path).any(|folder| folder.join(engine.program()).is_file())
        };
        [Self::Docker, Self::Podman].into_iter().find(is_there).unwrap_or(Self::Docker)
    }
}

/// Prints the command line that runs the web service on this machine, or runs it.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let facts = session.web_service_facts()?;
    let plan = facts::plan(session, arguments, invocation, &facts)?;
    let LocalOptions { engine, home, run } = &arguments.local;
    let engine = engine.unwrap_or_else(Engine::installed).program();
    let current = std::env::current_dir().unwrap_or_default();
    let home = home.as_deref().or(session.home.as_ref().map(ToolHome::path)).unwrap_or(&current);
    let home = std::path::absolute(home).unwrap_or_else(|_| home.to_path_buf());
    let options = Options {
        engine: engine.to_owned(),
        home: shown(&home)?,
        user: arguments.global.uid.map(|uid| (uid, uid)),
    };
    let line = local_command(&plan, &options);
    eprintln!(
        "note: here it answers at http://127.0.0.1:8000/; what the platform mounts besides the home (dumps, scratch,"
    );
    eprintln!(
        "  the directory of users), its databases and the tool's own environment variables are not here"
    );
    if plan.request().image.mount() == MountStorage::None {
        eprintln!("note: it has no home, as on the platform with `--mount none`");
    }
    if plan.request().replicas > Replicas::ONE {
        eprintln!("note: one container stands for {} pods", plan.request().replicas);
    }
    if !run {
        let quoted = shlex::try_join(line.iter().map(String::as_str)).map_err(|_| {
            Failure::new(ExitCode::Failed, "an argument has a NUL byte, which no command line can hold")
        })?;
        let value = document("LocalCommand", &json!({"command": line}))?;
        print(&Document { text: format!("{quoted}\n"), value }, arguments.output.output)?;
        return Ok(ExitCode::Success);
    }
    let [program, rest @ ..] = line.as_slice() else { return Ok(ExitCode::Success) };
    // It takes this process's place, so that keys and signals reach it.
    let error = Command::new(program).args(rest).exec();
    Err(Failure::new(ExitCode::Failed, format!("{program} cannot be run"))
        .detail(error.to_string())
        .hint("Install Docker or Podman, or name the one that is there: `--engine podman`."))
}

fn shown(home: &Path) -> Result<String, Failure> {
    let text = home.to_str().filter(|text| !text.contains(':'));
    text.map(str::to_owned).ok_or_else(|| {
        Failure::new(
            ExitCode::Failed,
            "the folder's name cannot stand in a command line of a container engine",
        )
        .hint("Name another one, without `:`: `--home FOLDER`.")
    })
}
