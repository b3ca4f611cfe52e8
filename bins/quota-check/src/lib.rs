//! `quota-check`: the quotas and limits of a tool's namespace, and their usage.
//!
//! It reads ResourceQuotas and LimitRanges from the cluster or from files, and changes nothing.
//!
//! ```
//! let profile = toolforge_quota::profiles::by_name("seed-2020").unwrap();
//! let tool = "stashbot".parse().unwrap();
//! let report = toolforge_cli::quota_report(&tool, &profile.into());
//! assert!(quota_check::text(&report).contains("limits.memory"));
//! ```

mod arguments;
mod audit;
mod completion;
mod facts;
mod files;
mod fleet;
mod report;
mod request;
mod synonyms;
mod usage;
mod what_if;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser as _;
use clap::error::ErrorKind;
use toolforge_cli::{
    CompletionRequest, DescribedProgram, ExitCode, Failure, Notice, Session, TOPICS, WHERE_TO_ASK, parse,
    positionals, print, print_text, refuse_output, shown_line, topic, typed_options, unknown_topic,
    usage_failure, warn_of_unread, with_flag_after_verb, without_cluster,
};

use arguments::{Arguments, AuditArguments, FLEET_OPTIONS, GenerateArguments, Verb};
pub use report::text;

/// Returns the clap command, from which help, the man page and the reference page are generated.
#[must_use]
pub fn command() -> clap::Command {
    arguments::command()
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> std::process::ExitCode {
    toolforge_cli::run(|| {
        if let Some(request) = CompletionRequest::of_process() {
            return request.answer(completion::described);
        }
        let command = with_help(command());
        let line: Vec<OsString> = std::env::args_os().collect();
        let words = positionals(&command, &line);
        if let Some((help, rest)) = words.split_first()
            && help == "help"
        {
            refuse_output(&command, &line, "help")?;
            return print_help(command, rest.first().map(String::as_str));
        }
        match parse(command, &line) {
            Ok(Some(arguments)) => check(&arguments, &line),
            Ok(None) => Ok(ExitCode::Success),
            Err(error) => {
                // With other arguments, a misspelled command is a file that clap refuses.
                let files: Vec<PathBuf> = words.iter().map(PathBuf::from).collect();
                let misspelled = if error.kind() == ErrorKind::ArgumentConflict {
                    synonyms::meant(&files, &line)
                } else {
                    None
                };
                Err(misspelled.unwrap_or_else(|| usage_failure(&error, &crate::command(), &line)))
            }
        }
    })
}

/// Returns the command with the lines that end its help.
fn with_help(command: clap::Command) -> clap::Command {
    let topics = TOPICS.map(|(topic, _)| topic).join(", ");
    let end = format!(
        "`quota-check generate bash` prints completions (also zsh, fish), `quota-check generate man` the man page.\n\
         Topics: {topics}; `quota-check help quota`.\n\n{WHERE_TO_ASK}"
    );
    command.after_help(end).mut_subcommands(|verb| verb.after_help(WHERE_TO_ASK))
}

/// Prints the help of the program, of a command or of a topic.
fn print_help(mut command: clap::Command, word: Option<&str>) -> Result<ExitCode, Failure> {
    command.build();
    let text = match word.map(str::to_lowercase).filter(|word| word != "help") {
        None => command.render_long_help().to_string(),
        Some(word) => match (topic(&word), command.find_subcommand_mut(&word)) {
            (Some(text), _) => format!("{text}\n{WHERE_TO_ASK}\n"),
            (None, Some(verb)) => verb.render_long_help().to_string(),
            (None, None) => {
                if let Some(verb) = synonyms::command(&word) {
                    let verb = command.find_subcommand_mut(verb);
                    let text = verb.map(|verb| verb.render_long_help().to_string());
                    print_text(&text.unwrap_or_else(|| command.render_long_help().to_string()))?;
                    return Ok(ExitCode::Success);
                }
                let verbs: Vec<&str> = command.get_subcommands().map(clap::Command::get_name).collect();
                return Err(unknown_topic(&word, &verbs));
            }
        },
    };
    print_text(&text)?;
    Ok(ExitCode::Success)
}

fn check(arguments: &Arguments, line: &[OsString]) -> Result<ExitCode, Failure> {
    if arguments.verb.is_none()
        && let Some(failure) = synonyms::meant(&arguments.files, line)
    {
        return Err(failure);
    }
    if arguments.fleet.all {
        if arguments.verb.is_some() || arguments.quota.is_some() {
            let hint = all_after_command(arguments, line)
                .unwrap_or_else(|| "Leave `--all` out to check one tool.".to_owned());
            return Err(Failure::new(ExitCode::Usage, "`--all` cannot be used with a command or `--quota`")
                .hint(hint));
        }
        return fleet::run(arguments);
    }
    arguments.document_format()?;
    if let Some(Verb::Generate(GenerateArguments { what })) = &arguments.verb {
        arguments.session_options()?.refuse("generate")?;
        if arguments.quota.is_some() {
            let message = "`--quota` cannot be used with `generate`";
            return Err(Failure::new(ExitCode::Usage, message).hint("Leave it out; a script needs no quota."));
        }
        let command = with_help(command());
        return DescribedProgram { name: "quota-check", word: None, command }.generate(what);
    }
    if let Some(Verb::Audit(AuditArguments { all: true })) = arguments.verb {
        return audit::run_all(arguments);
    }
    check_in(&session(arguments)?, arguments)
}

/// Returns the command line with `--all` as an option of the command, if the command has it; without it, the options that only
/// the quotas of all tools have.
fn all_after_command(arguments: &Arguments, line: &[OsString]) -> Option<String> {
    let verb = arguments.verb.as_ref().filter(|_| arguments.quota.is_none())?.name().text();
    let command = command();
    let typed = typed_options(&command, line);
    let mut only_for_all: Vec<String> = FLEET_OPTIONS
        .iter()
        .filter(|option| typed.iter().any(|typed| typed == *option))
        .map(|option| format!("`{option}`"))
        .collect();
    if arguments.document_format().is_err() {
        only_for_all.push("`--output`".to_owned());
    }
    if !only_for_all.is_empty() {
        let options = only_for_all.join(" and ");
        let audit = Arguments::try_parse_from(["quota-check", &verb, "--all"]).is_ok();
        return Some(if audit {
            format!("Leave {options} out, and write `--all` after the command: `quota-check {verb} --all`.")
        } else {
            format!("Leave `--all` and {options} out to check one tool.")
        });
    }
    let meant = with_flag_after_verb(&command, line, "--all")?;
    let is_accepted = synonyms::is_accepted(&meant);
    is_accepted.then(|| format!("Run `quota-check {}`.", shown_line(&meant)))
}

/// Prints the quotas and limits of a session's namespace, or whether files fit it.
fn check_in(session: &Session, arguments: &Arguments) -> Result<ExitCode, Failure> {
    let format = arguments.document_format()?;
    match &arguments.verb {
        Some(Verb::WhatIf(asked)) => return what_if::run(session, arguments, asked, format),
        Some(Verb::Audit(_)) => return audit::run(session, arguments),
        Some(Verb::Request(asked)) => return request::run(session, arguments, asked),
        // It needs no session.
        Some(Verb::Generate(_)) => return Ok(ExitCode::Success),
        None if !arguments.files.is_empty() => return files::run(session, arguments, format),
        None => {}
    }
    let overview = facts::overview(session, arguments.quota.clone())?;
    print(&report::document(&session.tool, &overview)?, format)?;
    let exit_code = warn_of_unread(overview.limits());
    if overview.unread.is_empty() {
        return Ok(exit_code);
    }
    let left_out = if !overview.has_workloads() {
        "who uses the quota, what is blocked and the next runs are left out"
    } else if !overview.has_runs() {
        "what is blocked and the next runs are left out"
    } else {
        "what is blocked is left out"
    };
    let kinds: Vec<String> = overview.unread.iter().map(|unread| unread.resource.to_string()).collect();
    Notice::warning(format!("the cluster does not let you list {}, so {left_out}", kinds.join(", "))).print();
    Ok(ExitCode::Partial)
}

/// Opens the session of a command about one tool, which only reads.
fn session(arguments: &Arguments) -> Result<Session, Failure> {
    let options = arguments.session_options()?;
    // A profile can be shown without a cluster.
    let session = Session::open_for_profile(&options, "quota-check", arguments.quota.is_some())
        .map_err(without_cluster)?;
    Ok(session.for_reading())
}

#[cfg(test)]
mod tests;
