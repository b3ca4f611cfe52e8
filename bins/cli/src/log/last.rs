use std::collections::VecDeque;

use toolforge_client::LogItem;

/// So many of the last lines, with the ends of runs between them.
pub(super) struct LastLines {
    count: usize,
    lines: usize,
    items: VecDeque<LogItem>,
}

impl LastLines {
    pub(super) fn new(count: u32) -> Self {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Self { count, lines: 0, items: VecDeque::new() }
    }

    /// Takes what comes next, and lets go what is not among the last any more.
    pub(super) fn take(&mut self, item: LogItem) {
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
