use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

use toolforge_cli::{Document, ExitCode, Failure, Notice, Session, print, print_kept_notices, to_json};
use toolforge_client::ToolHome;
use toolforge_model::{MountStorage, Replicas, Untrusted};
use toolforge_render::web_service::{LocalOptions as Options, LocalUser, local_command};
use toolforge_report::LocalCommand;

use super::facts;
use crate::arguments::{Arguments, Engine, LocalOptions};
use crate::fetch;
use crate::invocation::Invocation;

/// Prints the command that runs the web service on this machine, or runs it.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    invocation: &Invocation,
) -> Result<ExitCode, Failure> {
    let mut facts = fetch::facts(session)?;
    facts.live = facts.live.without_foreign_objects();
    let planned = facts::plan(session, arguments, invocation, &facts)?;
    let LocalOptions { engine, home, run } = &arguments.local;
    let engine = program(engine.unwrap_or_else(installed));
    let current = std::env::current_dir().unwrap_or_default();
    let home = home.as_deref().or(session.home.as_ref().map(ToolHome::path)).unwrap_or(&current);
    let home = std::path::absolute(home).unwrap_or_else(|_| home.to_path_buf());
    if planned.plan.request().image.mount() == MountStorage::All {
        if home.is_dir() {
            facts::warn_of_needs_in(&ToolHome::at(&home), &planned, invocation.action);
        } else {
            let shown = Untrusted::new(home.display().to_string());
            let found = format!("{} is not a directory", shown.escaped());
            if *run {
                return Err(Failure::new(ExitCode::Failed, found)
                    .hint("Name the directory with the tool's files: `--home DIRECTORY`."));
            }
            // The line may be for another machine.
            Notice::warning(format!("{found}; `--home DIRECTORY` names the one with the tool's files"))
                .print();
        }
    }
    let plan = planned.plan;
    let mut options = Options::new(engine, shown(&home)?);
    options.user = arguments.global.uid.map(|uid| LocalUser { uid, gid: uid });
    let line = local_command(&plan, &options);
    Notice::note("it serves http://127.0.0.1:8000/; the platform's other mounts (dumps, scratch, the directory of users),")
        .detail("its databases and the tool's environment variables are not available here")
        .print();
    if plan.request().image.mount() == MountStorage::None {
        Notice::note("no home is mounted, as on the platform with `--mount none`").print();
    }
    if plan.request().replicas > Replicas::ONE {
        Notice::note(format!("one container runs instead of {} pods", plan.request().replicas)).print();
    }
    if !run {
        let quoted = shlex::try_join(line.iter().map(String::as_str))
            .map_err(|_| Failure::new(ExitCode::Failed, "an argument contains a NUL byte"))?;
        let value = to_json(LocalCommand { command: line.clone() })?;
        print(&Document { text: format!("{quoted}\n"), value }, arguments.output.of_document())?;
        return Ok(ExitCode::Success);
    }
    let [program, rest @ ..] = line.as_slice() else { return Ok(ExitCode::Success) };
    print_kept_notices();
    // It replaces this process, so keys and signals reach it.
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
            "a container engine cannot mount a directory with `:` or without UTF-8 in its name",
        )
        .hint("Name another one: `--home DIRECTORY`.")
    })
}

fn program(engine: Engine) -> &'static str {
    match engine {
        Engine::Docker => "docker",
        Engine::Podman => "podman",
    }
}

/// Returns the first engine in the search path, or Docker if there is none.
fn installed() -> Engine {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let is_installed =
        |engine: &Engine| std::env::split_paths(&path).any(|dir| dir.join(program(*engine)).is_file());
    [Engine::Docker, Engine::Podman].into_iter().find(is_installed).unwrap_or(Engine::Docker)
}
