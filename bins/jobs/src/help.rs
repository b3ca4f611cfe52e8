//! `help`: the program, a verb, or a topic.

use std::ffi::OsString;

use clap::Command;
use toolforge_cli::{
    ExitCode, Failure, TOPICS, WHERE_TO_ASK, positionals, print_text, refuse_output, topic, unknown_topic,
};

use crate::arguments;
use crate::synonyms;

/// Returns the description of the command line, with the lines that end its help.
pub(crate) fn command() -> Command {
    let topics: Vec<&str> = TOPICS.map(|(topic, _)| topic).to_vec();
    let end = format!(
        "Each command has its own help: `toolforge jobs run --help`.\nTopics: {}; `toolforge jobs help quota`.\n\n{WHERE_TO_ASK}",
        topics.join(", ")
    );
    arguments::command().after_help(end).mut_subcommands(|verb| {
        let after = verb.get_after_long_help().map(|after| format!("{after}\n")).unwrap_or_default();
        verb.after_help(WHERE_TO_ASK).after_long_help(format!("{after}{WHERE_TO_ASK}"))
    })
}

/// Prints the help that `help` asks for; returns `None` for any other command line.
///
/// # Errors
/// When `help` is asked about an unknown word.
pub(crate) fn print_requested(command: &Command, line: &[OsString]) -> Result<Option<ExitCode>, Failure> {
    let words = positionals(command, line);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ["help", rest @ ..] = words.as_slice() else { return Ok(None) };
    refuse_output(command, line, "help")?;
    let mut command = command.clone();
    command.build();
    let word = rest.first().map(|word| word.to_lowercase());
    let Some(word) = word.filter(|word| word != "help") else {
        print_text(&command.render_long_help().to_string())?;
        return Ok(Some(ExitCode::Success));
    };
    let text = topic(&word);
    if let Some(text) = text {
        print_text(&format!("{text}\n"))?;
    }
    match (command.find_subcommand_mut(&word), text) {
        // A verb and a topic have the same name.
        (Some(verb), Some(_)) => print_text(&format!("{}\n{WHERE_TO_ASK}\n", verb.render_usage()))?,
        (Some(verb), None) => print_text(&verb.render_long_help().to_string())?,
        (None, Some(_)) => print_text(&format!("{WHERE_TO_ASK}\n"))?,
        (None, None) => {
            if let Some((verb, _)) =
                synonyms::synonym(&word).map(|verb| verb.split_once(' ').unwrap_or((verb, "")))
                && let Some(verb) = command.find_subcommand_mut(verb)
            {
                print_text(&verb.render_long_help().to_string())?;
                return Ok(Some(ExitCode::Success));
            }
            let program = arguments::command();
            let verbs: Vec<&str> = program.get_subcommands().map(Command::get_name).collect();
            return Err(unknown_topic(&word, &verbs));
        }
    }
    Ok(Some(ExitCode::Success))
}
