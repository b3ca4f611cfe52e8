//! Unknown command lines, and their most likely meaning.

use std::ffi::OsString;

use clap::FromArgMatches as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use toolforge_cli::{
    ExitCode, Failure, misspelled_option, positionals, quotes_hint, replaced, shown_line, suggested_option,
    typed_options, value_and_following, value_and_rest,
};
use toolforge_model::{Untrusted, quote_word, suggest};

use crate::arguments::Arguments;

/// Words of other tools for verbs.
const SYNONYMS: &[(&[&str], &str)] = &[
    (&["stop", "kill", "rm", "remove", "del", "cancel", "end", "abort", "destroy"], "delete"),
    (&["status", "ps", "ls", "jobs", "state"], "list"),
    (&["describe", "info", "get", "inspect"], "show"),
    (&["tail", "log", "follow"], "logs -f"),
    (&["apply", "update", "sync", "deploy"], "load"),
    (&["diff", "preview"], "plan"),
    (&["validate", "check", "verify"], "lint"),
    (&["start", "create", "new", "add", "submit", "schedule"], "run"),
    (&["reload", "rerun", "redeploy"], "restart"),
    (&["now", "kick"], "trigger"),
    (&["pause", "disable"], "suspend"),
    (&["unpause", "enable", "unsuspend"], "resume"),
    (&["calendar", "crontab"], "cron"),
    (&["export", "save", "backup"], "dump"),
    (&["import", "migrate"], "convert"),
    (&["shell", "ssh", "bash", "attach"], "exec"),
    (&["types", "containers"], "images"),
    (&["usage", "limits"], "quota"),
    (&["clear", "purge"], "flush"),
    (&["takeover", "own"], "adopt"),
    (&["completion", "completions", "man"], "generate"),
];

/// Where the commands are listed.
const LIST: &str = "`toolforge jobs --help` lists the commands.";

/// The options of `plan` that `quota-check` has, too.
const SHARED_OPTIONS: [&str; 6] = ["--tool", "--kubeconfig", "--as", "--from", "--quota", "--output"];

/// The number of fields of a cron expression.
const FIELDS: usize = 5;

/// The names of days and months in a cron expression.
const NAMES_IN_FIELDS: [&str; 19] = [
    "mon", "tue", "wed", "thu", "fri", "sat", "sun", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug",
    "sep", "oct", "nov", "dec",
];

/// Returns the failure of a command line that clap rejects.
pub(crate) fn usage_failure(error: &clap::Error, line: &[OsString]) -> Failure {
    let command = crate::command();
    if let Some(failure) = misspelled_option(error, &command, line) {
        return with_command_hint(failure, error, &command, line);
    }
    let words = positionals(&command, line);
    let is_option = |argument: &ContextValue| argument.to_string().starts_with('-');
    if error.kind() == ErrorKind::UnknownArgument
        && let Some(argument) = error.get(ContextKind::InvalidArg).filter(|argument| !is_option(argument))
        && let Some(hint) = surplus_hint(&command, line, &words)
    {
        let argument = Untrusted::new(argument.to_string());
        return Failure::new(ExitCode::Usage, format!("unexpected argument {}", argument.quoted()))
            .hint(hint);
    }
    if let Some(failure) = short_output(error, line) {
        return failure;
    }
    match error.kind() {
        ErrorKind::InvalidSubcommand => {}
        ErrorKind::UnknownArgument if error.get(ContextKind::InvalidArg).is_some_and(is_option) => {
            let failure = toolforge_cli::usage_failure(error, &command, line);
            return with_command_hint(failure, error, &command, line);
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return toolforge_cli::usage_failure(error, &command, line).hint(LIST);
        }
        _ => return toolforge_cli::usage_failure(error, &command, line),
    }
    let Some(word) = words.first() else { return toolforge_cli::usage_failure(error, &command, line) };
    let shown = Untrusted::new(word.as_str());
    let message = format!("{} is not a command", shown.quoted());
    let Some(meant) = meant(word) else {
        return Failure::new(ExitCode::Usage, message).hint(LIST);
    };
    // `list` has no argument: a name is meant for `show`.
    let meant = if meant == "list" { vec!["list", "show"] } else { vec![meant.as_str()] };
    let lines = meant.iter().map(|verb| (*verb, replaced(&command, line, &[(word, verb)])));
    let accepted = lines.into_iter().find(|(_, line)| is_accepted(line));
    let fallback = if words.len() > 1 { meant.last() } else { meant.first() };
    let verb = accepted.as_ref().map(|(verb, _)| verb).or(fallback).copied().unwrap_or_default();
    let verb = verb.split(' ').next().unwrap_or_default();
    let failure = Failure::new(ExitCode::Usage, format!("{message}; did you mean {verb}?"));
    failure.hint(match accepted {
        Some((_, line)) => format!("Run `toolforge jobs {}`.", shown_line(&line)),
        None => format!("`toolforge jobs {verb} --help` shows how to use it."),
    })
}

/// Returns whether this program accepts a command line.
fn is_accepted(line: &[OsString]) -> bool {
    let parsed = crate::command().try_get_matches_from(line);
    let parsed = parsed.and_then(|matches| Arguments::from_arg_matches(&matches));
    parsed.is_ok_and(|arguments| arguments.check_output().is_ok())
}

/// Adds how to quote the command of a job to the failure of an option that is one of the command's, unless it has a suggestion.
fn with_command_hint(
    failure: Failure,
    error: &clap::Error,
    command: &clap::Command,
    line: &[OsString],
) -> Failure {
    let is_run = positionals(command, line).first().is_some_and(|verb| verb == "run");
    let has_suggestion = suggested_option(error, command, line).is_some();
    match value_and_rest(command, line, "--command") {
        Some((value, rest)) if is_run && !has_suggestion && !rest.is_empty() => {
            if failure.hints().is_empty() {
                return failure.hint(command_hint(&value, &rest));
            }
            // It is an option of another verb, too.
            let quoted = quoted_command(&value, &rest);
            failure
                .without_hints()
                .hint(format!("Leave it out, or put it in quotes with the command: {quoted}."))
        }
        _ => failure,
    }
}

/// Returns what to do about a command whose arguments are separate arguments of this program; `value` is the first part of it.
fn command_hint(value: &str, rest: &[String]) -> String {
    format!("The command is one argument of `--command`, in quotes: {}.", quoted_command(value, rest))
}

/// Returns the option with a command that was typed as a value and separate arguments.
fn quoted_command(value: &str, rest: &[String]) -> String {
    let words = rest.iter().map(|word| quote_word(word));
    let value = Some(value.to_owned()).filter(|value| !value.is_empty()).into_iter().chain(words);
    let value = value.collect::<Vec<_>>().join(" ");
    let is_plain = !value.contains(['"', '$', '`', '\\', '!']);
    let value = if is_plain { format!("\"{value}\"") } else { quote_word(&value) };
    let value = Untrusted::new(value);
    format!("`--command {}`", value.escaped())
}

/// Returns what to do about arguments that are too many, if they are parts of a value, or files.
fn surplus_hint(command: &clap::Command, line: &[OsString], words: &[String]) -> Option<String> {
    let escaped = |text: String| Untrusted::new(text).escaped().to_string();
    let (verb, rest) = words.split_first()?;
    match (verb.as_str(), rest) {
        ("run" | "render", _) if let Some(schedule) = spread_schedule(command, line) => {
            Some(match schedule {
                SpreadSchedule::Fields(schedule) => {
                    format!("Quote the schedule: `--schedule \"{}\"`.", escaped(schedule))
                }
                SpreadSchedule::Count(count) => format!(
                    "A schedule has {FIELDS} fields, not {count}; quote them, as in `--schedule \"0 3 * * *\"`."
                ),
                SpreadSchedule::Expanded => {
                    "Quote the schedule with its five fields, as in `--schedule \"0 3 * * *\"`.".to_owned()
                }
            })
        }
        ("run", [_name, rest @ ..]) => {
            let trailing = line.iter().skip_while(|argument| *argument != "--").skip(1);
            let trailing: Vec<String> = trailing.map(|word| word.to_string_lossy().into_owned()).collect();
            match value_and_following(command, line, "--command") {
                Some((value, following)) if following == rest && !rest.is_empty() => {
                    Some(command_hint(&value, rest))
                }
                // The argument belongs to another option, or is one too many.
                Some(_) => None,
                None if rest.first().is_some_and(|word| quotes_hint(command, line, word).is_some()) => None,
                None => {
                    let words = [rest, &trailing].concat();
                    (!words.is_empty()).then(|| command_hint("", &words))
                }
            }
        }
        ("list", _) => {
            let shown = replaced(command, line, &[("list", "show")]);
            is_accepted(&shown).then(|| format!("Run `toolforge jobs {}`.", shown_line(&shown)))
        }
        ("plan", [_, others @ ..]) if others.iter().all(|file| file.contains(['.', '/'])) => {
            let has_others =
                typed_options(command, line).iter().any(|option| !SHARED_OPTIONS.contains(&option.as_str()));
            if has_others {
                let files: Vec<String> = rest.iter().map(|file| quote_word(file)).collect();
                let files = escaped(files.join(" "));
                return Some(format!(
                    "`plan` reads one file; `quota-check {files}` checks several together, with options of its own."
                ));
            }
            let line = shown_line(&replaced(command, line, &[("plan", "")]));
            Some(format!("`plan` reads one file; `quota-check {line}` checks several together."))
        }
        _ => None,
    }
}

/// A schedule whose fields are separate arguments.
enum SpreadSchedule {
    /// The whole schedule.
    Fields(String),
    /// It has this number of fields, which is not that of a schedule.
    Count(usize),
    /// A shell has replaced a `*` without quotes with names of files, and fields follow them.
    Expanded,
}

/// Returns a schedule whose fields are separate arguments. A shell replaces a `*` without quotes with names of files.
fn spread_schedule(command: &clap::Command, line: &[OsString]) -> Option<SpreadSchedule> {
    let (first, following) = value_and_following(command, line, "--schedule")?;
    let is_part = |part: &str| {
        part.chars().all(|c| c.is_ascii_digit()) || NAMES_IN_FIELDS.contains(&part.to_lowercase().as_str())
    };
    let is_field = |text: &str| !text.is_empty() && text.split(['*', '/', ',', '-']).all(is_part);
    if !is_field(&first) || following.is_empty() {
        return None;
    }
    let mut fields = vec![first];
    fields.extend(following.iter().take_while(|word| is_field(word)).cloned());
    let files = following.get(fields.len() - 1..).unwrap_or_default();
    if fields.len() < FIELDS && files.iter().any(|word| is_field(word)) {
        return Some(SpreadSchedule::Expanded);
    }
    // Each `*` is replaced with the same names. After a whole schedule, a name is another argument.
    let expanded = files.first().map_or(0, |file| files.iter().filter(|other| *other == file).count());
    let count = fields.len() + if fields.len() < FIELDS { expanded } else { 0 };
    if count > FIELDS || count < FIELDS && files.is_empty() {
        return Some(SpreadSchedule::Count(count));
    }
    fields.resize(FIELDS, "*".to_owned());
    Some(SpreadSchedule::Fields(fields.join(" ")))
}

/// Returns the failure of an option `-o` that is meant as `--output`: only some verbs have it, because it is a log file of `run`.
fn short_output(error: &clap::Error, line: &[OsString]) -> Option<Failure> {
    let is_short = |option: &str| option.starts_with("-o");
    let ContextValue::String(option) = error.get(ContextKind::InvalidArg)? else { return None };
    (error.kind() == ErrorKind::UnknownArgument && is_short(option)).then_some(())?;
    let index = line.iter().position(|argument| is_short(&argument.to_string_lossy()))?;
    let mut meant = line.to_vec();
    let value = line[index].to_string_lossy()[2..].trim_start_matches('=').to_owned();
    meant[index] = if value.is_empty() { "--output".into() } else { format!("--output={value}").into() };
    let unknown = || Failure::new(ExitCode::Usage, "unknown option -o; did you mean --output?");
    let command = crate::command();
    let parsed = command.clone().try_get_matches_from(&meant);
    let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        // No hint, because the line would be refused again.
        Err(error) if error.kind() != ErrorKind::InvalidValue => return Some(unknown()),
        Err(error) => return Some(toolforge_cli::usage_failure(&error, &command, &meant)),
    };
    let hint = || unknown().hint(format!("Run `toolforge jobs {}`.", shown_line(&meant)));
    Some(arguments.check_output().map_or_else(|refused| refused, |()| hint()))
}

/// Returns the verb that a word of another tool means, with its options.
pub(crate) fn synonym(word: &str) -> Option<&'static str> {
    SYNONYMS.iter().find(|(words, _)| words.contains(&word)).map(|(_, verb)| *verb)
}

/// Returns the verb that a word of another tool, or a misspelled word, most likely means.
fn meant(word: &str) -> Option<String> {
    let word = word.to_lowercase();
    if let Some(verb) = synonym(&word) {
        return Some(verb.to_owned());
    }
    let program = crate::command();
    let verbs = program.get_subcommands().filter(|verb| !verb.is_hide_set()).map(clap::Command::get_name);
    suggest(&word, verbs).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn synonyms_mean_verbs_that_exist() {
        let program = crate::command();
        let is_verb = |word: &str| program.find_subcommand(word).is_some();
        for (words, verb) in SYNONYMS {
            assert!(is_verb(verb.split(' ').next().unwrap()), "{verb}");
            for word in *words {
                assert!(!is_verb(word), "{word}");
                assert_eq!(meant(word).as_deref(), Some(*verb));
            }
        }
    }

    #[test]
    fn misspelled_verbs_have_a_suggestion() {
        for (word, expected) in [("lst", "list"), ("RUN", "run"), ("trigr", "trigger"), ("delet", "delete")] {
            assert_eq!(meant(word).as_deref(), Some(expected), "{word}");
        }
        assert_eq!(meant("xyzzy"), None);
    }
}
