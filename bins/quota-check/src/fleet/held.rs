//! Rows that wait for the others because they are sorted.

use std::cmp::{Ordering, Reverse};

use toolforge_report::FleetQuota;

use super::row::{Row, Share, StatedAmount};
use crate::arguments::SortKey;

/// Rows that are sorted, each as small as it can be.
#[derive(Default)]
pub(super) struct HeldRows(Vec<HeldRow>);

struct HeldRow {
    value: SortValue,
    /// The report as JSON, which takes less than its fields.
    report: Box<str>,
    stated: Vec<StatedAmount>,
}

/// What a row is sorted by.
enum SortValue {
    Name(Box<str>),
    /// The used amount and the limit of the most used resource.
    Share(Option<(u64, u64)>),
    Used(u64),
}

impl SortValue {
    fn of(row: &Row, key: &SortKey) -> Self {
        match key {
            SortKey::Name => Self::Name(row.name().into()),
            SortKey::Share => Self::Share(row.share().map(|Share { used, hard, .. }| (used, hard))),
            SortKey::Resource(resource) => Self::Used(row.used(resource)),
        }
    }

    /// Compares by name, or the larger one first; rows without a share are last.
    fn compare(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Name(one), Self::Name(other)) => one.cmp(other),
            (Self::Used(one), Self::Used(other)) => Reverse(one).cmp(&Reverse(other)),
            (Self::Share(Some(one)), Self::Share(Some(other))) => Share::compare(*other, *one),
            (Self::Share(one), Self::Share(other)) => other.is_some().cmp(&one.is_some()),
            _ => Ordering::Equal,
        }
    }
}

impl HeldRows {
    /// Holds a row.
    pub(super) fn push(&mut self, row: &Row, key: &SortKey) -> serde_json::Result<()> {
        let report = serde_json::to_string(&row.report)?.into_boxed_str();
        self.0.push(HeldRow { value: SortValue::of(row, key), report, stated: row.stated.clone() });
        Ok(())
    }

    /// Returns the rows, sorted; those that are equal keep their order.
    pub(super) fn into_sorted(self) -> impl Iterator<Item = serde_json::Result<Row>> {
        let Self(mut rows) = self;
        rows.sort_by(|one, other| one.value.compare(&other.value));
        rows.into_iter().map(|HeldRow { report, stated, .. }| {
            let report: FleetQuota = serde_json::from_str(&report)?;
            Ok(Row { report, amounts: None, stated })
        })
    }
}
