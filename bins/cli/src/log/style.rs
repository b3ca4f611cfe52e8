use k8s_openapi::jiff::Timestamp;
use toolforge_client::LogItem;
use toolforge_model::{Colors, Untrusted};

/// The most characters of one line: what is longer is no line that anybody reads.
pub(super) const LONGEST_LINE: usize = 256 * 1024;

/// How a log is printed, and which of its lines.
#[derive(Clone, Debug)]
pub struct LogStyle {
    /// Whether lines keep their colours.
    pub colors: Colors,
    /// Only lines with this text in them.
    pub grep: Option<String>,
    /// Only lines until then.
    pub until: Option<Timestamp>,
    /// What is told of where a line comes from.
    pub origin: LogOrigin,
}

/// What is told of where a line comes from, between its moment and its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOrigin {
    /// `[POD]`, from the second pod's first line on.
    SeveralPods,
    /// `[POD]`.
    Pod,
    /// `[POD] [CONTAINER]`, as the platform's tool has it for jobs.
    PodAndContainer,
}

impl LogStyle {
    /// Returns whether something is printed.
    pub(super) fn wants(&self, item: &LogItem) -> bool {
        let is_in_time = |moment: Timestamp| self.until.is_none_or(|until| moment <= until);
        match item {
            LogItem::Line { moment, message, .. } => is_in_time(*moment) && self.has_text(message),
            LogItem::RunEnded { container: _, end } => end.finished.is_none_or(is_in_time),
            LogItem::Remark { .. } => false,
        }
    }

    fn has_text(&self, message: &Untrusted) -> bool {
        let Some(text) = &self.grep else { return true };
        // A colour in the middle of a word does not hide it.
        message.as_raw().contains(text.as_str())
            || message.line(Colors::Drop, LONGEST_LINE).to_string().contains(text.as_str())
    }
}
