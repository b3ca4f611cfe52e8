//! A log as lines of text.

use std::collections::{BTreeSet, VecDeque};
use std::fmt::Display;
use std::io::{self, Write};

use k8s_openapi::jiff::tz::Offset;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use toolforge_client::LogItem;
use toolforge_model::{Colors, Untrusted};

use crate::notice::Notice;

/// How much earlier than its predecessor a line of a pod may be: standard output and error can overtake each other.
const OVERLAP: SignedDuration = SignedDuration::from_secs(1);

/// Maximum length of a line in characters; the rest is cut.
const LONGEST_LINE: usize = 256 * 1024;

/// How a log is printed, and which lines.
#[derive(Clone, Debug)]
pub struct LogStyle {
    /// Whether lines keep their colors.
    pub colors: Colors,
    /// Only lines that contain this text.
    pub grep: Option<String>,
    /// Only lines up to this time.
    pub until: Option<Timestamp>,
    /// How a line shows its origin.
    pub origin: LogOrigin,
}

/// How a line shows its origin, between its time and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOrigin {
    /// `[POD]`, from the first line of a second pod on.
    SeveralPods,
    /// `[POD]`.
    Pod,
    /// `[POD] [CONTAINER]`, as the platform's tool prints for jobs.
    PodAndContainer,
}

impl LogStyle {
    /// Returns whether an item is printed.
    fn wants(&self, item: &LogItem) -> bool {
        let is_in_time = |moment: Timestamp| self.until.is_none_or(|until| moment <= until);
        match item {
            LogItem::Line { moment, message, .. } => is_in_time(*moment) && self.has_text(message),
            LogItem::ContainerTerminated { container: _, end } => end.finished.is_none_or(is_in_time),
            LogItem::Notice { .. } => false,
        }
    }

    fn has_text(&self, message: &Untrusted) -> bool {
        let Some(text) = &self.grep else { return true };
        // Colors within the text do not matter.
        message.as_raw().contains(text.as_str())
            || message.line(Colors::Drop, LONGEST_LINE).to_string().contains(text.as_str())
    }
}

/// Prints a log in the format of the platform's tool: `2026-11-25T10:00:00+00:00 [POD] MESSAGE`.
pub struct LogPrinter<W> {
    output: W,
    style: LogStyle,
    /// The pod of the first line.
    pod: Option<Untrusted>,
    /// Pods with a printed line since their last termination.
    started: BTreeSet<Untrusted>,
    /// The time of the last line.
    moment: Timestamp,
    printed: bool,
    /// The buffered last lines.
    last: Option<LastLines>,
}

impl<W: Write> LogPrinter<W> {
    /// Returns a printer; with `last`, it buffers the last lines until [`flush`](Self::flush).
    #[must_use]
    pub fn new(output: W, style: LogStyle, last: Option<u32>) -> Self {
        let last = last.map(LastLines::new);
        Self {
            output,
            style,
            pod: None,
            started: BTreeSet::new(),
            moment: Timestamp::UNIX_EPOCH,
            printed: false,
            last,
        }
    }

    /// Returns whether anything has been printed.
    #[must_use]
    pub fn has_printed(&self) -> bool {
        self.printed
    }

    /// Prints an item, or buffers it if only the last lines are wanted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn take(&mut self, item: LogItem) -> io::Result<()> {
        if let LogItem::Notice { pod, text } = &item {
            Notice::note(format!("{}: {}", pod.escaped(), text.escaped())).print();
        }
        match &mut self.last {
            _ if !self.style.wants(&item) => Ok(()),
            Some(last) => {
                last.take(item);
                Ok(())
            }
            None => self.print(&item),
        }
    }

    /// Prints the buffered lines, and from now on every line at once.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> io::Result<()> {
        for item in self.last.take().into_iter().flatten() {
            self.print(&item)?;
        }
        self.output.flush()
    }

    /// Returns the time up to which lines are wanted.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.style.until
    }

    /// Returns whether this and all later lines are unwanted.
    pub(super) fn is_past(&self, item: &LogItem) -> bool {
        let LogItem::Line { moment, .. } = item else { return false };
        self.style.until.is_some_and(|until| moment.duration_since(until) > OVERLAP)
    }

    fn print(&mut self, item: &LogItem) -> io::Result<()> {
        match item {
            LogItem::Line { pod, container, moment, message } => {
                self.started.insert(pod.clone());
                self.moment = *moment;
                self.line((pod, container), *moment, &message.line(self.style.colors, LONGEST_LINE))
            }
            LogItem::ContainerTerminated { container, end } => {
                // With a filter, a termination is printed only after printed lines.
                if !self.started.remove(&end.pod) && self.style.grep.is_some() {
                    return Ok(());
                }
                let moment = end.finished.unwrap_or(self.moment);
                self.line((&end.pod, container), moment, &format_args!("--- {end} ---"))
            }
            LogItem::Notice { .. } => Ok(()),
        }
    }

    fn line(
        &mut self,
        (pod, container): (&Untrusted, &Untrusted),
        moment: Timestamp,
        text: &dyn Display,
    ) -> io::Result<()> {
        // Whole seconds, rounded down, as in the platform's tool.
        let seconds = Timestamp::from_second(moment.as_second()).unwrap_or(moment);
        let first = self.pod.get_or_insert_with(|| pod.clone());
        if self.style.origin == LogOrigin::SeveralPods && first != pod {
            self.style.origin = LogOrigin::Pod;
        }
        self.printed = true;
        write!(self.output, "{} ", seconds.display_with_offset(Offset::UTC))?;
        match self.style.origin {
            LogOrigin::SeveralPods => {}
            LogOrigin::Pod => write!(self.output, "[{}] ", pod.escaped())?,
            LogOrigin::PodAndContainer => {
                write!(self.output, "[{}] [{}] ", pod.escaped(), container.escaped())?;
            }
        }
        writeln!(self.output, "{text}")
    }
}

/// The last lines, with the terminations between them.
struct LastLines {
    count: usize,
    lines: usize,
    items: VecDeque<LogItem>,
}

impl LastLines {
    fn new(count: u32) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Self { count, lines: 0, items: VecDeque::new() }
    }

    /// Adds an item, and drops items that are no longer among the last lines.
    fn take(&mut self, item: LogItem) {
        self.lines += usize::from(is_line(&item));
        self.items.push_back(item);
        // Drop a termination whose lines were dropped.
        while self.lines > self.count
            || (self.items.len() > 1 && self.items.front().is_some_and(|item| !is_line(item)))
                && self.lines == self.count
        {
            let dropped = self.items.pop_front();
            self.lines -= usize::from(dropped.as_ref().is_some_and(is_line));
        }
    }
}

impl IntoIterator for LastLines {
    type Item = LogItem;
    type IntoIter = std::collections::vec_deque::IntoIter<LogItem>;

    fn into_iter(self) -> Self::IntoIter {
        self.items.into_iter()
    }
}

fn is_line(item: &LogItem) -> bool {
    matches!(item, LogItem::Line { .. })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use toolforge_render::pod::LastTermination;

    use super::*;

    fn line(pod: &str, millis: i64, message: &str) -> LogItem {
        let moment = Timestamp::from_millisecond(1_796_000_000_000 + millis).unwrap();
        LogItem::Line { pod: pod.into(), container: "job".into(), moment, message: message.into() }
    }

    fn crash(pod: &str) -> LogItem {
        let finished = Timestamp::from_second(1_796_000_001).unwrap();
        let end = LastTermination::new(pod, 1, "Error", Some(finished));
        LogItem::ContainerTerminated { container: "job".into(), end }
    }

    fn style(origin: LogOrigin) -> LogStyle {
        LogStyle { colors: Colors::Keep, grep: None, until: None, origin }
    }

    fn printed(items: &[LogItem], last: Option<u32>, grep: Option<&str>) -> String {
        let grep = grep.map(str::to_owned);
        printed_in(LogStyle { grep, ..style(LogOrigin::SeveralPods) }, items, last)
    }

    fn printed_in(style: LogStyle, items: &[LogItem], last: Option<u32>) -> String {
        let mut printer = LogPrinter::new(Vec::new(), style, last);
        items.iter().for_each(|item| printer.take(item.clone()).unwrap());
        printer.flush().unwrap();
        String::from_utf8(printer.output).unwrap().replace('\u{1b}', "ESC")
    }

    #[test]
    fn lines_show_their_pod_if_there_are_several() {
        assert_snapshot!(printed(&[line("a", 0, "one"), line("a", 999, "two"), crash("a"), line("a", 2000, "three")], None, None), @"
        2026-11-30T00:53:20+00:00 one
        2026-11-30T00:53:20+00:00 two
        2026-11-30T00:53:21+00:00 --- terminated with exit code 1 ---
        2026-11-30T00:53:22+00:00 three
        ");
        assert_snapshot!(printed(&[line("a", 0, "one"), line("b", 1000, "two"), line("a", 2000, "three")], None, None), @"
        2026-11-30T00:53:20+00:00 one
        2026-11-30T00:53:21+00:00 [b] two
        2026-11-30T00:53:22+00:00 [a] three
        ");
    }

    #[test]
    fn job_lines_show_pod_and_container() {
        let items = [line("a", 0, "one"), crash("a"), line("b", 2000, "two")];
        assert_snapshot!(printed_in(style(LogOrigin::PodAndContainer), &items, None), @"
        2026-11-30T00:53:20+00:00 [a] [job] one
        2026-11-30T00:53:21+00:00 [a] [job] --- terminated with exit code 1 ---
        2026-11-30T00:53:22+00:00 [b] [job] two
        ");
    }

    #[test]
    fn until_ends_printing_and_reading() {
        let until = Some(Timestamp::from_second(1_796_000_001).unwrap());
        let style = LogStyle { until, ..style(LogOrigin::SeveralPods) };
        let items = [
            line("a", 0, "one"),
            line("a", 1000, "two"),
            line("a", 1001, "late"),
            line("a", 999, "overtaken"),
            crash("a"),
            line("b", 2001, "past"),
        ];
        let printer = LogPrinter::new(Vec::new(), style.clone(), None);
        let past: Vec<bool> = items.iter().map(|item| printer.is_past(item)).collect();
        assert_eq!(past, [false, false, false, false, false, true]);
        assert_snapshot!(printed_in(style.clone(), &items, None), @"
        2026-11-30T00:53:20+00:00 one
        2026-11-30T00:53:21+00:00 two
        2026-11-30T00:53:20+00:00 overtaken
        2026-11-30T00:53:21+00:00 --- terminated with exit code 1 ---
        ");
        assert_snapshot!(printed_in(style, &items, Some(1)), @"
        2026-11-30T00:53:20+00:00 overtaken
        2026-11-30T00:53:21+00:00 --- terminated with exit code 1 ---
        ");
    }

    #[test]
    fn lines_keep_only_colors() {
        let hostile = "\u{1b}[32mok\u{1b}]0;title\u{7}\u{1b}[2J\r\u{202e}";
        assert_snapshot!(printed(&[line("a\u{1b}[2J", 0, hostile)], None, None), @r"2026-11-30T00:53:20+00:00 ESC[32mok\u{1b}]0;title\u{7}\u{1b}[2J\r\u{202e}ESC[0m");
    }

    #[test]
    fn last_lines_count_all_pods_together() {
        let items = [line("a", 0, "1"), crash("a"), line("b", 2000, "2"), crash("b"), line("b", 3000, "3")];
        let of = |last| {
            let text = printed(&items, Some(last), None);
            text.lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(of(100), "1 --- 2 --- 3");
        assert_eq!(of(3), "1 --- 2 --- 3");
        assert_eq!(of(2), "2 --- 3");
        assert_eq!(of(1), "3");
    }

    #[test]
    fn grep_ignores_colors_and_is_counted() {
        let items = [
            line("a", 0, "error 1"),
            crash("a"),
            line("a", 2000, "fine"),
            crash("a"),
            line("a", 3000, "er\u{1b}[1mr\u{1b}[mor 2"),
            line("a", 4000, "error 3"),
        ];
        assert_snapshot!(printed(&items, None, Some("error")), @"
        2026-11-30T00:53:20+00:00 error 1
        2026-11-30T00:53:21+00:00 --- terminated with exit code 1 ---
        2026-11-30T00:53:23+00:00 erESC[1mrESC[0mor 2
        2026-11-30T00:53:24+00:00 error 3
        ");
        assert_snapshot!(printed(&items, Some(2), Some("error")), @"
        2026-11-30T00:53:23+00:00 erESC[1mrESC[0mor 2
        2026-11-30T00:53:24+00:00 error 3
        ");
    }
}
