//! Completion of a command line: which words can stand at the cursor.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory as _, ValueHint};
use toolforge_cli::{choices, generate_choices, positionals, topic_choices};

use crate::arguments::Arguments;

/// Returns the description of a command line for the words up to the cursor, and these words.
pub(crate) fn described(words: &[OsString]) -> (Command, Vec<OsString>) {
    let program = Arguments::command();
    let (before, _) = words.split_at(words.len().saturating_sub(1));
    let placed = positionals(&program, before);
    let placed: Vec<&str> = placed.iter().map(String::as_str).collect();
    let word = Arg::new("word").num_args(0..);
    let word = match placed.as_slice() {
        [] => word.add(choices([
            ("generate", "print a completion script or a man page".to_owned()),
            ("help", "show the help on a topic".to_owned()),
        ])),
        ["generate"] => word.add(generate_choices()),
        ["generate", "man-pages"] => word.value_hint(ValueHint::DirPath),
        ["help"] => word.add(choices(topic_choices())),
        _ => word,
    };
    let file = |option: Arg| option.value_hint(ValueHint::FilePath);
    (program.mut_arg("kubeconfig", file).mut_arg("from", file).arg(word), words.to_vec())
}
