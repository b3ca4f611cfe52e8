//! The arguments of a command line before clap parses them: where the command of `shell` and `exec` begins, and which help is
//! requested.

use std::ffi::OsString;

use clap::{Arg, Command};
use toolforge_model::{Untrusted, quote_word};

/// A word of a command line that begins with `-`, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// An option of this name at this index, without its value.
    Option(usize, String),
    /// A word at this index that is neither an option nor the value of one.
    Positional(usize, String),
}

/// Returns the words up to `--`. The first argument is the program's name.
fn words(command: &Command, arguments: &[OsString]) -> Vec<Word> {
    let mut found = Vec::new();
    let mut verb = None;
    let mut index = 1;
    while let Some(argument) = arguments.get(index) {
        let word = argument.to_string_lossy();
        if word == "--" {
            break;
        }
        let options = || command.get_arguments().chain(verb.into_iter().flat_map(Command::get_arguments));
        let is_value_next = if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let long_of =
                |option: &&Arg, is_meant: &dyn Fn(&str) -> bool| option.get_long().is_some_and(is_meant);
            let option = options()
                .find(|option| long_of(option, &|long| long == name))
                .or_else(|| options().find(|option| long_of(option, &|long| long.starts_with(name))));
            let name = option.and_then(Arg::get_long).unwrap_or(name);
            found.push(Word::Option(index, format!("--{name}")));
            value.is_none() && option.is_some_and(takes_next)
        } else if let Some(short) = word.strip_prefix('-').filter(|short| !short.is_empty()) {
            let mut rest = short.chars();
            let mut is_value_next = false;
            while let Some(letter) = rest.next() {
                found.push(Word::Option(index, format!("-{letter}")));
                let option = options().find(|option| option.get_short() == Some(letter));
                if option.is_some_and(|option| option.get_action().takes_values()) {
                    is_value_next = rest.as_str().is_empty() && option.is_some_and(takes_next);
                    break;
                }
            }
            is_value_next
        } else {
            if verb.is_none() {
                verb = command.find_subcommand(word.as_ref());
            }
            found.push(Word::Positional(index, word.into_owned()));
            false
        };
        index += if is_value_next { 2 } else { 1 };
    }
    found
}

/// Returns whether the value of an option is the next argument.
fn takes_next(option: &Arg) -> bool {
    option.get_action().takes_values()
        && !option.is_require_equals_set()
        && option.get_num_args().is_none_or(|count| count.min_values() > 0)
}

/// Returns the arguments with a `--` before the word at which a command to run begins, so its options are its own.
///
/// `begins` is called for each word that is not an option, with the words before it. A `--` in the arguments remains the only
/// one.
pub fn separate_command(
    command: &Command,
    mut arguments: Vec<OsString>,
    begins: impl Fn(&[&str]) -> bool,
) -> Vec<OsString> {
    let found = words(command, &arguments);
    let mut before: Vec<&str> = Vec::new();
    for word in &found {
        let Word::Positional(index, text) = word else { continue };
        if begins(&before) {
            arguments.insert(*index, "--".into());
            return arguments;
        }
        before.push(text);
    }
    arguments
}

/// Returns the words before `--` that are neither options nor their values.
#[must_use]
pub fn positionals(command: &Command, arguments: &[OsString]) -> Vec<String> {
    let found = words(command, arguments).into_iter();
    found
        .filter_map(|word| match word {
            Word::Positional(_, text) => Some(text),
            Word::Option(..) => None,
        })
        .collect()
}

/// Returns a command line without the program's name, with some of the words that are not options replaced: the first word of
/// each pair by the second. Replacements are inserted as they are; an empty one removes the word.
#[must_use]
pub fn retyped(command: &Command, line: &[OsString], replaced: &[(&str, &str)]) -> String {
    let mut replaced = replaced.to_vec();
    let mut typed: Vec<Option<String>> =
        line.iter().skip(1).map(|word| Some(quote_word(&word.to_string_lossy()))).collect();
    for word in words(command, line) {
        let Word::Positional(index, text) = word else { continue };
        let Some(found) = replaced.iter().position(|(old, _)| *old == text) else { continue };
        let (_, new) = replaced.remove(found);
        typed[index - 1] = (!new.is_empty()).then(|| new.to_owned());
    }
    let typed: Vec<String> = typed.into_iter().flatten().collect();
    Untrusted::new(typed.join(" ")).escaped().to_string()
}

/// Returns the value of a long option, and the words that directly follow it without being options.
#[must_use]
pub fn value_and_following(
    command: &Command,
    arguments: &[OsString],
    option: &str,
) -> Option<(String, Vec<String>)> {
    let found = words(command, arguments);
    let at = found.iter().rev().find_map(|word| match word {
        Word::Option(index, name) if name == option => Some(*index),
        Word::Option(..) | Word::Positional(..) => None,
    })?;
    let written = arguments.get(at)?.to_string_lossy();
    let (value, start) = match written.split_once('=') {
        Some((_, value)) => (value.to_owned(), at + 1),
        None => (arguments.get(at + 1)?.to_string_lossy().into_owned(), at + 2),
    };
    let is_flag = |word: &Word| matches!(word, Word::Positional(index, _) if index + 1 == start);
    if found.iter().any(is_flag) {
        return None;
    }
    let following = found.into_iter().filter_map(|word| match word {
        Word::Positional(index, text) if index >= start => Some((index, text)),
        Word::Option(..) | Word::Positional(..) => None,
    });
    let following = (start..).zip(following).take_while(|(expected, (index, _))| expected == index);
    Some((value, following.map(|(_, (_, text))| text).collect()))
}

/// Returns the option whose value a word directly follows.
pub(crate) fn option_before(command: &Command, arguments: &[OsString], followed_by: &str) -> Option<String> {
    let options = words(command, arguments).into_iter().filter_map(|word| match word {
        Word::Option(_, name) => Some(name),
        Word::Positional(..) => None,
    });
    let mut options = options.filter_map(|name| {
        let (_, following) = value_and_following(command, arguments, &name)?;
        Some((name, following.into_iter().next()?))
    });
    options.find(|(_, first)| first == followed_by).map(|(name, _)| name)
}

/// Returns the options that can be proposed: those of the program and of the command that the help shows.
pub(crate) fn offered_options(command: &Command, arguments: &[OsString]) -> Vec<String> {
    let words = positionals(command, arguments);
    let verb = words.iter().find_map(|word| command.find_subcommand(word));
    let own: Vec<&Arg> = verb.into_iter().flat_map(Command::get_arguments).collect();
    // The command's own option of the same name is hidden if the command does not use that of the program.
    let is_replaced = |option: &&Arg| own.iter().any(|other| other.get_id() == option.get_id());
    let of_program = command.get_arguments().filter(|option| !is_replaced(option));
    let shown = of_program.chain(own.iter().copied()).filter(|option| !option.is_hide_set());
    let names = shown.filter_map(Arg::get_long).chain(["help", "version"]);
    names.map(|name| format!("--{name}")).collect()
}

/// Returns the first long option that does not exist, and those that do: of the program and of the command.
pub(crate) fn unknown_option(command: &Command, arguments: &[OsString]) -> Option<(String, Vec<String>)> {
    let found = words(command, arguments);
    let verb = found.iter().find_map(|word| match word {
        Word::Positional(_, text) => command.find_subcommand(text),
        Word::Option(..) => None,
    });
    let options = command.get_arguments().chain(verb.into_iter().flat_map(Command::get_arguments));
    let built_in = ["help", "version"].map(str::to_owned);
    let known: Vec<String> = options
        .flat_map(|option| option.get_long().into_iter().chain(option.get_all_aliases().unwrap_or_default()))
        .map(str::to_owned)
        .chain(built_in)
        .map(|name| format!("--{name}"))
        .collect();
    let is_unknown =
        |name: &str| name.starts_with("--") && !known.iter().any(|option| option.starts_with(name));
    let unknown = found.into_iter().find_map(|word| match word {
        Word::Option(_, name) if is_unknown(&name) => Some(name),
        Word::Option(..) | Word::Positional(..) => None,
    })?;
    Some((unknown, known))
}

/// The help that an option requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HelpOption {
    /// The short one, `-h`.
    Short,
    /// The long one, `--help`.
    Long,
}

/// Returns the help that an option in the arguments requests.
#[must_use]
pub fn help_option(command: &Command, arguments: &[OsString]) -> Option<HelpOption> {
    words(command, arguments).into_iter().find_map(|word| match word {
        Word::Option(_, name) if name == "-h" => Some(HelpOption::Short),
        Word::Option(_, name) if name.len() > "--h".len() && "--help".starts_with(&name) => {
            Some(HelpOption::Long)
        }
        Word::Option(..) | Word::Positional(..) => None,
    })
}

/// Returns whether the arguments have an option, such as `--output`, by its long or its short name.
#[must_use]
pub(crate) fn has_option(command: &Command, arguments: &[OsString], names: [&str; 2]) -> bool {
    words(command, arguments).iter().any(|word| match word {
        Word::Option(_, name) => names.contains(&name.as_str()),
        Word::Positional(..) => false,
    })
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    fn program() -> Command {
        let value = |name: &'static str, short| Arg::new(name).long(name).short(short);
        Command::new("program")
            .arg(value("mem", 'm'))
            .arg(value("follow", 'f').action(ArgAction::SetTrue))
            .arg(Arg::new("dry-run").long("dry-run").num_args(0..=1).require_equals(true))
            .subcommand(Command::new("exec").arg(value("container", 'c')))
    }

    fn separated(line: &str) -> String {
        let arguments = line.split(' ').map(OsString::from).collect();
        let arguments = separate_command(&program(), arguments, |before| before == ["exec", "bot"]);
        arguments.iter().map(|word| word.to_str().unwrap()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn command_begins_at_its_first_word() {
        for (line, expected) in [
            ("p exec bot ls -l", "p exec bot -- ls -l"),
            ("p -m 1Gi exec bot ls -m x", "p -m 1Gi exec bot -- ls -m x"),
            ("p -fm 1Gi exec -c web bot ls", "p -fm 1Gi exec -c web bot -- ls"),
            (
                "p -m1Gi exec --mem=2Gi bot --me 3Gi ls --help",
                "p -m1Gi exec --mem=2Gi bot --me 3Gi -- ls --help",
            ),
            ("p exec bot --dry-run ls -- x", "p exec bot --dry-run -- ls -- x"),
            ("p exec bot -- ls -l", "p exec bot -- ls -l"),
            ("p exec bot --unknown ls", "p exec bot --unknown -- ls"),
            ("p exec bot", "p exec bot"),
            ("p exec", "p exec"),
            ("p", "p"),
        ] {
            assert_eq!(separated(line), expected);
        }
    }

    #[test]
    fn help_option_is_found_before_command() {
        let asked = |line: &str| {
            let arguments: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            help_option(&program(), &arguments)
        };
        assert_eq!(asked("p exec -fh"), Some(HelpOption::Short));
        assert_eq!(asked("p exec --hel"), Some(HelpOption::Long));
        assert_eq!(asked("p exec -m -h"), None);
        assert_eq!(asked("p exec -- ls --help"), None);
    }
}
