//! Completions, man pages and reference pages, generated from a program's clap command.

use std::fmt::Write as _;

use clap::{Arg, Command};
pub use clap_complete::Shell;

use crate::failure::{ExitCode, Failure};

/// A text that can be generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generated {
    /// A completion script.
    Completion(Shell),
    /// A man page of section 1, in roff.
    ManPage,
}

/// The names on the command line.
const NAMES: [(&str, Generated); 4] = [
    ("bash", Generated::Completion(Shell::Bash)),
    ("zsh", Generated::Completion(Shell::Zsh)),
    ("fish", Generated::Completion(Shell::Fish)),
    ("man", Generated::ManPage),
];

impl Generated {
    /// Parses the arguments of `generate`. `program` is the name for the hint.
    ///
    /// # Errors
    /// When it is not exactly one of `bash`, `zsh`, `fish` and `man`.
    pub fn from_arguments(arguments: &[String], program: &str) -> Result<Self, Failure> {
        let found = match arguments {
            [argument] => NAMES.iter().find(|(name, _)| name == argument),
            _ => None,
        };
        found.map(|(_, generated)| *generated).ok_or_else(|| {
            Failure::new(ExitCode::Usage, "`generate` needs one of bash, zsh, fish and man").hint(format!(
                "Type `{program} generate bash > ~/.local/share/bash-completion/completions/{program}`."
            ))
        })
    }

    /// Returns the text for a program.
    #[must_use]
    pub fn text(self, mut command: Command) -> String {
        let mut text = Vec::new();
        match self {
            Self::Completion(shell) => {
                let name = command.get_name().to_owned();
                clap_complete::generate(shell, &mut command, name, &mut text);
            }
            // Writing to a vector cannot fail.
            Self::ManPage => {
                let _ = clap_mangen::Man::new(command).render(&mut text);
            }
        }
        String::from_utf8_lossy(&text).into_owned()
    }
}

/// Returns a program's reference page in Markdown: its help, with a table row per option.
#[must_use]
pub fn reference_page(mut command: Command) -> String {
    command.build();
    let mut text = format!("# `{}`\n\n", command.get_name());
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "```text\n{usage}\n```\n\n```text\n{}\n```", about.trim_end());
    text.push_str(&options(&command, "##", |_| true));
    for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set() && verb.get_name() != "help") {
        let about = verb.get_long_about().or(verb.get_about()).map(ToString::to_string).unwrap_or_default();
        let usage = verb.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let _ = writeln!(
            text,
            "\n## `{}`\n\n{}.\n\n```text\n{usage}\n```",
            verb.get_name(),
            about.trim_end_matches('.')
        );
        // Global options are listed once, above.
        text.push_str(&options(verb, "###", |option| !option.is_global_set() && option.get_id() != "help"));
    }
    text
}

/// Returns the tables of a command's options, one per heading.
fn options(command: &Command, level: &str, is_wanted: impl Fn(&Arg) -> bool) -> String {
    let mut text = String::new();
    let shown = || command.get_arguments().filter(|option| !option.is_hide_set() && is_wanted(option));
    let mut headings: Vec<&str> = Vec::new();
    for heading in shown().map(heading).filter(|heading| *heading != OTHERS).chain([OTHERS]) {
        if !headings.contains(&heading) && shown().any(|option| self::heading(option) == heading) {
            headings.push(heading);
        }
    }
    for current in headings {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "\n{level} {current}\n\n| option | meaning |\n| --- | --- |");
        for option in shown().filter(|option| heading(option) == current) {
            let _ = writeln!(text, "| {} | {} |", names(option), meaning(option));
        }
    }
    text
}

/// The heading of options without one; it comes last.
const OTHERS: &str = "Options";

fn heading(option: &Arg) -> &str {
    option.get_help_heading().unwrap_or(if option.is_positional() { "Arguments" } else { OTHERS })
}

fn names(option: &Arg) -> String {
    let values: Vec<String> =
        option.get_value_names().unwrap_or_default().iter().map(|name| format!("<{name}>")).collect();
    let value =
        if option.get_action().takes_values() { format!(" {}", values.join(" ")) } else { String::new() };
    if option.is_positional() {
        return cell(&format!("`{}`", value.trim().trim_matches(['<', '>'])));
    }
    let short = option.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let long = option.get_long().map(|long| format!("`--{long}{value}`")).unwrap_or_default();
    cell(&format!("{short}{long}"))
}

fn meaning(option: &Arg) -> String {
    let help = option.get_long_help().or(option.get_help()).map(ToString::to_string).unwrap_or_default();
    let values: Vec<String> = option
        .get_possible_values()
        .iter()
        .filter(|value| !value.is_hide_set() && option.get_action().takes_values())
        .map(|value| {
            let help = value.get_help().map(|help| format!(" ({help})")).unwrap_or_default();
            format!("`{}`{help}", value.get_name())
        })
        .collect();
    let values = if values.is_empty() { String::new() } else { format!(" One of {}.", values.join(", ")) };
    let variable =
        option.get_env().map(|name| format!(" Variable: `{}`.", name.to_string_lossy())).unwrap_or_default();
    cell(&format!("{}.{values}{variable}", help.trim_end_matches('.')))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
