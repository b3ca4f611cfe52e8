//! Laws that hold for every schedule: the search for runs against a walk over every minute.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use toolforge_model::{CronExpression, Schedule};

/// The values that a field matches, found without the crate's parser.
#[derive(Clone, Debug)]
struct Field {
    text: String,
    values: Vec<i8>,
    is_any: bool,
}

#[derive(Clone, Debug)]
struct Expression([Field; 5]);

impl Expression {
    fn text(&self) -> String {
        self.0.each_ref().map(|field| field.text.as_str()).join(" ")
    }

    fn is_day(&self, date: Date) -> bool {
        let [_, _, day, month, weekday] = &self.0;
        let on_day = day.values.contains(&date.day());
        let on_weekday = weekday.values.contains(&date.weekday().to_sunday_zero_offset());
        let on_date = if day.is_any || weekday.is_any { on_day && on_weekday } else { on_day || on_weekday };
        month.values.contains(&date.month()) && on_date
    }

    fn is_run(&self, local: DateTime) -> bool {
        let [minute, hour, ..] = &self.0;
        minute.values.contains(&local.minute())
            && hour.values.contains(&local.hour())
            && self.is_day(local.date())
    }
}

fn entry(least: i8, most: i8) -> impl Strategy<Value = Field> {
    prop_oneof![
        3 => Just(Field { text: "*".into(), values: (least..=most).collect(), is_any: true }),
        1 => (2_i8..40).prop_map(move |step| Field {
            text: format!("*/{step}"),
            values: (least..=most).filter(|value| (value - least) % step == 0).collect(),
            is_any: false,
        }),
        4 => (least..=most).prop_map(|value| Field { text: format!("{value}"), values: vec![value], is_any: false }),
        2 => (least..=most, least..=most, 1_i8..10).prop_map(|(a, b, step)| {
            let (start, end) = (a.min(b), a.max(b));
            Field {
                text: format!("{start}-{end}/{step}"),
                values: (start..=end).filter(|value| (value - start) % step == 0).collect(),
                is_any: false,
            }
        }),
    ]
}

fn field(least: i8, most: i8) -> impl Strategy<Value = Field> {
    prop::collection::vec(entry(least, most), 1..3).prop_map(|entries| Field {
        text: entries.iter().map(|entry| entry.text.as_str()).collect::<Vec<_>>().join(","),
        values: entries.iter().flat_map(|entry| entry.values.clone()).collect(),
        is_any: entries.iter().any(|entry| entry.is_any),
    })
}

fn expression() -> impl Strategy<Value = Expression> {
    (field(0, 59), field(0, 23), field(1, 31), field(1, 12), field(0, 6))
        .prop_map(|(minute, hour, day, month, weekday)| Expression([minute, hour, day, month, weekday]))
}

/// UTC, and zones whose offset changes by an hour and by half of one.
fn zone() -> impl Strategy<Value = TimeZone> {
    let zones = ["UTC0", "EST5EDT,M3.2.0,M11.1.0", "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"];
    prop::sample::select(zones.to_vec()).prop_map(|zone| match zone {
        "UTC0" => TimeZone::UTC,
        zone => TimeZone::posix(zone).expect("a zone of the list"),
    })
}

/// Moments of 2020 to 2040, many of them near a change of offset and many at the start of a minute.
fn moment() -> impl Strategy<Value = Timestamp> {
    let any = 1_577_836_800_i64..2_208_988_800;
    let near_change = (
        2020_i16..2040,
        prop::sample::select(vec![(3, 8), (10, 1), (11, 1), (4, 1), (2, 28)]),
        0_i64..12_000,
    )
        .prop_map(|(year, (month, day), minutes)| {
            let start = jiff::civil::date(year, month, day)
                .at(0, 0, 0, 0)
                .to_zoned(TimeZone::UTC)
                .expect("a year that can be");
            start.timestamp().as_second() + 60 * minutes
        });
    prop_oneof![any, near_change]
        .prop_map(|second| Timestamp::from_second(second).expect("a second of this century"))
}

/// Returns the starts of `count` minutes after or before a moment, nearest first.
fn minutes(moment: Timestamp, count: i64, forward: bool) -> impl Iterator<Item = Timestamp> {
    let second = moment.as_second();
    let first = if forward { second.div_euclid(60) + 1 } else { (second - 1).div_euclid(60) };
    let sign = if forward { 1 } else { -1 };
    (0..count).map(move |index| {
        Timestamp::from_second(60 * (first + sign * index)).expect("a minute of this century")
    })
}

const WALKED: i64 = 3 * 24 * 60;

proptest! {
    #[test]
    fn runs_match_a_walk_over_minutes(expected in expression(), zone in zone(), moment in moment()) {
        let expression: CronExpression = expected.text().parse().unwrap();
        let is_run = |minute: &Timestamp| expected.is_run(zone.to_datetime(*minute));
        let horizon = SignedDuration::from_mins(WALKED);
        let next = expression.next_after(moment, &zone);
        match minutes(moment, WALKED, true).find(is_run) {
            Some(run) => prop_assert_eq!(next, Some(run)),
            None => prop_assert!(next.is_none_or(|run| run >= moment + horizon && is_run(&run))),
        }
        let previous = expression.previous_before(moment, &zone);
        match minutes(moment, WALKED, false).find(is_run) {
            Some(run) => prop_assert_eq!(previous, Some(run)),
            None => prop_assert!(previous.is_none_or(|run| run <= moment - horizon && is_run(&run))),
        }
    }

    #[test]
    fn days_match_a_walk_over_days(expected in expression(), moment in moment()) {
        let expression: CronExpression = expected.text().parse().unwrap();
        let today = TimeZone::UTC.to_datetime(moment).date();
        let date_of = |run: Timestamp| TimeZone::UTC.to_datetime(run).date();
        // From the last minute of today and from the first one, so that today itself is not searched.
        let end = today.at(23, 59, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
        let start = today.at(0, 0, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
        let after = std::iter::successors(today.tomorrow().ok(), |date| date.tomorrow().ok())
            .take_while(|date| date.year() <= today.year() + 5)
            .find(|&date| expected.is_day(date));
        let before = std::iter::successors(today.yesterday().ok(), |date| date.yesterday().ok())
            .take_while(|date| date.year() >= today.year() - 5)
            .find(|&date| expected.is_day(date));
        prop_assert_eq!(expression.next_after(end, &TimeZone::UTC).map(date_of), after);
        prop_assert_eq!(expression.previous_before(start, &TimeZone::UTC).map(date_of), before);
    }

    #[test]
    fn previous_of_next_is_not_after_now(expected in expression(), zone in zone(), moment in moment()) {
        let expression: CronExpression = expected.text().parse().unwrap();
        if let Some(next) = expression.next_after(moment, &zone) {
            prop_assert!(next > moment);
            prop_assert!(expression.previous_before(next, &zone).is_none_or(|run| run <= moment));
            let previous = expression.previous_before(next + SignedDuration::from_nanos(1), &zone);
            prop_assert_eq!(previous, Some(next));
            let runs: Vec<_> = expression.runs_between(moment, next, &zone).collect();
            prop_assert_eq!(runs, vec![next]);
        }
    }

    #[test]
    fn warned_schedules_skip_months(
        day in 25_i8..=31,
        months in field(1, 12),
    ) {
        let text = format!("0 0 {day} {} *", months.text);
        let expression: CronExpression = text.parse().unwrap();
        let warning = Schedule::from_parts(text, expression.clone()).warning();
        // A step without effect does not change the months.
        let warning = warning.filter(|warning| warning.code() != "long-step");
        let in_each_month = |expression: &CronExpression| {
            (1..=12).filter(|month| months.values.contains(month)).all(|month| {
                let first = jiff::civil::date(2027, month, 1);
                let start = first.yesterday().unwrap().at(23, 59, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
                let end = first.last_of_month().at(23, 59, 0, 0).to_zoned(TimeZone::UTC).unwrap().timestamp();
                expression.runs_between(start, end, &TimeZone::UTC).next().is_some()
            })
        };
        prop_assert_eq!(warning.is_none(), in_each_month(&expression));
        if let Some(warning) = warning {
            prop_assert!(in_each_month(warning.suggestion()));
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        exercise(&text);
    }

    #[test]
    fn no_expression_like_text_panics(text in "([-*?/,0-9a-z]{1,5}[ \t]){4}[-*?/,0-9a-z]{1,5}") {
        exercise(&text);
    }

    #[test]
    fn sent_text_parses_to_the_same(text in "(([*?]|[1-6](-7)?)(/[1-9])?,? ){4}([*?]|[1-7](-7)?)(/[1-9])?,?") {
        exercise(&text);
    }
}

fn exercise(text: &str) {
    if let Ok(expression) = text.parse::<CronExpression>() {
        assert_eq!(expression.to_string().parse(), Ok(expression.clone()));
        for moment in [Timestamp::MIN, Timestamp::UNIX_EPOCH, Timestamp::MAX] {
            assert!(expression.next_after(moment, &TimeZone::UTC).is_none_or(|run| run > moment));
            assert!(expression.previous_before(moment, &TimeZone::UTC).is_none_or(|run| run < moment));
        }
    }
}
