//! Advice about causes.

use toolforge_model::{JobKind, JobRequest, LogPath, platform, quote_word};
use toolforge_render::pod::Cause;

/// The job that advice is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Its name for commands.
    pub(crate) name: &'a str,
    /// Whether it is a one-off job, which cannot be restarted.
    pub(crate) runs_once: bool,
    /// Whether `toolforge jobs show` was just run.
    pub(crate) is_shown: bool,
    /// Whether it is a job; `false` for an object that no tool manages.
    pub(crate) is_managed: bool,
    /// The files with its errors and its output, unless that is the log of its pod.
    pub(crate) log_files: [Option<&'a str>; 2],
}

impl<'a> From<&'a JobRequest> for Asked<'a> {
    fn from(request: &'a JobRequest) -> Self {
        let (stdout, stderr) = (request.file_log.stdout(), request.file_log.stderr());
        let file = |path: Option<&'a LogPath>| path.map(LogPath::as_str).filter(|file| *file != "/dev/null");
        Self {
            name: request.name.as_str(),
            is_managed: true,
            runs_once: matches!(request.kind, JobKind::OneOff { .. }),
            is_shown: false,
            log_files: [file(stderr), file(stdout).filter(|_| stdout != stderr)],
        }
    }
}

impl Asked<'_> {
    /// Returns the command that shows the job's output.
    pub(crate) fn log_command(self) -> String {
        let files: Vec<_> = self.log_files.into_iter().flatten().map(quote_word).collect();
        if files.is_empty() {
            return format!("toolforge jobs logs {}", self.name);
        }
        format!("tail {}", files.join(" "))
    }
}

/// Returns what to do about a cause.
pub(crate) fn advice(cause: &Cause, asked: Asked<'_>) -> String {
    let name = asked.name;
    match cause {
        Cause::OutOfMemory if !asked.is_managed => {
            "Increase the memory limit in its manifest, `resources.limits.memory`, and apply it again."
                .to_owned()
        }
        Cause::HealthCheckFails { .. } | Cause::NotHealthy { .. } | Cause::NotListening { .. }
            if !asked.is_managed =>
        {
            format!(
                "Fix the program, or the probe in its manifest; `{}` shows its output. A program that only needs more time to start comes up by itself.",
                asked.log_command()
            )
        }
        Cause::ImagePull { .. } if !asked.is_managed => format!(
            "Check the image in its manifest: `toolforge jobs images` lists the images. `toolforge jobs delete {name}` stops the attempts."
        ),
        Cause::CrashLoop { .. } | Cause::ContainerStart if asked.runs_once && !asked.is_managed => {
            format!("Fix its command, delete it, `toolforge jobs delete {name}`, and create it again.")
        }
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
            "Fix the error that `{}` shows, then type `toolforge jobs restart {name}`; `toolforge jobs delete {name}` stops the attempts.",
            asked.log_command()
        ),
        Cause::ImagePull { .. } => {
            format!(
                "Check that the image exists and its name is correct; `toolforge jobs delete {name}` stops the attempts."
            )
        }
        Cause::QuotaExceeded | Cause::LimitRange => format!(
            "`toolforge jobs quota` shows the usage; delete jobs that are not needed, or request more: {}.",
            platform::QUOTA_HELP
        ),
        Cause::HealthCheckFails { .. } | Cause::NotHealthy { .. } | Cause::NotListening { .. } => format!(
            "Fix it, or the check in its file, then type `toolforge jobs restart {name}`; `{}` shows its output. A program that only needs more time to start comes up by itself.",
            asked.log_command()
        ),
        Cause::FormerDefinition => format!(
            "Type `toolforge jobs restart {name}`: it ends that run and starts one of the present definition."
        ),
        Cause::Paused => format!("`toolforge jobs restart {name}` ends the pause and replaces the pods."),
        Cause::RefusedForNow | Cause::Unschedulable | Cause::Terminating { .. } => {
            "The cluster tries again by itself.".to_owned()
        }
        _ if asked.is_shown => format!("`toolforge jobs delete {name}` deletes it."),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_command_shows_each_file_once() {
        let name = "bot";
        let command = |log_files| {
            Asked { name, runs_once: false, is_shown: false, is_managed: true, log_files }.log_command()
        };
        assert_eq!(command([Some("bot.err"), Some("bot.out")]), "tail bot.err bot.out");
        assert_eq!(command([Some("my log"), None]), "tail 'my log'");
        assert_eq!(command([None, None]), "toolforge jobs logs bot");
    }
}
