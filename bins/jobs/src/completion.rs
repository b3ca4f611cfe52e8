//! Completion of a command line: which words are possible at the cursor.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;

use clap::{Arg, Command, ValueHint};
use toolforge_cli::{
    ArgValueCandidates, CandidateSource, CompletionCandidate, Session, Source, choices, generate_choices,
    positionals, topic_choices,
};
use toolforge_client::JobFetchOptions;
use toolforge_model::{JobsFile, ToolName};
use toolforge_render::job::{JobObjects, JobWorkload, LiveJobs};

use crate::separated;

/// Returns the description of a command line for the words up to the cursor, and these words.
pub(crate) fn described(words: &[OsString]) -> (Command, Vec<OsString>) {
    let program = crate::command();
    let words = separated(&program, words.iter().cloned());
    let (before, _) = words.split_at(words.len().saturating_sub(1));
    let placed = positionals(&program, before);
    let source = CandidateSource::of_line(program.clone(), before);
    let named: HashSet<String> = placed.iter().skip(1).cloned().collect();
    let any = jobs(&source, named, |_| true);
    let scheduled = jobs(&source, HashSet::new(), |job| matches!(job.workload, JobWorkload::Scheduled(_)));
    let restartable = jobs(&source, HashSet::new(), |job| !matches!(job.workload, JobWorkload::OneOff(_)));
    let types = ArgValueCandidates::new(move || source.types(|found| found.job.is_some()));
    let of_file = jobs_of_file(placed.get(1).cloned());

    let file = |argument: Arg| argument.value_hint(ValueHint::FilePath);
    let path = |argument: Arg| argument.value_hint(ValueHint::AnyPath);
    let program = program.mut_arg("kubeconfig", file).mut_arg("from", file);
    let program = ["show", "logs", "exec"]
        .into_iter()
        .fold(program, |program, verb| with(program, verb, "name", |argument| argument.add(any.clone())));
    let program = with(program, "delete", "names", |argument| argument.add(any));
    let program = with(program, "restart", "name", |argument| argument.add(restartable));
    let program = ["trigger", "suspend", "resume", "cron"].into_iter().fold(program, |program, verb| {
        with(program, verb, "name", |argument| argument.add(scheduled.clone()))
    });
    let program = ["run", "render"].into_iter().fold(program, |program, verb| {
        let program = with(program, verb, "image", |argument| argument.add(types.clone()));
        ["command", "health_check_script", "filelog_stdout", "filelog_stderr"]
            .into_iter()
            .fold(program, |program, option| with(program, verb, option, path))
    });
    let program = ["load", "plan"].into_iter().fold(program, |program, verb| {
        let program = with(program, verb, "file", file);
        with(program, verb, "job", |argument| argument.add(of_file.clone()))
    });
    let program = with(program, "lint", "files", file);
    let program = with(program, "render", "name", file);
    let program = with(program, "dump", "to_file", file);
    let program = with(program, "exec", "command", path);
    let verbs: Vec<(String, String)> = program
        .get_subcommands()
        .map(|verb| {
            (verb.get_name().to_owned(), verb.get_about().map(ToString::to_string).unwrap_or_default())
        })
        .collect();
    let program = with(program, "generate", "what", |argument| match placed.get(1).map(String::as_str) {
        None => argument.add(generate_choices()),
        Some("man") => argument.add(choices(verbs.clone())),
        Some("man-pages") => argument.value_hint(ValueHint::DirPath),
        Some(_) => argument,
    });
    let is_verb = |topic: &str| verbs.iter().any(|(verb, _)| verb == topic);
    let topics = topic_choices().filter(|(topic, _)| !is_verb(topic));
    let topics = topics.map(|(topic, title)| (topic.to_owned(), title));
    let topic = Arg::new("topic").add(choices(verbs.iter().cloned().chain(topics)));
    let help = Command::new("help").about("Show the help on a command or a topic").arg(topic);
    (program.subcommand(help), words)
}

/// Changes an argument of a verb.
fn with(program: Command, verb: &str, argument: &'static str, change: impl FnOnce(Arg) -> Arg) -> Command {
    program.mut_subcommand(verb, |verb| verb.mut_arg(argument, change))
}

/// Returns the jobs that `is_wanted` as candidates, without those that are named already.
fn jobs(
    source: &CandidateSource,
    named: HashSet<String>,
    is_wanted: fn(&JobObjects) -> bool,
) -> ArgValueCandidates {
    let source = source.clone();
    ArgValueCandidates::new(move || {
        let found = source.read(objects).unwrap_or_default().into_iter();
        let wanted = found.filter(|job| is_wanted(job) && !named.contains(job.name.as_str()));
        wanted.map(|job| CompletionCandidate::new(job.name.as_str()).help(Some(kind(&job).into()))).collect()
    })
}

/// Returns the objects of the jobs that exist.
fn objects(session: &Session) -> Option<Vec<JobObjects>> {
    match &session.source {
        Source::Cluster { runtime, client } => {
            let fetched = runtime.block_on(client.fetch_jobs(&session.tool, JobFetchOptions::for_names()));
            Some(all_of(&fetched.ok()?.live, &session.tool))
        }
        Source::Files(documents) => {
            let facts = documents.job_facts(session.namespace_of(documents).ok()?).ok()?;
            Some(all_of(&facts.live, &session.tool))
        }
    }
}

/// Returns the jobs, and the Deployments, CronJobs and Jobs that no tool manages.
fn all_of(live: &LiveJobs, tool: &ToolName) -> Vec<JobObjects> {
    live.jobs_of(tool).into_iter().chain(live.unmanaged(tool)).collect()
}

fn kind(job: &JobObjects) -> &'static str {
    if !job.is_managed() {
        return job.workload.kind().as_str();
    }
    match job.workload {
        JobWorkload::OneOff(_) => "one-off",
        JobWorkload::Scheduled(_) => "scheduled",
        JobWorkload::Continuous(_) => "continuous",
    }
}

/// Returns the jobs of a jobs file as candidates.
fn jobs_of_file(file: Option<String>) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        let any_tool: ToolName = "tool".parse().expect("a valid name");
        // A pipe may never be written.
        let is_file = |file: &&String| fs::metadata(file).is_ok_and(|found| found.is_file());
        let text = file.as_ref().filter(is_file).and_then(|file| fs::read_to_string(file).ok());
        let parsed = text.and_then(|text| JobsFile::parse(&text, &any_tool).ok());
        let jobs = parsed.map(|file| file.jobs).unwrap_or_default();
        jobs.iter().map(|job| CompletionCandidate::new(job.request.name.as_str())).collect()
    })
}
