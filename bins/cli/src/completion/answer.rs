//! The response to a shell that requests candidates.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::Command;
use clap_complete::CompletionCandidate;
use clap_complete::engine::complete;

use super::script::{Shell, VARIABLE};
use crate::failure::{ExitCode, Failure};
use crate::output::print_text;

/// A shell's request for candidates.
#[derive(Clone, Debug)]
pub struct CompletionRequest {
    shell: Shell,
    /// The words up to the cursor, from the program's name to the word that is completed.
    words: Vec<OsString>,
    /// The separator between two candidates for bash.
    separator: String,
}

impl CompletionRequest {
    /// Returns the request in the environment and the arguments of the process; `None` in any other call.
    #[must_use]
    pub fn of_process() -> Option<Self> {
        // The only cost for other calls.
        let name = env::var_os(VARIABLE)?;
        let shell = Shell::ALL.into_iter().find(|shell| name == shell.as_str())?;
        // Set by the scripts of clap_complete; fish names only the words up to the cursor.
        let index =
            env::var("_CLAP_COMPLETE_INDEX").ok().and_then(|index| index.parse().ok()).unwrap_or(usize::MAX);
        let separator = env::var("_CLAP_IFS").ok().filter(|text| !text.is_empty());
        let words = env::args_os().skip(1).skip_while(|word| word != "--").skip(1).collect();
        Some(Self {
            shell,
            words: up_to(words, index, shell),
            separator: separator.unwrap_or("\n".to_owned()),
        })
    }

    /// Prints the candidates. `command` describes the command line for the words up to the cursor.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn answer(
        &self,
        command: impl FnOnce(&[OsString]) -> (Command, Vec<OsString>),
    ) -> Result<ExitCode, Failure> {
        let current_dir = env::current_dir().ok();
        print_text(&self.candidates(command, current_dir.as_deref()))?;
        Ok(ExitCode::Success)
    }

    fn candidates(
        &self,
        command: impl FnOnce(&[OsString]) -> (Command, Vec<OsString>),
        current_dir: Option<&Path>,
    ) -> String {
        let (mut command, words) = command(&self.words);
        let Some((current, last)) = words.last().zip(words.len().checked_sub(1)) else {
            return String::new();
        };
        if current.is_empty() {
            // Options are proposed when nothing else can be, or when a `-` is typed. Building adds `--help`.
            command.build();
            command = with_hidden_options(command);
        }
        // Words that cannot be completed have no candidates.
        let found = complete(&mut command, words.clone(), last, current_dir).unwrap_or_default();
        self.printed(&found, current)
    }

    /// Returns candidates in the form that the script reads.
    fn printed(&self, found: &[CompletionCandidate], current: &OsStr) -> String {
        let lines = found.iter().map(|candidate| {
            let value = candidate.get_value().to_string_lossy();
            let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
            let help: String = help.lines().next().unwrap_or_default().replace('\t', " ");
            match self.shell {
                // Bash completes only what follows the last `=` or `:`.
                Shell::Bash => quoted(value.get(word_break(current)..).unwrap_or(&value)),
                Shell::Zsh if help.is_empty() => escaped_for_zsh(&value),
                Shell::Zsh => format!("{}:{}", escaped_for_zsh(&value), help.replace('\\', "\\\\")),
                Shell::Fish => format!("{value}\t{help}\n"),
            }
        });
        let lines: Vec<String> = lines.collect();
        match self.shell {
            Shell::Bash | Shell::Zsh => lines.join(&self.separator),
            Shell::Fish => lines.concat(),
        }
    }
}

fn escaped_for_zsh(value: &str) -> String {
    value.replace('\\', "\\\\").replace(':', "\\:")
}

/// Returns the words up to the cursor as the program would read them.
fn up_to(mut words: Vec<OsString>, index: usize, shell: Shell) -> Vec<OsString> {
    // After a space, zsh does not name the empty word.
    if words.len() <= index && index != usize::MAX {
        words.push(OsString::new());
    }
    words.truncate(index.saturating_add(1));
    if shell == Shell::Bash {
        words = joined(&words);
    }
    // `toolforge jobs show` is `jobs show`.
    if words.first().is_some_and(|name| Path::new(name).ends_with("toolforge")) && words.len() > 1 {
        words.remove(0);
    }
    words
}

/// The characters at which bash begins a new word, and which options, images and times contain.
const BREAKS: [char; 2] = ['=', ':'];

/// Joins the words that bash has split at `=` and `:`: `--mount`, `=`, `all`. The word at the cursor is never a break.
fn joined(words: &[OsString]) -> Vec<OsString> {
    let is_break = |word: &OsString| {
        word.to_str().is_some_and(|word| !word.is_empty() && word.chars().all(|c| BREAKS.contains(&c)))
    };
    let mut found: Vec<OsString> = Vec::new();
    let mut continues = false;
    for word in words {
        let word_breaks = is_break(word);
        match found.last_mut() {
            Some(last) if continues || word_breaks => last.push(unquoted(word)),
            _ => found.push(unquoted(word)),
        }
        continues = word_breaks;
    }
    found
}

/// Returns where the part of the word that bash completes begins.
fn word_break(current: &OsStr) -> usize {
    let current = current.to_string_lossy();
    current.rfind(BREAKS).map_or(0, |index| index + 1)
}

/// Returns a word that was typed in bash without its backslashes.
fn unquoted(word: &OsString) -> OsString {
    let Some(text) = word.to_str().filter(|text| text.contains('\\')) else { return word.clone() };
    let mut plain = String::new();
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        plain.extend(if letter == '\\' { letters.next() } else { Some(letter) });
    }
    plain.into()
}

/// Returns a candidate as bash inserts it, with a backslash before characters that the shell would interpret.
fn quoted(value: &str) -> String {
    let mut text = String::new();
    for letter in value.chars() {
        if letter.is_whitespace() || "\\'\"`$&|;()<>*?[]#!{}".contains(letter) {
            text.push('\\');
        }
        text.push(letter);
    }
    text
}

/// Hides all options, so they are proposed only if nothing else is.
fn with_hidden_options(command: Command) -> Command {
    let hidden =
        command.mut_args(|argument| if argument.is_positional() { argument } else { argument.hide(true) });
    hidden.mut_subcommands(with_hidden_options)
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};

    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn plain(words: &[OsString]) -> String {
        words.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn words_of_bash_are_joined_at_its_breaks() {
        for (line, expected) in [
            ("webservice --backend = kubernetes php8.2 st", "webservice --backend=kubernetes php8.2 st"),
            ("webservice --mount = a", "webservice --mount=a"),
            ("jobs run x --image tool-x/x : la", "jobs run x --image tool-x/x:la"),
            (r"jobs load my\ jo", "jobs load my jo"),
        ] {
            let found = up_to(
                line.split(' ').fold(Vec::new(), |mut words: Vec<OsString>, word| {
                    match words.last_mut() {
                        Some(last) if last.to_string_lossy().ends_with('\\') => {
                            last.push(" ");
                            last.push(word);
                        }
                        _ => words.push(word.into()),
                    }
                    words
                }),
                usize::MAX,
                Shell::Bash,
            );
            assert_eq!(plain(&found), expected);
        }
    }

    #[test]
    fn words_after_the_cursor_do_not_matter() {
        assert_eq!(up_to(words("toolforge jobs show x y"), 2, Shell::Zsh), words("jobs show"));
        assert_eq!(up_to(words("jobs show"), 2, Shell::Zsh), words("jobs show "));
        assert_eq!(up_to(words("jobs show "), usize::MAX, Shell::Fish), words("jobs show "));
    }

    #[test]
    fn each_shell_gets_its_own_form() {
        let form = Arg::new("form").long("form").value_parser(["a:b", "c d"]);
        let program = Command::new("p").disable_help_flag(true).arg(form).arg(
            Arg::new("wait").long("wait").action(ArgAction::SetTrue).help("Wait: until it ends\nor not"),
        );
        let answer = |shell, line: &str| {
            let request = CompletionRequest { shell, words: words(line), separator: "|".to_owned() };
            request.candidates(|words| (program.clone(), words.to_vec()), None)
        };
        assert_eq!(answer(Shell::Bash, "p --form "), r"a:b|c\ d");
        assert_eq!(answer(Shell::Bash, "p --form="), r"a:b|c\ d");
        assert_eq!(answer(Shell::Bash, "p --form=a:"), "b");
        assert_eq!(answer(Shell::Bash, "p "), "--form|--wait");
        assert_eq!(answer(Shell::Zsh, "p --form=a"), r"--form=a\:b");
        assert_eq!(answer(Shell::Zsh, "p --w"), "--wait:Wait: until it ends");
        assert_eq!(answer(Shell::Fish, "p --w"), "--wait\tWait: until it ends\n");
        assert_eq!(answer(Shell::Fish, ""), "");
    }
}
