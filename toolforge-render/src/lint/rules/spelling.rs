//! Schedules that are only spelled wrong.

use toolforge_model::CronExpression;

/// The names that stand for an expression (robfig/cron 3, which Kubernetes uses).
pub(super) const NAMES: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

const DAYS: [&str; 7] = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"];

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// Returns the schedule of a job that a text means, if it is only spelled wrong: `@Daily`, `0 0 * * monday`.
pub(crate) fn corrected_schedule(text: &str) -> Option<String> {
    let lower = text.trim().to_lowercase();
    if let Some(name) = NAMES.iter().find(|name| **name == lower) {
        return (*name != text).then(|| (*name).to_owned());
    }
    corrected_expression(text, false)
}

/// Returns the expression that a text means, if it is only spelled wrong: names of days and months are written out, or, for a
/// CronJob, 7 stands for Sunday.
pub(super) fn corrected_expression(text: &str, is_cron_job: bool) -> Option<String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [minute, hour, day, month, week_day] = fields.as_slice() else { return None };
    let month = with_short_names(month, &MONTHS);
    let mut week_day = with_short_names(week_day, &DAYS);
    if is_cron_job && has_seven(&week_day) {
        week_day = without_seven(&week_day)?;
    }
    let corrected = [minute, hour, day, month.as_str(), week_day.as_str()].join(" ");
    (corrected.parse::<CronExpression>().is_ok() && corrected != fields.join(" ")).then_some(corrected)
}

/// Returns whether a field of days of the week has a 7.
pub(super) fn has_seven(days: &str) -> bool {
    let has_seven = |part: &str| part.split('/').next().is_some_and(|range| range.split('-').any(is_seven));
    days.split(',').any(has_seven)
}

/// Returns whether a day is 7, also if it is written `07`.
fn is_seven(day: &str) -> bool {
    day.parse() == Ok(7_u8)
}

/// Returns a field with the first three letters of each name.
fn with_short_names(field: &str, names: &[&str]) -> String {
    let is_letter = |c: char| c.is_ascii_alphabetic();
    let mut short = String::new();
    let mut rest = field;
    while let Some(start) = rest.find(is_letter) {
        let (before, from_word) = rest.split_at(start);
        let end = from_word.find(|c| !is_letter(c)).unwrap_or(from_word.len());
        let (word, after) = from_word.split_at(end);
        let lower = word.to_lowercase();
        let is_name = lower.len() > 3 && names.iter().any(|name| name.starts_with(&lower));
        short.push_str(before);
        short.push_str(if is_name { lower.get(..3).unwrap_or(word) } else { word });
        rest = after;
    }
    short + rest
}

/// Returns the same days of the week with 0 for Sunday.
fn without_seven(days: &str) -> Option<String> {
    let mut entries: Vec<String> = Vec::new();
    for entry in days.split(',') {
        match entry.split_once('-') {
            _ if !has_seven(entry) => entries.push(entry.to_owned()),
            None if is_seven(entry) => entries.push("0".to_owned()),
            Some((first, last)) if is_seven(last) => match first.parse::<u8>().ok()? {
                0 | 1 => entries.push("0-6".to_owned()),
                6 => entries.extend(["6".to_owned(), "0".to_owned()]),
                7 => entries.push("0".to_owned()),
                first => entries.extend([format!("{first}-6"), "0".to_owned()]),
            },
            _ => return None,
        }
    }
    let mut unique: Vec<String> = Vec::new();
    for entry in entries {
        if !unique.contains(&entry) {
            unique.push(entry);
        }
    }
    Some(unique.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_is_corrected() {
        for (text, of_job, of_cron_job) in [
            ("0 0 * * 7", None, Some("0 0 * * 0")),
            ("0 0 * * 5-7", None, Some("0 0 * * 5-6,0")),
            ("0 0 * * 1-7", None, Some("0 0 * * 0-6")),
            ("0 0 * * 07", None, Some("0 0 * * 0")),
            ("0 0 * * 1-07", None, Some("0 0 * * 0-6")),
            ("0 0 * * 0,7", None, Some("0 0 * * 0")),
            ("0 0 * * 1-7/2", None, None),
            ("0 0 * * Monday", Some("0 0 * * mon"), Some("0 0 * * mon")),
            ("0 0 * * tues-friday,7", Some("0 0 * * tue-fri,7"), Some("0 0 * * tue-fri,0")),
            ("0 0 1 January *", Some("0 0 1 jan *"), Some("0 0 1 jan *")),
            ("0 0 1 Janury *", None, None),
            ("0 0 * * MON", None, None),
            ("0 24 * * monday", None, None),
            ("0 0 * *", None, None),
        ] {
            assert_eq!(corrected_schedule(text).as_deref(), of_job, "{text}");
            assert_eq!(corrected_expression(text, true).as_deref(), of_cron_job, "{text}");
        }
        assert_eq!(corrected_schedule("@Daily").as_deref(), Some("@daily"));
        assert_eq!(corrected_schedule("@daily"), None);
    }
}
