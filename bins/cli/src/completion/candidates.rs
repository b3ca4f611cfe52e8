//! Candidates that several programs propose.

use std::ffi::OsString;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use clap::{Command, FromArgMatches as _};
use clap_complete::CompletionCandidate;
use clap_complete::engine::ArgValueCandidates;
use toolforge_images::{Catalog, ImageType, State, contents};

use super::script::Shell;
use crate::help::TOPICS;
use crate::options::GlobalOptions;
use crate::session::Session;

/// How long a completion waits for the cluster.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Where candidates come from: the cluster or the files that the options on the line select.
#[derive(Clone, Debug)]
pub struct CandidateSource(Option<GlobalOptions>);

impl CandidateSource {
    /// Returns the source for the words before the cursor.
    #[must_use]
    pub fn of_line(command: Command, before: &[OsString]) -> Self {
        let matches = command.ignore_errors(true).try_get_matches_from(before).ok();
        let options = matches.and_then(|matches| GlobalOptions::from_arg_matches(&matches).ok());
        // A completion must not read the terminal's input.
        Self(options.filter(|options| options.cluster.from.iter().all(|file| file.as_os_str() != "-")))
    }

    /// Returns the result of a read in a session, unless it takes longer than a person would wait; failures are not reported.
    #[must_use]
    pub fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Session) -> Option<T> + Send + 'static,
    ) -> Option<T> {
        let options = self.0.clone()?;
        let (sender, receiver) = mpsc::channel();
        // A thread, because resolving a host name cannot be interrupted. Without one there are no candidates.
        let work = move || {
            let found = Session::open(&options, "completion").ok().and_then(|session| read(&session));
            // Nobody waits any more after the deadline.
            let _ = sender.send(found);
        };
        thread::Builder::new().spawn(work).ok()?;
        receiver.recv_timeout(PATIENCE).ok().flatten()
    }

    /// Returns candidates for the image types that `is_wanted`, of the cluster's catalog or else of the bundled one.
    /// Deprecated types are proposed only if no other matches; types that are gone are never proposed.
    #[must_use]
    pub fn types(&self, is_wanted: impl Fn(&ImageType) -> bool) -> Vec<CompletionCandidate> {
        let catalog = self.read(|session| session.catalog().ok()).unwrap_or_else(Catalog::bundled);
        let types = catalog.types().filter(|found| found.state != State::Gone && is_wanted(found));
        let candidate = |found: &ImageType| {
            let help = match found.state {
                State::Current => contents(&found.name),
                _ => Some(match catalog.replacement(&found.name) {
                    Some(newer) => format!("{}; {} replaces it", found.state, newer.name),
                    None => found.state.to_string(),
                }),
            };
            let candidate = CompletionCandidate::new(found.name.as_str()).help(help.map(Into::into));
            candidate.hide(found.state != State::Current)
        };
        types.map(candidate).collect()
    }
}

/// Returns a source of fixed candidates with their help, in their order.
#[must_use]
pub fn choices(values: impl IntoIterator<Item = (impl Into<String>, String)>) -> ArgValueCandidates {
    let values: Vec<(String, String)> =
        values.into_iter().map(|(value, help)| (value.into(), help)).collect();
    ArgValueCandidates::new(move || {
        let candidate = |(value, help): &(String, String)| {
            CompletionCandidate::new(value).help(Some(help.clone().into()))
        };
        values.iter().map(candidate).collect()
    })
}

/// Returns the candidates for the first argument of `generate`.
#[must_use]
pub fn generate_choices() -> ArgValueCandidates {
    let shells = Shell::ALL.map(|shell| (shell.as_str(), "a completion script".to_owned()));
    let pages =
        [("man", "a man page".to_owned()), ("man-pages", "all man pages, into a directory".to_owned())];
    choices(shells.into_iter().chain(pages))
}

/// Returns the topics of `help`, with the titles of their texts.
pub fn topic_choices() -> impl Iterator<Item = (&'static str, String)> {
    TOPICS.into_iter().map(|(topic, text)| (topic, text.lines().next().unwrap_or_default().to_owned()))
}
