use std::fmt::Write as _;

use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, CommandFactory};
use toolforge_cli::{ExitCode, Failure, Generated, Shell, print_text};
use toolforge_images::{Catalog, State};

use crate::arguments::Arguments;
use crate::help::action_command;
use crate::invocation::{Action, Invocation};

/// Prints a completion script or the man page.
pub(super) fn run(invocation: &Invocation) -> Result<ExitCode, Failure> {
    if let [what, action] = invocation.arguments.as_slice()
        && what == "man"
        && let Some(action) = Action::from_word(action)
    {
        print_text(&Generated::ManPage.text(action_command("webservice", action)))?;
        return Ok(ExitCode::Success);
    }
    let generated = Generated::from_arguments(&invocation.arguments, "webservice")?;
    let command = match generated {
        Generated::Completion(shell) => completed(shell),
        Generated::ManPage => Arguments::command(),
    };
    let mut text = generated.text(command);
    if generated == Generated::Completion(Shell::Fish) {
        // The generator omits positional values for fish.
        let words: Vec<String> = actions().chain(types()).collect();
        let _ = writeln!(text, "complete -c webservice -a \"{}\"", words.join(" "));
    }
    print_text(&text)?;
    Ok(ExitCode::Success)
}

/// Returns the command for completions: the same options, and two positionals with their possible values.
fn completed(shell: Shell) -> Command {
    let described = Arguments::command();
    let options: Vec<Arg> = described
        .get_arguments()
        .filter(|argument| !argument.is_positional() && !argument.is_hide_set())
        .cloned()
        .collect();
    let word = |name: &'static str, values: Vec<String>| {
        Arg::new(name).value_parser(PossibleValuesParser::new(values))
    };
    // For bash, the generator proposes the values of all positionals at every place.
    let second = (shell != Shell::Bash).then(|| word("second", actions().collect()));
    Command::new("webservice")
        .args(options)
        .arg(word("first", actions().chain(types()).collect()))
        .args(second)
}

fn actions() -> impl Iterator<Item = String> {
    Action::ALL.into_iter().map(|action| action.as_str().to_owned())
}

/// Returns the current types of the bundled catalog.
fn types() -> Vec<String> {
    let catalog = Catalog::bundled();
    let current = catalog.types().filter(|found| found.state == State::Current && found.web.is_some());
    current.map(|found| found.name.to_string()).chain(["buildservice".to_owned()]).collect()
}
