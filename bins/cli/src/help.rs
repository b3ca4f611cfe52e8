//! Help on topics that are not about one command, and where to ask.

use toolforge_model::{Untrusted, suggest};

use crate::failure::{ExitCode, Failure};

/// The last lines of every help: the channels of <https://wikitech.wikimedia.org/wiki/Help:Cloud_Services_communication>.
pub const WHERE_TO_ASK: &str = "Help: https://wikitech.wikimedia.org/wiki/Help:Toolforge\n\
    Ask:  #wikimedia-cloud on irc.libera.chat, or cloud@lists.wikimedia.org";

/// The topics and their texts.
pub const TOPICS: [(&str, &str); 4] = [
    ("quota", include_str!("../../../docs/help/quota.txt")),
    ("images", include_str!("../../../docs/help/images.txt")),
    ("exit-codes", include_str!("../../../docs/help/exit-codes.txt")),
    ("files", include_str!("../../../docs/help/files.txt")),
];

/// Returns the text of a topic.
#[must_use]
pub fn topic(name: &str) -> Option<&'static str> {
    TOPICS.iter().find(|(topic, _)| *topic == name).map(|(_, text)| *text)
}

/// Returns the failure of `help WORD` for a word that is neither a topic nor one of a program's commands.
#[must_use]
pub fn unknown_topic(word: &str, commands: &[&str]) -> Failure {
    let topics = TOPICS.map(|(topic, _)| topic);
    let suggestion = suggest(word, commands.iter().copied().chain(topics))
        .map(|near| format!("; did you mean {near}?"))
        .unwrap_or_default();
    let word = Untrusted::new(word);
    let failure = Failure::new(ExitCode::Usage, format!("no help on {}{suggestion}", word.quoted()))
        .hint(format!("The topics are {}.", topics.join(", ")));
    if commands.is_empty() {
        failure
    } else {
        failure.hint(format!("The commands are {}.", commands.join(", ")))
    }
}
