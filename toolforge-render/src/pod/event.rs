//! The times of events.

use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;

/// Returns the time of the last occurrence of an event; older reporters use other fields.
pub(crate) fn event_time(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|series| series.last_observed_time.as_ref());
    series
        .map(|time| time.0)
        .or_else(|| event.last_timestamp.as_ref().map(|time| time.0))
        .or_else(|| event.event_time.as_ref().map(|time| time.0))
}

/// Returns the time of the first occurrence of an event.
pub(crate) fn first_time(event: &Event) -> Option<Timestamp> {
    let first = event.first_timestamp.as_ref().map(|time| time.0);
    first.or_else(|| event.event_time.as_ref().map(|time| time.0)).or_else(|| event_time(event))
}
