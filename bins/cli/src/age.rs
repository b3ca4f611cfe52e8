use k8s_openapi::jiff::Timestamp;

/// Returns how long ago a moment was, in its largest unit: `5 s`, `3 min`, `2 h`, `14 d`. A moment in the future, as a
/// clock that is a little off makes it, was just now.
#[must_use]
pub fn age(moment: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(moment.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let moment = |second| Timestamp::from_second(second).unwrap();
        for (seconds, expected) in
            [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (1_209_600, "14 d")]
        {
            assert_eq!(age(moment(1_000_000), moment(1_000_000 + seconds)), expected);
        }
    }
}
