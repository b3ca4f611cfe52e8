//! The output format of the process.

use std::ffi::OsString;
use std::sync::OnceLock;

use clap::{ArgMatches, Command, ValueEnum as _};

use crate::options::OutputFormat;

/// The name of the option for the output format, in every program.
const OUTPUT: &str = "output";

/// The output format of the process, from its arguments.
static FORMAT: OnceLock<OutputFormat> = OnceLock::new();

/// Sets the output format of the process, unless it is set already.
pub(crate) fn set_format(format: OutputFormat) {
    let _ = FORMAT.set(format);
}

/// Returns the output format of the process: a table until its arguments are parsed.
pub(crate) fn format() -> OutputFormat {
    FORMAT.get().copied().unwrap_or_default()
}

/// Returns whether the arguments of the process request a document instead of text for people.
#[must_use]
pub fn prints_documents() -> bool {
    format() != OutputFormat::Table
}

/// Sets the format that refused arguments request.
pub(crate) fn set_format_of_refused(command: &Command, arguments: &[OsString]) {
    // Has no effect if only a value was invalid.
    set_format(format_of_invalid(command, arguments));
}

/// Returns the output format of arguments: that of the subcommand, if it has one.
pub(crate) fn format_of(matches: &ArgMatches) -> OutputFormat {
    let below = matches.subcommand().map(|(_, matches)| format_of(matches));
    if let Some(format) = below.filter(|format| *format != OutputFormat::Table) {
        return format;
    }
    let last = matches.try_get_raw(OUTPUT).ok().flatten().and_then(Iterator::last);
    last.and_then(|word| OutputFormat::from_str(word.to_str()?, false).ok()).unwrap_or_default()
}

/// Returns the output format of arguments that cannot be parsed: the last one that is named before `--`.
fn format_of_invalid(command: &Command, arguments: &[OsString]) -> OutputFormat {
    let words: Vec<&str> =
        arguments.iter().filter_map(|word| word.to_str()).take_while(|word| *word != "--").collect();
    let verb = words.iter().find_map(|word| command.find_subcommand(word)).unwrap_or(command);
    // An option `-o` that the verb does not have was most likely meant as the format.
    let has_short = verb
        .get_arguments()
        .all(|option| option.get_id() == OUTPUT || option.get_short() != OUTPUT.chars().next());
    let value = |word: &str, next: Option<&&str>| {
        let value = word.strip_prefix("--output").or(word.strip_prefix("-o").filter(|_| has_short))?;
        let value = if value.is_empty() { next? } else { value.strip_prefix('=').unwrap_or(value) };
        OutputFormat::from_str(value, false).ok()
    };
    let mut found = words.iter().enumerate().filter_map(|(index, word)| value(word, words.get(index + 1)));
    found.next_back().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::Arg;

    use super::*;

    #[test]
    fn format_is_found_in_invalid_arguments() {
        let output = Arg::new(OUTPUT).long("output").short('o');
        let file = Arg::new("file").short('o');
        let command = Command::new("x")
            .subcommand(Command::new("list").arg(&output))
            .subcommand(Command::new("stop"))
            .subcommand(Command::new("run").arg(file));
        for (line, format) in [
            ("x", OutputFormat::Table),
            ("x list --bogus --output json", OutputFormat::Json),
            ("x --output=yaml fly", OutputFormat::Yaml),
            ("x list --output yaml -o json", OutputFormat::Json),
            ("x list -ojson --bogus", OutputFormat::Json),
            ("x list --output", OutputFormat::Table),
            ("x run -o json --bogus", OutputFormat::Table),
            ("x stop -o json", OutputFormat::Json),
            ("x help -o json", OutputFormat::Json),
            ("x list --bogus -- --output json", OutputFormat::Table),
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(format_of_invalid(&command, &words), format, "{line}");
        }
    }
}
