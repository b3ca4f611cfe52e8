//! Commands that only a shell could read: Kubernetes starts the program that the first item names, with the others as arguments.

use toolforge_model::platform;

use super::super::check::Check;
use super::super::rule::Rule;
use super::super::syntax::Node;
use crate::job::is_interpreter;

/// Words that redirect or connect programs.
const OPERATORS: [&str; 11] = ["&", "&&", "&>", "1>&2", "2>", "2>&1", "2>>", "<", ">", ">>", "|"];

/// Programs for which an operator may be a usual argument.
const TEXT_PROGRAMS: [&str; 7] = ["[", "egrep", "expr", "grep", "sed", "test", "tr"];

/// Commands that are a part of a shell; no image has programs of these names.
const BUILT_IN: [&str; 8] = [".", "alias", "cd", "eval", "exec", "export", "source", "ulimit"];

/// What only a shell would understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ShellWord {
    /// A whole line as the program.
    Line,
    /// A command of the shell as the program.
    BuiltIn,
    /// `NAME=value` as the program.
    Assignment,
    /// A path that begins with `~` or a variable.
    Unexpanded,
    /// `&&`, `|`, `>` and the like.
    Operator,
}

/// Checks the items of a command. A line that a shell reads, after `-c`, is left out.
pub(crate) fn check(check: &mut Check<'_>, words: &[&Node]) {
    let texts: Vec<&str> = words.iter().map_while(|word| word.string()).collect();
    let Some((index, kind)) = find(&texts) else { return };
    let Some(place) = words.get(index) else { return };
    let text = texts.get(index).copied().unwrap_or_default();
    let message = match kind {
        ShellWord::Line => {
            "the first item is the name of a program, and this is a whole line; write an item for each word, or \
             [\"sh\", \"-c\", \"…\"] for a line of a shell"
                .to_owned()
        }
        ShellWord::BuiltIn => {
            format!("{text} is a command of a shell, not a program; write [\"sh\", \"-c\", \"…\"]")
        }
        ShellWord::Assignment => {
            "the first item is the name of a program, and this sets a variable; set it in `env`".to_owned()
        }
        ShellWord::Unexpanded => {
            format!("no shell expands \"{text}\"; write the whole path, or [\"sh\", \"-c\", \"…\"]")
        }
        ShellWord::Operator => {
            format!("no shell reads \"{text}\", and the program gets it as an argument; write [\"sh\", \"-c\", \"…\"]")
        }
    };
    let reason = if text.contains('/') {
        format!("stat {text}: no such file or directory")
    } else {
        "executable file not found in $PATH".to_owned()
    };
    let note = check.at(Rule::ShellSyntax, place, message);
    if index == 0 {
        note.answered(format_args!("exec: \"{text}\": {reason}"));
    }
}

/// Returns the first word that only a shell would understand.
fn find(words: &[&str]) -> Option<(usize, ShellWord)> {
    let (program, arguments) = words.split_first()?;
    // The launcher of a build service image starts a shell.
    if *program == platform::LAUNCHER {
        return None;
    }
    if program.trim().contains(char::is_whitespace) {
        return Some((0, ShellWord::Line));
    }
    if BUILT_IN.contains(program) {
        return Some((0, ShellWord::BuiltIn));
    }
    if is_assignment(program) {
        return Some((0, ShellWord::Assignment));
    }
    if is_unexpanded(program) {
        return Some((0, ShellWord::Unexpanded));
    }
    let name = program.rsplit('/').next().unwrap_or(program);
    let line = line_of_shell(words);
    if line.is_none() && is_interpreter(name) && arguments.first().is_some_and(|script| is_unexpanded(script))
    {
        return Some((1, ShellWord::Unexpanded));
    }
    if TEXT_PROGRAMS.contains(&name) {
        return None;
    }
    let is_operator = |index: usize, word: &str| {
        // A separator may be the value of an option: `cut -d '|'`.
        let is_value = words.get(index - 1).is_some_and(|before| before.starts_with('-'));
        Some(index) != line && OPERATORS.contains(&word) && !is_value
    };
    let found = words.iter().enumerate().skip(1).find(|(index, word)| is_operator(*index, word));
    found.map(|(index, _)| (index, ShellWord::Operator))
}

/// Returns the word that a shell reads as a command line: the one after `-c`.
pub(crate) fn line_of_shell(words: &[&str]) -> Option<usize> {
    let shell = words.first()?.rsplit('/').next()?;
    if !["bash", "dash", "sh"].contains(&shell) {
        return None;
    }
    let is_option = |word: &&str| word.starts_with('-') && word.len() > 1;
    let options = words.iter().skip(1).take_while(|word| is_option(word)).count();
    let has_line =
        words.iter().skip(1).take(options).any(|word| !word.starts_with("--") && word.ends_with('c'));
    has_line.then_some(options + 1)
}

fn is_assignment(word: &str) -> bool {
    let Some((name, _)) = word.split_once('=') else { return false };
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.chars().all(is_of_name)
}

/// Returns whether a path begins with `~/` or with a variable of a shell; Kubernetes itself replaces `$(NAME)`.
fn is_unexpanded(word: &str) -> bool {
    let is_variable = |rest: &str| {
        rest.starts_with(|first: char| first == '{' || first == '_' || first.is_ascii_alphabetic())
    };
    word.starts_with("~/") || word.strip_prefix('$').is_some_and(is_variable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_shell_are_found() {
        for (words, expected) in [
            (&["python3 bot.py"][..], Some((0, ShellWord::Line))),
            (&["cd /x && ./y"], Some((0, ShellWord::Line))),
            (&["./x", ">", "log"], Some((1, ShellWord::Operator))),
            (&["./x", "2>&1"], Some((1, ShellWord::Operator))),
            (&["a", "|", "b"], Some((1, ShellWord::Operator))),
            (&["bash", "-c", "./x", ">", "log"], Some((3, ShellWord::Operator))),
            (&["bash", "x.sh", "&&", "b"], Some((2, ShellWord::Operator))),
            (&["~/x"], Some((0, ShellWord::Unexpanded))),
            (&["$HOME/x", "y"], Some((0, ShellWord::Unexpanded))),
            (&["python3", "~/x.py"], Some((1, ShellWord::Unexpanded))),
            (&["cd", "/x"], Some((0, ShellWord::BuiltIn))),
            (&["A=1", "./x"], Some((0, ShellWord::Assignment))),
        ] {
            assert_eq!(find(words), expected, "{words:?}");
        }
    }

    #[test]
    fn usual_commands_are_not_found() {
        for words in [
            &[][..],
            &["./x"],
            &["$(PROGRAM)", "x"],
            &["/data/project/x/bin/a=b", "c"],
            &["./x", "a && b", "~/x", "$HOME"],
            &["sh", "-c", "cd /x && ./y > log"],
            &["/bin/bash", "-ec", ">log"],
            &["bash", "-c", "~/x"],
            &["cut", "-d", "|", "-f", "1"],
            &["[", "a", ">", "b", "]"],
            &["/usr/bin/expr", "1", "<", "2"],
            &["find", ".", "-exec", "rm", "{}", ";"],
            &["launcher", "python3 bot.py"],
            &["launcher", "a", "&&", "b"],
            &["env", "A=1", "./x"],
        ] {
            assert_eq!(find(words), None, "{words:?}");
        }
    }
}
