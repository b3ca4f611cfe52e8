use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::CronExpression;

/// How far the CronJob controller searches for a run, in calendar years after the current one.
const YEARS: i16 = 5;

/// Runs are searched between two changes of the zone's offset at a time. There, local time is as regular as UTC, so a
/// local time that a change skips has no run, and one that it repeats has two, as in robfig/cron.
impl CronExpression {
    /// Returns the first run after a moment, or `None` if there is none within five years.
    #[must_use]
    pub fn next_after(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let mut offset = zone.to_offset(moment);
        let local = offset.to_datetime(moment);
        let last_year = local.year() + YEARS;
        let mut start = minute_of(local).checked_add(1.minute()).ok()?;
        let mut changes = zone.following(moment);
        loop {
            let run = self.first_from(start, last_year).and_then(|run| offset.to_timestamp(run).ok());
            let Some(change) = changes.next() else { return run };
            if let Some(run) = run.filter(|&run| run < change.timestamp()) {
                return Some(run);
            }
            offset = change.offset();
            let local = offset.to_datetime(change.timestamp());
            if local.year() > last_year {
                return None;
            }
            start = minute_of(local);
            if start < local {
                start = start.checked_add(1.minute()).ok()?;
            }
        }
    }

    /// Returns the last run before a moment, or `None` if there is none within five years.
    #[must_use]
    pub fn previous_before(&self, moment: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let first_year = zone.to_datetime(moment).year() - YEARS;
        let mut changes = zone.preceding(moment);
        let mut end = moment;
        loop {
            // A change takes effect at its own moment, so the offset before the end may differ from that at the end.
            let offset = zone.to_offset(end.checked_sub(SignedDuration::from_nanos(1)).ok()?);
            let local = offset.to_datetime(end);
            if local.year() < first_year {
                return None;
            }
            let mut last = minute_of(local);
            if last == local {
                last = last.checked_sub(1.minute()).ok()?;
            }
            let run = self.last_until(last, first_year).and_then(|run| offset.to_timestamp(run).ok());
            let Some(change) = changes.next() else { return run };
            if let Some(run) = run.filter(|&run| run >= change.timestamp()) {
                return Some(run);
            }
            end = change.timestamp();
        }
    }

    /// Iterates over the runs after a moment and up to another, which is included.
    pub fn runs_between<'a>(
        &'a self,
        after: Timestamp,
        until: Timestamp,
        zone: &TimeZone,
    ) -> impl Iterator<Item = Timestamp> + use<'a> {
        let zone = zone.clone();
        std::iter::successors(self.next_after(after, &zone), move |&run| self.next_after(run, &zone))
            .take_while(move |&run| run <= until)
    }

    fn first_from(&self, start: DateTime, last_year: i16) -> Option<DateTime> {
        let (mut date, mut time) = (start.date(), Some((start.hour(), start.minute())));
        while date.year() <= last_year {
            if !self.month.contains(date.month()) {
                date = date.last_of_month();
            } else if self.is_day(date)
                && let Some((hour, minute)) = self.time_from(time.unwrap_or((0, 0)))
            {
                return Some(date.at(hour, minute, 0, 0));
            }
            date = date.tomorrow().ok()?;
            time = None;
        }
        None
    }

    fn last_until(&self, end: DateTime, first_year: i16) -> Option<DateTime> {
        let (mut date, mut time) = (end.date(), Some((end.hour(), end.minute())));
        while date.year() >= first_year {
            if !self.month.contains(date.month()) {
                date = date.first_of_month();
            } else if self.is_day(date)
                && let Some((hour, minute)) = self.time_until(time.unwrap_or((23, 59)))
            {
                return Some(date.at(hour, minute, 0, 0));
            }
            date = date.yesterday().ok()?;
            time = None;
        }
        None
    }

    fn is_day(&self, date: Date) -> bool {
        let day_of_month = self.day_of_month.contains(date.day());
        let day_of_week = self.day_of_week.contains(date.weekday().to_sunday_zero_offset());
        if self.day_of_month.is_any() || self.day_of_week.is_any() {
            day_of_month && day_of_week
        } else {
            day_of_month || day_of_week
        }
    }

    fn time_from(&self, (hour, minute): (i8, i8)) -> Option<(i8, i8)> {
        let within_hour = if self.hour.contains(hour) { self.minute.first_from(minute) } else { None };
        match within_hour {
            Some(minute) => Some((hour, minute)),
            None => Some((self.hour.first_from(hour + 1)?, self.minute.first_from(0)?)),
        }
    }

    fn time_until(&self, (hour, minute): (i8, i8)) -> Option<(i8, i8)> {
        let within_hour = if self.hour.contains(hour) { self.minute.last_until(minute) } else { None };
        match within_hour {
            Some(minute) => Some((hour, minute)),
            None => Some((self.hour.last_until(hour - 1)?, self.minute.last_until(59)?)),
        }
    }
}

/// Returns the start of the minute.
fn minute_of(moment: DateTime) -> DateTime {
    moment.date().at(moment.hour(), moment.minute(), 0, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> CronExpression {
        text.parse().unwrap()
    }

    fn moment(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn finds_next_and_previous_runs() {
        // The expression, a moment, the run before it and the run after it.
        for (text, now, before, after) in [
            ("* * * * *", "2026-05-01T10:00:00Z", "2026-05-01T09:59:00Z", "2026-05-01T10:01:00Z"),
            ("* * * * *", "2026-05-01T10:00:00.5Z", "2026-05-01T10:00:00Z", "2026-05-01T10:01:00Z"),
            ("*/7 * * * *", "2026-05-01T10:56:01Z", "2026-05-01T10:56:00Z", "2026-05-01T11:00:00Z"),
            ("5 4 * * *", "2026-05-01T04:05:00Z", "2026-04-30T04:05:00Z", "2026-05-02T04:05:00Z"),
            ("50/5 22 * * *", "2026-12-31T23:00:00Z", "2026-12-31T22:55:00Z", "2027-01-01T22:50:00Z"),
            ("0 0 31 * *", "2026-04-15T00:00:00Z", "2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z"),
            ("0 0 29 2 *", "2026-01-01T00:00:00Z", "2024-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("0 0 29 FEB ?", "2024-02-29T00:00:00Z", "2020-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("30 1 1 jan,jul *", "2026-03-01T00:00:00Z", "2026-01-01T01:30:00Z", "2026-07-01T01:30:00Z"),
            // 1 May 2026 is a Friday. With a star in one of the day fields, only the other one applies.
            ("0 0 * * mon", "2026-05-01T00:00:00Z", "2026-04-27T00:00:00Z", "2026-05-04T00:00:00Z"),
            ("0 0 15 * *", "2026-05-01T00:00:00Z", "2026-04-15T00:00:00Z", "2026-05-15T00:00:00Z"),
            ("0 0 15 * */1", "2026-05-01T00:00:00Z", "2026-04-15T00:00:00Z", "2026-05-15T00:00:00Z"),
            ("0 0 15 * 1,?", "2026-05-01T00:00:00Z", "2026-04-15T00:00:00Z", "2026-05-15T00:00:00Z"),
            // Without a star, either matches; a step of two or more is not a star.
            ("0 0 15 * 1", "2026-05-01T00:00:00Z", "2026-04-27T00:00:00Z", "2026-05-04T00:00:00Z"),
            ("0 0 3 * 1", "2026-05-01T00:00:00Z", "2026-04-27T00:00:00Z", "2026-05-03T00:00:00Z"),
            ("0 0 */30 * 1", "2026-05-01T00:00:00Z", "2026-04-27T00:00:00Z", "2026-05-04T00:00:00Z"),
            ("0 0 15 * 0-6", "2026-05-01T00:00:00Z", "2026-04-30T00:00:00Z", "2026-05-02T00:00:00Z"),
            ("0 0 * * 6-7", "2026-05-03T00:00:00Z", "2026-05-02T00:00:00Z", "2026-05-09T00:00:00Z"),
        ] {
            let now = moment(now);
            let expression = expression(text);
            assert_eq!(
                expression.previous_before(now, &TimeZone::UTC),
                Some(moment(before)),
                "{text} before {now}"
            );
            assert_eq!(expression.next_after(now, &TimeZone::UTC), Some(moment(after)), "{text} after {now}");
        }
    }

    #[test]
    fn impossible_dates_have_no_runs() {
        let zones = [TimeZone::UTC, TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap()];
        for zone in &zones {
            for now in [Timestamp::MIN, Timestamp::MAX, Timestamp::UNIX_EPOCH] {
                assert_eq!(expression("0 0 31 2,4 *").next_after(now, zone), None);
                assert_eq!(expression("0 0 30 2 *").previous_before(now, zone), None);
            }
            // 2100 has no 29 February, and the controller does not search eight years ahead.
            let leap_day = expression("0 0 29 2 *");
            assert_eq!(leap_day.next_after(moment("2097-01-01T12:00:00Z"), zone), None);
            assert_eq!(leap_day.previous_before(moment("2103-12-31T12:00:00Z"), zone), None);
            assert!(leap_day.next_after(moment("2099-01-01T12:00:00Z"), zone).is_some());
            assert_eq!(expression("* * * * *").next_after(Timestamp::MAX, zone), None);
            assert_eq!(expression("* * * * *").previous_before(Timestamp::MIN, zone), None);
        }
    }

    #[test]
    fn runs_between_includes_only_the_end() {
        let runs = |text: &str, after: &str, until: &str| -> Vec<String> {
            let expression = expression(text);
            expression
                .runs_between(moment(after), moment(until), &TimeZone::UTC)
                .map(|run| run.to_string())
                .collect()
        };
        assert_eq!(
            runs("0 */12 * * *", "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"),
            ["2026-05-01T12:00:00Z", "2026-05-02T00:00:00Z"]
        );
        assert!(runs("* * * * *", "2026-05-01T00:00:00Z", "2026-05-01T00:00:59Z").is_empty());
        assert!(runs("* * * * *", "2026-05-02T00:00:00Z", "2026-05-01T00:00:00Z").is_empty());
    }

    #[test]
    fn follows_changes_of_offset() {
        let zone = TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").unwrap();
        let runs = |text: &str, after: &str, until: &str| {
            expression(text).runs_between(moment(after), moment(until), &zone).count()
        };
        assert_eq!(runs("30 2 * * *", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z"), 0);
        assert_eq!(runs("30 1 * * *", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z"), 2);
        assert_eq!(runs("0 12 * * *", "2026-01-01T05:00:00Z", "2027-01-01T05:00:00Z"), 365);
    }
}
