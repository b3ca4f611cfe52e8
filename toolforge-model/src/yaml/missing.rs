//! Lines of YAML in which a single character is missing: a colon, a space or a quote.

use crate::{Location, Remedy, Untrusted};

/// A line that is YAML with one more character.
pub(super) struct Missing {
    /// Where the line begins.
    pub(super) location: Location,
    /// What is missing.
    pub(super) what: &'static str,
    /// The corrected line.
    pub(super) remedy: Remedy,
}

/// The marks of a merge conflict at the beginning of lines.
const CONFLICT_MARKS: [&str; 3] = ["<<<<<<< ", "=======", ">>>>>>> "];

/// Returns the first mark of a merge conflict, if a text has all three marks.
pub(super) fn merge_conflict(text: &str) -> Option<Location> {
    let line_of = |mark: &str| text.lines().position(|line| line.starts_with(mark));
    let lines: Vec<usize> = CONFLICT_MARKS.into_iter().map(line_of).collect::<Option<_>>()?;
    let first = lines.into_iter().min()?;
    Some(Location { line: u64::try_from(first + 1).ok()?, column: 1 })
}

/// Returns what is missing in or next to the line at which a text was rejected, counted from one. `is_gone` returns whether the
/// error is gone in a corrected text, or is in a later line than the index of the corrected one.
pub(super) fn missing(text: &str, line: u64, is_gone: impl Fn(&str, usize) -> bool) -> Option<Missing> {
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    [Some(at), at.checked_sub(1)].into_iter().flatten().find_map(|index| {
        let found = lines.get(index)?;
        let spaces = found.len() - found.trim_start().len();
        let indentation = found.get(..spaces)?;
        candidates(found.trim()).into_iter().flatten().find_map(|(what, corrected)| {
            let whole_line = format!("{indentation}{corrected}");
            let mut whole = lines.clone();
            whole[index] = &whole_line;
            let remedy = Remedy::Write { corrected: Untrusted::new(corrected) };
            let is_fixed = is_gone(&whole.join("\n"), index) && remedy.is_shown_as_it_is();
            is_fixed.then(|| Missing {
                location: Location { line: position(index), column: position(spaces) },
                what,
                remedy,
            })
        })
    })
}

/// Returns the number of an index, counted from one.
fn position(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1)
}

/// Returns what may be missing in a line without its indentation, with the corrected line.
fn candidates(line: &str) -> [Option<(&'static str, String)>; 4] {
    let is_key = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    let (dash, pair) = line.strip_prefix("- ").map_or(("", line), |pair| ("- ", pair.trim_start()));
    let after_dash = || {
        let rest = line.strip_prefix('-')?;
        let (key, _) = rest.split_once(": ")?;
        is_key(key).then(|| ("the space after the dash is missing", format!("- {rest}")))
    };
    let after_colon = || {
        let (key, value) = pair.split_once(':')?;
        let is_missing = is_key(key) && !value.is_empty() && !value.starts_with([' ', '/']);
        is_missing.then(|| ("the space after the colon is missing", format!("{dash}{key}: {value}")))
    };
    let colon = || {
        let (key, value) = pair.split_once(' ')?;
        let value = value.trim_start();
        let value = value.strip_prefix("= ").unwrap_or(value).trim_start();
        let is_missing = is_key(key) && !value.is_empty() && !pair.contains(':');
        is_missing.then(|| ("the colon is missing", format!("{dash}{key}: {value}")))
    };
    let quote = || {
        let (_, value) = pair.split_once(": ")?;
        let quote = value.trim_start().chars().next().filter(|first| matches!(first, '"' | '\''))?;
        (value.matches(quote).count() == 1)
            .then(|| ("the closing quote is missing", format!("{line}{quote}")))
    };
    [after_dash(), after_colon(), colon(), quote()]
}
