//! A log as lines of text.

use std::collections::{BTreeSet, VecDeque};
use std::io::{self, Write};

use k8s_openapi::jiff::Timestamp;
use k8s_openapi::jiff::tz::Offset;
use toolforge_client::LogItem;
use toolforge_model::{Colors, Untrusted};

/// The most characters of one line: what is longer is no line that anybody reads.
const LONGEST_LINE: usize = 256 * 1024;

/// How a log is printed, and which of its lines.
#[derive(Clone, Debug)]
pub(crate) struct LogStyle {
    pub(crate) colors: Colors,
    /// Only lines with this text in them.
    pub(crate) grep: Option<String>,
    /// Whether lines name their pod although only one has written yet.
    pub(crate) several: bool,
}

/// Prints what a log tells, as the platform's tool does: `2026-11-25T10:00:00+00:00 [POD] MESSAGE`, the pod only where
/// there are several.
pub(crate) struct LogPrinter<W> {
    output: W,
    style: LogStyle,
    /// The pod of the first line.
    pod: Option<Untrusted>,
    /// Pods of which a line was printed since the last end of a run.
    begun: BTreeSet<Untrusted>,
    /// The moment of the last line.
    moment: Timestamp,
    printed: bool,
    last: Option<Last>,
}

/// The last lines so far.
struct Last {
    count: usize,
    lines: usize,
    items: VecDeque<LogItem>,
}

impl<W: Write> LogPrinter<W> {
    /// Returns a printer that holds back all but the last lines, until [`flush`](Self::flush).
    pub(crate) fn new(output: W, style: LogStyle, last: Option<u32>) -> Self {
        let count = last.map(|last| usize::try_from(last).unwrap_or(usize::MAX));
        let last = count.map(|count| Last { count, lines: 0, items: VecDeque::new() });
        Self {
            output,
            style,
            pod: None,
            begun: BTreeSet::new(),
            moment: Timestamp::UNIX_EPOCH,
            printed: false,
            last,
        }
    }

    /// Returns whether anything has been printed.
    pub(crate) fn has_printed(&self) -> bool {
        self.printed
    }

    /// Prints what the log tells next, or holds it back where only the last lines are wanted.
    pub(crate) fn take(&mut self, item: LogItem) -> io::Result<()> {
        let is_wanted = match &item {
            LogItem::Line { message, .. } => self.is_wanted(message),
            LogItem::RunEnded(_) => true,
            LogItem::Remark { pod, text } => {
                anstream::eprintln!("note: {}: {}", pod.escaped(), text.escaped());
                false
            }
        };
        match &mut self.last {
            _ if !is_wanted => Ok(()),
            Some(last) => {
                last.take(item);
                Ok(())
            }
            None => self.print(&item),
        }
    }

    /// Prints what was held back, and from now on everything at once.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        for item in self.last.take().into_iter().flat_map(|last| last.items) {
            self.print(&item)?;
        }
        self.output.flush()
    }

    fn is_wanted(&self, message: &Untrusted) -> bool {
        let Some(text) = &self.style.grep else { return true };
        // A colour in the middle of a word does not hide it.
        message.as_raw().contains(text.as_str())
            || message.line(Colors::Drop, LONGEST_LINE).to_string().contains(text.as_str())
    }

    fn print(&mut self, item: &LogItem) -> io::Result<()> {
        match item {
            LogItem::Line { pod, moment, message } => {
                self.begun.insert(pod.clone());
                self.moment = *moment;
                self.line(pod, *moment, &message.line(self.style.colors, LONGEST_LINE))
            }
            LogItem::RunEnded(end) => {
                // An end says something only about lines that are shown, unless all are.
                if !self.begun.remove(&end.pod) && self.style.grep.is_some() {
                    return Ok(());
                }
                let moment = end.finished.unwrap_or(self.moment);
                self.line(&end.pod, moment, &format_args!("--- {end} ---"))
            }
            LogItem::Remark { .. } => Ok(()),
        }
    }

    fn line(&mut self, pod: &Untrusted, moment: Timestamp, text: &dyn std::fmt::Display) -> io::Result<()> {
        // Whole seconds, as the platform's tool prints them; a moment is never rounded up.
        let seconds = Timestamp::from_second(moment.as_second()).unwrap_or(moment);
        let first = self.pod.get_or_insert_with(|| pod.clone());
        self.style.several |= first != pod;
        self.printed = true;
        write!(self.output, "{} ", seconds.display_with_offset(Offset::UTC))?;
        if self.style.several {
            write!(self.output, "[{}] ", pod.escaped())?;
        }
        writeln!(self.output, "{text}")
    }
}

impl Last {
    fn take(&mut self, item: LogItem) {
        self.lines += usize::from(is_line(&item));
        self.items.push_back(item);
        // An end whose own lines are gone says nothing.
        while self.lines > self.count
            || (self.items.len() > 1 && self.items.front().is_some_and(|item| !is_line(item)))
                && self.lines == self.count
        {
            let dropped = self.items.pop_front();
            self.lines -= usize::from(dropped.as_ref().is_some_and(is_line));
        }
    }
}

fn is_line(item: &LogItem) -> bool {
    matches!(item, LogItem::Line { .. })
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;
    use toolforge_render::observe::LastEnd;

    use super::*;

    fn line(pod: &str, millis: i64, message: &str) -> LogItem {
        let moment = Timestamp::from_millisecond(1_796_000_000_000 + millis).unwrap();
        LogItem::Line { pod: pod.into(), moment, message: message.into() }
    }

    fn crash(pod: &str) -> LogItem {
        let finished = Timestamp::from_second(1_796_000_001).unwrap();
        LogItem::RunEnded(LastEnd {
            pod: pod.into(),
            exit_code: 1,
            reason: "Error".into(),
            finished: Some(finished),
        })
    }

    fn printed(items: &[LogItem], last: Option<u32>, grep: Option<&str>) -> String {
        let style = LogStyle { colors: Colors::Keep, grep: grep.map(str::to_owned), several: false };
        let mut printer = LogPrinter::new(Vec::new(), style, last);
        items.iter().for_each(|item| printer.take(item.clone()).unwrap());
        printer.flush().unwrap();
        String::from_utf8(printer.output).unwrap().replace('\u{1b}', "ESC")
    }

    #[test]
    fn lines_have_their_second_and_their_pod_where_there_are_several() {
        assert_snapshot!(printed(&[line("a", 0, "one"), line("a", 999, "two"), crash("a"), line("a", 2000, "three")], None, None), @"
        2026-11-30T00:53:20+00:00 one
        2026-11-30T00:53:20+00:00 two
        2026-11-30T00:53:21+00:00 --- ended with exit code 1 ---
        2026-11-30T00:53:22+00:00 three
        ");
        assert_snapshot!(printed(&[line("a", 0, "one"), line("b", 1000, "two"), line("a", 2000, "three")], None, None), @"
        2026-11-30T00:53:20+00:00 one
        2026-11-30T00:53:21+00:00 [b] two
        2026-11-30T00:53:22+00:00 [a] three
        ");
    }

    #[test]
    fn a_line_can_only_color() {
        let hostile = "\u{1b}[32mok\u{1b}]0;title\u{7}\u{1b}[2J\r\u{202e}";
        assert_snapshot!(printed(&[line("a\u{1b}[2J", 0, hostile)], None, None), @r"2026-11-30T00:53:20+00:00 ESC[32mok\u{1b}]0;title\u{7}\u{1b}[2J\r\u{202e}ESC[0m");
    }

    #[test]
    fn the_last_lines_are_those_of_all_pods_together() {
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
    fn what_is_searched_for_is_found_through_colors_and_counted() {
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
        2026-11-30T00:53:21+00:00 --- ended with exit code 1 ---
        2026-11-30T00:53:23+00:00 erESC[1mrESC[0mor 2
        2026-11-30T00:53:24+00:00 error 3
        ");
        assert_snapshot!(printed(&items, Some(2), Some("error")), @"
        2026-11-30T00:53:23+00:00 erESC[1mrESC[0mor 2
        2026-11-30T00:53:24+00:00 error 3
        ");
    }
}
