//! JSON and YAML documents.

use std::collections::BTreeMap;
use std::io::{Result, Write};

use serde::Serialize;
use toolforge_cli::escape_control_characters;
use toolforge_model::yaml;
use toolforge_report::{API_VERSION, Document, Fleet, FleetSummary, Kind};

use super::FleetWriter;
use crate::fleet::row::Row;

/// Writes one document of kind `Fleet`.
pub(super) struct JsonWriter {
    output: Box<dyn Write>,
    is_first: bool,
}

impl JsonWriter {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self { output, is_first: true }
    }
}

fn json(value: &impl Serialize) -> Result<String> {
    Ok(escape_control_characters(&serde_json::to_string(value)?))
}

impl FleetWriter for JsonWriter {
    fn begin(&mut self) -> Result<()> {
        write!(self.output, "{{\"apiVersion\":\"{API_VERSION}\",\"kind\":\"{}\",\"quotas\":[", Fleet::KIND)
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        let separator = if std::mem::take(&mut self.is_first) { "\n" } else { ",\n" };
        write!(self.output, "{separator}{}", json(&row.report)?)
    }

    fn end(&mut self, summary: &FleetSummary) -> Result<()> {
        writeln!(self.output, "\n],\"summary\":{}}}", json(summary)?)?;
        self.output.flush()
    }
}

/// Writes one document of kind `FleetQuota` in each line.
pub(super) struct NdjsonWriter {
    output: Box<dyn Write>,
}

impl NdjsonWriter {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self { output }
    }
}

impl FleetWriter for NdjsonWriter {
    fn row(&mut self, row: &Row) -> Result<()> {
        writeln!(self.output, "{}", json(&Document::new(row.report.clone()))?)
    }

    fn end(&mut self, _: &FleetSummary) -> Result<()> {
        self.output.flush()
    }
}

/// Writes the document of `JsonWriter` as YAML.
pub(super) struct YamlWriter {
    output: Box<dyn Write>,
    is_empty: bool,
}

impl YamlWriter {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self { output, is_empty: true }
    }
}

fn yaml_text(value: &impl Serialize) -> Result<String> {
    yaml::to_text(value).map_err(|error| std::io::Error::other(error.to_string()))
}

impl FleetWriter for YamlWriter {
    fn begin(&mut self) -> Result<()> {
        write!(self.output, "apiVersion: {API_VERSION}\nkind: {}\nquotas:", Fleet::KIND)
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        if std::mem::take(&mut self.is_empty) {
            writeln!(self.output)?;
        }
        // A list may have the indentation of its key.
        self.output.write_all(yaml_text(&[&row.report])?.as_bytes())
    }

    fn end(&mut self, summary: &FleetSummary) -> Result<()> {
        if self.is_empty {
            writeln!(self.output, " []")?;
        }
        self.output.write_all(yaml_text(&BTreeMap::from([("summary", summary)]))?.as_bytes())?;
        self.output.flush()
    }
}
