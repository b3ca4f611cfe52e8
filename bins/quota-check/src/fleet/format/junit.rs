//! JUnit XML: a quota that is blocked is a failed test, and one that cannot be read an error.

use std::io::{Result, Write};

use quick_xml::escape::escape;
use toolforge_model::Untrusted;
use toolforge_report::{FleetChangeCode, FleetQuota, FleetState, FleetSummary};

use super::FleetWriter;
use super::table::usage_text;
use crate::fleet::row::Row;

/// Writes JUnit XML.
pub(super) struct JunitWriter {
    output: Box<dyn Write>,
}

impl JunitWriter {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self { output }
    }
}

fn attribute(text: &str) -> String {
    escape(Untrusted::new(text).escaped().to_string().as_str()).into_owned()
}

impl FleetWriter for JunitWriter {
    fn begin(&mut self) -> Result<()> {
        writeln!(self.output, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
        writeln!(self.output, "<testsuites><testsuite name=\"quotas\">")
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        let report = &row.report;
        // Quotas that no longer exist are not tested.
        if report.change.as_ref().is_some_and(|change| change.code == FleetChangeCode::Removed) {
            return Ok(());
        }
        let class = attribute(&report.namespace);
        let name = attribute(report.quota.as_deref().unwrap_or(&report.namespace));
        let text = attribute(&usage_text(row));
        let result = match report.state {
            FleetState::Blocked => format!("<failure type=\"blocked\" message=\"{text}\"/>"),
            FleetState::Forbidden | FleetState::Unreadable => {
                format!("<error type=\"{}\"/>", report.state)
            }
            FleetState::Near => format!("<system-out>{text}</system-out>"),
            _ => String::new(),
        };
        writeln!(self.output, "<testcase classname=\"{class}\" name=\"{name}\">{result}</testcase>")
    }

    fn shows(&self, report: &FleetQuota, resource: &str) -> bool {
        report.resource.as_deref() == Some(resource)
    }

    fn end(&mut self, _: &FleetSummary) -> Result<()> {
        writeln!(self.output, "</testsuite></testsuites>")?;
        self.output.flush()
    }
}
