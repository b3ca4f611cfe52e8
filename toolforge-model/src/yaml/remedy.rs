//! What is probably meant by a text that is not YAML.

/// Returns what to do about the mistakes that people make most, looking at the lines around the place that a reader names.
pub(super) fn remedy(text: &str, line: u64) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let at = usize::try_from(line).unwrap_or(1).max(1) - 1;
    // A reader often names the line on which something began, and the mistake is on the next.
    for index in [at, at + 1, at.saturating_sub(1)] {
        let Some(found) = lines.get(index) else { continue };
        if found.chars().take_while(|c| c.is_whitespace()).any(|c| c == '\t') {
            return Some(format!("line {} is indented with a tab; use blanks", index + 1));
        }
    }
    for index in [at, at + 1, at.saturating_sub(1)] {
        let Some((key, value)) = lines.get(index).and_then(|found| found.split_once(": ")) else { continue };
        let value = value.trim();
        let is_quoted = value.starts_with(['"', '\'', '|', '>', '&', '#', '{', '[']) || value.is_empty();
        let is_special = value.starts_with(['*', '@', '%', '`', '!']) || value.contains(": ");
        if !is_quoted && is_special {
            let key = key.trim().trim_start_matches("- ");
            let quote = if value.contains('\'') { '"' } else { '\'' };
            return Some(format!("quote the value: {key}: {quote}{value}{quote}"));
        }
    }
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let (before, found) = (lines.get(at.checked_sub(1)?)?, lines.get(at)?);
    (indentation(found) > indentation(before.trim_end_matches(['-', ' ']))
        && !before.trim_end().ends_with(':'))
    .then(|| format!("is line {} indented as the line above it?", at + 1))
}
