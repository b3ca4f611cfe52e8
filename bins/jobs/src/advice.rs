//! Advice about causes.

use toolforge_model::{JobKind, JobName, JobRequest, platform};
use toolforge_render::pod::Cause;

/// The job that advice is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) name: &'a JobName,
    /// Whether it is a one-off job, which cannot be restarted.
    pub(crate) runs_once: bool,
    /// The file with its error output, unless that is the log of its pod.
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
    /// Returns the command that shows the job's output.
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
            "Increase the memory limit: set `mem: 1Gi` in its file and type `toolforge jobs load FILE`; or delete it, `toolforge jobs delete {name}`, and run it again with `--mem 1Gi`."
        ),
        Cause::CrashLoop { exit_code } if exit_code_hint(*exit_code).is_some() => {
            exit_code_hint(*exit_code).unwrap_or_default().to_owned()
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart if asked.runs_once => {
            format!("Fix its command, delete it, `toolforge jobs delete {name}`, and run it again.")
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart => format!(
            "Fix the error that `{}` shows, then type `toolforge jobs restart {name}`; `toolforge jobs delete {name}` ends the attempts.",
            asked.log_command()
        ),
        Cause::ImagePull { .. } => {
            format!(
                "Check that the image exists and its name is correct; `toolforge jobs delete {name}` ends the attempts."
            )
        }
        Cause::QuotaExceeded | Cause::LimitRange => format!(
            "`toolforge jobs quota` shows the usage; delete jobs that are not needed, or request more: {}.",
            platform::QUOTA_HELP
        ),
        _ => format!(
            "`toolforge jobs show {name}` shows the details; `toolforge jobs delete {name}` deletes it."
        ),
    }
}

/// Returns the meaning of a shell's exit code for a command that it could not run.
pub(crate) fn exit_code_hint(code: i32) -> Option<&'static str> {
    match code {
        126 => Some("126 means that the command is not executable: type `chmod +x FILE`."),
        127 => Some(
            "127 means that the command was not found: check its path, whether this image contains it, and that its first line has no Windows line ending.",
        ),
        _ => None,
    }
}
