//! Which quotas of a fleet are shown, and in which order.

use toolforge_report::{FleetState, FleetSummary};

use super::row::Row;
use crate::arguments::{FleetOptions, Only, ToolPattern};

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
