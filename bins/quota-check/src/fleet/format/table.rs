//! Text for people: the columns are as wide as the first rows need them.

use std::io::{Result, Write};

use toolforge_model::Untrusted;
use toolforge_report::{FleetChange, FleetChangeCode, FleetQuota, FleetState, FleetSummary};

use super::FleetWriter;
use crate::fleet::row::Row;

/// How many rows are held until the widths of the columns are known.
const FIRST_ROWS: usize = 500;

const HEADINGS: [&str; 6] = ["TOOL", "STATE", "SHARE", "RESOURCE", "USED", "LIMIT"];

/// Writes a table.
pub(super) struct TableWriter {
    output: Box<dyn Write>,
    first: Vec<Vec<String>>,
    /// `None` until the first rows are written.
    widths: Option<Vec<usize>>,
}

impl TableWriter {
    pub(super) fn new(output: Box<dyn Write>) -> Self {
        Self { output, first: Vec::new(), widths: None }
    }

    fn line(&mut self, cells: &[String]) -> Result<()> {
        let widths = self.widths.as_deref().unwrap_or_default();
        let mut line = String::new();
        for (index, cell) in cells.iter().enumerate() {
            let width = widths.get(index).copied().unwrap_or(0);
            line.push_str(&format!("{cell:width$}  "));
        }
        writeln!(self.output, "{}", line.trim_end())
    }

    fn write_first(&mut self) -> Result<()> {
        let rows = std::mem::take(&mut self.first);
        if self.widths.is_none() {
            let width = |column: usize| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                let longest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0);
                longest.max(HEADINGS.get(column).map_or(0, |heading| heading.len()))
            };
            self.widths = Some((0..HEADINGS.len()).map(width).collect());
            if !rows.is_empty() {
                self.line(&HEADINGS.map(str::to_owned))?;
            }
        }
        rows.iter().try_for_each(|row| self.line(row))
    }
}

impl FleetWriter for TableWriter {
    fn row(&mut self, row: &Row) -> Result<()> {
        let cells = cells(row);
        if self.widths.is_some() {
            return self.line(&cells);
        }
        self.first.push(cells);
        if self.first.len() == FIRST_ROWS { self.write_first() } else { Ok(()) }
    }

    fn shows(&self, report: &FleetQuota, resource: &str) -> bool {
        report.resource.as_deref() == Some(resource)
    }

    fn end(&mut self, summary: &FleetSummary) -> Result<()> {
        self.write_first()?;
        let FleetSummary { quotas, selected, near, blocked, unused, unreadable } = summary;
        if *selected > 0 {
            writeln!(self.output)?;
        }
        write!(self.output, "{quotas} quotas: {blocked} blocked, {near} near the limit, {unused} unused")?;
        if *unreadable > 0 {
            write!(self.output, ", {unreadable} unreadable")?;
        }
        writeln!(self.output)?;
        self.output.flush()
    }
}

/// Returns the cells of a row; changes follow the last column.
pub(super) fn cells(row: &Row) -> Vec<String> {
    let escaped = |text: &str| Untrusted::new(text).escaped().to_string();
    let report = &row.report;
    let mut name = escaped(row.name());
    // On Toolforge, a quota has the name of its namespace.
    if let Some(quota) = report.quota.as_deref().filter(|quota| *quota != report.namespace) {
        name = format!("{name} ({})", escaped(quota));
    }
    let most = report.resources.iter().find(|usage| Some(&usage.resource) == report.resource.as_ref());
    let amount = |amount: Option<&String>| amount.map(|amount| escaped(amount)).unwrap_or_default();
    let mut cells = vec![
        name,
        state(report.state).to_owned(),
        report.share.map(|share| format!("{share}%")).unwrap_or_default(),
        amount(report.resource.as_ref()),
        amount(most.map(|usage| &usage.used)),
        amount(most.map(|usage| &usage.hard)),
    ];
    if let Some(change) = &report.change {
        cells.push(change_text(change));
    }
    cells
}

/// Returns the usage of the resource that pods use most, as a phrase; empty if there is none.
pub(super) fn usage_text(row: &Row) -> String {
    let report = &row.report;
    let most = report.resources.iter().find(|usage| Some(&usage.resource) == report.resource.as_ref());
    let text = most.map(|usage| format!("{} of {} {}", usage.used, usage.hard, usage.resource));
    Untrusted::new(text.unwrap_or_default()).escaped().to_string()
}

/// Returns the word for a state; nothing for one that needs no attention.
pub(super) fn state(state: FleetState) -> &'static str {
    match state {
        FleetState::Ok => "",
        other => other.as_str(),
    }
}

/// Returns the changes since the baseline.
pub(super) fn change_text(change: &FleetChange) -> String {
    let former = match (change.state.map(state), change.share) {
        (Some(""), Some(share)) => format!("was {share}%"),
        (Some(state), Some(share)) => format!("was {state}, {share}%"),
        (Some(state), None) if !state.is_empty() => format!("was {state}"),
        _ => String::new(),
    };
    match change.code {
        FleetChangeCode::Added => "added".to_owned(),
        FleetChangeCode::Removed => "removed".to_owned(),
        FleetChangeCode::Limits => {
            let limit = |limit: &toolforge_report::FormerLimit| {
                let hard = limit.hard.as_deref().unwrap_or("no limit");
                format!(
                    "{} was {}",
                    Untrusted::new(limit.resource.as_str()).escaped(),
                    Untrusted::new(hard).escaped()
                )
            };
            change.limits.iter().map(limit).collect::<Vec<_>>().join(", ")
        }
        _ => former,
    }
}
