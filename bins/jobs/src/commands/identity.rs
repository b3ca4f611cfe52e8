//! The identity of a jobs file, so that `load --prune` deletes only jobs that the same file created.

use std::path::{Component, Path, PathBuf};

/// The number of symbolic links that are followed (Linux, `MAXSYMLINKS`).
const MAX_LINKS: usize = 40;

/// Returns the identity of a jobs file: its absolute path without `..`. Symbolic links are kept, because their target may be
/// another release each time.
///
/// Standard input, pipes and open files below `/dev/fd` have none: the next one of the same name is another file.
pub(super) fn file_identity(file: &Path) -> Option<String> {
    if !file.metadata().ok()?.is_file() || is_stream(file) {
        return None;
    }
    let directory = current_directory(std::env::var_os("PWD").map(PathBuf::from))?;
    without_parents(&directory.join(file))?.to_str().map(str::to_owned)
}

/// Returns the current directory as the shell shows it, with the symbolic links through which it was entered: the system
/// only knows where they lead, and an absolute path to the same file has them.
fn current_directory(shown: Option<PathBuf>) -> Option<PathBuf> {
    let real = std::env::current_dir().ok()?;
    let is_current = |shown: &PathBuf| {
        shown.is_absolute() && shown.canonicalize().is_ok_and(|shown| Some(shown) == real.canonicalize().ok())
    };
    Some(shown.filter(is_current).unwrap_or(real))
}

/// Returns an absolute path without `..`. Only a symbolic link before a `..` is resolved, because the parent of its target
/// is meant.
fn without_parents(path: &Path) -> Option<PathBuf> {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => {
                if plain.is_symlink() {
                    plain = plain.canonicalize().ok()?;
                }
                plain.pop();
            }
            Component::CurDir => {}
            Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(component),
        }
    }
    Some(plain)
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
    fn other_spellings_have_the_same_identity() {
        let directory = std::env::temp_dir().join(format!("toolforge-jobs-spelling-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(directory.join("releases/1/sub")).unwrap();
        let directory = directory.canonicalize().unwrap();
        symlink("releases/1", directory.join("current")).unwrap();
        for file in ["jobs.yaml", "releases/jobs.yaml", "releases/1/jobs.yaml"] {
            std::fs::write(directory.join(file), "[]").unwrap();
        }
        for (spelled, expected) in [
            ("jobs.yaml", "jobs.yaml"),
            ("./releases/../jobs.yaml", "jobs.yaml"),
            ("releases/1/../../jobs.yaml", "jobs.yaml"),
            ("releases//1/./sub/../../jobs.yaml", "releases/jobs.yaml"),
            // A link is kept, except before `..`, which leads to the parent of its target.
            ("current/jobs.yaml", "current/jobs.yaml"),
            ("current/sub/../jobs.yaml", "current/jobs.yaml"),
            ("current/../jobs.yaml", "releases/jobs.yaml"),
        ] {
            let expected = directory.join(expected);
            assert_eq!(
                file_identity(&directory.join(spelled)),
                expected.to_str().map(str::to_owned),
                "{spelled}"
            );
        }
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn current_directory_keeps_links() {
        let real = std::env::current_dir().unwrap();
        let link = std::env::temp_dir().join(format!("toolforge-jobs-directory-{}", std::process::id()));
        let _ = std::fs::remove_file(&link);
        symlink(&real, &link).unwrap();
        assert_eq!(current_directory(Some(link.clone())), Some(link.clone()));
        for other in [Some(std::env::temp_dir()), Some(PathBuf::from(".")), None] {
            assert_eq!(current_directory(other), Some(real.clone()));
        }
        std::fs::remove_file(&link).unwrap();
    }

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
