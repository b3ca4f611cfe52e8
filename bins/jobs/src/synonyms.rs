//! Unknown command lines, and their most likely meaning.

use std::ffi::OsString;

use clap::FromArgMatches as _;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use toolforge_cli::{ExitCode, Failure, misspelled_option, positionals, retyped};
use toolforge_model::{Untrusted, suggest};

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

/// Returns the failure of a command line that clap rejects.
pub(crate) fn usage_failure(error: &clap::Error, line: &[OsString]) -> Failure {
    let command = crate::command();
    if let Some(failure) = misspelled_option(error, &command, line) {
        return failure;
    }
    let words = positionals(&command, line);
    let is_option = |argument: &ContextValue| argument.to_string().starts_with('-');
    if error.kind() == ErrorKind::UnknownArgument
        && !error.get(ContextKind::InvalidArg).is_some_and(is_option)
        && let [verb, _name, rest @ ..] = words.as_slice()
        && verb == "run"
        && let Some(first) = rest.first()
    {
        let command = Untrusted::new(rest.join(" "));
        return Failure::new(ExitCode::Usage, format!("unexpected argument {first:?}")).hint(format!(
            "The command is one argument of `--command`, in quotes: `--command \"{}\"`.",
            command.escaped()
        ));
    }
    if let Some(failure) = short_output(error, line) {
        return failure;
    }
    if error.kind() != ErrorKind::InvalidSubcommand {
        return toolforge_cli::usage_failure(error, &command, line);
    }
    let Some(word) = words.first() else { return toolforge_cli::usage_failure(error, &command, line) };
    let shown = Untrusted::new(word.as_str());
    let message = format!("{} is not a command", shown.quoted());
    let Some(verb) = meant(word) else {
        return Failure::new(ExitCode::Usage, message).hint("`toolforge jobs --help` lists the commands.");
    };
    let typed = retyped(&command, line, &[(word, &verb)]);
    Failure::new(
        ExitCode::Usage,
        format!("{message}; did you mean {}?", verb.split(' ').next().unwrap_or_default()),
    )
    .hint(format!("Run `toolforge jobs {typed}`."))
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
    let hint = || unknown().hint(format!("Run `toolforge jobs {}`.", retyped(&command, &meant, &[])));
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
