use clap::CommandFactory as _;
use toolforge_cli::{DescribedProgram, ExitCode, Failure, WHERE_TO_ASK};

use crate::arguments::Arguments;
use crate::help::action_command;
use crate::invocation::{Action, Invocation};

/// Prints a completion script or a man page.
pub(super) fn run(invocation: &Invocation) -> Result<ExitCode, Failure> {
    described().generate(&invocation.arguments)
}

/// Returns the program with its actions.
fn described() -> DescribedProgram {
    let actions = Action::ALL.map(|action| action_command("webservice", action).name(action.as_str()));
    DescribedProgram {
        name: "webservice",
        word: Some("webservice"),
        command: Arguments::command().after_help(WHERE_TO_ASK).subcommands(actions),
    }
}
