//! Which quotas of a fleet are shown, and in which order.

use std::cmp::Ordering;

use toolforge_report::{FleetState, FleetSummary};

use super::row::Row;
use crate::arguments::{FleetOptions, Only, SortKey, ToolPattern};

/// Returns whether the options select a row. A namespace that cannot be read is always shown.
pub(super) fn is_selected(row: &Row, options: &FleetOptions, tools: Option<&ToolPattern>) -> bool {
    let is_state = match row.report.state {
        FleetState::Near => options.only.contains(&Only::Near),
        FleetState::Blocked => options.only.contains(&Only::Blocked),
        FleetState::Unused => options.only.contains(&Only::Unused),
        FleetState::Forbidden | FleetState::Unreadable => true,
        _ => false,
    };
    is_tool(row, tools) && (is_state || options.only.is_empty())
}

/// Returns whether a row is of a tool that matches.
pub(super) fn is_tool(row: &Row, tools: Option<&ToolPattern>) -> bool {
    tools.is_none_or(|tools| row.report.tool.as_ref().is_some_and(|tool| tools.matches(tool)))
}

/// Counts a row.
pub(super) fn count(summary: &mut FleetSummary, state: FleetState) {
    let counter = match state {
        FleetState::Near => Some(&mut summary.near),
        FleetState::Blocked => Some(&mut summary.blocked),
        FleetState::Unused => Some(&mut summary.unused),
        FleetState::Forbidden | FleetState::Unreadable => Some(&mut summary.unreadable),
        _ => None,
    };
    if let Some(counter) = counter {
        *counter += 1;
    }
    summary.quotas += 1;
}

/// Sorts rows; rows that are equal keep their order.
pub(super) fn sort(rows: &mut [Row], key: &SortKey) {
    match key {
        SortKey::Name => rows.sort_by(|a, b| a.name().cmp(b.name())),
        SortKey::Share => rows.sort_by(by_share),
        SortKey::Resource(resource) => rows.sort_by_key(|row| std::cmp::Reverse(row.used(resource))),
    }
}

/// Compares by share, the largest first, and those without one last.
fn by_share(a: &Row, b: &Row) -> Ordering {
    match (a.share(), b.share()) {
        (Some(a), Some(b)) => b.compare(a),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}
