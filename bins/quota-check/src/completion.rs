//! Completion of a command line: which words are possible at the cursor.

use std::ffi::OsString;

use clap::{Arg, Command, ValueHint};
use toolforge_cli::{choices, generate_choices, positionals, topic_choices};

use crate::arguments::command;

/// Returns the description of a command line for the words up to the cursor, and these words.
pub(crate) fn described(words: &[OsString]) -> (Command, Vec<OsString>) {
    let program = command();
    let (before, _) = words.split_at(words.len().saturating_sub(1));
    let placed = positionals(&program, before);
    let placed: Vec<&str> = placed.iter().map(String::as_str).collect();
    let word = Arg::new("word").num_args(0..);
    let generate = |what: Arg| match placed.as_slice() {
        ["generate"] => what.add(generate_choices()),
        ["generate", "man-pages"] => what.value_hint(ValueHint::DirPath),
        _ => what,
    };
    let help = word.add(choices(topic_choices()));
    let help = Command::new("help").about("show the help on a topic").arg(help);
    let file = |option: Arg| option.value_hint(ValueHint::FilePath);
    let program = program.subcommand(help);
    let program = program.mut_subcommand("generate", |verb| verb.mut_arg("what", generate));
    let program = program.mut_arg("kubeconfig", file).mut_arg("from", file).mut_arg("files", file);
    (program.mut_subcommand("request", |request| request.mut_arg("files", file)), words.to_vec())
}
