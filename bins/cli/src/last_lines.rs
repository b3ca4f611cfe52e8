//! The last lines of logs and log files, as part of a failure or a warning.

use std::fs::{File, Metadata};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use toolforge_client::LAST_LINES;
use toolforge_model::Untrusted;

/// The last lines of a log, escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LastLines {
    /// The log, as in `its log`.
    log: String,
    lines: String,
}

impl LastLines {
    /// Returns lines of the log of a message's subject.
    #[must_use]
    pub fn of_its_log(lines: &Untrusted) -> Self {
        Self { log: "its log".to_owned(), lines: lines.lines_escaped().to_string() }
    }

    /// Returns the line above them.
    pub(crate) fn title(&self) -> String {
        format!("the last lines of {}:", self.log)
    }

    /// Returns the lines.
    pub(crate) fn lines(&self) -> &str {
        &self.lines
    }
}

/// How much of a file is read for its last lines, in bytes.
const LAST_BYTES: u64 = 16 * 1024;

/// The end of a log file at a moment. Everything before it belongs to an earlier run.
#[derive(Clone, Debug)]
pub struct FileMark {
    path: PathBuf,
    /// The inode and the length; `None` if there was no such file.
    seen: Option<(u64, u64)>,
}

impl FileMark {
    /// Returns the current end of a file.
    #[must_use]
    pub fn of(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let seen = std::fs::metadata(&path).ok().map(|metadata| (metadata.ino(), metadata.len()));
        Self { path, seen }
    }

    /// Returns the last lines that were written since, at most 16 KiB; `None` if there are none or the file cannot be read. If
    /// the file is shorter or another one, all of it was written since.
    #[must_use]
    pub fn last_lines(&self) -> Option<LastLines> {
        let lines = self.read(usize::try_from(LAST_LINES).unwrap_or(usize::MAX))?;
        let log = Untrusted::new(self.path.display().to_string()).escaped().to_string();
        Some(LastLines { log, lines })
    }

    fn read(&self, count: usize) -> Option<String> {
        let mut file = File::open(&self.path).ok()?;
        let metadata = file.metadata().ok().filter(Metadata::is_file)?;
        let begin = match self.seen {
            Some((inode, length)) if inode == metadata.ino() && length <= metadata.len() => length,
            _ => 0,
        };
        file.seek(SeekFrom::Start(begin.max(metadata.len().saturating_sub(LAST_BYTES)))).ok()?;
        let mut bytes = Vec::new();
        file.take(LAST_BYTES).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines.len().saturating_sub(count);
        let lines = Untrusted::new(lines[last..].join("\n")).lines_escaped().to_string();
        (!lines.is_empty()).then_some(lines)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn only_lines_written_since_are_shown() {
        let path = std::env::temp_dir().join(format!("toolforge-cli-mark-{}", std::process::id()));
        std::fs::write(&path, "of an earlier run\n").unwrap();
        let mark = FileMark::of(&path);
        assert_eq!(mark.read(20), None);
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"one\ntwo\nthree\n").unwrap();
        assert_eq!(mark.read(2).as_deref(), Some("two\nthree"));
        // All of an emptied file was written since.
        std::fs::write(&path, "new\n").unwrap();
        assert_eq!(mark.read(20).as_deref(), Some("new"));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(mark.read(20), None);
        let absent = FileMark::of(&path);
        std::fs::write(&path, "first\n").unwrap();
        let last = absent.last_lines().unwrap();
        assert_eq!(last.title(), format!("the last lines of {}:", path.display()));
        assert_eq!(last.lines(), "first");
        std::fs::remove_file(&path).unwrap();
    }
}
