/// Below this similarity of Jaro and Winkler a suggestion would be a guess: `php8.2` and `php5.6` have 0.84.
const LEAST_SIMILARITY: f64 = 0.85;

/// Shorter words are similar to too many others.
const LEAST_LENGTH: usize = 3;

/// Returns the candidate that a mistyped word most likely stands for, or `None` if every one would be a guess.
///
/// Case is ignored. A word of three characters or more with which only one candidate begins stands for that one. Otherwise, a
/// word of three characters or more is matched with the candidate that is most similar to it by Jaro and Winkler, or that
/// begins with it or is its beginning; among equally similar candidates, the last one wins.
///
/// ```
/// use toolforge_model::suggest;
///
/// assert_eq!(suggest("comand", ["name", "command"]), Some("command"));
/// assert_eq!(suggest("environment", ["env", "mount"]), Some("env"));
/// assert_eq!(suggest("a", ["name", "wait"]), None);
/// ```
pub fn suggest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let is_long_enough = word.chars().count() >= LEAST_LENGTH;
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if is_long_enough {
        let mut started = candidates.iter().filter(|candidate| candidate.to_lowercase().starts_with(&word));
        if let (Some(only), None) = (started.next(), started.next()) {
            return Some(only);
        }
    }
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&candidate.to_lowercase(), &word), candidate))
        .filter(|(similarity, candidate)| {
            let is_abbreviation = candidate.len() >= LEAST_LENGTH
                && (candidate.starts_with(&word) || word.starts_with(candidate));
            // Equal except for case.
            *similarity >= 1.0 || is_long_enough && (*similarity >= LEAST_SIMILARITY || is_abbreviation)
        })
        .max_by(|(left, _), (right, _)| left.total_cmp(right))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WORDS: [&str; 8] = ["command", "cpu", "env", "mem", "replicas", "retry", "wait", "filelog-stdout"];

    #[test]
    fn finds_mistyped_words() {
        for (word, expected) in [
            ("comand", "command"),
            ("CPU", "cpu"),
            ("replica", "replicas"),
            ("retries", "retry"),
            ("filelog_stdout", "filelog-stdout"),
        ] {
            assert_eq!(suggest(word, WORDS), Some(expected), "{word}");
        }
    }

    #[test]
    fn finds_longer_and_shorter_forms() {
        for (word, expected) in [("memory", "mem"), ("environment", "env"), ("envvars", "env")] {
            assert_eq!(suggest(word, WORDS), Some(expected), "{word}");
        }
    }

    #[test]
    fn prefers_the_only_word_with_the_prefix() {
        let commands = ["start", "stop", "restart", "status"];
        assert_eq!(suggest("stat", commands), Some("status"));
        assert_eq!(suggest("star", commands), Some("start"));
    }

    #[test]
    fn does_not_guess() {
        for word in ["", "a", "co", "zzz", "restart", "tool"] {
            assert_eq!(suggest(word, WORDS), None, "{word}");
        }
    }
}
