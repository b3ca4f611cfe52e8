//! Command lines that clap rejects, in the words and the form of all other failures.

use std::num::ParseIntError;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use toolforge_model::Untrusted;

use crate::failure::{ExitCode, Failure};

/// Returns the failure of a command line that clap rejects.
#[must_use]
pub fn usage_failure(error: &clap::Error) -> Failure {
    let text = |kind| error.get(kind).map(value).unwrap_or_default();
    let option = option_name(&text(ContextKind::InvalidArg));
    let given = text(ContextKind::InvalidValue);
    let suggestion =
        [ContextKind::SuggestedArg, ContextKind::SuggestedValue, ContextKind::SuggestedSubcommand]
            .into_iter()
            .find_map(|kind| error.get(kind))
            .map(|suggested| format!("; did you mean {}?", value(suggested)))
            .unwrap_or_default();
    let failure = |message: String| Failure::new(ExitCode::Usage, message);
    match error.kind() {
        ErrorKind::InvalidValue if given.is_empty() => failure(format!("{option} needs a value")),
        ErrorKind::InvalidValue => failure(format!("{option} cannot be \"{given}\"{suggestion}"))
            .hint(format!("Possible values are {}.", text(ContextKind::ValidValue))),
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
        ErrorKind::UnknownArgument => failure(format!("unexpected argument \"{option}\""))
            .hint("Put quotes around a value that contains spaces or `*`."),
        ErrorKind::ArgumentConflict => {
            failure(format!("{option} cannot be used with {}", option_name(&text(ContextKind::PriorArg))))
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = failure(format!("{option} is required"));
            // An option that another one requires: only the usage shows which.
            if option.starts_with('-') { missing.hint(text(ContextKind::Usage)) } else { missing }
        }
        ErrorKind::InvalidSubcommand => {
            failure(format!("unknown command \"{}\"{suggestion}", text(ContextKind::InvalidSubcommand)))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => failure("no command given".to_owned()),
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

/// Returns a text with what was typed, which may contain control characters, for a terminal.
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

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgGroup, Command, value_parser};

    use super::*;

    #[test]
    fn invalid_numbers_are_quoted() {
        let command =
            Command::new("program").arg(Arg::new("count").long("count").value_parser(value_parser!(i64)));
        let said = |text: &str| {
            let error = command.clone().try_get_matches_from(["program", "--count", text]).unwrap_err();
            usage_failure(&error).message().to_owned()
        };
        assert_eq!(said("five"), "--count: \"five\" is not a whole number");
        assert_eq!(said("1.5"), "--count: \"1.5\" is not a whole number");
    }

    #[test]
    fn required_options_are_shown_with_what_requires_them() {
        let command = Command::new("program")
            .arg(Arg::new("all").long("all").num_args(0))
            .arg(Arg::new("sort").long("sort").requires("all"));
        let error = command.try_get_matches_from(["program", "--sort", "name"]).unwrap_err();
        let shown = usage_failure(&error).to_string();
        assert_eq!(shown, "error: --all is required\n\nhint: Usage: program --all --sort <sort>\n");
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
            let shown = usage_failure(&error).to_string();
            assert!(!shown.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{line:?}: {shown:?}");
        }
    }
}
