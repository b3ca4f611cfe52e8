//! The arguments of a command line before clap parses them: where the command of `shell` and `exec` begins, and which help is
//! requested.

use std::ffi::OsString;

use clap::{Arg, Command};
use toolforge_model::{Untrusted, quote_word};

/// A word of a command line that begins with `-`, or does not.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    /// An option at this index.
    Option(usize, TypedOption),
    /// A word at this index that is neither an option nor the value of one.
    Positional(usize, String),
}

/// An option as it was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TypedOption {
    /// The name with its dashes; that of a long option is complete.
    name: String,
    /// The value, if the option takes one and has one.
    value: Option<String>,
    /// Whether the value follows as an argument of its own.
    is_value_next: bool,
}

impl TypedOption {
    /// Returns the index of the argument after an option at `index`.
    fn end(&self, index: usize) -> usize {
        index + if self.is_value_next { 2 } else { 1 }
    }
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
        let is_next = |option: &Arg| takes_next(option, arguments.get(index + 1));
        let next = || arguments.get(index + 1).map(|value| value.to_string_lossy().into_owned());
        let is_value_next = if let Some(long) = word.strip_prefix("--") {
            let (name, value) =
                long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
            let long_of =
                |option: &&Arg, is_meant: &dyn Fn(&str) -> bool| option.get_long().is_some_and(is_meant);
            let option = options()
                .find(|option| long_of(option, &|long| long == name))
                .or_else(|| options().find(|option| long_of(option, &|long| long.starts_with(name))));
            let name = option.and_then(Arg::get_long).unwrap_or(name);
            let is_value_next = value.is_none() && option.is_some_and(is_next);
            let value = if is_value_next { next() } else { value.map(str::to_owned) };
            found.push(Word::Option(index, TypedOption { name: format!("--{name}"), value, is_value_next }));
            is_value_next
        } else if let Some(short) = word.strip_prefix('-').filter(|short| !short.is_empty()) {
            let mut rest = short.chars();
            let mut is_value_next = false;
            while let Some(letter) = rest.next() {
                let option = options().find(|option| option.get_short() == Some(letter));
                let takes_value = option.is_some_and(|option| option.get_action().takes_values());
                is_value_next = takes_value && rest.as_str().is_empty() && option.is_some_and(is_next);
                let attached = Some(rest.as_str()).filter(|rest| takes_value && !rest.is_empty());
                let value = if is_value_next { next() } else { attached.map(str::to_owned) };
                found.push(Word::Option(
                    index,
                    TypedOption { name: format!("-{letter}"), value, is_value_next },
                ));
                if takes_value {
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

/// Returns whether the value of an option is the next argument. An optional value does not begin with `-`.
fn takes_next(option: &Arg, next: Option<&OsString>) -> bool {
    let is_optional = option.get_num_args().is_some_and(|count| count.min_values() == 0);
    let is_value = || next.is_some_and(|next| !next.to_string_lossy().starts_with('-'));
    option.get_action().takes_values() && !option.is_require_equals_set() && (!is_optional || is_value())
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

/// Returns the names of the options before `--`, with their dashes.
#[must_use]
pub fn typed_options(command: &Command, arguments: &[OsString]) -> Vec<String> {
    let found = words(command, arguments).into_iter();
    found
        .filter_map(|word| match word {
            Word::Option(_, typed) => Some(typed.name),
            Word::Positional(..) => None,
        })
        .collect()
}

/// Returns a command line with some of the words that are not options replaced: the first word of each pair by the words of the
/// second; an empty one removes the word.
#[must_use]
pub fn replaced(command: &Command, line: &[OsString], replaced: &[(&str, &str)]) -> Vec<OsString> {
    let mut replaced = replaced.to_vec();
    let mut typed: Vec<Vec<OsString>> = line.iter().map(|word| vec![word.clone()]).collect();
    for word in words(command, line) {
        let Word::Positional(index, text) = word else { continue };
        let Some(found) = replaced.iter().position(|(old, _)| *old == text) else { continue };
        let (_, new) = replaced.remove(found);
        typed[index] = new.split_whitespace().map(OsString::from).collect();
    }
    typed.concat()
}

/// Returns a command line without the program's name, for a terminal.
#[must_use]
pub fn shown_line(line: &[OsString]) -> String {
    let typed: Vec<String> = line.iter().skip(1).map(|word| quote_word(&word.to_string_lossy())).collect();
    escaped(&typed.join(" "))
}

/// Returns a command line without the program's name, with words replaced as by [`replaced`].
#[must_use]
pub fn retyped(command: &Command, line: &[OsString], replaced: &[(&str, &str)]) -> String {
    shown_line(&self::replaced(command, line, replaced))
}

/// Returns the value of a long option, and the words that directly follow it without being options.
#[must_use]
pub fn value_and_following(
    command: &Command,
    arguments: &[OsString],
    option: &str,
) -> Option<(String, Vec<String>)> {
    let found = words(command, arguments);
    let (value, end) = last_value(&found, option)?;
    Some((value, following(&found, end)))
}

/// Returns the last value of an option, and the index of the argument after it.
fn last_value(found: &[Word], option: &str) -> Option<(String, usize)> {
    found.iter().rev().find_map(|word| match word {
        Word::Option(index, typed) if typed.name == option => Some((typed.value.clone()?, typed.end(*index))),
        Word::Option(..) | Word::Positional(..) => None,
    })
}

/// Returns the words from an index that directly follow each other without being options.
fn following(found: &[Word], start: usize) -> Vec<String> {
    let from_start = found.iter().filter_map(|word| match word {
        Word::Positional(index, text) if *index >= start => Some((*index, text)),
        Word::Option(..) | Word::Positional(..) => None,
    });
    (start..)
        .zip(from_start)
        .take_while(|(expected, (index, _))| expected == index)
        .map(|(_, (_, text))| text.clone())
        .collect()
}

/// Returns the arguments after a long option's value up to the next option that exists, or up to `--`.
#[must_use]
pub fn value_and_rest(
    command: &Command,
    arguments: &[OsString],
    option: &str,
) -> Option<(String, Vec<String>)> {
    let found = words(command, arguments);
    let known = known_options(command, &found);
    let (value, start) = last_value(&found, option)?;
    let end = found.iter().find_map(|word| match word {
        Word::Option(index, typed) if *index >= start && known.contains(&typed.name) => Some(*index),
        Word::Option(..) | Word::Positional(..) => None,
    });
    let separator = arguments.iter().position(|argument| argument == "--").filter(|index| *index >= start);
    let end = end.or(separator).unwrap_or(arguments.len());
    let rest = arguments.get(start..end)?.iter().map(|argument| argument.to_string_lossy().into_owned());
    Some((value, rest.collect()))
}

/// Returns the command line in which the flag `option` comes directly after the command.
#[must_use]
pub fn with_flag_after_verb(
    command: &Command,
    arguments: &[OsString],
    option: &str,
) -> Option<Vec<OsString>> {
    let found = words(command, arguments);
    let verb = found.iter().find_map(|word| match word {
        Word::Positional(index, text) if command.find_subcommand(text).is_some() => Some(*index),
        Word::Option(..) | Word::Positional(..) => None,
    })?;
    let is_flag = |at: usize| {
        found
            .iter()
            .any(|word| matches!(word, Word::Option(index, typed) if *index == at && typed.name == option))
    };
    let mut moved = Vec::new();
    for (index, argument) in arguments.iter().enumerate().filter(|(index, _)| !is_flag(*index)) {
        moved.push(argument.clone());
        if index == verb {
            moved.push(option.into());
        }
    }
    Some(moved)
}

/// Returns what to do about a surplus argument that directly follows an option and belongs to its value: the value has to be
/// in quotes, or attached with `=`. `None` if the option would refuse such a value.
#[must_use]
pub fn quotes_hint(command: &Command, arguments: &[OsString], surplus: &str) -> Option<String> {
    let found = words(command, arguments);
    let is_accepted = |line: &[OsString]| command.clone().try_get_matches_from(line).is_ok();
    found.iter().find_map(|word| {
        let Word::Option(index, typed) = word else { return None };
        let end = typed.end(*index);
        let following = following(&found, end);
        if following.first().is_none_or(|first| first != surplus) {
            return None;
        }
        let written = arguments.get(*index)?.to_str()?;
        let Some(value) = &typed.value else {
            // The value is optional and can only be attached.
            let attached = format!("{written}={surplus}");
            let line = [&arguments[..*index], &[OsString::from(&attached)], &arguments[end + 1..]].concat();
            return is_accepted(&line).then(|| format!("Write `{}`.", escaped(&quote_word(&attached))));
        };
        let with_value = |value: &str| {
            let option = match written.strip_suffix(typed.value.as_deref().unwrap_or_default()) {
                Some(name) if !typed.is_value_next => vec![OsString::from(format!("{name}{value}"))],
                _ => vec![OsString::from(written), OsString::from(value)],
            };
            [&arguments[..*index], &option, &arguments[end + following.len()..]].concat()
        };
        let joined = format!("{value} {}", following.join(" "));
        // A number has no spaces, although some options accept any text and are checked later.
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        let is_accepted =
            !is_number && [joined.as_str(), "*"].iter().any(|value| is_accepted(&with_value(value)));
        is_accepted.then(|| {
            let name = escaped(&typed.name);
            format!("Leave it out, or put quotes around the value of `{name}` if it contains spaces or `*`.")
        })
    })
}

fn escaped(text: &str) -> String {
    Untrusted::new(text).escaped().to_string()
}

/// Returns the options that can be proposed: those of the program and of the command that the help shows.
pub(crate) fn offered_options(command: &Command, arguments: &[OsString]) -> Vec<String> {
    let verb = verb(command, &words(command, arguments));
    let own: Vec<&Arg> = verb.into_iter().flat_map(Command::get_arguments).collect();
    // The command's own option of the same name is hidden if the command does not use that of the program.
    let is_replaced = |option: &&Arg| own.iter().any(|other| other.get_id() == option.get_id());
    let of_program = command.get_arguments().filter(|option| !is_replaced(option));
    let shown = of_program.chain(own.iter().copied()).filter(|option| !option.is_hide_set());
    let names = shown.filter_map(Arg::get_long).chain(built_in(verb));
    names.map(|name| format!("--{name}")).collect()
}

/// Returns the command that an argument names.
fn verb<'a>(command: &'a Command, found: &[Word]) -> Option<&'a Command> {
    found.iter().find_map(|word| match word {
        Word::Positional(_, text) => command.find_subcommand(text),
        Word::Option(..) => None,
    })
}

/// Returns the options that clap adds. `--version` exists only before a command.
fn built_in<'a>(verb: Option<&Command>) -> Vec<&'a str> {
    if verb.is_none() { vec!["help", "version"] } else { vec!["help"] }
}

/// Returns the names of the options that exist, with their dashes: of the program and of the command.
fn known_options(command: &Command, found: &[Word]) -> Vec<String> {
    let verb = verb(command, found);
    let options = || command.get_arguments().chain(verb.into_iter().flat_map(Command::get_arguments));
    let long = options()
        .flat_map(|option| option.get_long().into_iter().chain(option.get_all_aliases().unwrap_or_default()))
        .chain(built_in(verb))
        .map(|name| format!("--{name}"));
    let short = options().filter_map(Arg::get_short).chain(['h']).map(|letter| format!("-{letter}"));
    long.chain(short).collect()
}

/// Returns the first long option that does not exist, and those that do: of the program and of the command.
pub(crate) fn unknown_option(command: &Command, arguments: &[OsString]) -> Option<(String, Vec<String>)> {
    let found = words(command, arguments);
    let known = known_options(command, &found);
    let is_unknown =
        |name: &str| name.starts_with("--") && !known.iter().any(|option| option.starts_with(name));
    let unknown = found.into_iter().find_map(|word| match word {
        Word::Option(_, typed) if is_unknown(&typed.name) => Some(typed.name),
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
        Word::Option(_, TypedOption { name, .. }) if name == "-h" => Some(HelpOption::Short),
        Word::Option(_, TypedOption { name, .. })
            if name.len() > "--h".len() && "--help".starts_with(&name) =>
        {
            Some(HelpOption::Long)
        }
        Word::Option(..) | Word::Positional(..) => None,
    })
}

/// Returns whether the arguments have an option, such as `--output`, by its long or its short name.
#[must_use]
pub(crate) fn has_option(command: &Command, arguments: &[OsString], names: [&str; 2]) -> bool {
    words(command, arguments).iter().any(|word| match word {
        Word::Option(_, typed) => names.contains(&typed.name.as_str()),
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
