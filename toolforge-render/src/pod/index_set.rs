//! Sets of the indexes of a Job's pods, as in its status.

use std::ops::RangeInclusive;

use k8s_openapi::api::batch::v1::JobStatus;

/// Some indexes of an indexed Job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct IndexSet(Vec<RangeInclusive<u64>>);

impl IndexSet {
    /// Returns the indexes that are not tried again.
    pub(crate) fn failed(status: Option<&JobStatus>) -> Self {
        Self::parse(status.and_then(|status| status.failed_indexes.as_deref()).unwrap_or_default())
    }

    /// Parses indexes in ascending order, such as `1,3-5,7` (Kubernetes 1.33, `status.failedIndexes`). Other text is skipped.
    fn parse(text: &str) -> Self {
        let range = |part: &str| {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            Some(first.parse().ok()?..=last.parse().ok()?)
        };
        Self(text.split(',').filter_map(range).collect())
    }

    pub(crate) fn contains(&self, index: u64) -> bool {
        self.0.iter().any(|range| range.contains(&index))
    }

    pub(crate) fn count(&self) -> u64 {
        let length = |range: &RangeInclusive<u64>| {
            range.end().checked_sub(*range.start()).map_or(0, |length| length.saturating_add(1))
        };
        self.0.iter().map(length).fold(0, u64::saturating_add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_numbers_and_ranges() {
        let set = IndexSet::parse("1,3-5,7");
        assert_eq!((set.count(), set.contains(4), set.contains(6)), (5, true, false));
        for (text, count) in [("", 0), ("0", 1), ("x,2", 1), ("5-3", 0), ("0-18446744073709551615", u64::MAX)]
        {
            assert_eq!(IndexSet::parse(text).count(), count, "{text}");
        }
    }
}
