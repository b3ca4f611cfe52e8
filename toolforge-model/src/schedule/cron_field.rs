use super::{ScheduleError, ScheduleField};
use crate::Untrusted;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS_OF_WEEK: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Sunday as the last day of the week, which crontab(5) accepts and the API server does not.
const LATE_SUNDAY: u8 = 7;

/// One field of a cron expression, read as robfig/cron v3.0.1 reads it: the API server and the CronJob controller use
/// that parser.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Field {
    text: String,
    /// A bit for each value that matches.
    values: u64,
    /// Whether an entry is `*` or `?`, with no step or a step of 1.
    ///
    /// With a longer step robfig/cron clears this, so the days of `*/2` count as a list of days.
    is_any: bool,
}

/// An entry of a field like `*/120`, which matches nothing but the first value of its range.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct LongStep {
    pub(super) entry: String,
    pub(super) step: u64,
    pub(super) first: u8,
}

impl LongStep {
    /// Returns the step of an entry, if it is larger than the range. Without an end, the range is the whole field: `5/60` means
    /// the same as `5`, each hour. The platform refuses steps above the largest value, such as `*/60`.
    fn of(field: ScheduleField, entry: &str) -> Option<Self> {
        let (range, step) = entry.split_once('/')?;
        let step = number(step)?;
        let (least, most) = bounds(field);
        let (first, count) = match (range, range.split_once('-')) {
            ("*" | "?", _) => (least, most - least + 1),
            (_, Some((first, last))) => {
                let first = value(field, first).ok()?;
                (first, value(field, last).ok()?.checked_sub(first)? + 1)
            }
            (first, None) => (value(field, first).ok()?, most - least + 1),
        };
        let longest = if field == ScheduleField::DayOfWeek { LATE_SUNDAY } else { most };
        (step > u64::from(count.min(longest))).then(|| Self { entry: entry.to_owned(), step, first })
    }
}

impl Field {
    /// Reads one field; `text` has no whitespace.
    pub(super) fn parse(field: ScheduleField, text: &str) -> Result<Self, ScheduleError> {
        let text = text.to_ascii_lowercase();
        if text.bytes().all(|byte| byte == b',') {
            return Err(ScheduleError::NoValue { field, found: Untrusted::new(text) });
        }
        let mut field_of_entries = Self { text: String::new(), values: 0, is_any: false };
        for (index, entry) in text.split(',').enumerate() {
            if index > 0 {
                field_of_entries.text.push(',');
            }
            // The server ignores empty entries.
            if !entry.is_empty() {
                let entry = Self::parse_entry(field, entry)?;
                field_of_entries.text.push_str(&entry.text);
                field_of_entries.values |= entry.values;
                field_of_entries.is_any |= entry.is_any;
            }
        }
        Ok(field_of_entries)
    }

    /// Returns the field that every value matches.
    pub(super) fn any(field: ScheduleField) -> Self {
        let (least, most) = bounds(field);
        Self { text: "*".to_owned(), values: bits(least, most, 1), is_any: true }
    }

    /// Returns the field that one value of its range matches.
    pub(super) fn single(value: u8) -> Self {
        Self { text: value.to_string(), values: bits(value, value, 1), is_any: false }
    }

    /// Returns the field that every `step`th value of its range matches.
    pub(super) fn every(field: ScheduleField, step: u8) -> Self {
        let (least, most) = bounds(field);
        let text = format!("*/{step}");
        Self { text, values: bits(least, most, step.into()), is_any: step == 1 }
    }

    /// Returns the first entry whose step is longer than its range.
    pub(super) fn long_step(&self, field: ScheduleField) -> Option<LongStep> {
        self.text.split(',').find_map(|entry| LongStep::of(field, entry))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    pub(super) fn is_any(&self) -> bool {
        self.is_any
    }

    pub(super) fn contains(&self, value: i8) -> bool {
        self.values & (1 << value.unsigned_abs()) != 0
    }

    /// Returns the smallest value of at least `from`.
    pub(super) fn first_from(&self, from: i8) -> Option<i8> {
        (from..60).find(|&value| self.contains(value))
    }

    /// Returns the largest value of at most `until`.
    pub(super) fn last_until(&self, until: i8) -> Option<i8> {
        (0..=until).rev().find(|&value| self.contains(value))
    }

    fn parse_entry(field: ScheduleField, entry: &str) -> Result<Self, ScheduleError> {
        let found = || Untrusted::new(entry);
        let (range, step) = match entry.split_once('/') {
            None => (entry, None),
            Some((range, step)) => {
                let step = number(step).filter(|&step| step > 0);
                (range, Some(step.ok_or_else(|| ScheduleError::Step { field, found: found() })?))
            }
        };
        let (least, most) = bounds(field);
        // The server reads `*-5` as `*`, which nobody means, so it is rejected here.
        if matches!(range, "*" | "?") {
            let values = bits(least, most, step.unwrap_or(1));
            return Ok(Self { text: entry.to_owned(), values, is_any: step.is_none_or(|step| step == 1) });
        }
        let (first, last) = match range.split_once('-') {
            None => (range, None),
            Some((first, last)) => (first, Some(last)),
        };
        let lacks_value = |part: &str| part.is_empty() || part.contains(['*', '?', '-']);
        if lacks_value(first) || last.is_some_and(lacks_value) {
            return Err(ScheduleError::Entry { field, found: found() });
        }
        let start = value(field, first)?;
        let end = match last {
            Some(last) => value(field, last)?,
            // `5/20` is `5-59/20`.
            None if step.is_some() => most,
            None => start,
        };
        if end < start {
            return Err(ScheduleError::Backwards { field, found: found() });
        }
        if end == LATE_SUNDAY && field == ScheduleField::DayOfWeek {
            return Ok(until_late_sunday(first, start, step));
        }
        let values = bits(start, end, step.unwrap_or(1));
        Ok(Self { text: entry.to_owned(), values, is_any: false })
    }
}

/// Returns an entry that the server accepts for a range that ends in 7, or for 7 itself.
fn until_late_sunday(first: &str, start: u8, step: Option<u64>) -> Field {
    if start == LATE_SUNDAY {
        return Field::single(0);
    }
    let each = step.unwrap_or(1);
    let mut values = bits(start, LATE_SUNDAY - 1, each);
    let mut text = format!("{first}-{}", LATE_SUNDAY - 1);
    if let Some(step) = step {
        text = format!("{text}/{step}");
    }
    let has_late_sunday = u64::from(LATE_SUNDAY - start) % each == 0;
    if has_late_sunday && values & 1 == 0 {
        text.push_str(",0");
        values |= 1;
    }
    Field { text, values, is_any: false }
}

/// Returns the smallest and the largest value that the server accepts.
fn bounds(field: ScheduleField) -> (u8, u8) {
    match field {
        ScheduleField::Minute => (0, 59),
        ScheduleField::Hour => (0, 23),
        ScheduleField::DayOfMonth => (1, 31),
        ScheduleField::Month => (1, 12),
        ScheduleField::DayOfWeek => (0, 6),
    }
}

fn value(field: ScheduleField, text: &str) -> Result<u8, ScheduleError> {
    let (least, most) = bounds(field);
    let most = if field == ScheduleField::DayOfWeek { LATE_SUNDAY } else { most };
    let named = match field {
        ScheduleField::Month => (1..).zip(MONTHS).find(|(_, name)| *name == text),
        ScheduleField::DayOfWeek => (0..).zip(DAYS_OF_WEEK).find(|(_, name)| *name == text),
        ScheduleField::Minute | ScheduleField::Hour | ScheduleField::DayOfMonth => None,
    };
    named
        .map(|(value, _)| value)
        .or_else(|| number(text).and_then(|value| u8::try_from(value).ok()))
        .filter(|value| (least..=most).contains(value))
        .ok_or_else(|| ScheduleError::Value { field, found: Untrusted::new(text) })
}

/// Reads a number like Go's `strconv.Atoi`, except for signs.
fn number(text: &str) -> Option<u64> {
    // The server's parser and the platform's own tool accept a plus sign.
    let text = text.strip_prefix('+').unwrap_or(text);
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let number = if is_number { text.parse::<i64>().ok() } else { None };
    number.and_then(|number| u64::try_from(number).ok())
}

fn bits(start: u8, end: u8, step: u64) -> u64 {
    let step = usize::try_from(step).unwrap_or(usize::MAX);
    (start..=end).step_by(step).fold(0, |bits, value| bits | 1 << value)
}
