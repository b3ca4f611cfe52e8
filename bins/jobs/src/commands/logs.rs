use std::path::Path;

use k8s_openapi::api::core::v1::{Event, Pod};
use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{
    ExitCode, Failure, FollowEnd, LogOrigin, LogStop, LogsOptions, Session, Source, until_stdout_closes,
};
use toolforge_client::kube::api::ListParams;
use toolforge_client::{Client, Error, JobFetchOptions, LogOwner, LogTarget, ResourceType, ToolHome};
use toolforge_model::{FileLog, JobName, LogPath, Untrusted, platform, quote_word};
use toolforge_render::job::{
    JobFacts, LiveJob, LiveWorkload, is_job, job_name_of, job_status, observe_job, pods_of_job,
};

use super::facts;
use crate::advice::{Asked, advice};
use crate::arguments::{Arguments, LogsArguments};
use crate::report::status_sentence;

/// What is written to this file is gone.
const NOWHERE: &str = "/dev/null";

/// Prints what a job's pods have written. It succeeds where that is nothing, too.
pub(super) fn run(
    session: &Session,
    arguments: &Arguments,
    options: &LogsArguments,
) -> Result<ExitCode, Failure> {
    let LogsArguments { name, logs } = options;
    let (runtime, client) = match &session.source {
        Source::Cluster { runtime, client } => (runtime, client),
        Source::Files(_) => {
            return Err(Failure::new(ExitCode::Usage, "logs do not stand in files")
                .hint("Leave `--from` out to read them from the cluster."));
        }
    };
    let facts = facts::facts(session, arguments, JobFetchOptions::for_names())?;
    let job = match facts::job(&facts, name) {
        Ok(job) => Some(job),
        // A job that has just been deleted may still have something to say.
        Err(_) if component(&facts, name).is_some() => None,
        Err(failure) => return Err(without_pods(failure, session.home.as_ref(), name)),
    };
    let log = JobLog { client, name, facts: &facts, job: job.as_ref() };
    runtime.block_on(until_stdout_closes(log.show(logs)))
}

/// One job, whose log is printed.
struct JobLog<'a> {
    client: &'a Client,
    name: &'a JobName,
    facts: &'a JobFacts,
    /// `None` where only its pods are left.
    job: Option<&'a LiveJob>,
}

impl JobLog<'_> {
    async fn show(&self, options: &LogsOptions) -> Result<(), LogStop> {
        let owner = self.owner();
        let subject = LogTarget::job(&self.facts.tool, self.name.as_str(), owner);
        let mut printer = options.printer(LogOrigin::PodAndContainer);
        let mut log = self.client.job_log(subject, &self.facts.live.pods, options.reading());
        printer.print_written(&mut log).await?;
        if !printer.has_printed() {
            if !options.follow {
                anstream::eprintln!("No logs found!");
            }
            self.say_why().await?;
        }
        let file_log = self.job.map(|job| observe_job(job, self.facts).file_log);
        if let Some(note) = file_log.and_then(|file_log| file_note(&file_log, options.follow)) {
            anstream::eprintln!("hint: {note}");
        }
        if options.follow && printer.print_follow(log.follow()).await? == FollowEnd::Over {
            let how = if owner == LogOwner::Job { "ended" } else { "been deleted" };
            anstream::eprintln!("job {} has {how}", self.name);
        }
        Ok(())
    }

    fn owner(&self) -> LogOwner {
        match self.job.map(|job| &job.workload) {
            Some(LiveWorkload::OneOff(_)) => LogOwner::Job,
            Some(LiveWorkload::Scheduled(_)) => LogOwner::CronJob,
            Some(LiveWorkload::Continuous(_)) => LogOwner::Deployment,
            None => match component(self.facts, self.name) {
                Some(platform::COMPONENT_SCHEDULED) => LogOwner::CronJob,
                Some(platform::COMPONENT_CONTINUOUS) => LogOwner::Deployment,
                _ => LogOwner::Job,
            },
        }
    }

    /// Says why nothing has been written, where the cluster knows, or else how the job fares.
    async fn say_why(&self) -> Result<(), Error> {
        let Some(job) = self.job else { return Ok(()) };
        let mut live = self.facts.live.clone();
        if pods_of_job(job, &live).is_empty() {
            // Why no pod can be made is told by nothing but events.
            let events = ResourceType::of::<Event>().in_namespace(self.facts.tool.namespace());
            live.events = self.client.list(&events, &ListParams::default()).await?.items;
        }
        let now = Timestamp::now();
        let status = job_status(job, &live, now);
        anstream::eprintln!("job {}: {}", self.name, status_sentence(&status, now));
        if let Some(evidence) = status.evidence.first() {
            if !evidence.message.is_empty() {
                anstream::eprintln!("  {}: {}", evidence.object.escaped(), evidence.message.escaped());
            }
            anstream::eprintln!(
                "\nhint: {}",
                advice(
                    &evidence.cause,
                    Asked {
                        name: self.name,
                        runs_once: job.workload.job_kind() == "one-off",
                        log_file: None
                    }
                )
            );
        }
        Ok(())
    }
}

/// Returns the label by which a pod of that name tells of which kind its job is, or `None` where there is no such pod.
fn component<'a>(facts: &'a JobFacts, name: &JobName) -> Option<&'a str> {
    let is_own = |pod: &&Pod| {
        let labels = pod.metadata.labels.as_ref();
        is_job(labels, &facts.tool) && job_name_of(labels).as_ref() == Some(name)
    };
    let pod = facts.live.pods.iter().find(is_own)?;
    let labels = pod.metadata.labels.as_ref();
    Some(labels.and_then(|labels| labels.get(platform::LABEL_COMPONENT)).map_or("", String::as_str))
}

/// Adds to the failure of a job that does not exist where its output may still stand.
fn without_pods(failure: Failure, home: Option<&ToolHome>, name: &JobName) -> Failure {
    let found = home.map(|home| left_files(home.path(), name)).unwrap_or_default();
    let failure = found.iter().fold(failure, |failure, path| {
        failure.detail(format!("output of a job of that name stands in {}", Untrusted::new(path).escaped()))
    });
    let failure = match found.as_slice() {
        [] => failure,
        found => failure.hint(format!("Look at the end of it: `{}`.", tail(found, false))),
    };
    failure.hint(
        "A one-off job's log goes with its pods, 30 seconds after its end; `toolforge jobs run --filelog` keeps the output in files.",
    )
}

/// Returns the files into which a job of that name writes where none are named, as far as they are there.
fn left_files(home: &Path, name: &JobName) -> Vec<String> {
    let paths = ["out", "err"].map(|ending| home.join(format!("{name}.{ending}")));
    paths.into_iter().filter(|path| path.is_file()).map(|path| path.display().to_string()).collect()
}

/// Returns in which files a job's output stands, and how to look at it.
fn file_note(file_log: &FileLog, follow: bool) -> Option<String> {
    let (stdout, stderr) = file_log.paths();
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
    let look = if files.is_empty() { String::new() } else { format!(": `{}`", tail(&files, follow)) };
    // Such a path is not taken for one below the tool's home.
    let is_relative = files.iter().any(|path| !path.starts_with('/'));
    let from = if is_relative { ", in the folder in which the job runs" } else { "" };
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
    fn the_files_are_named_and_how_to_look_at_them() {
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
                    "The job appends its output to a.out: `tail a.out`, in the folder in which the job runs.",
                ),
            ),
            (
                redirected(None, Some("/d/\u{202e}")),
                Some("The job appends its errors to /d/\\u{202e}: `tail '/d/\\u{202e}'`."),
            ),
        ] {
            assert_eq!(file_note(&file_log, false).as_deref(), note);
        }
        let note = file_note(&on("/d/a.out", "/d/a.out"), true);
        assert_eq!(note.as_deref(), Some("The job appends its output to /d/a.out: `tail -f /d/a.out`."));
    }
}
