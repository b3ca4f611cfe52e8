//! Tables in the formats of Python's `tabulate` 0.10, which the platform's tool prints and scripts parse.
//!
//! Cells are trimmed. A character counts as one column, as in `tabulate` without the package `wcwidth`.

/// Minimum difference between the width of a column and its heading in a `simple` table.
const HEADING_GAP: usize = 2;

/// The alignment of cells in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Alignment {
    Left,
    Center,
    Right,
}

/// Returns a table with borders and centered cells: `tablefmt="pretty"`.
pub(crate) fn pretty(headers: &[&str], rows: &[Vec<String>]) -> String {
    let headers = vec![headers.iter().map(|header| lines_of(header)).collect()];
    let rows = cells_of(rows);
    let widths = widths(headers.iter().chain(&rows));
    let alignments = vec![Alignment::Center; widths.len()];
    let rule = rule(&widths);
    let bordered = |rows: &[Vec<Vec<String>>]| {
        rows.iter().map(|row| bordered(row, &widths, &alignments)).collect::<String>()
    };
    format!("{rule}{}{rule}{}{rule}", bordered(&headers), bordered(&rows))
}

/// Returns a table with borders, a rule after every row and no headings: `tablefmt="grid"`.
pub(crate) fn grid(rows: &[Vec<String>]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let alignments = alignments(rows);
    let rows = cells_of(rows);
    let widths = widths(&rows);
    let rule = rule(&widths);
    let mut text = rule.clone();
    for row in &rows {
        text.push_str(&bordered(row, &widths, &alignments));
        text.push_str(&rule);
    }
    text
}

/// Returns a table with a rule below its headings and no borders: `tablefmt="simple"`.
pub(crate) fn simple(headers: &[&str], rows: &[Vec<String>]) -> String {
    let mut alignments = alignments(rows);
    alignments.resize(headers.len(), Alignment::Left);
    let rows = cells_of(rows);
    let mut widths = widths(&rows);
    widths.resize(headers.len(), 0);
    for (width, header) in widths.iter_mut().zip(headers) {
        *width = (*width).max(width_of(header) + HEADING_GAP);
    }
    let headers: Vec<Vec<String>> = headers.iter().map(|header| lines_of(header)).collect();
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
    let mut text = String::new();
    let lines = |row: &[Vec<String>]| {
        let lines = row_lines(row, &widths, &alignments);
        lines.iter().map(|cells| format!("{}\n", cells.join("  ").trim_end())).collect::<String>()
    };
    text.push_str(&lines(&headers));
    text.push_str(&format!("{}\n", dashes.join("  ")));
    for row in &rows {
        text.push_str(&lines(row));
    }
    text
}

/// Returns each cell's lines.
fn cells_of(rows: &[Vec<String>]) -> Vec<Vec<Vec<String>>> {
    rows.iter().map(|row| row.iter().map(|cell| lines_of(cell)).collect()).collect()
}

fn lines_of(cell: &str) -> Vec<String> {
    cell.trim().split('\n').map(str::to_owned).collect()
}

fn width_of(text: &str) -> usize {
    text.chars().count()
}

/// Returns the width of each column.
fn widths<'a>(rows: impl IntoIterator<Item = &'a Vec<Vec<String>>>) -> Vec<usize> {
    let mut widths: Vec<usize> = Vec::new();
    for row in rows {
        widths.resize(widths.len().max(row.len()), 0);
        for (width, lines) in widths.iter_mut().zip(row) {
            *width = lines.iter().map(|line| width_of(line)).max().unwrap_or(0).max(*width);
        }
    }
    widths
}

/// Returns the alignment of each column: right if all cells that are not empty are whole numbers.
fn alignments(rows: &[Vec<String>]) -> Vec<Alignment> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let alignment = |column: usize| {
        let cells = || rows.iter().filter_map(|row| row.get(column)).filter(|cell| !cell.trim().is_empty());
        let is_numbers = cells().next().is_some() && cells().all(|cell| is_whole_number(cell.trim()));
        if is_numbers { Alignment::Right } else { Alignment::Left }
    };
    (0..columns).map(alignment).collect()
}

fn is_whole_number(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
}

/// Returns the lines of a row, with a padded text per column.
fn row_lines(row: &[Vec<String>], widths: &[usize], alignments: &[Alignment]) -> Vec<Vec<String>> {
    let height = row.iter().map(Vec::len).max().unwrap_or(0);
    let cell = |line: usize, (column, width): (usize, &usize)| {
        let text = row.get(column).and_then(|lines| lines.get(line)).map_or("", String::as_str);
        padded(text, *width, alignments.get(column).copied().unwrap_or(Alignment::Left))
    };
    (0..height).map(|line| widths.iter().enumerate().map(|column| cell(line, column)).collect()).collect()
}

fn padded(text: &str, width: usize, alignment: Alignment) -> String {
    match alignment {
        Alignment::Left => format!("{text:<width$}"),
        Alignment::Center => format!("{text:^width$}"),
        Alignment::Right => format!("{text:>width$}"),
    }
}

fn bordered(row: &[Vec<String>], widths: &[usize], alignments: &[Alignment]) -> String {
    let lines = row_lines(row, widths, alignments);
    lines.iter().map(|cells| format!("| {} |\n", cells.join(" | "))).collect()
}

fn rule(widths: &[usize]) -> String {
    let dashes: Vec<String> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    format!("+{}+\n", dashes.join("+"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &[&[&str]]) -> Vec<Vec<String>> {
        rows.iter().map(|row| row.iter().map(|&cell| cell.to_owned()).collect()).collect()
    }

    // The expected tables were printed by `tabulate` 0.10.0.

    #[test]
    fn pretty_puts_odd_space_right() {
        insta::assert_snapshot!(pretty(&["Job name:", "Job type:", "Status:"], &rows(&[&["bot", "continuous", "Running for 2h2m5s"], &["daily", "scheduled: @daily", "Pending"], &["x", "one-off", "Failed"]])), @r"
        +-----------+-------------------+--------------------+
        | Job name: |     Job type:     |      Status:       |
        +-----------+-------------------+--------------------+
        |    bot    |    continuous     | Running for 2h2m5s |
        |   daily   | scheduled: @daily |      Pending       |
        |     x     |      one-off      |       Failed       |
        +-----------+-------------------+--------------------+
        ");
        insta::assert_snapshot!(pretty(&["Job name:", "x"], &rows(&[&["a\nbb", "c"], &["", "é"], &["1", "22"], &[" 333  ", "4.5"]])), @r"
        +-----------+-----+
        | Job name: |  x  |
        +-----------+-----+
        |     a     |  c  |
        |    bb     |     |
        |           |  é  |
        |     1     | 22  |
        |    333    | 4.5 |
        +-----------+-----+
        ");
        insta::assert_snapshot!(pretty(&["Short name", "image"], &rows(&[])), @r"
        +------------+-------+
        | Short name | image |
        +------------+-------+
        +------------+-------+
        ");
    }

    #[test]
    fn grid_has_rules_and_multiline_cells() {
        insta::assert_snapshot!(grid(&rows(&[&["Job name:", "bot"], &["Command:", "./a.sh   b"], &["Port:", "8080"], &["Hints:", "a\nb  c\n\nd"], &["Error log:", ""]])), @r"
        +------------+------------+
        | Job name:  | bot        |
        +------------+------------+
        | Command:   | ./a.sh   b |
        +------------+------------+
        | Port:      | 8080       |
        +------------+------------+
        | Hints:     | a          |
        |            | b  c       |
        |            |            |
        |            | d          |
        +------------+------------+
        | Error log: |            |
        +------------+------------+
        ");
        insta::assert_snapshot!(grid(&rows(&[&["a", "  lead"], &["b", "trail   "]])), @r"
        +---+-------+
        | a | lead  |
        +---+-------+
        | b | trail |
        +---+-------+
        ");
        insta::assert_snapshot!(grid(&rows(&[&["Job name:", "5"], &["Retry:", "10"]])), @r"
        +-----------+----+
        | Job name: |  5 |
        +-----------+----+
        | Retry:    | 10 |
        +-----------+----+
        ");
    }

    #[test]
    fn simple_aligns_whole_numbers_right() {
        insta::assert_snapshot!(simple(&["Running jobs", "Used", "Limit"], &rows(&[&["Total running jobs at once (Kubernetes pods)", "1", "10"], &["CPU", "0.5", "16.0"], &["Memory", "1.0Gi", "8.0Gi"]])), @r"
        Running jobs                                  Used    Limit
        --------------------------------------------  ------  -------
        Total running jobs at once (Kubernetes pods)  1       10
        CPU                                           0.5     16.0
        Memory                                        1.0Gi   8.0Gi
        ");
        insta::assert_snapshot!(simple(&["Per-job limits", "Used", "Limit"], &rows(&[&["CPU", "", "3.0"], &["Memory", "", "6.0Gi"]])), @r"
        Per-job limits    Used    Limit
        ----------------  ------  -------
        CPU                       3.0
        Memory                    6.0Gi
        ");
        insta::assert_snapshot!(simple(&["Job definitions", "Used", "Limit"], &rows(&[&["Cron jobs", "3", "50"], &["Continuous jobs (including web services)", "12", "3"]])), @r"
        Job definitions                             Used    Limit
        ----------------------------------------  ------  -------
        Cron jobs                                      3       50
        Continuous jobs (including web services)      12        3
        ");
        insta::assert_snapshot!(simple(&["Job definitions", "Used", "Limit"], &rows(&[&["Cron jobs", "", "50"], &["Continuous", "12", "007"], &["x\ny", "-3", "1"]])), @r"
        Job definitions      Used    Limit
        -----------------  ------  -------
        Cron jobs                       50
        Continuous             12      007
        x                      -3        1
        y
        ");
        insta::assert_snapshot!(simple(&["Job definitions", "Used"], &rows(&[])), @r"
        Job definitions    Used
        -----------------  ------
        ");
    }
}
