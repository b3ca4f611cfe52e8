//! The help of each action, and `help`.

use clap::{Arg, ArgAction, Command, CommandFactory as _};
use toolforge_cli::{
    ExitCode, Failure, HelpOption, TOPICS, WHERE_TO_ASK, positionals, print_text, refuse_output, topic,
    unknown_topic, with_formats,
};
use toolforge_model::Untrusted;

use crate::arguments::{self, Arguments};
use crate::invocation::{Action, synonym};

/// Returns the description of the command line for the name by which the program was called.
pub(crate) fn command(name: &str) -> Command {
    let topics: Vec<&str> = TOPICS.map(|(topic, _)| topic).to_vec();
    let end = format!(
        "Each action has its own help: `{name} start --help`.\nTopics: {}; `{name} help quota`.\n\n{WHERE_TO_ASK}",
        topics.join(", ")
    );
    let command = Arguments::command();
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let actions: String =
        Action::ALL.iter().map(|action| format!("  {:9}{}\n", action.as_str(), action.about())).collect();
    command
        .about(format!("{}.\n\nActions:\n{}", about.trim_end_matches('.'), actions.trim_end()))
        .bin_name(name.to_owned())
        .override_usage(arguments::usage(name))
        .after_help(end)
}

/// Returns the description of one action: only its own options.
pub(crate) fn action_command(name: &str, action: Action) -> Command {
    let program = Arguments::command();
    let ids = action.options();
    let options = program
        .get_arguments()
        .filter(|option| {
            !option.is_positional() && !option.is_hide_set() && ids.contains(&option.get_id().as_str())
        })
        .cloned()
        .map(
            |option| {
                if option.get_id() == "output" { with_formats(option, action.formats()) } else { option }
            },
        );
    let options: Vec<Arg> = options.collect();
    let examples: String =
        action.examples().iter().map(|example| format!("\n  webservice {example}")).collect();
    let about = action.about();
    let mut capitalized = about.chars();
    let first = capitalized.next().map(|first| first.to_ascii_uppercase());
    let about: String = first.into_iter().chain(capitalized).collect();
    // `-` in the name gives the man page its own name: webservice-start(1).
    Command::new(format!("webservice-{}", action.as_str()))
        .bin_name(format!("{name} {}", action.as_str()))
        .about(about.clone())
        .long_about(format!("{about}.\n\nExamples:{examples}"))
        .override_usage(action.usage(name))
        .disable_help_flag(true)
        .args(options)
        .arg(Arg::new("help").short('h').long("help").action(ArgAction::Help).help("Print help"))
        .after_help(format!("`{name} help exit-codes` lists the exit codes.\n\n{WHERE_TO_ASK}"))
}

/// Prints the help that `help`, `-h` or `--help` asks for; returns whether there was any.
///
/// # Errors
/// When `help` is asked about an unknown word.
pub(crate) fn print_requested(
    command: &Command,
    name: &str,
    arguments: &[std::ffi::OsString],
    option: Option<HelpOption>,
) -> Result<Option<ExitCode>, Failure> {
    let words = positionals(command, arguments);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if let [first, rest @ ..] = words.as_slice()
        && *first == "help"
    {
        refuse_output(command, arguments, "help")?;
        return match rest {
            [] => print_help(command.clone(), HelpOption::Long).map(Some),
            [word, ..] if word.eq_ignore_ascii_case("help") => {
                print_help(command.clone(), HelpOption::Long).map(Some)
            }
            [word, ..] => on_word(name, word).map(Some),
        };
    }
    let (Some(option), Some(action)) =
        (option, words.iter().take(2).find_map(|word| Action::from_word(word)))
    else {
        return Ok(None);
    };
    print_help(action_command(name, action), option).map(Some)
}

/// Prints the help on an action or a topic.
fn on_word(name: &str, word: &str) -> Result<ExitCode, Failure> {
    let word = word.to_lowercase();
    if let Some(action) =
        Action::from_word(&word).or_else(|| synonym(&word).filter(|_| topic(&word).is_none()))
    {
        return print_help(action_command(name, action), HelpOption::Long);
    }
    if let Some(text) = topic(&word) {
        print_text(&format!("{text}\n{WHERE_TO_ASK}\n"))?;
        return Ok(ExitCode::Success);
    }
    if let Ok(name) = word.parse::<toolforge_model::TypeName>()
        && toolforge_images::Catalog::bundled().find(&name).is_ok()
    {
        let word = Untrusted::new(word);
        return Err(Failure::new(ExitCode::Usage, format!("no help on {}", word.quoted()))
            .hint(format!("`webservice {} types` shows the type.", word.escaped())));
    }
    Err(unknown_topic(&word, &Action::ALL.map(Action::as_str)))
}

fn print_help(mut command: Command, option: HelpOption) -> Result<ExitCode, Failure> {
    let help = match option {
        HelpOption::Short => command.render_help(),
        HelpOption::Long => command.render_long_help(),
    };
    print_text(&help.to_string())?;
    Ok(ExitCode::Success)
}
