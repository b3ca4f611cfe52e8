//! The per-user cache of built components. The name of an entry contains a hash of its inputs.
//!
//! A build runs in a temporary directory that is renamed when it is complete, so an entry is never half-built. The next
//! build removes what a killed build has left. With a lock per entry, concurrent builds wait for each other instead of
//! doing the work twice.

use std::fs::{self, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::directory::{cache_root, digest};
use crate::failure::{Failure, OrFail};
use crate::progress::{Report, Step};

/// Returns the directory of the entry `LABEL-HASH`, which may not exist yet.
pub(crate) fn entry(inputs: &[&[u8]], label: &str) -> Result<PathBuf, Failure> {
    Ok(cache_root()?.join(format!("{label}-{}", &digest(inputs)[..16])))
}

/// Returns the directory of an entry. If it does not exist, `build` fills an empty directory, as a step of the report
/// with the description `what`.
///
/// `inputs` is everything that the result depends on; `label` is a name such as `coredns`.
pub(crate) fn cached(
    inputs: &[&[u8]],
    label: &str,
    report: &Report,
    what: impl Into<String>,
    build: impl FnOnce(&Path, &Step) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    let entry = entry(inputs, label)?;
    if entry.is_dir() {
        return Ok(entry);
    }
    report.step(what, |step| build_entry(&entry, step, |partial| build(partial, step)))
}

fn build_entry(
    entry: &Path,
    step: &Step,
    build: impl FnOnce(&Path) -> Result<(), Failure>,
) -> Result<PathBuf, Failure> {
    if entry.is_dir() {
        return Ok(entry.to_path_buf());
    }
    let cannot = || format!("cannot write to the cache {}", entry.display());
    if let Some(root) = entry.parent() {
        fs::create_dir_all(root).or_fail(cannot())?;
    }
    let lock = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(entry.with_added_extension("lock"))
        .or_fail(cannot())?;
    if let Err(TryLockError::WouldBlock) = lock.try_lock() {
        step.progress("waiting for another build");
        lock.lock().or_fail(cannot())?;
    }
    // The other build may have finished it in the meantime.
    if entry.is_dir() {
        return Ok(entry.to_path_buf());
    }
    let partial = entry.with_added_extension("partial");
    remove(&partial).or_fail(cannot())?;
    fs::create_dir(&partial).or_fail(cannot())?;
    build(&partial)?;
    fs::rename(&partial, entry).or_fail(cannot())?;
    Ok(entry.to_path_buf())
}

fn remove(directory: &Path) -> std::io::Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("toolforge-sandbox-{name}-{}", std::process::id()));
        remove(&directory).unwrap();
        directory
    }

    #[test]
    fn builds_once_and_replaces_partial_builds() {
        let (root, step) = (directory("cache"), Report::new().begin("test"));
        let entry = root.join("thing-1");
        let failed = build_entry(&entry, &step, |partial| {
            fs::write(partial.join("half"), "x")?;
            Err(Failure::new("stopped"))
        });
        assert!(failed.is_err() && !entry.exists());
        let built = build_entry(&entry, &step, |partial| Ok(fs::write(partial.join("whole"), "x")?)).unwrap();
        assert!(built.join("whole").exists() && !built.join("half").exists());
        let again = build_entry(&entry, &step, |_| Err(Failure::new("built twice"))).unwrap();
        assert_eq!(again, built);
        step.done();
        remove(&root).unwrap();
    }
}
