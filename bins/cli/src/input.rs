//! Input files: regular files, pipes and standard input, up to a limit.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;
use toolforge_model::{Untrusted, quote_word, suggest};
use toolforge_report::{DetailCode, FailureCode};

use crate::failure::{ExitCode, Failure};
use crate::notice::print_message;

/// How long a pipe or standard input may be silent before a note is printed.
const PATIENCE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// Whether standard input was opened: its content cannot be read again.
static STANDARD_INPUT: AtomicBool = AtomicBool::new(false);

/// An open file, pipe or standard input. After two seconds of silence, a message on standard error says once what the program
/// is waiting for: nobody may ever write to a pipe.
#[derive(Debug)]
pub struct Input {
    file: File,
    name: String,
    is_noted: bool,
}

impl Input {
    /// Opens a file; `-` is standard input, which is opened once by a process.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        let name = shown(path);
        let opened = if path.as_os_str() == "-" {
            if STANDARD_INPUT.swap(true, Ordering::Relaxed) {
                return Err(Failure::new(ExitCode::Usage, "standard input can be read only once")
                    .hint("Write `-` once, and name files for the others."));
            }
            io::stdin().as_fd().try_clone_to_owned().map(File::from)
        } else {
            // Without the flag, this would wait for a pipe that nobody has opened for writing.
            let flags = OFlags::NONBLOCK.bits().cast_signed();
            OpenOptions::new().read(true).custom_flags(flags).open(path)
        };
        match opened {
            Ok(file) => Ok(Self { file, name, is_noted: false }),
            Err(error) => Err(cannot_be_read(path, &error)),
        }
    }

    /// Waits until there is something to read, or the end.
    fn wait(&mut self) -> io::Result<()> {
        loop {
            let timeout = if self.is_noted { None } else { Some(&PATIENCE) };
            match poll(&mut [PollFd::new(&self.file, PollFlags::IN)], timeout) {
                Ok(0) => {
                    print_message(&format!("note: waiting for the end of {}", self.name));
                    self.is_noted = true;
                }
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.wait()?;
            match self.file.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                read => return read,
            }
        }
    }
}

/// Returns the name of a file for messages.
fn shown(path: &Path) -> String {
    if path.as_os_str() == "-" {
        return "standard input".to_owned();
    }
    Untrusted::new(path.display().to_string()).escaped().to_string()
}

/// Returns the failure of a file that cannot be read.
pub(crate) fn cannot_be_read(path: &Path, error: &io::Error) -> Failure {
    let name = shown(path);
    let failure = |text: &str| {
        Failure::new(ExitCode::Failed, format!("{name} {text}")).with_code(FailureCode::FileAccess)
    };
    match error.kind() {
        ErrorKind::NotFound => {
            similar_file_hint(path).into_iter().fold(failure("does not exist"), Failure::hint)
        }
        ErrorKind::IsADirectory => failure("is a directory").hint("Name a file in it."),
        _ => failure("cannot be read").coded_detail(DetailCode::Source, error.to_string()),
    }
}

/// The maximum number of entries of a directory that is searched for a file with a similar name.
const MOST_ENTRIES: usize = 10_000;

/// Returns the hint at a file in the directory of a missing one whose name is similar; `None` if there is none.
#[must_use]
pub fn similar_file_hint(missing: &Path) -> Option<String> {
    let name = missing.file_name()?.to_str()?;
    let directory = missing.parent().filter(|parent| !parent.as_os_str().is_empty());
    let entries = directory.unwrap_or(Path::new(".")).read_dir().ok()?.take(MOST_ENTRIES).flatten();
    let files = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()));
    let mut names: Vec<String> = files.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    // A hidden file is not meant by a name without the dot.
    names.retain(|other| other.starts_with('.') == name.starts_with('.'));
    names.sort();
    let similar = missing.with_file_name(suggest(name, names.iter().map(String::as_str))?);
    let similar = Untrusted::new(quote_word(&similar.display().to_string()));
    Some(format!("Did you mean `{}`?", similar.escaped()))
}

/// Returns the failure of a file that has more than `limit` bytes.
pub(crate) fn too_large(path: &Path, limit: u64) -> Failure {
    let text = format!("{} is larger than {} MiB", shown(path), limit / 1024 / 1024);
    Failure::new(ExitCode::Failed, text).with_code(FailureCode::InvalidFile)
}

/// Returns the content of a file, a pipe or standard input (`-`) of at most `limit` bytes.
///
/// # Errors
/// When it cannot be read, or is larger.
pub fn read_input(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let mut input = Input::open(path)?;
    let mut bytes = Vec::new();
    let read = input.by_ref().take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|error| cannot_be_read(path, &error))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(path, limit));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_file_has_a_hint_at_a_similar_one() {
        let directory = std::env::temp_dir().join(format!("toolforge-similar-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("jobs.yamls")).unwrap();
        for name in ["jobs.yaml", "my service.template", ".jbos.yaml", "q\u{1b}[2J.yaml"] {
            std::fs::write(directory.join(name), "").unwrap();
        }
        let hints = |name: &str| read_input(&directory.join(name), 5).unwrap_err().hints().join(" ");
        let hint = |shown: &str| format!("Did you mean `{shown}`?");
        let path = |name: &str| directory.join(name).display().to_string();
        assert_eq!(hints("jbos.yaml"), hint(&path("jobs.yaml")));
        assert_eq!(hints("jobs"), hint(&path("jobs.yaml")));
        assert_eq!(hints("my service.templat"), hint(&format!("'{}'", path("my service.template"))));
        assert_eq!(hints(".jobs.yml"), hint(&path(".jbos.yaml")));
        assert!(hints("q.yaml").contains("\\u{1b}"), "{}", hints("q.yaml"));
        for other in ["nothing", "nowhere/jobs.yaml"] {
            assert_eq!(hints(other), "", "{other}");
        }
        assert_eq!(hints(""), "Name a file in it.");
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn input_is_limited() {
        let path = std::env::temp_dir().join(format!("toolforge-input-{}", std::process::id()));
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_input(&path, 5).unwrap(), b"12345");
        let error = read_input(&path, 4).unwrap_err();
        std::fs::remove_file(&path).unwrap();
        assert!(error.message().ends_with(" is larger than 0 MiB"), "{}", error.message());
        let endless = read_input(Path::new("/dev/zero"), 1024 * 1024).unwrap_err();
        assert_eq!(endless.message(), "/dev/zero is larger than 1 MiB");
    }
}
