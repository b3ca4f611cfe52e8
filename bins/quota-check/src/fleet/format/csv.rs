//! Comma-separated values (RFC 4180), one line for each resource of each quota.

use std::io::{Error, Result, Write};

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

    fn record<T: AsRef<[u8]>>(&mut self, cells: impl IntoIterator<Item = T>) -> Result<()> {
        self.output.write_record(cells).map_err(|error| match error.into_kind() {
            // Its kind says whether the reader has closed the output.
            csv::ErrorKind::Io(error) => error,
            other => Error::other(format!("{other:?}")),
        })
    }
}

/// Returns a cell that a spreadsheet does not take for a formula.
fn cell(text: &str) -> String {
    let text = Untrusted::new(text).escaped().to_string();
    if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text }
}

impl FleetWriter for CsvWriter {
    fn begin(&mut self) -> Result<()> {
        self.record(["namespace", "tool", "quota", "state", "resource", "used", "hard", "change"])
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
        let change = report.change.as_ref().map_or("", |change| change.code.as_str()).to_owned();
        let none = [String::new(), String::new(), String::new()];
        let amounts = report
            .resources
            .iter()
            .map(|usage| [cell(&usage.resource), cell(&usage.used), cell(&usage.hard)]);
        for amounts in amounts.chain(report.resources.is_empty().then_some(none)) {
            self.record(head.iter().chain(&amounts).chain([&change]))?;
        }
        Ok(())
    }

    fn end(&mut self, _: &FleetSummary) -> Result<()> {
        self.output.flush()
    }
}
