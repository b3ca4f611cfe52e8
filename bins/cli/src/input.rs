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
use toolforge_model::Untrusted;
use toolforge_report::{DetailCode, FailureCode};

use crate::failure::{ExitCode, Failure};
use crate::notice::print_message;

/// How long a pipe or standard input may be silent before a note is printed.
const PATIENCE: Timespec = Timespec { tv_sec: 2, tv_nsec: 0 };

/// Whether standard input was opened: what was read of it cannot be read again.
static STANDARD_INPUT: AtomicBool = AtomicBool::new(false);

/// An open file, pipe or standard input. After two seconds of silence, standard error says once what is waited for: a pipe may
/// never be written.
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
    Failure::new(ExitCode::Failed, format!("{name} cannot be read"))
        .with_code(FailureCode::FileAccess)
        .coded_detail(DetailCode::Source, error.to_string())
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
