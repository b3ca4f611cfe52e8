//! Prometheus' text format, for its text-file collector: one metric with the labels of kube-state-metrics.

use std::collections::BTreeSet;
use std::io::{Result, Write};

use toolforge_model::Untrusted;
use toolforge_quota::Resource;
use toolforge_report::{FleetQuota, FleetSummary};

use super::FleetWriter;
use crate::fleet::row::{Row, StatedAmount};

/// The name of the metric.
const METRIC: &str = "toolforge_resourcequota";

/// Writes metrics.
pub(super) struct PrometheusWriter {
    output: Box<dyn Write>,
    /// The namespaces and names of the quotas that were written, in one text each.
    known: BTreeSet<Box<str>>,
}

impl PrometheusWriter {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self { output, known: BTreeSet::new() }
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
        let (namespace, name) =
            (row.report.namespace.as_str(), row.report.quota.as_deref().unwrap_or_default());
        // On Toolforge, a quota has the name of its namespace.
        let id = if name == namespace { name.to_owned() } else { format!("{namespace}\0{name}") };
        // A second quota with the same name, as in overlapping files, would make the whole output invalid.
        if row.stated.is_empty() || !self.known.insert(id.into_boxed_str()) {
            return Ok(());
        }
        let (namespace, quota) = (label(namespace), label(name));
        for StatedAmount { key, hard, used } in &row.stated {
            let (resource, key) = (Resource::from(key.as_str()), label(key));
            for (kind, amount) in [("hard", *hard), ("used", *used)] {
                let value = value(&resource, amount);
                writeln!(
                    self.output,
                    "{METRIC}{{namespace=\"{namespace}\",resourcequota=\"{quota}\",resource=\"{key}\",type=\"{kind}\"}} {value}"
                )?;
            }
        }
        Ok(())
    }

    fn shows(&self, _: &FleetQuota, _: &str) -> bool {
        false
    }

    fn shows_stated(&self) -> bool {
        true
    }

    fn end(&mut self, _: &FleetSummary) -> Result<()> {
        self.output.flush()
    }
}
