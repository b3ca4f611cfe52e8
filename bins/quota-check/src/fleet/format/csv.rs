//! Comma-separated values (RFC 4180), a line for each resource of each quota.

use std::io::{Result, Write};

use toolforge_model::Untrusted;
use toolforge_report::FleetSummary;

use super::FleetWriter;
use crate::fleet::row::Row;

/// Writes comma-separated values.
pub(super) struct CsvWriter {
    output: csv::Writer<Box<dyn Write>>,
}

impl CsvWriter {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self { output: csv::Writer::from_writer(output) }
    }
}

/// Returns a cell that a spreadsheet does not take for a formula.
fn cell(text: &str) -> String {
    let text = Untrusted::new(text).escaped().to_string();
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

impl FleetWriter for CsvWriter {
    fn begin(&mut self) -> Result<()> {
        self.output.write_record(["namespace", "tool", "quota", "state", "resource", "used", "hard"])?;
        Ok(())
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        let report = &row.report;
        let text = |text: &Option<String>| cell(text.as_deref().unwrap_or_default());
        let head = [
            cell(&report.namespace),
            text(&report.tool),
            text(&report.quota),
            report.state.as_str().to_owned(),
        ];
        if report.resources.is_empty() {
            let empty = [String::new(), String::new(), String::new()];
            self.output.write_record(head.iter().chain(&empty))?;
        }
        for usage in &report.resources {
            let amounts = [cell(&usage.resource), cell(&usage.used), cell(&usage.hard)];
            self.output.write_record(head.iter().chain(&amounts))?;
        }
        Ok(())
    }

    fn end(&mut self, _: &FleetSummary) -> Result<()> {
        self.output.flush()
    }
}
