//! Text for people: tables and ages.

use k8s_openapi::jiff::Timestamp;

/// Rows of cells below headings, without borders.
///
/// If the terminal is too narrow, the last column gets several lines, or each row becomes a block of `HEADING value` lines.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Spaces between two columns.
const GAP: usize = 2;

/// The least width of a last column whose cells get several lines.
const LAST: usize = 24;

impl Table {
    /// Returns an empty table.
    #[must_use]
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; missing cells are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.headings.len(), String::new());
        self.rows.push(cells);
    }

    /// Returns the table for a width in columns; `None` means unlimited.
    #[must_use]
    pub fn to_text(&self, columns: Option<usize>) -> String {
        let width = |cells: &[String], column: usize| cells[column].chars().count();
        let widths: Vec<usize> = self
            .headings
            .iter()
            .enumerate()
            .map(|(column, heading)| {
                let longest = self.rows.iter().map(|row| width(row, column)).max().unwrap_or(0);
                longest.max(heading.chars().count())
            })
            .collect();
        let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
        let before = total - widths.last().copied().unwrap_or(0);
        let last = match columns {
            Some(columns) if total > columns && before + LAST > columns => return self.to_blocks(),
            Some(columns) if total > columns => columns - before,
            _ => usize::MAX,
        };
        let line = |cells: Vec<&str>| {
            let mut line = String::new();
            for (cell, width) in cells.iter().zip(&widths) {
                line.push_str(cell);
                let padding = width.saturating_sub(cell.chars().count()) + GAP;
                line.extend(std::iter::repeat_n(' ', padding));
            }
            format!("{}\n", line.trim_end())
        };
        let mut text = line(self.headings.clone());
        for row in &self.rows {
            let Some((cell, others)) = row.split_last() else { continue };
            for (index, part) in wrap(cell, last, 0).iter().enumerate() {
                let others = others.iter().map(|cell| if index == 0 { cell.as_str() } else { "" });
                text.push_str(&line(others.chain([part.as_str()]).collect()));
            }
        }
        text
    }

    fn to_blocks(&self) -> String {
        let block = |row: &Vec<String>| {
            let lines = self.headings.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            lines.map(|(heading, cell)| format!("{heading} {cell}\n")).collect::<String>()
        };
        self.rows.iter().map(block).collect::<Vec<_>>().join("\n")
    }
}

/// Returns a line as lines of at most `columns` characters; those after the first begin with `indent` spaces.
///
/// It is broken between words. A longer word is not broken, nor is a command in backticks, which can be copied.
#[must_use]
pub fn wrap(line: &str, columns: usize, indent: usize) -> Vec<String> {
    if line.chars().count() <= columns {
        return vec![line.to_owned()];
    }
    let mut lines: Vec<String> = Vec::new();
    let (mut current, mut quoted) = (String::new(), false);
    let mut word = String::new();
    for part in line.split_inclusive(' ') {
        word.push_str(part);
        quoted ^= part.matches('`').count() % 2 == 1;
        if quoted {
            continue;
        }
        let length = current.chars().count() + word.trim_end().chars().count();
        if length > columns && !current.trim().is_empty() {
            lines.push(std::mem::take(&mut current).trim_end().to_owned());
            current.extend(std::iter::repeat_n(' ', indent));
        }
        current.push_str(&std::mem::take(&mut word));
    }
    current.push_str(&word);
    lines.push(current.trim_end().to_owned());
    lines
}

/// Returns the number of columns of standard error, if it is a terminal.
#[must_use]
pub(crate) fn stderr_columns() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stderr())
        .map(|(terminal_size::Width(columns), _)| usize::from(columns))
}

/// Returns the number of columns of standard output, if it is a terminal.
#[must_use]
pub fn columns() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout())
        .map(|(terminal_size::Width(columns), _)| usize::from(columns))
}

impl Table {
    /// Returns the table for standard output.
    #[must_use]
    pub fn for_stdout(&self) -> String {
        self.to_text(columns())
    }
}

/// Returns a duration as the platform writes it: `2h2m5s`, `1d1m`; seconds only below a day, `0s` for zero.
#[must_use]
pub fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (days, hours, minutes, rest) =
        (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let mut text = String::new();
    for (amount, unit) in [(days, "d"), (hours, "h"), (minutes, "m"), (if days > 0 { 0 } else { rest }, "s")]
    {
        if amount > 0 {
            text.push_str(&format!("{amount}{unit}"));
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Returns the age of a timestamp in its largest unit: `5 s`, `3 min`, `2 h`, `14 d`. A timestamp in the future, from a
/// clock that is a little off, is `0 s` old.
#[must_use]
pub fn age(moment: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(moment.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["RESOURCE", "USED", "LIMIT"]);
        table.row(["limits.memory".to_owned(), "512Mi".to_owned(), "8Gi".to_owned()]);
        table.row(["pods".to_owned(), "1".to_owned()]);
        table
    }

    #[test]
    fn columns_fit_their_longest_cell() {
        insta::assert_snapshot!(table().to_text(None), @r"
        RESOURCE       USED   LIMIT
        limits.memory  512Mi  8Gi
        pods           1
        ");
    }

    #[test]
    fn narrow_terminals_get_a_block_per_row() {
        insta::assert_snapshot!(table().to_text(Some(20)), @r"
        RESOURCE limits.memory
        USED 512Mi
        LIMIT 8Gi

        RESOURCE pods
        USED 1
        ");
    }

    #[test]
    fn last_column_gets_several_lines() {
        let mut table = Table::new(&["NAME", "STATUS"]);
        table.row(["a".to_owned(), "Failed for 11s: the command ends with code 1".to_owned()]);
        table.row(["b".to_owned(), "Running".to_owned()]);
        insta::assert_snapshot!(table.to_text(Some(32)), @"
        NAME  STATUS
        a     Failed for 11s: the
              command ends with code 1
        b     Running
        ");
    }

    #[test]
    fn lines_are_wrapped_between_words() {
        for (line, expected) in [
            ("short", "short"),
            ("it is longer than that", "it is longer/  than that"),
            ("type `webservice php8.2 start` now", "type/  `webservice php8.2 start`/  now"),
            ("averyveryverylongword and more", "averyveryverylongword/  and more"),
            ("an odd ` stays", "an odd ` stays"),
        ] {
            assert_eq!(wrap(line, 14, 2).join("/"), expected);
        }
    }

    #[test]
    fn age_has_one_unit() {
        let moment = |second| Timestamp::from_second(second).unwrap();
        for (seconds, expected) in
            [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (1_209_600, "14 d")]
        {
            assert_eq!(age(moment(1_000_000), moment(1_000_000 + seconds)), expected);
        }
    }
}
