//! Input files: regular files, pipes and standard input, up to a limit.

use std::io::Read as _;
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use toolforge_model::Untrusted;
use toolforge_report::{DetailCode, FailureCode};

use crate::failure::{ExitCode, Failure};

/// A note on standard error that an input, a pipe or standard input, has not ended after two seconds.
///
/// The note is not printed if it is dropped before.
#[derive(Debug)]
pub struct WaitingNote {
    done: Option<mpsc::Sender<()>>,
    note: Option<std::thread::JoinHandle<()>>,
}

impl WaitingNote {
    /// Starts to wait for the end of a file; `-` is standard input.
    #[must_use]
    pub fn for_end_of(path: &Path) -> Self {
        let (done, end) = mpsc::channel::<()>();
        let waiting = format!("note: waiting for the end of {}", input_name(path));
        let note = std::thread::spawn(move || {
            if end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                anstream::eprintln!("{waiting}");
            }
        });
        Self { done: Some(done), note: Some(note) }
    }
}

impl Drop for WaitingNote {
    fn drop(&mut self) {
        drop(self.done.take());
        // The thread only prints, which does not fail.
        let _ = self.note.take().map(std::thread::JoinHandle::join);
    }
}

/// Returns the name of an input for messages, escaped.
fn input_name(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "standard input".to_owned()
    } else {
        Untrusted::new(path.display().to_string()).escaped().to_string()
    }
}

/// How long a pipe or standard input may be silent before that is said.
const PATIENCE: Duration = Duration::from_secs(2);

/// Returns the content of a file or a pipe of at most `limit` bytes; `-` is standard input.
///
/// After two seconds, standard error says what is waited for: a pipe may never be written.
///
/// # Errors
/// When it cannot be read, or is larger.
pub fn read_input(path: &Path, limit: u64) -> Result<Vec<u8>, Failure> {
    let name = input_name(path);
    let note = WaitingNote::for_end_of(path);
    let mut bytes = Vec::new();
    let read = if path.as_os_str() == "-" {
        std::io::stdin().lock().take(limit + 1).read_to_end(&mut bytes)
    } else {
        std::fs::File::open(path).and_then(|file| file.take(limit + 1).read_to_end(&mut bytes))
    };
    drop(note);
    read.map_err(|error| {
        Failure::new(ExitCode::Failed, format!("{name} cannot be read"))
            .with_code(FailureCode::FileAccess)
            .coded_detail(DetailCode::Source, error.to_string())
    })?;
    if bytes.len() as u64 > limit {
        let text = format!("{name} is larger than {} MiB", limit / 1024 / 1024);
        return Err(Failure::new(ExitCode::Failed, text).with_code(FailureCode::InvalidFile));
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
