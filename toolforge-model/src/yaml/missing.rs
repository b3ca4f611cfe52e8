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

/// The most lines before the error in which a quote may be missing, as each costs reading the file once.
const MOST_LINES: usize = 20;

/// Keys of jobs files, service templates and manifests: another word at the beginning of a line may belong to a command.
const KEYS: [&str; 49] = [
    "apiVersion",
    "args",
    "buildservice-image",
    "canonical",
    "command",
    "completions",
    "containerPort",
    "containers",
    "continuous",
    "cpu",
    "emails",
    "env",
    "extra_args",
    "filelog",
    "filelog-stderr",
    "filelog-stdout",
    "health-check-http",
    "health-check-path",
    "health-check-script",
    "image",
    "kind",
    "limits",
    "memory",
    "mem",
    "metadata",
    "mount",
    "name",
    "namespace",
    "no-filelog",
    "parallelism",
    "port",
    "ports",
    "publish",
    "replicas",
    "requests",
    "resources",
    "restartPolicy",
    "retry",
    "schedule",
    "selector",
    "spec",
    "suspend",
    "template",
    "timeout",
    "type",
    "value",
    "wait",
    "web",
    "webservice",
];

/// The kinds of corrections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    SpaceAfterDash,
    SpaceAfterColon,
    NonBreakingSpace,
    Colon,
    Quote,
}

impl Kind {
    fn what(self) -> &'static str {
        match self {
            Self::SpaceAfterDash => "the space after the dash is missing",
            Self::SpaceAfterColon => "the space after the colon is missing",
            Self::NonBreakingSpace => "the space after the colon is a non-breaking one",
            Self::Colon => "the colon is missing",
            Self::Quote => "the closing quote is missing",
        }
    }
}

/// What is left of an error in a corrected text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Left {
    /// The text is YAML.
    Nothing,
    /// The text has an error of another kind in this line, counted from one.
    Other(u64),
    /// The text has an error of the same kind.
    Same,
}

/// Returns what is missing in or next to the line at which a text was rejected, counted from one, or in a line before it whose
/// quote is not closed. `left` returns what is left of the error in a corrected text.
pub(super) fn missing(text: &str, line: u64, left: impl Fn(&str) -> Left) -> Option<Missing> {
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(line).ok()?.checked_sub(1)?;
    let blocks = block_scalars(&lines);
    let corrections = |index: usize| {
        let line = lines.get(index).filter(|_| blocks.get(index) == Some(&Block::Outside));
        let found = line.map(|line| candidates(line.trim_start_matches(' ').trim_end()));
        let is_likely = |(kind, _): &(Kind, String)| is_in_place(&lines, index, *kind);
        found.into_iter().flatten().flatten().filter(is_likely).collect::<Vec<_>>()
    };
    let write = |whole: &mut Vec<String>, index: usize, corrected: &str| {
        if let Some(line) = whole.get_mut(index) {
            line.replace_range(line.len() - line.trim_start_matches(' ').len().., corrected);
        }
    };
    let unchanged: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    // Whether the text is YAML if all lines with the same error are corrected, and not without the correction of this one.
    let is_one_of_many = |index: usize, kind: Kind, corrected: &str| {
        let mut whole = unchanged.clone();
        for other in (0..lines.len()).filter(|other| *other != index) {
            if let Some((_, corrected)) = corrections(other).into_iter().find(|(found, _)| *found == kind) {
                write(&mut whole, other, &corrected);
            }
        }
        let is_needed = left(&whole.join("\n")) != Left::Nothing;
        write(&mut whole, index, corrected);
        is_needed && left(&whole.join("\n")) == Left::Nothing
    };
    let find = |index: usize, is_wanted: &dyn Fn(Kind) -> bool| {
        corrections(index).into_iter().filter(|(kind, _)| is_wanted(*kind)).find_map(|(kind, corrected)| {
            let mut whole = unchanged.clone();
            write(&mut whole, index, &corrected);
            // Errors in later lines are reported separately; that of the next line may be a consequence.
            let is_fixed = match left(&whole.join("\n")) {
                Left::Nothing => true,
                Left::Other(next) => kind != Kind::Colon && next > line.saturating_add(1),
                Left::Same => false,
            };
            let is_fixed = is_fixed || is_one_of_many(index, kind, &corrected);
            let remedy = Remedy::Write { corrected: Untrusted::new(corrected) };
            let spaces = lines.get(index).map_or(0, |line| indentation(line));
            (is_fixed && remedy.is_shown_as_it_is()).then(|| Missing {
                location: Location { line: position(index), column: position(spaces) },
                what: kind.what(),
                remedy,
            })
        })
    };
    // A later quote of the same kind closes the text, and the error is only there.
    let may_be_open = |index: &usize| {
        lines.get(*index).is_some_and(|line| {
            candidates(line.trim()).into_iter().flatten().any(|(kind, _)| kind == Kind::Quote)
        })
    };
    [Some(at), at.checked_sub(1)].into_iter().flatten().find_map(|index| find(index, &|_| true)).or_else(
        || {
            (0..at.saturating_sub(1))
                .filter(may_be_open)
                .take(MOST_LINES)
                .find_map(|index| find(index, &|kind| kind == Kind::Quote))
        },
    )
}

/// Where a line is, with regard to the texts after `|` and `>`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Inside,
    /// The first line after such a text: it may belong to it, with a wrong indentation.
    After,
    Outside,
}

/// Returns for each line whether it is in a text after `|` or `>`.
pub(super) fn block_scalars(lines: &[&str]) -> Vec<Block> {
    let mut open: Option<usize> = None;
    let place_of = |line: &&str| {
        let is_after = match open {
            Some(column) if line.trim().is_empty() || indentation(line) > column => return Block::Inside,
            Some(_) => true,
            None => false,
        };
        open = begins_block(line).then(|| key_column(line));
        if is_after { Block::After } else { Block::Outside }
    };
    lines.iter().map(place_of).collect()
}

/// Returns whether a line ends with `|` or `>`, with or without its indicators, after a key or a dash.
fn begins_block(line: &str) -> bool {
    let line = line.split_once(" #").map_or(line, |(before, _)| before).trim();
    let Some((before, last)) = line.rsplit_once(' ') else { return false };
    let is_indicator = |c: char| c.is_ascii_digit() || matches!(c, '+' | '-');
    let before = before.trim_end();
    last.strip_prefix(['|', '>']).is_some_and(|rest| rest.len() <= 2 && rest.chars().all(is_indicator))
        && (before.ends_with(':') || before == "-" || before.ends_with(" -"))
}

/// Returns the number of bytes before the text of a line.
pub(super) fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// Returns the column of the key or value of a line, after its dashes, counted from zero.
pub(super) fn key_column(line: &str) -> usize {
    let mut rest = line.trim_start();
    while let Some(next) = rest.strip_prefix("- ") {
        rest = next.trim_start();
    }
    line.len() - rest.len()
}

/// Returns whether the lines around a line are such that its correction is the probable one.
fn is_in_place(lines: &[&str], index: usize, kind: Kind) -> bool {
    let is_content = |line: &&&str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let before = lines.iter().take(index).rev().find(is_content);
    let after = lines.iter().skip(index + 1).find(is_content);
    let Some(column) = lines.get(index).map(|line| key_column(line)) else { return false };
    let is_sibling = |line: &&str| {
        key_column(line) == column
            && line
                .get(column..)
                .and_then(|pair| pair.split_once(':'))
                .is_some_and(|(key, value)| is_key(key) && (value.is_empty() || value.starts_with(' ')))
    };
    // A command that continues in this line.
    let is_continued =
        before.is_some_and(|line| line.trim_end().ends_with(['\\', '&', '|', '>', ';', ',', '(', '{', '[']));
    match kind {
        // The text may continue in the next line.
        Kind::Quote => after.is_none_or(|line| indentation(line) <= column),
        Kind::Colon => {
            // The value of a line with a dash is not a sibling of those before it.
            let has_dash = lines.get(index).is_some_and(|line| line.trim_start().starts_with("- "));
            !is_continued
                && (before.is_some_and(|line| !has_dash && is_sibling(line))
                    || after.is_some_and(|line| !line.trim_start().starts_with("- ") && is_sibling(line)))
        }
        Kind::SpaceAfterDash | Kind::SpaceAfterColon | Kind::NonBreakingSpace => !is_continued,
    }
}

/// Returns the number of an index, counted from one.
fn position(index: usize) -> u64 {
    u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1)
}

fn is_key(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
}

/// Returns what may be missing in a line without its indentation, with the corrected line.
fn candidates(line: &str) -> [Option<(Kind, String)>; 4] {
    let (dash, pair) = line.strip_prefix("- ").map_or(("", line), |pair| ("- ", pair.trim_start()));
    let after_dash = || {
        let rest = line.strip_prefix('-')?.trim_start();
        let (key, _) = rest.split_once(": ")?;
        (is_key(key) && dash.is_empty()).then(|| (Kind::SpaceAfterDash, format!("- {rest}")))
    };
    let after_colon = || {
        let (key, value) = pair.split_once(':')?;
        let first = value.chars().next()?;
        let kind = if first == '\u{a0}' { Kind::NonBreakingSpace } else { Kind::SpaceAfterColon };
        // An address such as https://example.org.
        let is_missing = is_key(key) && first != ' ' && !value.starts_with("//");
        is_missing.then(|| (kind, format!("{dash}{key}: {}", with_quotes(value.trim_start()))))
    };
    let colon = || {
        let (key, value) = pair.split_once(char::is_whitespace)?;
        let value = value.trim_start();
        let (is_assigned, value) =
            value.strip_prefix("= ").map_or((false, value), |value| (true, value.trim_start()));
        // Only a command is several words.
        let text = split_comment(value).0;
        let is_prose = key != "command" && text.starts_with(char::is_alphabetic) && text.contains(' ');
        let is_missing = is_key(key)
            && (is_assigned || KEYS.contains(&key) && !is_prose)
            && !value.is_empty()
            && !pair.contains(':');
        is_missing.then_some((key, value))
    };
    let colon = || colon().map(|(key, value)| (Kind::Colon, format!("{dash}{key}: {}", with_quotes(value))));
    let quote = || {
        let (_, value) = pair.split_once(": ")?;
        let value = value.trim_start();
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        let (inner, comment) = split_comment(value);
        let before = line.strip_suffix(value)?;
        (value.matches(quote).count() == 1).then(|| (Kind::Quote, format!("{before}{inner}{quote}{comment}")))
    };
    [after_dash(), after_colon(), colon(), quote()]
}

/// Returns a value in quotes if it needs some because of its first character, such as a schedule.
fn with_quotes(value: &str) -> String {
    let (text, comment) = split_comment(value);
    if text.starts_with(['@', '*', '%', '`']) && !text.contains('\'') {
        format!("'{text}'{comment}")
    } else {
        value.to_owned()
    }
}

/// Splits a value before the spaces of its comment.
fn split_comment(value: &str) -> (&str, &str) {
    let start = [" #", "\t#"].into_iter().filter_map(|start| value.find(start)).min();
    let text = start.map_or(value, |start| value.get(..start).unwrap_or(value)).trim_end();
    (text, value.get(text.len()..).unwrap_or_default())
}
