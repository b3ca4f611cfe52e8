/// Rows of cells under headings, without borders.
///
/// Where the terminal is too narrow for a row, each row becomes a block of `HEADING value` lines.
#[derive(Clone, Debug, Default)]
pub struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

/// Between two columns.
const GAP: usize = 2;

impl Table {
    /// Returns an empty table.
    #[must_use]
    pub fn new(headings: &[&'static str]) -> Self {
        Self { headings: headings.to_vec(), rows: Vec::new() }
    }

    /// Adds a row; cells that are missing are empty.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().collect();
        cells.resize(self.headings.len(), String::new());
        self.rows.push(cells);
    }

    /// Returns the table for a terminal of so many columns; `None` is no terminal, which has room for all.
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
        if columns.is_some_and(|columns| total > columns) {
            return self.to_blocks();
        }
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
            text.push_str(&line(row.iter().map(String::as_str).collect()));
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

/// Returns how many columns standard output has, where it is a terminal.
#[must_use]
pub(crate) fn columns() -> Option<usize> {
    terminal_size::terminal_size_of(std::io::stdout())
        .map(|(terminal_size::Width(columns), _)| usize::from(columns))
}

impl Table {
    /// Returns the table for standard output as it is.
    #[must_use]
    pub fn for_stdout(&self) -> String {
        self.to_text(columns())
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
    fn columns_are_as_wide_as_their_longest_cell() {
        insta::assert_snapshot!(table().to_text(None), @r"
        RESOURCE       USED   LIMIT
        limits.memory  512Mi  8Gi
        pods           1
        ");
    }

    #[test]
    fn a_narrow_terminal_gets_a_block_for_each_row() {
        insta::assert_snapshot!(table().to_text(Some(20)), @r"
        RESOURCE limits.memory
        USED 512Mi
        LIMIT 8Gi

        RESOURCE pods
        USED 1
        ");
    }
}
