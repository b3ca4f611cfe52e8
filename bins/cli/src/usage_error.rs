//! Command lines that clap rejects, in the words and the form of all other failures.

use std::ffi::OsString;
use std::num::ParseIntError;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};
use toolforge_model::{Untrusted, suggest};

use crate::command_line::{offered_options, positionals, quotes_hint, unknown_option};
use crate::failure::{ExitCode, Failure};
use crate::library_errors::{FROM_FILES, WITHOUT_CLUSTER};
use crate::unused_options::users_hint;

/// Options of other programs, and those that they mean.
const SYNONYMS: [(&str, &str); 3] =
    [("--cron", "--schedule"), ("--crontab", "--schedule"), ("--cmd", "--command")];

/// An option that `lint` has, and other commands do not.
const OFFLINE: &str = "--offline";

/// Returns the failure of a command line that clap rejects. A misspelled option is reported first, regardless of what else is
/// wrong: an invalid value or a missing required option only follows from it.
#[must_use]
pub fn usage_failure(error: &clap::Error, command: &Command, line: &[OsString]) -> Failure {
    misspelled_option(error, command, line).or_else(|| missing_option(error, command, line)).unwrap_or_else(
        || {
            let hint = unknown_option(command, line)
                .and_then(|(option, options)| unknown_hint(command, &option, &options))
                .or_else(|| order_hint(error, command, line));
            let suggestion = suggested_option(error, command, line);
            let surplus = surplus_hint(error, command, line);
            let hints = hint.into_iter().chain(surplus);
            hints.fold(rejected(error, suggestion.as_deref()), Failure::hint)
        },
    )
}

/// Returns the failure of an option without another one that it requires. Clap names only the missing one: the option that
/// requires it is the one that clap rejects in the same way by itself.
fn missing_option(error: &clap::Error, command: &Command, line: &[OsString]) -> Option<Failure> {
    if error.kind() != ErrorKind::MissingRequiredArgument {
        return None;
    }
    let missing = option_name(&value(error.get(ContextKind::InvalidArg)?));
    let program = line.first()?;
    let words = positionals(command, line);
    let verb = words.iter().find(|word| command.find_subcommand(word).is_some()).map(OsString::from);
    let is_missing_with = |verb: &Option<OsString>, words: &[OsString]| {
        let line = std::iter::once(program).chain(verb).chain(words);
        let error = command.clone().try_get_matches_from(line).err();
        error.is_some_and(|error| {
            error.kind() == ErrorKind::MissingRequiredArgument
                && error
                    .get(ContextKind::InvalidArg)
                    .is_some_and(|found| option_name(&value(found)) == missing)
        })
    };
    if !missing.starts_with('-') || is_missing_with(&verb, &[]) {
        return None;
    }
    let requiring = |verb: &Option<OsString>| {
        let (_, option) = line.iter().enumerate().skip(1).find(|(index, word)| {
            let with_value = line.get(*index..=index + 1);
            word.to_string_lossy().starts_with('-')
                && (is_missing_with(verb, std::slice::from_ref(word))
                    || with_value.is_some_and(|words| is_missing_with(verb, words)))
        })?;
        let option = escaped(&option.to_string_lossy());
        Some(option.split('=').next().unwrap_or_default().to_owned())
    };
    let failure = |message: String| Failure::new(ExitCode::Usage, message);
    if let Some(option) = requiring(&verb) {
        return Some(
            failure(format!("`{option}` requires `{missing}`"))
                .hint(format!("Add `{missing}`, or leave `{option}` out.")),
        );
    }
    // Before a command, an option of the program alone.
    let (option, verb) = (requiring(&None)?, verb?);
    let verb = verb.to_string_lossy();
    Some(failure(format!("`{option}` cannot be used with `{verb}`")).hint("Leave it out."))
}

/// Returns the failure of the first option that does not exist, unless clap names an unknown command or an option.
#[must_use]
pub fn misspelled_option(error: &clap::Error, command: &Command, line: &[OsString]) -> Option<Failure> {
    if is_named(error) {
        return None;
    }
    let (option, options) = unknown_option(command, line)?;
    let suggestion = suggested_option(error, command, line);
    let suggestion = suggestion.map(|near| format!("; did you mean {near}?")).unwrap_or_default();
    let failure = Failure::new(ExitCode::Usage, format!("unknown option {}{suggestion}", escaped(&option)));
    Some(unknown_hint(command, &option, &options).into_iter().fold(failure, Failure::hint))
}

/// Returns whether clap names an unknown command or an unknown option.
fn is_named(error: &clap::Error) -> bool {
    let is_option = |argument: &ContextValue| value(argument).starts_with('-');
    error.kind() == ErrorKind::InvalidSubcommand
        || error.kind() == ErrorKind::UnknownArgument
            && error.get(ContextKind::InvalidArg).is_some_and(is_option)
}

/// Returns the option that an unknown one of a rejected command line most likely means.
#[must_use]
pub fn suggested_option(error: &clap::Error, command: &Command, line: &[OsString]) -> Option<String> {
    let offered = offered_options(command, line);
    let option = if is_named(error) {
        option_name(&value(error.get(ContextKind::InvalidArg)?))
    } else {
        unknown_option(command, line)?.0
    };
    // It comes before the command that has it.
    let name = option.strip_prefix("--").filter(|_| !offered.contains(&option))?;
    if let Some((_, meant)) = SYNONYMS.iter().find(|(synonym, _)| *synonym == option) {
        return Some((*meant).to_owned()).filter(|meant| offered.contains(meant));
    }
    // The dashes would make short names similar.
    let names = offered.iter().filter_map(|option| option.strip_prefix("--"));
    suggest(name, names).map(|near| format!("--{near}"))
}

/// Returns what to do about an option that does not exist: how the command works without a cluster, or which commands have the
/// option.
fn unknown_hint(command: &Command, unknown: &str, options: &[String]) -> Option<String> {
    if let Some(hint) = offline_hint(unknown, options) {
        return Some(hint.to_owned());
    }
    let is_it = |option: &&Arg| option.get_long().is_some_and(|long| unknown == format!("--{long}"));
    let has_it = |verb: &&Command| verb.get_arguments().any(|option| is_it(&option) && !option.is_hide_set());
    let verbs: Vec<&str> = command.get_subcommands().filter(has_it).map(Command::get_name).collect();
    (!verbs.is_empty()).then(|| users_hint(verbs))
}

/// Returns what to do about an option of the command that comes before it.
fn order_hint(error: &clap::Error, command: &Command, line: &[OsString]) -> Option<String> {
    if error.kind() != ErrorKind::UnknownArgument {
        return None;
    }
    let option = option_name(&value(error.get(ContextKind::InvalidArg)?));
    let words = positionals(command, line);
    let verb = words.iter().find_map(|word| command.find_subcommand(word))?.get_name();
    offered_options(command, line).contains(&option).then(|| format!("Write `{option}` after `{verb}`."))
}

/// Returns the options with which a command needs no cluster, if the unknown one is an option of `lint`.
fn offline_hint(unknown: &str, options: &[String]) -> Option<&'static str> {
    if unknown != OFFLINE {
        return None;
    }
    let has = |name: &str| options.iter().any(|known| known == name);
    match (has("--quota"), has("--from")) {
        (true, true) => Some(WITHOUT_CLUSTER),
        (true, false) => Some("Without a cluster: `--tool NAME` with `--quota toolforge-2023`."),
        (false, true) => Some(FROM_FILES),
        (false, false) => None,
    }
}

/// Returns what to do about a surplus argument.
fn surplus_hint(error: &clap::Error, command: &Command, line: &[OsString]) -> Option<String> {
    let ContextValue::String(argument) = error.get(ContextKind::InvalidArg)? else { return None };
    if error.kind() != ErrorKind::UnknownArgument || argument.starts_with('-') {
        return None;
    }
    Some(quotes_hint(command, line, argument).unwrap_or_else(|| "Leave it out.".to_owned()))
}

/// Returns the failure of an error; `near` is the option that an unknown one most likely means.
fn rejected(error: &clap::Error, near: Option<&str>) -> Failure {
    let text = |kind| error.get(kind).map(value).unwrap_or_default();
    let option = option_name(&text(ContextKind::InvalidArg));
    let given = text(ContextKind::InvalidValue);
    let suggestion = [ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand]
        .into_iter()
        .find_map(|kind| error.get(kind).map(value))
        .or_else(|| near.map(str::to_owned))
        .map(|suggested| format!("; did you mean {suggested}?"))
        .unwrap_or_default();
    let failure = |message: String| Failure::new(ExitCode::Usage, message);
    match error.kind() {
        ErrorKind::InvalidValue if given.is_empty() => failure(format!("{option} needs a value")),
        ErrorKind::InvalidValue => {
            let values = text(ContextKind::ValidValue);
            let hint = match error.get(ContextKind::ValidValue) {
                Some(ContextValue::Strings(one)) if one.len() == 1 => {
                    format!("Leave it out; the only value is {values}.")
                }
                _ => format!("Possible values are {values}."),
            };
            failure(format!("{option} cannot be \"{given}\"{suggestion}")).hint(hint)
        }
        ErrorKind::ValueValidation => {
            let source = std::error::Error::source(error);
            let source = source.map(|source| match source.downcast_ref::<ParseIntError>() {
                Some(_) => format!("\"{given}\" is not a whole number"),
                None => escaped(&source.to_string()),
            });
            failure(format!("{option}: {}", source.unwrap_or_else(|| format!("invalid value \"{given}\""))))
        }
        ErrorKind::UnknownArgument if option.starts_with('-') => {
            failure(format!("unknown option {option}{suggestion}"))
        }
        ErrorKind::UnknownArgument => failure(format!("unexpected argument \"{option}\"")),
        ErrorKind::ArgumentConflict => {
            let others = option_name(&text(ContextKind::PriorArg));
            if others == option {
                return failure(format!("{} can be used only once", quoted(&option)));
            }
            let (option, others) = (quoted(&option), quoted(&others));
            failure(format!("{option} cannot be used with {others}"))
                .hint(format!("Leave {option} out, or {others}."))
        }
        ErrorKind::MissingRequiredArgument => failure(format!("{option} is required")),
        ErrorKind::InvalidSubcommand => {
            failure(format!("unknown command \"{}\"{suggestion}", text(ContextKind::InvalidSubcommand)))
        }
        ErrorKind::TooManyValues => {
            failure(format!("{option} takes no value")).hint(format!("Write `{option}` alone."))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            failure("no command given".to_owned())
        }
        _ => {
            let shown = error.render().to_string();
            let first = shown.split("\n\n").next().unwrap_or_default();
            failure(escaped(first.trim_start_matches("error: ")))
        }
    }
}

fn value(found: &ContextValue) -> String {
    match found {
        ContextValue::Strings(all) => escaped(&all.join(", ")),
        found => escaped(&found.to_string()),
    }
}

/// Returns a text with the user's input, which may contain control characters, for a terminal.
fn escaped(text: &str) -> String {
    Untrusted::new(text).lines_escaped().to_string()
}

/// Returns an option without the name of its value: `--mem` of `--mem <MEMORY>`.
fn option_name(shown: &str) -> String {
    let name = |one: &str| {
        let one = one.trim_end_matches("...");
        match one.split_once([' ', '=', '[']) {
            Some((name, _)) if name.starts_with('-') => name.to_owned(),
            _ => one.trim_matches(['<', '>', '[', ']']).to_owned(),
        }
    };
    shown.split(", ").map(name).collect::<Vec<_>>().join(", ")
}

/// Returns names with quotes around those of options: `--all` and FILE.
fn quoted(names: &str) -> String {
    let quoted = |name: &str| if name.starts_with('-') { format!("`{name}`") } else { name.to_owned() };
    names.split(", ").map(quoted).collect::<Vec<_>>().join(" and ")
}

#[cfg(test)]
mod tests {
    use clap::{ArgGroup, value_parser};

    use super::*;

    #[test]
    fn invalid_numbers_are_quoted() {
        let command =
            Command::new("program").arg(Arg::new("count").long("count").value_parser(value_parser!(i64)));
        let said = |text: &str| {
            let error = command.clone().try_get_matches_from(["program", "--count", text]).unwrap_err();
            rejected(&error, None).message().to_owned()
        };
        assert_eq!(said("five"), "--count: \"five\" is not a whole number");
        assert_eq!(said("1.5"), "--count: \"1.5\" is not a whole number");
    }

    #[test]
    fn options_name_what_they_require_and_exclude() {
        let program = Command::new("program")
            .arg(Arg::new("all").long("all").num_args(0))
            .arg(Arg::new("sort").long("sort").short('s').requires("all"))
            .arg(Arg::new("color").long("color"))
            .arg(Arg::new("tool").long("tool").conflicts_with("all"))
            .arg(Arg::new("file").value_name("FILE").conflicts_with("all"))
            .subcommand(
                Command::new("dump")
                    .arg(Arg::new("to").long("to"))
                    .arg(Arg::new("force").long("force").num_args(0).requires("to"))
                    .arg(Arg::new("must").long("must")),
            )
            .subcommand(Command::new("get").arg(Arg::new("must").long("must").required(true)));
        let shown = |line: &str| {
            let line: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            let error = program.clone().try_get_matches_from(&line).unwrap_err();
            usage_failure(&error, &program, &line).to_string()
        };
        let all = ["--color red --sort name", "-s name", "--sort=name", "dump --must a --force", "get"];
        let refused = ["--all --tool a", "--all FILE", "--tool a --tool b"];
        let lines = all.into_iter().chain(refused).map(|line| shown(&format!("program {line}")));
        insta::assert_snapshot!(lines.collect::<String>(), @"
        error: `--sort` requires `--all`

        hint: Add `--all`, or leave `--sort` out.
        error: `-s` requires `--all`

        hint: Add `--all`, or leave `-s` out.
        error: `--sort` requires `--all`

        hint: Add `--all`, or leave `--sort` out.
        error: `--force` requires `--to`

        hint: Add `--to`, or leave `--force` out.
        error: --must is required
        error: `--all` cannot be used with `--tool`

        hint: Leave `--all` out, or `--tool`.
        error: `--all` cannot be used with FILE

        hint: Leave `--all` out, or FILE.
        error: `--tool` can be used only once
        ");
    }

    #[test]
    fn control_characters_are_escaped() {
        let number = |text: &str| text.parse::<u8>().map_err(|_| format!("no number: {text}"));
        let command = Command::new("program")
            .subcommand(Command::new("list"))
            .arg(Arg::new("count").long("count").value_parser(number))
            .arg(Arg::new("color").long("color").value_parser(["red", "blue"]))
            .arg(Arg::new("file").long("file"))
            .group(ArgGroup::new("one").args(["file", "color"]));
        let hostile = "\u{1b}]0;x\u{7}\u{202e}";
        let lines = [
            vec![hostile.to_owned()],
            vec![format!("--{hostile}")],
            vec![format!("-{hostile}")],
            vec![format!("--count={hostile}")],
            vec![format!("--color={hostile}")],
            vec!["list".to_owned(), hostile.to_owned()],
            vec!["--file=a".to_owned(), "--color=red".to_owned()],
        ];
        for line in lines {
            let arguments = ["program".to_owned()].into_iter().chain(line.clone());
            let error = command.clone().try_get_matches_from(arguments).unwrap_err();
            let shown = rejected(&error, None).to_string();
            assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{line:?}: {shown:?}");
        }
    }
}
