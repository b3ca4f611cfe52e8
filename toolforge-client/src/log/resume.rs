//! What has been read of a log, so reading can resume there.

use std::collections::VecDeque;
use std::hash::{BuildHasher as _, RandomState};

use jiff::{SignedDuration, Timestamp};

/// How long before the last line reading resumes: lines of a program's two streams are out of order by less.
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);

/// How far back lines are remembered: the overlap, and the second to which the kubelet rounds.
const MEMORY: SignedDuration = SignedDuration::from_secs(2);

/// The maximum number of remembered lines.
const MOST: usize = 1 << 16;

/// The last lines of a log, by time and text, in order.
///
/// A log only grows, and the kubelet returns it from a whole second on. So repeated lines come at the beginning of a response,
/// in the order in which they came before, up to the first line that is not remembered. After a log rotation the response
/// begins later, but no line is mistaken for another.
#[derive(Debug, Default)]
pub(crate) struct ResumePoint {
    recent: VecDeque<(Timestamp, u64)>,
    /// The latest time of lines that are no longer remembered.
    forgotten: Option<Timestamp>,
    /// The index in `recent` from which the next repeated line may come; `None` if no more lines are repeated.
    again: Option<usize>,
    hasher: RandomState,
}

impl ResumePoint {
    /// Returns the time from which to resume, if a line has been read.
    pub(crate) fn since(&self) -> Option<Timestamp> {
        let (last, _) = self.recent.back()?;
        let since = last.checked_sub(OVERLAP).ok()?;
        Timestamp::from_second(since.as_second()).ok()
    }

    /// Starts a response that may repeat lines.
    pub(crate) fn answer_begins(&mut self) {
        self.again = Some(0);
    }

    /// Returns whether a line has not been read before, and remembers it.
    pub(crate) fn is_new(&mut self, moment: Timestamp, message: &str) -> bool {
        let line = (moment, self.hasher.hash_one(message));
        if let Some(place) = self.again {
            if self.forgotten.is_some_and(|forgotten| moment <= forgotten) {
                return false;
            }
            if let Some(found) = self.recent.iter().skip(place).position(|known| *known == line) {
                self.again = Some(place + found + 1);
                return false;
            }
            self.again = None;
        }
        self.note(line);
        true
    }

    fn note(&mut self, line: (Timestamp, u64)) {
        self.recent.push_back(line);
        let is_old = |moment: Timestamp| line.0.duration_since(moment) > MEMORY;
        while self.recent.front().is_some_and(|(moment, _)| is_old(*moment)) {
            self.recent.pop_front();
        }
        if self.recent.len() > MOST
            && let Some((moment, _)) = self.recent.pop_front()
        {
            self.forgotten = self.forgotten.max(Some(moment));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    /// Returns the unread lines of a response.
    fn new<'a>(seen: &mut ResumePoint, answer: &[(i64, &'a str)]) -> Vec<&'a str> {
        seen.answer_begins();
        answer.iter().filter(|(millis, text)| seen.is_new(at(*millis), text)).map(|(_, text)| *text).collect()
    }

    #[test]
    fn repeated_answer_yields_only_unread_lines() {
        let log =
            [(1000, "a"), (1500, "b"), (1500, "b"), (1500, "c"), (1500, "b"), (1499, "late"), (1600, "d")];
        for cut in 0..=log.len() {
            let mut seen = ResumePoint::default();
            assert_eq!(new(&mut seen, &log[..cut]).len(), cut);
            assert_eq!(new(&mut seen, &log).len(), log.len() - cut, "cut at {cut}");
            assert!(new(&mut seen, &log).is_empty());
        }
    }

    #[test]
    fn resumes_one_whole_second_before_the_last_line() {
        let mut seen = ResumePoint::default();
        assert_eq!(seen.since(), None);
        new(&mut seen, &[(100, "a"), (7300, "b")]);
        assert_eq!(seen.since(), Some(at(6000)));
    }

    #[test]
    fn log_rotation_loses_no_line() {
        let mut seen = ResumePoint::default();
        new(&mut seen, &[(1000, "a"), (1100, "b"), (1200, "c")]);
        // The old file, with `a` and `b`, is no longer read.
        assert_eq!(new(&mut seen, &[(1200, "c"), (1300, "a"), (1400, "b")]), ["a", "b"]);
        assert_eq!(new(&mut seen, &[(1500, "d")]), ["d"]);
    }

    #[test]
    fn many_lines_in_one_second_are_not_duplicated() {
        let mut seen = ResumePoint::default();
        let flood: Vec<(i64, String)> =
            (0..100_000).map(|number| (number / 100, format!("line {number}"))).collect();
        let flood: Vec<(i64, &str)> = flood.iter().map(|(millis, text)| (*millis, text.as_str())).collect();
        assert_eq!(new(&mut seen, &flood).len(), flood.len());
        assert!(seen.recent.len() <= MOST);
        assert!(new(&mut seen, &flood).is_empty());
    }

    #[test]
    fn old_lines_are_forgotten() {
        let mut seen = ResumePoint::default();
        let lines: Vec<(i64, &str)> = (0..1000).map(|second| (second * 1000, "tick")).collect();
        new(&mut seen, &lines);
        assert!(seen.recent.len() <= 3);
        assert_eq!(seen.forgotten, None);
    }
}
