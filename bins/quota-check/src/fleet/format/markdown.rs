//! A table in GitHub's Markdown.

use std::io::{Result, Write};

use toolforge_report::{FleetQuota, FleetSummary};

use super::FleetWriter;
use super::table::cells;
use crate::fleet::row::Row;

/// Writes a table in Markdown.
pub(super) struct MarkdownWriter {
    output: Box<dyn Write>,
}

impl MarkdownWriter {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self { output }
    }
}

/// Returns a cell whose text is shown as it is.
fn cell(text: &str) -> String {
    let mut cell = String::with_capacity(text.len());
    for c in text.chars() {
        if "\\`*_{}[]<>()#+!|~&".contains(c) {
            cell.push('\\');
        }
        cell.push(c);
    }
    cell
}

impl FleetWriter for MarkdownWriter {
    fn begin(&mut self) -> Result<()> {
        writeln!(self.output, "| tool | state | share | resource | used | limit | change |")?;
        writeln!(self.output, "| --- | --- | ---: | --- | ---: | ---: | --- |")
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        let mut cells = cells(row);
        cells.resize(7, String::new());
        let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
        writeln!(self.output, "| {} |", cells.join(" | "))
    }

    fn shows(&self, report: &FleetQuota, resource: &str) -> bool {
        report.resource.as_deref() == Some(resource)
    }

    fn end(&mut self, _: &FleetSummary) -> Result<()> {
        self.output.flush()
    }
}
