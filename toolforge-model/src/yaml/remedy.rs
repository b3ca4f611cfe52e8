//! How to fix the most common errors in YAML, from the lines around the location that the reader reports.

use super::missing::{Block, block_scalars, indentation, key_column};
use super::node::begins_document;
use super::node::{YamlNode, YamlValue};
use crate::{Location, Remedy, Untrusted};

/// The characters that may follow a backslash in double quotes (YAML 1.2.2, section 5.7), other than a line break.
const ESCAPES: &str = "0abt\tnvfre \"/\\N_LPxuU";

/// The escape sequences in a text in double quotes that YAML does not have.
pub(super) struct InvalidEscapes {
    /// Where the first one is.
    pub(super) location: Location,
    /// The sequences, each one once; at least one.
    pub(super) sequences: Vec<String>,
    /// Whether the text also has sequences such as `\t`, which may be meant literally: a Windows path has them.
    pub(super) are_beside_others: bool,
    /// The whole text with another backslash before each of them.
    pub(super) corrected: String,
    /// The line of the closing quote.
    pub(super) last_line: u64,
}

/// Returns the escape sequences that YAML does not have in the double-quoted text that begins at a location.
pub(super) fn invalid_escapes(text: &str, start: Location) -> Option<InvalidEscapes> {
    let skipped = usize::try_from(start.line).ok()?.checked_sub(1)?;
    let mut column = usize::try_from(start.column).ok()?.checked_sub(1)?;
    let mut is_open = false;
    let mut first: Option<Location> = None;
    let (mut sequences, mut places): (Vec<String>, Vec<usize>) = (Vec::new(), Vec::new());
    let (mut are_beside_others, mut last_line, mut end) = (false, start.line, 0);
    'text: for (index, whole) in text.split_inclusive('\n').enumerate() {
        let begin = end;
        end += whole.len();
        if index < skipped {
            continue;
        }
        let line = whole.strip_suffix('\n').map_or(whole, |line| line.strip_suffix('\r').unwrap_or(line));
        last_line = u64::try_from(index + 1).ok()?;
        let mut characters = line.char_indices().enumerate().skip(column);
        column = 0;
        if !is_open {
            is_open = characters.next()?.1.1 == '"';
            is_open.then_some(())?;
        }
        while let Some((position, (offset, character))) = characters.next() {
            let escaped = if character == '\\' { characters.next() } else { None };
            match (character, escaped) {
                ('"', _) => break 'text,
                (_, Some((_, (_, escaped)))) if !ESCAPES.contains(escaped) => {
                    let location = Location { line: last_line, column: u64::try_from(position + 1).ok()? };
                    first.get_or_insert(location);
                    places.push(begin + offset);
                    let sequence = format!("\\{escaped}");
                    if !sequences.contains(&sequence) {
                        sequences.push(sequence);
                    }
                }
                (_, Some((_, (_, escaped)))) => are_beside_others |= escaped.is_ascii_alphanumeric(),
                _ => {}
            }
        }
    }
    let mut corrected = text.to_owned();
    places.iter().rev().for_each(|place| corrected.insert(*place, '\\'));
    Some(InvalidEscapes { location: first?, sequences, are_beside_others, corrected, last_line })
}

/// Returns where a second document begins (`---`) before or at a line, if what is before it is a document.
pub(super) fn second_document(text: &str, line: u64, is_document: impl Fn(&str) -> bool) -> Option<Location> {
    let line = usize::try_from(line).ok()?;
    let lines: Vec<&str> = text.lines().collect();
    let is_content = |line: &&str| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#') && !begins_document(line)
    };
    let first = lines.iter().position(is_content)?;
    let separator = lines.iter().take(line).skip(first).position(|line| begins_document(line))? + first;
    is_document(&lines[..separator].join("\n")).then_some(())?;
    Some(Location { line: u64::try_from(separator + 1).ok()?, column: 1 })
}

/// A line with a value that has to be quoted.
struct Unquoted<'a> {
    /// Everything up to the value: spaces, `- `, the key and `: `.
    before: &'a str,
    /// Where the value is.
    place: Place<'a>,
    /// The value that is meant, without its comment.
    value: String,
    /// The text after the value in the same line, except a comment.
    after: &'a str,
}

/// Where a value is.
#[derive(Clone, Copy)]
enum Place<'a> {
    /// After a key, as it is written.
    Pair(&'a str),
    /// In braces, after a key.
    InBraces(&'a str),
    /// An item of a list.
    Item,
}

impl Place<'_> {
    /// Returns whether a node has the value in this place, and nothing else.
    fn has(self, node: &YamlNode, value: &str) -> bool {
        match (self, &node.value) {
            (Self::Pair(key) | Self::InBraces(key), YamlValue::Mapping(pairs)) => {
                let key = without_quotes(key);
                let is_pair = |found: &YamlNode, text: &YamlNode| {
                    found.scalar() == Some(key) && text.string() == Some(value)
                };
                matches!(pairs.as_slice(), [(found, text)] if is_pair(found, text))
            }
            (Self::Item, YamlValue::Sequence(items)) => {
                matches!(items.as_slice(), [item] if item.string() == Some(value))
            }
            _ => false,
        }
    }

    /// Returns the corrected value with the text before it.
    fn remedy(self, quoted: &str) -> Remedy {
        let corrected = match self {
            Self::Pair(key) | Self::InBraces(key) => format!("{key}: {quoted}"),
            Self::Item => format!("- {quoted}"),
        };
        Remedy::Quote { corrected: Untrusted::new(corrected) }
    }
}

/// Returns how to fix a text that `parse` rejected at a line, counted from one.
///
/// A corrected value is proposed only if the corrected text, parsed again, has that value and the error is gone.
pub(super) fn remedy(text: &str, line: u64, parse: impl Fn(&str) -> Result<YamlNode, u64>) -> Option<Remedy> {
    let lines: Vec<&str> = text.lines().collect();
    let number = |index: usize| u64::try_from(index).unwrap_or(u64::MAX).saturating_add(1);
    let at = usize::try_from(line).unwrap_or(1).max(1) - 1;
    // A parser often reports the line on which a value starts, although the error is on the next.
    let near = [at, at + 1, at.saturating_sub(1)];
    for index in near {
        let Some(found) = lines.get(index) else { continue };
        if found.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t') {
            return Some(Remedy::ReplaceTab { line: number(index) });
        }
    }
    let blocks = block_scalars(&lines);
    for index in near {
        let Some(line) = lines.get(index).filter(|_| blocks.get(index) != Some(&Block::Inside)) else {
            continue;
        };
        for Unquoted { before, place, value, after } in candidates(line) {
            let column = match place {
                Place::Pair(key) => before.find(key).unwrap_or_default(),
                Place::Item | Place::InBraces(_) => indentation(line),
            };
            // The value continues on the next line.
            if lines.get(index + 1).is_some_and(|next| !next.trim().is_empty() && indentation(next) > column)
            {
                continue;
            }
            let quoted = format!("'{}'", value.replace('\'', "''"));
            let corrected = format!("{before}{quoted}{after}");
            let alone = match place {
                Place::InBraces(key) => format!("{{{key}: {quoted}}}"),
                Place::Pair(_) | Place::Item => corrected.get(column..).unwrap_or_default().to_owned(),
            };
            let has_value = parse(&alone).is_ok_and(|node| place.has(&node, &value));
            let mut whole = lines.clone();
            whole[index] = &corrected;
            // Errors in later lines are reported separately; an error that stays where it was is not gone.
            let is_later = |line| usize::try_from(line).is_ok_and(|line| line > index.max(at) + 1);
            let is_gone = parse(&whole.join("\n")).map_or_else(is_later, |_| true);
            let remedy = place.remedy(&quoted);
            if has_value && is_gone && remedy.is_shown_as_it_is() {
                return Some(remedy);
            }
        }
    }
    let (before, found) = (lines.get(at.checked_sub(1)?)?, lines.get(at)?);
    // A text in quotes that is not closed continues.
    let is_open = ['"', '\''].iter().any(|quote| before.matches(*quote).count() % 2 == 1);
    let is_deeper = indentation(found) > key_column(before)
        && !before.trim_end().ends_with([':', '|', '>'])
        && !before.trim_end().get(key_column(before)..).is_none_or(|text| matches!(text, "" | "-"))
        && !is_open;
    // A key after the dash of an item is indented like the keys below it.
    let levels = lines.iter().take(at).filter(|line| !line.trim().is_empty()).flat_map(|line| {
        let after_dash = line.len() - line.trim_start_matches(['-', ' ']).len();
        [indentation(line), after_dash]
    });
    let is_between = levels.clone().any(|level| level > indentation(found))
        && !levels.clone().any(|level| level == indentation(found));
    (is_deeper || is_between).then(|| Remedy::CheckIndentation { line: number(at) })
}

/// Returns the values of a line that may have to be quoted: that of its key, its item of a list, and those in braces.
fn candidates(line: &str) -> Vec<Unquoted<'_>> {
    let mut found = Vec::new();
    let before = |value: &str| line.get(..line.len() - value.len()).unwrap_or_default();
    if let Some((left, right)) = line.split_once(": ") {
        let written = right.trim_start();
        let place = Place::Pair(left.trim_start().trim_start_matches("- ").trim());
        let value = meant(written);
        found.extend(value.map(|value| Unquoted { before: before(written), place, value, after: "" }));
    }
    if let Some(item) = line.trim_start().strip_prefix("- ") {
        let written = item.trim_start();
        // An item that starts with another one is a list.
        let (value, place) = (meant(written).filter(|value| !value.starts_with('-')), Place::Item);
        found.extend(value.map(|value| Unquoted { before: before(written), place, value, after: "" }));
    }
    if let Some(brace) = line.find('{') {
        let colons = line.match_indices(": ").map(|(index, _)| index).filter(|index| *index > brace);
        found.extend(colons.filter_map(|index| in_braces(line, index)));
    }
    found
}

/// Returns the value in braces after a colon, which ends before the brace or the next key.
fn in_braces(line: &str, colon: usize) -> Option<Unquoted<'_>> {
    let key = line.get(..colon)?.rsplit(['{', ',', ' ']).next()?;
    let written = line.get(colon + 1..)?.trim_start();
    if !written.starts_with(['*', '@', '%', '`', '!']) {
        return None;
    }
    let end = written.find('}')?;
    let is_key = |index: usize| {
        let next = written.get(index + 2..end).unwrap_or_default();
        next.split_once(": ").is_some_and(|(key, _)| !key.contains([' ', ',']))
    };
    let next = written.match_indices(", ").map(|(index, _)| index).find(|index| is_key(*index));
    let (value, after) = written.split_at(next.map_or(end, |index| index.min(end)));
    if is_alias(value.trim_end()) {
        return None;
    }
    let before = line.get(..line.len() - written.len())?;
    Some(Unquoted { before, place: Place::InBraces(key), value: value.trim_end().to_owned(), after })
}

/// Returns the meaning of a value that is not YAML as it is written; `None` if it may be YAML, or if the meaning is not clear.
fn meant(value: &str) -> Option<String> {
    let first = value.chars().next()?;
    let value = without_comment(value)?.trim_end();
    let is_text = match first {
        '"' | '\'' => return of_quotes(value, first),
        // A list or mapping that is closed, and followed by other text.
        '[' | '{' => !value.get(balanced(value)?..)?.trim().is_empty(),
        '|' | '>' => value.get(1..)?.starts_with(' '),
        '&' => value.starts_with("& ") || value.starts_with("&& "),
        '#' => false,
        _ => {
            !is_alias(value) && value.starts_with(['*', '@', '%', '`', '!', '-', '?'])
                || value.contains(": ")
                || value.ends_with(':')
        }
    };
    is_text.then(|| value.to_owned())
}

/// Returns whether a value is an alias with a name such as people give to anchors, and not the beginning of a schedule.
fn is_alias(value: &str) -> bool {
    let is_name = |name: &str| {
        !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))
    };
    value.strip_prefix('*').is_some_and(is_name)
}

/// Returns the meaning of a value that begins with a quote: the line as it is written if more words follow the quoted one, and
/// the text between the quotes if there is one apostrophe in it.
fn of_quotes(value: &str, quote: char) -> Option<String> {
    let inner = value.get(1..)?;
    let apostrophes: Vec<usize> = inner.match_indices('\'').map(|(index, _)| index).collect();
    if quote == '\''
        && let [apostrophe, last] = apostrophes.as_slice()
        && last + 1 == inner.len()
        && is_within_word(inner, *apostrophe)
    {
        return inner.get(..*last).map(str::to_owned);
    }
    let rest = inner.get(end_of_quoted(inner, quote)?..)?;
    // Otherwise, it is not clear which of the quotes belong to the value.
    let is_end = rest.starts_with(|c: char| c.is_whitespace() || matches!(c, ';' | '&' | '|' | '>' | '<'));
    (is_end && value.matches(quote).count().is_multiple_of(2)).then(|| value.to_owned())
}

fn is_within_word(text: &str, index: usize) -> bool {
    let before = text.get(..index).and_then(|text| text.chars().next_back());
    let after = text.get(index + 1..).and_then(|text| text.chars().next());
    before.is_some_and(char::is_alphanumeric) && after.is_some_and(char::is_alphanumeric)
}

/// Returns where a quoted text ends, after its quote: in single quotes, two of them are one; in double quotes, a backslash
/// escapes.
fn end_of_quoted(inner: &str, quote: char) -> Option<usize> {
    let mut characters = inner.char_indices().peekable();
    while let Some((index, character)) = characters.next() {
        if quote == '"' && character == '\\' {
            characters.next();
        } else if character == quote {
            if quote == '\'' && characters.next_if(|(_, next)| *next == '\'').is_some() {
                continue;
            }
            return Some(index + 1);
        }
    }
    None
}

/// Returns where the brackets and braces that a text begins with are closed; `None` with quotes in them.
fn balanced(text: &str) -> Option<usize> {
    let mut open = Vec::new();
    for (index, character) in text.char_indices() {
        match character {
            '"' | '\'' => return None,
            '[' => open.push(']'),
            '{' => open.push('}'),
            ']' | '}' if open.pop() != Some(character) => return None,
            _ => {}
        }
        if open.is_empty() {
            return Some(index + character.len_utf8());
        }
    }
    None
}

fn without_quotes(key: &str) -> &str {
    let of = |quote: char| key.strip_prefix(quote)?.strip_suffix(quote);
    of('"').or_else(|| of('\'')).unwrap_or(key)
}

/// Returns a value without its comment; `None` if the `#` may belong to the value, because a quote is open before it.
fn without_comment(value: &str) -> Option<&str> {
    let comments = [" #", "\t#"].into_iter().filter_map(|start| value.find(start));
    let Some(before) = comments.min().and_then(|start| value.get(..start)) else { return Some(value) };
    let is_open = ['"', '\''].iter().any(|quote| before.matches(*quote).count() % 2 == 1);
    (!is_open).then_some(before)
}
