//! What to type next.

use toolforge_model::{JobKind, JobName, JobRequest, platform};
use toolforge_render::pod::Cause;

/// Whose advice it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) name: &'a JobName,
    /// Whether it runs once, and so cannot be restarted.
    pub(crate) runs_once: bool,
    /// The file into which it writes what goes wrong, where that is not its pod's log.
    pub(crate) log_file: Option<&'a str>,
}

impl<'a> From<&'a JobRequest> for Asked<'a> {
    fn from(request: &'a JobRequest) -> Self {
        let (stdout, stderr) = request.file_log.paths();
        let file = stderr.or(stdout).map(toolforge_model::LogPath::as_str);
        Self {
            name: &request.name,
            runs_once: matches!(request.kind, JobKind::OneOff { .. }),
            log_file: file.filter(|file| *file != "/dev/null"),
        }
    }
}

impl Asked<'_> {
    /// Returns the command that prints what the job wrote.
    pub(crate) fn log_command(self) -> String {
        match self.log_file {
            Some(file) => format!("tail {}", toolforge_model::quote_word(file)),
            None => format!("toolforge jobs logs {}", self.name),
        }
    }
}

/// Returns what to do about a cause.
pub(crate) fn advice(cause: &Cause, asked: Asked<'_>) -> String {
    let name = asked.name;
    match cause {
        Cause::OutOfMemory => format!(
            "Give it more memory: `mem: 1Gi` in its file and `toolforge jobs load`; or `toolforge jobs delete {name}`, and run it again with `--mem 1Gi`."
        ),
        Cause::CrashLoop { exit_code } if exit_code_hint(*exit_code).is_some() => {
            exit_code_hint(*exit_code).unwrap_or_default().to_owned()
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart if asked.runs_once => {
            format!("Mend its command; then `toolforge jobs delete {name}`, and run it again.")
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart => format!(
            "Mend what `{}` says, then `toolforge jobs restart {name}`; `toolforge jobs delete {name}` ends the attempts.",
            asked.log_command()
        ),
        Cause::ImagePull { .. } => {
            format!(
                "Is the image built, and its name right? `toolforge jobs delete {name}` ends the attempts."
            )
        }
        Cause::QuotaExceeded | Cause::LimitRange => format!(
            "`toolforge jobs quota` shows what is used; delete what is not needed, or ask for more: {}.",
            platform::QUOTA_HELP
        ),
        _ => format!("`toolforge jobs show {name}` tells more; `toolforge jobs delete {name}` ends it."),
    }
}

/// Returns what the exit code of a shell says that could not run a command.
pub(crate) fn exit_code_hint(code: i32) -> Option<&'static str> {
    match code {
        126 => Some("126 means that the command is no program: is the file executable, `chmod +x FILE`?"),
        127 => Some(
            "127 means that there is no such command: is its path right, is it in this image, and does its first line end without a Windows line end?",
        ),
        _ => None,
    }
}
