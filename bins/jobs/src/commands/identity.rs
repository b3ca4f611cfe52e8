//! By what a jobs file is known again, so that `load --prune` deletes only what the same file created.

use std::path::{Path, PathBuf};

/// The number of symbolic links that are followed (Linux, `MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// Returns the identity of a jobs file: its absolute path. Symbolic links are kept, because their target may be another
/// release each time.
///
/// Standard input, pipes and open files below `/dev/fd` have none: the next one of the same name is another file.
pub(super) fn file_identity(file: &Path) -> Option<String> {
    if !file.metadata().ok()?.is_file() || is_stream(file) {
        return None;
    }
    std::path::absolute(file).ok()?.to_str().map(str::to_owned)
}

/// Returns whether something that can be read is not a regular file of its own name: standard input, a pipe, a device.
pub(super) fn is_stream(file: &Path) -> bool {
    let is_other = file.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
    file.as_os_str() == "-" || is_other || is_descriptor(file)
}

/// Returns whether a path leads to an open file of a process, as `/dev/stdin` does.
fn is_descriptor(file: &Path) -> bool {
    let mut path = file.to_owned();
    for _ in 0..MAX_LINKS {
        let Some(directory) = directory_of(&path) else { return false };
        if directory.starts_with("/proc") {
            return true;
        }
        let Ok(target) = path.read_link() else { return false };
        path = directory.join(target);
    }
    false
}

/// Returns the directory of a path, with its symbolic links resolved.
fn directory_of(path: &Path) -> Option<PathBuf> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    directory.canonicalize().ok()
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsRawFd as _;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_regular_files_have_an_identity() {
        let directory = std::env::temp_dir().join(format!("toolforge-jobs-identity-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let (file, link) = (directory.join("jobs.yaml"), directory.join("link.yaml"));
        std::fs::write(&file, "[]").unwrap();
        symlink("jobs.yaml", &link).unwrap();
        // Links keep their own name.
        for path in [&file, &link] {
            assert_eq!(file_identity(path), path.to_str().map(str::to_owned));
        }
        let open = File::open(&file).unwrap();
        let descriptor = PathBuf::from(format!("/dev/fd/{}", open.as_raw_fd()));
        let to_descriptor = directory.join("to-descriptor");
        symlink(&descriptor, &to_descriptor).unwrap();
        let fifo = directory.join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let none = ["-", "/dev/stdin", "/dev/null", "/nonexistent/jobs.yaml"].map(PathBuf::from);
        for path in none.iter().chain([&descriptor, &to_descriptor, &fifo, &directory]) {
            assert_eq!(file_identity(path), None, "{}", path.display());
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
