//! Advice about causes.

use toolforge_client::ToolHome;
use toolforge_model::{JobKind, JobRequest, LogPath, platform, quote_word};
use toolforge_render::job::{JobFileWarning, job_file_warnings};
use toolforge_render::pod::Cause;

/// The job that advice is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Its name for commands.
    pub(crate) name: &'a str,
    /// Whether it is a one-off job, which cannot be restarted.
    pub(crate) runs_once: bool,
    /// The verb that prints the advice.
    pub(crate) verb: AdvisingVerb,
    /// Whether it is a job; `false` for an object that no tool manages.
    pub(crate) is_managed: bool,
    /// The files with its errors and its output, unless that is the log of its pod.
    pub(crate) log_files: [Option<&'a str>; 2],
    /// Whether the directories of these files exist.
    pub(crate) log_directories: LogDirectories<'a>,
}

/// The verb that prints advice, which does not name the verb again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdvisingVerb {
    Show,
    Logs,
    Other,
}

/// Whether the directories of a job's log files exist; without them, its command is not run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum LogDirectories<'a> {
    Exist,
    /// The tool's home cannot be read here.
    Unknown,
    /// This one does not exist.
    Missing(&'a str),
}

/// The exit code of a shell that cannot open a log file (dash; POSIX asks for 1 to 125).
const NO_REDIRECTION: i32 = 2;

impl<'a> From<&'a JobRequest> for Asked<'a> {
    fn from(request: &'a JobRequest) -> Self {
        let (stdout, stderr) = (request.file_log.stdout(), request.file_log.stderr());
        let file = |path: Option<&'a LogPath>| path.map(LogPath::as_str).filter(|file| *file != "/dev/null");
        Self {
            name: request.name.as_str(),
            is_managed: true,
            runs_once: matches!(request.kind, JobKind::OneOff { .. }),
            verb: AdvisingVerb::Other,
            log_files: [file(stderr), file(stdout).filter(|_| stdout != stderr)],
            log_directories: LogDirectories::Unknown,
        }
    }
}

impl<'a> Asked<'a> {
    /// Returns the same after a look at the tool's home, if it can be read here.
    pub(crate) fn in_home(self, request: &'a JobRequest, home: Option<&ToolHome>) -> Self {
        let Some(home) = home else { return self };
        let missing = job_file_warnings(request, |path| home.look(path)).into_iter().find_map(|warning| {
            let JobFileWarning::LogDirectory { path } = warning else { return None };
            let files = [request.file_log.stdout(), request.file_log.stderr()];
            let file = files.into_iter().flatten().find(|file| file.as_str() == path.as_raw())?;
            file.as_str().rsplit_once('/').map(|(directory, _)| directory)
        });
        let log_directories = missing.map_or(LogDirectories::Exist, LogDirectories::Missing);
        Self { log_directories, ..self }
    }

    /// Returns what to do about a command that was not run because its log file cannot be opened; `None` if it was run.
    fn unopened_log(self, exit_code: i32) -> Option<String> {
        self.log_files.iter().flatten().next()?;
        (self.is_managed && exit_code == NO_REDIRECTION).then_some(())?;
        let name = self.name;
        match self.log_directories {
            LogDirectories::Exist => None,
            LogDirectories::Missing(directory) => Some(format!(
                "The directory of its log files does not exist: run `mkdir -p {}`, then {}.",
                quote_word(directory),
                if self.runs_once {
                    format!("delete it, `toolforge jobs delete {name}`, and run it again")
                } else {
                    format!("`toolforge jobs restart {name}`")
                }
            )),
            LogDirectories::Unknown => Some(format!(
                "Fix the error that `{}` shows; if these files do not exist, `toolforge jobs logs {name}` shows why they cannot be opened. Then {}.",
                self.log_command(),
                if self.runs_once {
                    format!("delete it, `toolforge jobs delete {name}`, and run it again")
                } else {
                    format!(
                        "run `toolforge jobs restart {name}`; `toolforge jobs delete {name}` stops the attempts"
                    )
                }
            )),
        }
    }

    /// Returns the command that shows the job's output; `None` if its output was just shown.
    fn shown_by(self) -> Option<String> {
        let is_shown = self.verb == AdvisingVerb::Logs && self.log_files == [None, None];
        (!is_shown).then(|| self.log_command())
    }

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
            let output = asked.shown_by().map(|command| format!("; `{command}` shows its output"));
            format!(
                "Fix the program, or the probe in its manifest{}. If the program only needs more time to start, wait: it becomes ready by itself.",
                output.unwrap_or_default()
            )
        }
        Cause::InitCrashLoop { container, .. } => format!(
            "Fix this container in its manifest and apply it again; `kubectl logs POD -c {}` shows its output. `toolforge jobs delete {name}` stops the attempts.",
            container.escaped()
        ),
        Cause::ImagePull { .. } if !asked.is_managed => format!(
            "Check the image in its manifest: `toolforge jobs images` lists the images. `toolforge jobs delete {name}` stops the attempts."
        ),
        Cause::CrashLoop { exit_code } if asked.unopened_log(*exit_code).is_some() => {
            asked.unopened_log(*exit_code).unwrap_or_default()
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart { .. } if asked.runs_once && !asked.is_managed => {
            format!("Fix its command, delete it, `toolforge jobs delete {name}`, and create it again.")
        }
        Cause::OutOfMemory => format!(
            "Increase the memory limit: set a larger `mem` in its file and run `toolforge jobs load FILE`; or delete it, `toolforge jobs delete {name}`, and run it again with a larger `--mem`. `quota-check what-if {name}` shows how much fits{}.",
            if asked.runs_once { "" } else { ", with and without downtime" }
        ),
        Cause::CrashLoop { exit_code } if exit_code_hint(*exit_code).is_some() => {
            exit_code_hint(*exit_code).unwrap_or_default().to_owned()
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart { .. } if asked.runs_once => {
            format!("Fix its command, delete it, `toolforge jobs delete {name}`, and run it again.")
        }
        Cause::CrashLoop { .. } | Cause::ContainerStart { .. } => {
            let error = asked.shown_by().map(|command| format!(" that `{command}` shows"));
            format!(
                "Fix the error{}, then run `toolforge jobs restart {name}`; `toolforge jobs delete {name}` stops the attempts.",
                error.unwrap_or_default()
            )
        }
        Cause::ImagePull { .. } => {
            format!(
                "Check that the image exists and its name is correct; `toolforge jobs delete {name}` stops the attempts."
            )
        }
        Cause::LimitRange if asked.runs_once => format!(
            "`toolforge jobs quota` shows the limits of one job: delete it, `toolforge jobs delete {name}`, and run it again with amounts within them."
        ),
        Cause::LimitRange => format!(
            "`toolforge jobs quota` shows the limits of one job: load it again with amounts within them; `toolforge jobs delete {name}` stops the attempts."
        ),
        Cause::QuotaExceeded => format!(
            "`toolforge jobs quota` shows the usage; delete jobs that are not needed, or request more: {}.",
            platform::QUOTA_HELP
        ),
        Cause::HealthCheckFails { .. } | Cause::NotHealthy { .. } | Cause::NotListening { .. } => {
            let output = asked.shown_by().map(|command| format!("; `{command}` shows its output"));
            format!(
                "Fix it, or the check in its file, then run `toolforge jobs restart {name}`{}. If the program only needs more time to start, wait: it becomes ready by itself.",
                output.unwrap_or_default()
            )
        }
        Cause::FormerDefinition => format!(
            "Run `toolforge jobs restart {name}`: it stops that run and starts one with the current definition."
        ),
        Cause::Paused => {
            format!("`toolforge jobs restart {name}` resumes the Deployment and replaces its pods.")
        }
        Cause::VolumeMount => {
            "Create what the message names, or leave the volume out; the cluster tries again by itself."
                .to_owned()
        }
        Cause::RefusedForNow | Cause::Unschedulable | Cause::PodSandbox => {
            "The cluster tries again by itself.".to_owned()
        }
        Cause::Terminating { .. } if asked.verb == AdvisingVerb::Show => {
            "The new pod starts by itself.".to_owned()
        }
        Cause::Terminating { .. } => {
            format!("The new pod starts by itself; `toolforge jobs show {name}` shows when it runs.")
        }
        _ if asked.verb == AdvisingVerb::Show => format!("`toolforge jobs delete {name}` deletes it."),
        _ => format!(
            "`toolforge jobs show {name}` shows the details; `toolforge jobs delete {name}` deletes it."
        ),
    }
}

/// Returns the meaning of a shell's exit code for a command that it could not run.
pub(crate) fn exit_code_hint(code: i32) -> Option<&'static str> {
    match code {
        126 => Some("126 means that the command is not executable: run `chmod +x FILE`."),
        127 => Some(
            "127 means that the command was not found: check its path, whether this image contains it, and that its first line has no Windows line ending.",
        ),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::jiff::Timestamp;
    use toolforge_model::Untrusted;
    use toolforge_render::pod::HealthProbe;

    use super::*;

    fn asked<'a>(
        name: &'a str,
        log_files: [Option<&'a str>; 2],
        log_directories: LogDirectories<'a>,
    ) -> Asked<'a> {
        let verb = AdvisingVerb::Other;
        Asked { name, runs_once: false, verb, is_managed: true, log_files, log_directories }
    }

    #[test]
    fn missing_log_directory_is_named() {
        let said = |exit_code, log_directories| {
            let asked = asked("bot", [Some("/data/project/x/logs/a.err"), None], log_directories);
            advice(&Cause::CrashLoop { exit_code }, asked)
        };
        assert_eq!(
            said(2, LogDirectories::Missing("/data/project/x/logs")),
            "The directory of its log files does not exist: run `mkdir -p /data/project/x/logs`, then `toolforge jobs restart bot`."
        );
        let unknown = said(2, LogDirectories::Unknown);
        assert!(unknown.contains("`toolforge jobs logs bot` shows why they cannot be opened"), "{unknown}");
        let tail = "Fix the error that `tail /data/project/x/logs/a.err` shows, then";
        assert!(said(2, LogDirectories::Exist).starts_with(tail));
        assert!(said(1, LogDirectories::Unknown).starts_with(tail));
    }

    #[test]
    fn no_verb_advises_itself() {
        let check = || HealthProbe::Path(Untrusted::new("/healthz"));
        let causes = [
            Cause::OutOfMemory,
            Cause::CrashLoop { exit_code: 1 },
            Cause::CrashLoop { exit_code: 127 },
            Cause::InitCrashLoop { container: Untrusted::new("setup"), exit_code: 1 },
            Cause::ImagePull { image: Untrusted::default() },
            Cause::ContainerStart { reason: Untrusted::default() },
            Cause::QuotaExceeded,
            Cause::LimitRange,
            Cause::Refused,
            Cause::RefusedForNow,
            Cause::HealthCheckFails { check: check() },
            Cause::NotHealthy { check: check() },
            Cause::Unschedulable,
            Cause::NotListening { port: 8000 },
            Cause::VolumeMount,
            Cause::PodSandbox,
            Cause::DeadlineExceeded,
            Cause::Paused,
            Cause::Terminating { until: Timestamp::UNIX_EPOCH },
            Cause::FormerDefinition,
        ];
        for (verb, own) in [(AdvisingVerb::Logs, "jobs logs"), (AdvisingVerb::Show, "jobs show")] {
            for (runs_once, is_managed) in [(false, false), (false, true), (true, false), (true, true)] {
                for cause in &causes {
                    let asked = asked("bot", [None, None], LogDirectories::Unknown);
                    let text = advice(cause, Asked { verb, runs_once, is_managed, ..asked });
                    assert!(!text.contains(own), "{text}");
                }
            }
        }
    }

    #[test]
    fn log_command_shows_each_file_once() {
        let name = "bot";
        let command = |log_files| asked(name, log_files, LogDirectories::Exist).log_command();
        assert_eq!(command([Some("bot.err"), Some("bot.out")]), "tail bot.err bot.out");
        assert_eq!(command([Some("my log"), None]), "tail 'my log'");
        assert_eq!(command([None, None]), "toolforge jobs logs bot");
    }
}
