//! The lines of crontabs, and of `jsub` and its relatives (Grid Engine, until 2024).

use crate::Location;

/// The programs that submit a job.
const SUBMITTERS: [&str; 4] = ["jsub", "jstart", "qsub", "qcronsub"];

/// A line of a crontab that runs a command.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrontabEntry<'a> {
    /// The macro, or the five fields with one space between them.
    pub schedule: String,
    /// The command as cron reads it.
    pub command: &'a str,
}

/// A line that assigns a value to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CrontabAssignment<'a> {
    /// The name of the variable.
    pub name: &'a str,
    /// The value, without its quotes.
    pub value: &'a str,
    /// Whether the value is in quotes.
    pub is_quoted: bool,
}

/// Returns the location at which a text that is a crontab or consists of `jsub` lines begins; `None` for any other text.
///
/// ```
/// use toolforge_model::crontab::find_crontab;
///
/// assert_eq!(find_crontab("# mine\n0 3 * * * ./run.sh\n").unwrap().line, 2);
/// assert!(find_crontab("- name: daily\n").is_none());
/// ```
#[must_use]
pub fn find_crontab(text: &str) -> Option<Location> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines = text.lines().map(str::trim).enumerate();
    let mut lines = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'));
    let (index, first) = lines.next()?;
    let is_entry = |line: &str| CrontabEntry::parse(line).is_some();
    let mut has_command = || lines.any(|(_, line)| is_entry(line) || runs_submitter(line));
    let is_crontab = is_entry(first)
        || is_incomplete_entry(first)
        || submitter(first).is_some()
        || (CrontabAssignment::parse(first).is_some() && (runs_submitter(first) || has_command()));
    let line = u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
    is_crontab.then_some(Location { line, column: 1 })
}

impl<'a> CrontabEntry<'a> {
    /// Returns the schedule and the command of a line without spaces before it.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        let fields = if line.starts_with('@') { 1 } else { 5 };
        let mut rest = line;
        let mut schedule = Vec::new();
        for _ in 0..fields {
            let (field, after) = rest.split_once(char::is_whitespace)?;
            schedule.push(field);
            rest = after.trim_start();
        }
        let is_field = |field: &str| {
            let starts = |first: char| first.is_ascii_alphanumeric() || "*?".contains(first);
            field.starts_with(starts)
                && field
                    .chars()
                    .all(|character| character.is_ascii_alphanumeric() || "*/,-?#".contains(character))
        };
        let is_minute =
            |field: &&str| field.starts_with(|first: char| first.is_ascii_digit() || first == '*');
        let is_schedule = fields == 1
            || (schedule.iter().all(|field| is_field(field)) && schedule.first().is_some_and(is_minute));
        (is_schedule && !rest.is_empty()).then(|| Self { schedule: schedule.join(" "), command: rest })
    }
}

impl<'a> CrontabAssignment<'a> {
    /// Parses an assignment like `MAILTO=""`.
    #[must_use]
    pub fn parse(line: &'a str) -> Option<Self> {
        let (name, value) = line.split_once('=')?;
        let name = name.trim_end();
        let is_name = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '_');
        let value = value.trim();
        let unquoted = |quote| {
            let text: &str = value.strip_prefix(quote)?.strip_suffix(quote)?;
            (!text.contains(quote)).then_some(text)
        };
        let quoted = unquoted('"').or_else(|| unquoted('\''));
        let (value, is_quoted) = (quoted.unwrap_or(value), quoted.is_some());
        is_name.then_some(Self { name, value, is_quoted })
    }
}

/// Returns whether a line begins like an entry and lacks a field or the command.
fn is_incomplete_entry(line: &str) -> bool {
    let is_field = |word: &&str| {
        let mut characters = word.chars();
        characters.next().is_some_and(|first| first.is_ascii_digit() || first == '*')
            && characters.all(|character| character.is_ascii_digit() || "*/,-".contains(character))
    };
    let is_macro = |rest: &str| rest.starts_with(|first: char| first.is_ascii_lowercase());
    line.strip_prefix('@').is_some_and(is_macro) || line.split_whitespace().take_while(is_field).count() >= 3
}

/// Returns the program that submits a job, if a command runs one.
#[must_use]
pub fn submitter(command: &str) -> Option<&'static str> {
    let program = command.split_whitespace().next()?.rsplit('/').next()?;
    SUBMITTERS.into_iter().find(|submitter| *submitter == program)
}

/// Returns whether a line of a shell runs a program that submits a job, also after another command or an assignment.
#[must_use]
pub fn runs_submitter(command: &str) -> bool {
    let mut words =
        command.split(|character: char| character.is_whitespace() || ";&|()`'\"".contains(character));
    words.any(|word| submitter(word).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_texts_are_not_crontabs() {
        for (text, expected) in [
            ("0 3 * * * ./run.sh\n", Some(1)),
            ("\u{feff}# mine\n\nMAILTO=\"\"\n@daily jsub ./run.sh\n", Some(3)),
            ("*/5 * * * * ./run.sh\n", Some(1)),
            ("jsub -N a ./run.sh\n", Some(1)),
            ("LANG=C jsub ./run.sh\n", Some(1)),
            ("0 3 * * ./run.sh\n", Some(1)),
            ("0 3 * * *\n", Some(1)),
            ("*/5 * * ./run.sh\n", Some(1)),
            ("@daily\n", Some(1)),
            ("5 apples\n", None),
            ("3: 4\n", None),
            ("2026-11-30 12:00 x\n", None),
            ("* a\n", None),
            ("KEY=value\nOTHER=x\n", None),
            ("- name: a\n  schedule: 0 3 * * *\n", None),
            ("- 0 3 * * * ./run.sh\n", None),
            ("just some text that is long\n", None),
            ("", None),
        ] {
            assert_eq!(find_crontab(text).map(|found| found.line), expected, "{text:?}");
        }
    }
}
