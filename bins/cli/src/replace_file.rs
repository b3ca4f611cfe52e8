//! Files that are replaced as a whole, or not at all.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use toolforge_model::Untrusted;
use toolforge_report::{DetailCode, FailureCode};

use crate::failure::{ExitCode, Failure};

/// Writes or replaces a file as [`replace_file`] does; the failure names it.
///
/// # Errors
/// When it cannot be written.
pub fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    replace_file(path, text).map_err(|error| not_written(path, &error))
}

/// Returns the failure of a file that cannot be written.
#[must_use]
pub fn not_written(path: &Path, error: &io::Error) -> Failure {
    let name = Untrusted::new(path.display().to_string());
    Failure::new(ExitCode::Failed, format!("{} cannot be written", name.escaped()))
        .with_code(FailureCode::FileAccess)
        .coded_detail(DetailCode::Source, error.to_string())
}

/// Returns the failure of a file that is not replaced because it has other content.
#[must_use]
pub fn has_other_content(path: &Path) -> Failure {
    let name = Untrusted::new(path.display().to_string());
    Failure::new(
        ExitCode::Failed,
        format!("{} exists and has other content; nothing was changed", name.escaped()),
    )
    .with_code(FailureCode::AlreadyExists)
}

/// Writes or replaces a file atomically, with the permissions of the replaced one. The target of a symbolic link is
/// replaced, and the link is kept; a device is written to.
///
/// # Errors
/// When it cannot be written, or is a named pipe.
pub fn replace_file(path: &Path, text: &str) -> io::Result<()> {
    // A device or standard output cannot be replaced; opening a directory fails.
    let is_open = ["/dev/stdout", "/dev/stderr", "/dev/fd"].iter().any(|open| path.starts_with(open));
    let existing = path.metadata().ok().map(|existing| existing.file_type());
    // Opening a named pipe would wait for its reader.
    if !is_open && existing.is_some_and(|kind| kind.is_fifo()) {
        return Err(io::Error::other("it is a named pipe; pipe standard output instead"));
    }
    if is_open || existing.is_some_and(|kind| !kind.is_file()) {
        return OpenOptions::new().append(true).open(path)?.write_all(text.as_bytes());
    }
    // The target of a symbolic link is replaced; the link is kept.
    let path = match path.canonicalize() {
        Ok(path) => path,
        Err(error) if error.kind() == io::ErrorKind::NotFound => path.to_owned(),
        Err(error) => return Err(error),
    };
    let permissions = path.metadata().ok().map(|existing| existing.permissions());
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_string_lossy();
    let partial = path.with_file_name(format!(".{name}.{}~", std::process::id()));
    let written = write_new(&partial, text, permissions).and_then(|()| std::fs::rename(&partial, &path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&partial);
    }
    written
}

fn write_new(path: &Path, text: &str, permissions: Option<std::fs::Permissions>) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    if let Some(permissions) = permissions {
        file.set_permissions(permissions)?;
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn file_is_replaced_atomically() {
        let directory = std::env::temp_dir().join(format!("toolforge-replace-file-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(&directory).unwrap();
        let (file, link) = (directory.join("jobs.yaml"), directory.join("link.yaml"));
        replace_file(&file, "first").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        symlink("jobs.yaml", &link).unwrap();
        replace_file(&link, "second").unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "second");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o640);
        assert!(link.symlink_metadata().unwrap().is_symlink());
        replace_file(Path::new("/dev/null"), "nothing").unwrap();
        assert!(replace_file(&directory, "a directory").is_err());
        let pipe = directory.join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(replace_file(&pipe, "a pipe").is_err());
        std::fs::remove_file(&pipe).unwrap();
        assert!(replace_file(&directory.join("missing/jobs.yaml"), "no directory").is_err());
        let mut names: Vec<_> =
            std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["jobs.yaml", "link.yaml"]);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
