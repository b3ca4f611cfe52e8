//! Completion of a command line: which words are possible at the cursor.

use std::ffi::OsString;

use clap::{Arg, Command, CommandFactory as _, ValueHint};
use toolforge_cli::{
    ArgValueCandidates, CandidateSource, CompletionCandidate, choices, generate_choices, positionals,
    topic_choices, with_formats,
};

use toolforge_model::platform::BUILD_SERVICE_TYPE;

use crate::arguments::Arguments;
use crate::invocation::Action;
use crate::separated;

/// Returns the description of a command line for the words up to the cursor, and these words.
pub(crate) fn described(words: &[OsString]) -> (Command, Vec<OsString>) {
    let program = Arguments::command();
    let words = separated(&program, words.iter().cloned());
    let (before, _) = words.split_at(words.len().saturating_sub(1));
    let placed = positionals(&program, before);
    let placed: Vec<&str> = placed.iter().map(String::as_str).collect();
    let action = placed.iter().take(2).find_map(|word| Action::from_word(word));
    let options = program.get_arguments().filter(|option| {
        let is_used = action.is_none_or(|action| action.options().contains(&option.get_id().as_str()));
        !option.is_positional() && (is_used || is_given(option, before))
    });
    let options = options.cloned().map(|option| match option.get_id().as_str() {
        "template" | "kubeconfig" | "from" => option.value_hint(ValueHint::FilePath),
        "home" => option.value_hint(ValueHint::DirPath),
        "output" if let Some(action) = action => with_formats(option, action.formats()),
        _ => option,
    });
    let word = Arg::new("word").num_args(0..);
    let word = match (placed.as_slice(), action) {
        ([], _) => word.add(first(CandidateSource::of_line(program.clone(), before))),
        (["help"], _) => word.add(choices(actions().chain(topic_choices()))),
        ([_type], None) => word.add(after_type()),
        (["generate"], _) => word.add(generate_choices()),
        (["generate", "man"], _) => word.add(choices(actions())),
        (["generate", "man-pages"], _) => word.value_hint(ValueHint::DirPath),
        // The command of `shell` and `exec`, or that of a type, in the tool's home.
        (_, Some(Action::Shell | Action::Exec | Action::Lint)) => word.value_hint(ValueHint::AnyPath),
        ([_type, _action, ..], Some(action)) if action.uses_type() => word.value_hint(ValueHint::AnyPath),
        _ => word,
    };
    (Command::new("webservice").args(options).arg(word), words)
}

/// Returns whether an option is on the line, so that its value is not read as a positional argument.
fn is_given(option: &Arg, before: &[OsString]) -> bool {
    let long = option.get_long().map(|long| format!("--{long}"));
    let short = option.get_short().map(|short| format!("-{short}"));
    let begins = |word: &OsString, name: &Option<String>| {
        name.as_ref().is_some_and(|name| word.to_string_lossy().starts_with(name.as_str()))
    };
    before.iter().any(|word| begins(word, &long) || begins(word, &short))
}

/// Actions come first, then types.
fn first(source: CandidateSource) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        let words = actions().chain([("help", "show the help on an action or a topic".to_owned())]);
        let words = words.map(|(word, help)| CompletionCandidate::new(word).help(Some(help.into())));
        let build_service = CompletionCandidate::new(BUILD_SERVICE_TYPE);
        let build_service = build_service.help(Some("an image that `toolforge build` has built".into()));
        let types = source.types(|found| found.web.is_some());
        words.chain(types).chain([build_service]).collect()
    })
}

/// Returns the actions behind a type: first those for which it matters.
fn after_type() -> ArgValueCandidates {
    let (using, others): (Vec<Action>, Vec<Action>) = Action::ALL
        .into_iter()
        .filter(|action| *action != Action::Generate)
        .partition(|action| action.uses_type());
    choices(using.into_iter().chain(others).map(|action| (action.as_str(), action.about().to_owned())))
}

fn actions() -> impl Iterator<Item = (&'static str, String)> {
    Action::ALL.into_iter().map(|action| (action.as_str(), action.about().to_owned()))
}
