//! Command lines that clap rejects, in the words and the form of all other failures.

use clap::error::{ContextKind, ContextValue, ErrorKind};

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
        ErrorKind::InvalidValue => failure(format!("{option} cannot be {given:?}{suggestion}"))
            .hint(format!("Possible values are {}.", text(ContextKind::ValidValue))),
        ErrorKind::ValueValidation => {
            let source = std::error::Error::source(error).map(ToString::to_string);
            failure(format!("{option}: {}", source.unwrap_or_else(|| format!("invalid value {given:?}"))))
        }
        ErrorKind::UnknownArgument if option.starts_with('-') => {
            failure(format!("unknown option {option}{suggestion}"))
        }
        ErrorKind::UnknownArgument => failure(format!("unexpected argument {option:?}"))
            .hint("Put quotes around a value that contains spaces or `*`."),
        ErrorKind::ArgumentConflict => {
            failure(format!("{option} cannot be used with {}", option_name(&text(ContextKind::PriorArg))))
        }
        ErrorKind::MissingRequiredArgument => failure(format!("missing: {option}")),
        ErrorKind::InvalidSubcommand => {
            failure(format!("unknown command {:?}{suggestion}", text(ContextKind::InvalidSubcommand)))
        }
        ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => failure("no command given".to_owned()),
        _ => {
            let shown = error.render().to_string();
            let first = shown.split("\n\n").next().unwrap_or_default();
            failure(first.trim_start_matches("error: ").to_owned())
        }
    }
}

fn value(found: &ContextValue) -> String {
    match found {
        ContextValue::Strings(all) => all.join(", "),
        found => found.to_string(),
    }
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
