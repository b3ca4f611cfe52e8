//! The output of `generate`, and reference pages, from a program's clap command.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::{Arg, Command};
use clap_mangen::Man;
use toolforge_model::Untrusted;

use crate::completion::{Shell, completion_script};
use crate::failure::{ExitCode, Failure};
use crate::output::print_text;
use crate::replace_file::not_written;

/// A program as `generate` describes it.
#[derive(Clone, Debug)]
pub struct DescribedProgram {
    /// The name of the file that the shell runs.
    pub name: &'static str,
    /// The word for it after `toolforge`, if the platform's `toolforge` calls it.
    pub word: Option<&'static str>,
    /// The command line, with a subcommand for each verb.
    pub command: Command,
}

impl DescribedProgram {
    /// Runs `generate` with its arguments: a shell, `man`, `man VERB`, or `man-pages DIRECTORY`.
    ///
    /// # Errors
    /// When the arguments are others, or a page cannot be written.
    pub fn generate(self, arguments: &[String]) -> Result<ExitCode, Failure> {
        let Self { name, word, .. } = self;
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        match arguments.as_slice() {
            ["man"] => print_text(&self.pages().swap_remove(0).1)?,
            ["man", verb] => {
                let wanted = format!("{name}-{verb}");
                let found = self.pages().into_iter().find(|(page, _)| *page == wanted);
                let (_, text) = found.ok_or_else(|| {
                    let verb = Untrusted::new(*verb);
                    Failure::new(ExitCode::Usage, format!("no man page on {}", verb.quoted()))
                        .hint(format!("Run `{name} generate man` for the page on the program."))
                })?;
                print_text(&text)?;
            }
            ["man-pages", directory] => self.write_pages(Path::new(directory))?,
            [shell] if let Some(shell) = Shell::ALL.into_iter().find(|known| known.as_str() == *shell) => {
                print_text(&completion_script(shell, name, word))?;
            }
            _ => {
                return Err(Failure::new(
                    ExitCode::Usage,
                    "`generate` needs bash, zsh, fish, man, man COMMAND or man-pages DIRECTORY",
                )
                .hint(format!("For bash, run `{}`.", Shell::Bash.set_up(name))));
            }
        }
        Ok(ExitCode::Success)
    }

    /// Returns the man pages with their names, that of the program first.
    #[must_use]
    pub fn pages(self) -> Vec<(String, String)> {
        let Self { name, word, command } = self;
        let typed = word.map_or_else(|| name.to_owned(), |word| format!("toolforge {word}"));
        let mut command = command.name(name).display_name(name).bin_name(typed);
        command.build();
        let pages: Vec<Command> = command
            .get_subcommands()
            .filter(|verb| !verb.is_hide_set() && verb.get_name() != "help")
            .cloned()
            .collect();
        std::iter::once(command).chain(pages).map(page).collect()
    }

    fn write_pages(self, directory: &Path) -> Result<(), Failure> {
        for (name, text) in self.pages() {
            let file = directory.join(format!("{name}.1"));
            fs::create_dir_all(directory)
                .and_then(|()| fs::write(&file, text))
                .map_err(|error| not_written(&file, &error))?;
        }
        Ok(())
    }
}

/// Returns the name and the text of a command's man page of section 1, in roff.
fn page(command: Command) -> (String, String) {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    // `name - what it does`, without a full stop (man-pages(7)).
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    let first = about.lines().next().unwrap_or_default().trim_end_matches('.').to_owned();
    let command = if command.get_long_about().is_none() { command.long_about(about) } else { command };
    let source = format!("toolforge {}", env!("CARGO_PKG_VERSION"));
    let mut text = Vec::new();
    // Writing to a vector cannot fail.
    let _ = Man::new(command.about(first)).source(source).manual("Toolforge").render(&mut text);
    let text = String::from_utf8_lossy(&text);
    // The generator leaves out the quotes of an empty date, and breaks a line where a paragraph ends (`mandoc -Tlint`).
    let text = text.replacen(" 1  \"", " 1 \"\" \"", 1).replace(".br\n\n.br\n", ".sp\n");
    (name, text)
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
