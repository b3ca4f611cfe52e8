//! This program itself, which a new build may replace while it runs.

use std::path::{Path, PathBuf};

/// Returns a path that starts this program, even if its file has been replaced or removed in the meantime.
///
/// It works for as long as this process runs, and only where `/proc` shows it.
pub(crate) fn executable() -> PathBuf {
    PathBuf::from(format!("/proc/{}/exe", std::process::id()))
}

/// Returns the path of this program's file, where a new build puts the next one.
///
/// # Errors
/// When `/proc` cannot be read.
pub(crate) fn file() -> std::io::Result<PathBuf> {
    std::env::current_exe().map(|path| without_deletion(&path))
}

/// Removes the mark of the kernel for a file that has been removed or replaced (proc(5), `/proc/pid/exe`).
fn without_deletion(path: &Path) -> PathBuf {
    let text = path.as_os_str().to_string_lossy();
    text.strip_suffix(" (deleted)").map_or_else(|| path.to_owned(), PathBuf::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_has_no_deletion_mark() {
        assert_eq!(without_deletion(Path::new("/t/debug/p (deleted)")), Path::new("/t/debug/p"));
        assert_eq!(without_deletion(Path::new("/t/debug/p")), Path::new("/t/debug/p"));
    }

    #[test]
    fn executable_is_this_program() {
        assert_eq!(std::fs::canonicalize(executable()).unwrap(), std::env::current_exe().unwrap());
    }
}
