//! Timelines of the usage, drawn in characters.

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_model::Untrusted;
use toolforge_quota::Timeline;

/// From no usage to the whole quota.
const SHADES: [char; 10] = [' ', '.', ':', '-', '=', '+', '*', '#', '%', '@'];

/// More than the quota.
const OVER: char = '!';

/// Returns the legend of the characters.
pub(super) fn legend() -> String {
    let [nothing, least, .., all] = SHADES;
    format!(
        "'{nothing}' means unused, '{least}' to '{all}' up to the whole quota, '{OVER}' more than the quota."
    )
}

/// Returns a line per resource, with a column per interval, and the hours below.
pub(super) fn drawn(timelines: &[Timeline], from: Timestamp, part: SignedDuration) -> Vec<String> {
    let are_several = timelines.iter().any(|timeline| timeline.quota != timelines[0].quota);
    let label = |timeline: &Timeline| {
        let resource = Untrusted::new(timeline.resource.to_string());
        let of_quota = if are_several {
            format!(" (quota {})", Untrusted::new(timeline.quota.as_str()).escaped())
        } else {
            String::new()
        };
        format!("{}{of_quota}", resource.escaped())
    };
    let most = |timeline: &Timeline| timeline.peaks.iter().copied().max().unwrap_or(0);
    let amounts = |timeline: &Timeline| timeline.resource.short_amounts(timeline.hard, [most(timeline)]);
    let hard = |timeline: &Timeline| format!("of {}", amounts(timeline).0);
    let width = |text: &dyn Fn(&Timeline) -> String| {
        timelines.iter().map(|timeline| text(timeline).chars().count()).max().unwrap_or(0)
    };
    let (label_width, hard_width) = (width(&label), width(&hard));
    let line = |timeline: &Timeline| {
        let cells: String = timeline.peaks.iter().map(|peak| shade(*peak, timeline.hard)).collect();
        let [most] = amounts(timeline).1;
        format!("{:label_width$}  {:hard_width$}  |{cells}|  max {most}", label(timeline), hard(timeline))
    };
    let mut lines: Vec<String> = timelines.iter().map(line).collect();
    let parts = timelines.iter().map(|timeline| timeline.peaks.len()).max().unwrap_or(0);
    lines.push(format!("{:1$}{2}", "", label_width + hard_width + 5, hours(from, part, parts)));
    lines
}

/// Returns every third hour at the column in which it starts.
fn hours(from: Timestamp, part: SignedDuration, parts: usize) -> String {
    let mut hours = String::new();
    let mut begin = from.as_second();
    for column in 0..parts {
        // An interval includes its start, not its end.
        let end = begin.saturating_add(part.as_secs());
        let hour = (end - 1).div_euclid(3600);
        if hour * 3600 >= begin && hour.rem_euclid(3) == 0 {
            hours = format!("{hours:column$}{:02}", hour.rem_euclid(24));
        }
        begin = end;
    }
    hours
}

/// Returns the share of the quota that is used, as a character.
fn shade(used: u64, hard: u64) -> char {
    if used > hard {
        return OVER;
    }
    let darkest = u128::try_from(SHADES.len() - 1).unwrap_or(1);
    let share = (u128::from(used) * darkest).div_ceil(u128::from(hard.max(1)));
    SHADES[usize::try_from(share.min(darkest)).unwrap_or(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shade_shows_the_used_share() {
        let shades = |hard: u64, used: &[u64]| used.iter().map(|used| shade(*used, hard)).collect::<String>();
        assert_eq!(shades(9, &[0, 1, 2, 8, 9, 10]), " .:%@!");
        assert_eq!(shades(1000, &[0, 1, 111, 112, 1000, 1001]), " ..:@!");
        assert_eq!(shades(0, &[0, 1]), " !");
        assert_eq!(shades(u64::MAX, &[u64::MAX, 1]), "@.");
    }

    #[test]
    fn hours_are_at_their_first_column() {
        let part = SignedDuration::from_mins(30);
        let hours = |from: &str| hours(from.parse().unwrap(), part, 12);
        assert_eq!(hours("2026-08-01T00:00:00Z"), "00    03");
        assert_eq!(hours("2026-08-01T00:00:01Z"), "     03    06");
        assert_eq!(hours("2026-08-01T23:30:00Z"), " 00    03");
        assert_eq!(hours("1969-12-31T22:17:30Z"), "   00    03");
    }
}
