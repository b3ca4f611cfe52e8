//! Prometheus' text format, for its text-file collector: one metric with the labels of kube-state-metrics.

use std::io::{Result, Write};

use toolforge_model::Untrusted;
use toolforge_quota::Resource;
use toolforge_report::FleetSummary;

use super::FleetWriter;
use crate::fleet::row::Row;

/// The name of the metric.
const METRIC: &str = "toolforge_resourcequota";

/// Writes metrics.
pub(super) struct PrometheusWriter {
    output: Box<dyn Write>,
}

impl PrometheusWriter {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self { output }
    }
}

/// Returns the value of a label: control characters are shown as text, and backslashes and quotes are escaped.
fn label(text: &str) -> String {
    Untrusted::new(text).escaped().to_string().replace('\\', "\\\\").replace('"', "\\\"")
}

/// Returns an amount in the base unit: cores, bytes or objects.
fn value(resource: &Resource, amount: u64) -> String {
    if resource.is_cpu() {
        let (cores, millis) = (amount / 1000, amount % 1000);
        return if millis == 0 { cores.to_string() } else { format!("{cores}.{millis:03}") };
    }
    amount.to_string()
}

impl FleetWriter for PrometheusWriter {
    fn begin(&mut self) -> Result<()> {
        writeln!(
            self.output,
            "# HELP {METRIC} Limits and usage of ResourceQuotas, in cores, bytes or objects."
        )?;
        writeln!(self.output, "# TYPE {METRIC} gauge")
    }

    fn row(&mut self, row: &Row) -> Result<()> {
        let Some(amounts) = &row.amounts else { return Ok(()) };
        let (namespace, quota) = (label(&row.report.namespace), label(&amounts.name));
        for (resource, hard) in &amounts.hard {
            let key = label(&resource.to_string());
            for (kind, amount) in [("hard", *hard), ("used", amounts.used(resource))] {
                let value = value(resource, amount);
                writeln!(
                    self.output,
                    "{METRIC}{{namespace=\"{namespace}\",resourcequota=\"{quota}\",resource=\"{key}\",type=\"{kind}\"}} {value}"
                )?;
            }
        }
        Ok(())
    }

    fn end(&mut self, _: &FleetSummary) -> Result<()> {
        self.output.flush()
    }
}
