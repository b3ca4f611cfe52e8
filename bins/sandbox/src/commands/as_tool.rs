//! `as`: runs a command as a tool, as on the login host.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Args;
use rustix::mount::mount_bind;
use toolforge_model::ToolName;

use crate::build::debian::program;
use crate::build::golang::Toolchain;
use crate::build::kubernetes;
use crate::directory::Sandbox;
use crate::failure::{Failure, OrFail};
use crate::own_program;
use crate::progress::Report;
use crate::provision::tool;
use crate::root::{self, View};

/// Where a tool finds the programs of the same build, and kubectl.
const PROGRAMS: [&str; 2] = ["/programs/built", "/programs/kubernetes"];

/// Where a tool finds the platform's `toolforge`.
const PLATFORM_PROGRAMS: &str = "/programs/platform";

/// The part of the platform's `toolforge` that runs other programs by name (toolforge-cli 0.3).
const TOOLFORGE: &str = "\
#!/bin/sh
word=$1
shift
export TOOLFORGE_CLI=1 TOOLFORGE_DEBUG=0 TOOLFORGE_VERBOSE=0
command -v \"toolforge-$word\" > /dev/null && exec \"toolforge-$word\" \"$@\"
exec \"$word\" \"$@\"
";

/// The remainder of a tool's PATH: that of a login shell on Debian.
const SYSTEM_PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

/// The tool, and the command to run as it.
#[derive(Debug, Clone, Args)]
pub(crate) struct AsArguments {
    /// The tool's name.
    pub(crate) tool: ToolName,
    /// Command to run, after `--` [default: a login shell].
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// The command to run in a tool's view. `as` passes it; users do not.
#[derive(Debug, Clone, Args)]
pub(crate) struct EnterArguments {
    /// The tool's name.
    pub(crate) tool: ToolName,
    /// The command, after `--`.
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
}

/// Runs a command or a shell as a tool. The exit code is the command's.
pub(crate) fn run(sandbox: &Sandbox, arguments: &AsArguments) -> Result<ExitCode, Failure> {
    let AsArguments { tool, command } = arguments;
    sandbox.ports()?;
    tool::uid(sandbox, tool)?;
    let status = command_as(sandbox, tool.as_str(), command)?.status().or_fail("cannot run unshare")?;
    // A shell reports a command that a signal terminated in the same way.
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    Ok(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// Returns a process that runs a command as a tool.
pub(crate) fn command_as(sandbox: &Sandbox, tool: &str, command: &[OsString]) -> Result<Command, Failure> {
    let mut unshare = Command::new(program("unshare")?);
    unshare.args(["--mount", "--propagation", "private", "--"]).arg(own_program::executable());
    unshare.args(["--name", sandbox.name(), "internal-enter", tool, "--"]).args(command);
    Ok(unshare)
}

/// Replaces this process, which has a mount namespace of its own, with a tool's command.
pub(crate) fn enter(sandbox: &Sandbox, arguments: &EnterArguments) -> Result<ExitCode, Failure> {
    let EnterArguments { tool, command } = arguments;
    let uid = tool::uid(sandbox, tool)?;
    let built = own_program::file()?.parent().map(Path::to_path_buf).unwrap_or_default();
    let kubernetes = kubernetes::build(&Toolchain::new(&Report::new()), &Report::new())?;
    root::enter(sandbox, View::Tool)?;
    // Other users often cannot read a user's directories, so the programs are mounted where the tool can.
    for (source, target) in [built, kubernetes].iter().zip(PROGRAMS) {
        fs::create_dir_all(target)?;
        mount_bind(source, target).or_fail(target)?;
    }
    fs::create_dir_all(PLATFORM_PROGRAMS)?;
    let toolforge = Path::new(PLATFORM_PROGRAMS).join("toolforge");
    fs::write(&toolforge, TOOLFORGE)?;
    fs::set_permissions(&toolforge, fs::Permissions::from_mode(0o755))?;
    fs::create_dir_all("/etc/toolforge")?;
    let port = sandbox.ports()?.pages;
    let settings = format!("public_domain: localhost\npublic_scheme: http\npublic_port: {port}\n");
    fs::write("/etc/toolforge/webservice.yaml", settings)?;
    // A login shell gets its PATH from `/etc/profile`, which sources this file after setting the default.
    fs::create_dir_all("/etc/profile.d")?;
    let path = format!("{}:{PLATFORM_PROGRAMS}:{SYSTEM_PATH}", PROGRAMS.join(":"));
    fs::write("/etc/profile.d/toolforge.sh", format!("export PATH='{path}'\n"))?;
    let home = format!("/data/project/{tool}");
    add_line("/etc/passwd", &format!("tools.{tool}:x:{uid}:{uid}::{home}:/bin/bash"))?;
    add_line("/etc/group", &format!("tools.{tool}:x:{uid}:"))?;
    std::env::set_current_dir(&home).or_fail(format!("cannot enter {home}"))?;

    let shell = [OsString::from("/bin/bash"), OsString::from("-l")];
    let command = if command.is_empty() { &shell[..] } else { command };
    let mut setpriv = Command::new(program("setpriv")?);
    setpriv.args([
        format!("--reuid={uid}"),
        format!("--regid={uid}"),
        "--clear-groups".to_owned(),
        "--".to_owned(),
    ]);
    setpriv.args(command).env_clear();
    for kept in ["TERM", "LANG", "NO_COLOR", "COLUMNS"] {
        if let Some(value) = std::env::var_os(kept) {
            setpriv.env(kept, value);
        }
    }
    let user = format!("tools.{tool}");
    setpriv.env("HOME", &home).env("USER", &user).env("LOGNAME", &user);
    setpriv.env("PATH", path);
    Err(setpriv.exec()).or_fail("cannot run setpriv")
}

fn add_line(file: &str, line: &str) -> Result<(), Failure> {
    let path = PathBuf::from(file);
    let text = fs::read_to_string(&path).or_fail(format!("cannot read {file}"))?;
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    fs::write(&path, format!("{text}{end}{line}\n")).or_fail(format!("cannot write {file}"))
}
