use std::path::Path;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    ExitCode, Failure, FollowEnd, LogOrigin, LogStop, LogsOptions, Notice, Session, Source, print_message,
    restarts_text, until_stdout_closes, warn_of_unread_kinds,
};
use toolforge_client::{Client, Error, JobFetchOptions, LogOwner, LogTarget, ToolHome};
use toolforge_model::{FileLog, JobName, LogPath, Untrusted, platform, quote_word};
use toolforge_render::job::{
    FileFacts, FoundWorkload, JobFacts, JobObjects, JobState, JobStatus, JobWorkload, is_job, job_name_of,
    job_status, observe_job, pod_status, pods_of_job,
};
use toolforge_render::object::label;
use toolforge_render::pod::{Cause, LastTermination, TerminationKind};

use super::facts;
use crate::advice::{AdvisingVerb, Asked, LogDirectories, advice};
use crate::arguments::LogsArguments;
use crate::report::{awaited, status_sentence};

/// Output to this file is discarded.
const NOWHERE: &str = "/dev/null";

/// Prints the logs of the pods of a job or of an object that no tool manages; no logs are not an error.
pub(super) fn run(session: &Session, options: &LogsArguments) -> Result<ExitCode, Failure> {
    let LogsArguments { name, logs } = options;
    let (runtime, client) = match &session.source {
        Source::Cluster { runtime, client } => (runtime, client),
        Source::Files(_) => {
            return Err(Failure::new(ExitCode::Usage, "logs cannot be read with --from")
                .hint("Leave `--from` out to read them from the cluster."));
        }
    };
    let facts = facts::facts(session, JobFetchOptions::for_names())?;
    let tool = &facts.namespace.tool;
    let found = match facts::find(&facts, name) {
        Ok(found) => Some(found),
        // The pods of a deleted job may still have logs.
        Err(_) if name.kind.is_none() && component(&facts, &name.name).is_some() => None,
        Err(failure) => return Err(without_pods(failure, session.home.as_ref(), &name.name)),
    };
    let log = match &found {
        Some(FoundWorkload::Job(job)) => WorkloadLog {
            subject: facts::subject(job),
            name: facts::reference(job),
            runs_once: matches!(job.workload, JobWorkload::OneOff(_)),
            target: LogTarget::workload(tool, job, &facts.live),
            client,
            facts: &facts,
            home: session.home.as_ref(),
            found: found.as_ref(),
        },
        Some(FoundWorkload::Pod(pod)) => WorkloadLog {
            subject: format!("pod/{}", name.name),
            name: format!("pod/{}", name.name),
            runs_once: true,
            target: LogTarget::pod(tool, pod),
            client,
            facts: &facts,
            home: session.home.as_ref(),
            found: found.as_ref(),
        },
        None => {
            let owner = match component(&facts, &name.name) {
                Some(platform::COMPONENT_SCHEDULED) => LogOwner::CronJob,
                Some(platform::COMPONENT_CONTINUOUS) => LogOwner::Deployment,
                _ => LogOwner::Job,
            };
            WorkloadLog {
                subject: format!("job {name}"),
                name: name.to_string(),
                runs_once: owner == LogOwner::Job,
                target: LogTarget::job(tool, name.name.as_str(), owner),
                client,
                facts: &facts,
                home: session.home.as_ref(),
                found: None,
            }
        }
    };
    runtime.block_on(until_stdout_closes(log.show(logs)))
}

/// A job or an object that no tool manages, and its log.
struct WorkloadLog<'a> {
    client: &'a Client,
    /// The subject of sentences about it.
    subject: String,
    /// Its name for commands.
    name: String,
    /// Whether its log ends when it has finished.
    runs_once: bool,
    target: LogTarget,
    facts: &'a JobFacts,
    home: Option<&'a ToolHome>,
    /// `None` where only its pods are left.
    found: Option<&'a FoundWorkload>,
}

impl WorkloadLog<'_> {
    async fn show(&self, options: &LogsOptions) -> Result<(), LogStop> {
        let mut printer = options.printer(LogOrigin::PodAndContainer);
        let mut log = self.client.job_log(self.target.clone(), &self.facts.live.pods, options.reading());
        printer.print_written(&mut log).await?;
        let has_printed = printer.has_printed();
        if !has_printed && !options.follow {
            print_message("No logs found!");
        }
        let now = Timestamp::now();
        let may_fail = !options.follow && self.may_fail(now);
        let is_status_wanted = !has_printed || options.follow || may_fail;
        let status = if is_status_wanted { self.status(now, !has_printed || may_fail).await? } else { None };
        let is_reported = |status: &&JobStatus| {
            let is_down = status.replicas.is_some_and(|replicas| replicas.ready == 0 && replicas.desired > 0);
            !has_printed || may_fail && (is_down || !status.evidence.is_empty() || status.restarts > 0)
        };
        if let Some(status) = status.as_ref().filter(is_reported) {
            self.say_why(status, now);
        }
        let file_log = self.job().map(|job| observe_job(job, self.facts).file_log);
        let is_missing = |path: &str| self.is_missing(path);
        if let Some(note) = file_log.and_then(|file_log| file_note(&file_log, options.follow, is_missing)) {
            Notice::hint(note).print();
        }
        if options.follow
            && let Some(waiting) = status.and_then(|status| awaited(&self.name, &status, has_printed, now))
        {
            Notice::note(waiting).print();
        }
        if options.follow && printer.print_follow(log.follow()).await? == FollowEnd::Over {
            let how = if self.runs_once { "finished" } else { "been deleted" };
            print_message(&format!("{} has {how}", self.subject));
        }
        Ok(())
    }

    /// Returns whether a log file does not exist; `false` where the tool's home cannot be read.
    fn is_missing(&self, path: &str) -> bool {
        let home = self
            .home
            .filter(|home| Path::new(path).is_relative() || Path::new(path).starts_with(home.path()));
        home.is_some_and(|home| home.look(path) == Some(FileFacts::Missing))
    }

    fn job(&self) -> Option<&JobObjects> {
        match self.found? {
            FoundWorkload::Job(job) => Some(job),
            FoundWorkload::Pod(_) => None,
        }
    }

    /// Returns whether it is a continuous job whose pods are not all ready, are replaced, or were started again.
    fn may_fail(&self, now: Timestamp) -> bool {
        self.job().is_some_and(|job| job_status(job, &self.facts.live, now).may_fail())
    }

    /// Returns its state, if it still exists. Events are read only if its cause is `explained`: they alone show why no pod can be
    /// created, and that a health check fails.
    async fn status(&self, now: Timestamp, explained: bool) -> Result<Option<JobStatus>, Error> {
        let job = match self.found {
            Some(FoundWorkload::Job(job)) => job,
            Some(FoundWorkload::Pod(pod)) => return Ok(Some(pod_status(pod, &self.facts.live, now))),
            None => return Ok(None),
        };
        let mut live = self.facts.live.clone();
        let is_finished = matches!(
            job_status(job, &live, now).state,
            JobState::Succeeded | JobState::Failed { .. } | JobState::Waiting { .. } | JobState::Suspended
        );
        if pods_of_job(job, &live).is_empty() || explained && !is_finished {
            match self.client.fetch_events(&self.facts.namespace.tool).await? {
                Ok(events) => live.events = events,
                Err(unread) => {
                    let _ = warn_of_unread_kinds(&[unread]);
                }
            }
        }
        Ok(Some(job_status(job, &live, now)))
    }

    /// Prints a state, and the cause if the cluster knows it.
    fn say_why(&self, status: &JobStatus, now: Timestamp) {
        print_message(&format!("{}: {}", self.subject, status_sentence(status, now)));
        // The sentence about a job with only running pods says this.
        if status.restarts > 0 && status.state != JobState::Running {
            let restarted = restarts_text(status.restarts, status.last_termination.as_ref());
            print_message(&format!("  {restarted}"));
        }
        let end = status.last_termination.as_ref().map(LastTermination::kind);
        let killed = (end == Some(TerminationKind::OutOfMemory)).then_some(&Cause::OutOfMemory);
        let evidence = status.evidence.first();
        let Some(cause) = evidence.map(|evidence| &evidence.cause).or(killed) else { return };
        if let Some(evidence) = evidence.filter(|evidence| !evidence.message.is_empty()) {
            print_message(&format!("  {}: {}", evidence.object, evidence.message.escaped()));
        }
        let asked = Asked {
            name: &self.name,
            runs_once: self.runs_once,
            verb: AdvisingVerb::Logs,
            is_managed: self.job().is_some_and(JobObjects::is_managed),
            log_files: [None, None],
            log_directories: LogDirectories::Unknown,
        };
        Notice::hint(advice(cause, asked)).start_paragraph().print();
    }
}

/// Returns the component label of a pod of the job, which shows its type, or `None` if there is no pod.
fn component<'a>(facts: &'a JobFacts, name: &JobName) -> Option<&'a str> {
    let is_own = |pod: &&Pod| {
        let labels = pod.metadata.labels.as_ref();
        is_job(labels, &facts.namespace.tool) && job_name_of(labels).as_ref() == Some(name)
    };
    let pod = facts.live.pods.iter().find(is_own)?;
    Some(label(pod.metadata.labels.as_ref(), platform::LABEL_COMPONENT).unwrap_or_default())
}

/// Adds the log files of a job that does not exist to the failure.
fn without_pods(failure: Failure, home: Option<&ToolHome>, name: &JobName) -> Failure {
    let found = home.map(|home| left_files(home.path(), name)).unwrap_or_default();
    let failure = found.iter().fold(failure, |failure, path| {
        failure.detail(format!("log file of a job of that name: {}", Untrusted::new(path).escaped()))
    });
    let failure = match found.as_slice() {
        [] => failure,
        found => failure.hint(format!("Run `{}` to see the end of it.", tail(found, false))),
    };
    failure.hint(
        "The logs of a one-off job are deleted with its pods, 30 seconds after it finishes; `toolforge jobs run --filelog` writes the output to files.",
    )
}

/// Returns the existing default log files of a job of that name.
fn left_files(home: &Path, name: &JobName) -> Vec<String> {
    let paths = ["out", "err"].map(|ending| home.join(format!("{name}.{ending}")));
    paths.into_iter().filter(|path| path.is_file()).map(|path| path.display().to_string()).collect()
}

/// Returns where a job's output is written, and the command that shows those of its files that exist.
fn file_note(file_log: &FileLog, follow: bool, is_missing: impl Fn(&str) -> bool) -> Option<String> {
    let (stdout, stderr) = (file_log.stdout(), file_log.stderr());
    let place = |path: &LogPath| match path.as_str() {
        NOWHERE => "nowhere".to_owned(),
        path => format!("to {}", Untrusted::new(path).escaped()),
    };
    let where_to = match (stdout, stderr) {
        (None, None) => return None,
        (Some(stdout), Some(stderr)) if stdout == stderr => format!("its output {}", place(stdout)),
        (Some(stdout), Some(stderr)) => {
            format!("its output {} and its errors {}", place(stdout), place(stderr))
        }
        (Some(stdout), None) => format!("its output {}", place(stdout)),
        (None, Some(stderr)) => format!("its errors {}", place(stderr)),
    };
    let mut files: Vec<String> = [stdout, stderr].into_iter().flatten().map(ToString::to_string).collect();
    files.retain(|path| path != NOWHERE);
    files.dedup();
    let count = files.len();
    // `tail -f` waits for a file only if it exists.
    files.retain(|path| !is_missing(path));
    let look = match files.as_slice() {
        [] if count == 1 => ", which does not exist yet".to_owned(),
        [] if count > 1 => ", which do not exist yet".to_owned(),
        [] => String::new(),
        files => format!(": `{}`", tail(files, follow)),
    };
    // A relative path is not below the tool's home.
    let is_relative = files.iter().any(|path| !path.starts_with('/'));
    let from = if is_relative { ", in the working directory of the job" } else { "" };
    Some(format!("The job appends {where_to}{look}{from}."))
}

/// Returns the command that shows the end of files.
fn tail(files: &[String], follow: bool) -> String {
    let words: Vec<String> = files.iter().map(|path| quote_word(path)).collect();
    Untrusted::new(format!("tail {}{}", if follow { "-f " } else { "" }, words.join(" ")))
        .escaped()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn note_shows_files_and_command() {
        let path = |text: &str| -> LogPath { text.parse().unwrap() };
        let on = |stdout, stderr| FileLog::On { stdout: path(stdout), stderr: path(stderr) };
        let redirected = |stdout: Option<&str>, stderr: Option<&str>| FileLog::Redirected {
            stdout: stdout.map(path),
            stderr: stderr.map(path),
        };
        for (file_log, note) in [
            (FileLog::Off, None),
            (
                on("/d/a.out", "/d/a.err"),
                Some(
                    "The job appends its output to /d/a.out and its errors to /d/a.err: `tail /d/a.out /d/a.err`.",
                ),
            ),
            (on("/d/a b", "/d/a b"), Some("The job appends its output to /d/a b: `tail '/d/a b'`.")),
            (
                on(NOWHERE, "/d/a.err"),
                Some("The job appends its output nowhere and its errors to /d/a.err: `tail /d/a.err`."),
            ),
            (on(NOWHERE, NOWHERE), Some("The job appends its output nowhere.")),
            (
                redirected(Some("a.out"), None),
                Some(
                    "The job appends its output to a.out: `tail a.out`, in the working directory of the job.",
                ),
            ),
            (
                redirected(None, Some("/d/\u{202e}")),
                Some("The job appends its errors to /d/\\u{202e}: `tail '/d/\\u{202e}'`."),
            ),
        ] {
            assert_eq!(file_note(&file_log, false, |_| false).as_deref(), note);
        }
        let note = file_note(&on("/d/a.out", "/d/a.out"), true, |_| false);
        assert_eq!(note.as_deref(), Some("The job appends its output to /d/a.out: `tail -f /d/a.out`."));
    }

    #[test]
    fn note_leaves_missing_files_out() {
        let path = |text: &str| -> LogPath { text.parse().unwrap() };
        let both = FileLog::On { stdout: path("/d/a.out"), stderr: path("/d/a.err") };
        let note = |missing: &[&str]| file_note(&both, false, |path| missing.contains(&path)).unwrap();
        assert_eq!(
            note(&["/d/a.err"]),
            "The job appends its output to /d/a.out and its errors to /d/a.err: `tail /d/a.out`."
        );
        assert_eq!(
            note(&["/d/a.out", "/d/a.err"]),
            "The job appends its output to /d/a.out and its errors to /d/a.err, which do not exist yet."
        );
    }
}
