//! The output formats for many tools. Each writes a row at a time, so that output of any size needs little memory.

mod csv;
mod html;
mod json;
mod junit;
mod markdown;
mod prometheus;
mod table;

use std::io::{Result, Write};

use k8s_openapi::jiff::Timestamp;
use toolforge_report::{FleetQuota, FleetSummary};

use super::row::Row;
use crate::arguments::Format;

/// Writes the rows of a fleet in one format.
pub(super) trait FleetWriter {
    /// Writes what precedes the rows.
    fn begin(&mut self) -> Result<()> {
        Ok(())
    }

    /// Writes a row.
    fn row(&mut self, row: &Row) -> Result<()>;

    /// Returns whether the amounts of a resource are printed, so they have to be kept until the rows are sorted.
    fn shows(&self, _report: &FleetQuota, _resource: &str) -> bool {
        true
    }

    /// Returns whether the amounts are written by the keys of the quota.
    fn shows_stated(&self) -> bool {
        false
    }

    /// Writes what follows the rows, and everything that is still buffered.
    fn end(&mut self, summary: &FleetSummary) -> Result<()>;
}

/// Returns the writer of a format; `now` is when the quotas are read, if they are not from files.
pub(super) fn writer(format: Format, output: Box<dyn Write>, now: Option<Timestamp>) -> Box<dyn FleetWriter> {
    match format {
        Format::Table => Box::new(table::TableWriter::new(output)),
        Format::Json => Box::new(json::JsonWriter::new(output)),
        Format::Yaml => Box::new(json::YamlWriter::new(output)),
        Format::Ndjson => Box::new(json::NdjsonWriter::new(output)),
        Format::Csv => Box::new(csv::CsvWriter::new(output)),
        Format::Markdown => Box::new(markdown::MarkdownWriter::new(output)),
        Format::Prometheus => Box::new(prometheus::PrometheusWriter::new(output)),
        Format::Junit => Box::new(junit::JunitWriter::new(output)),
        Format::Html => Box::new(html::HtmlWriter::new(output, now)),
    }
}
