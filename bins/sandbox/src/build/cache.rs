//! What was built, kept per user under a name made from what it was built from.
//!
//! A build happens in a directory of its own that is renamed into place when it is whole, so what is in place is
//! never half-built; what a killed build left behind is removed by the next one. A lock per entry makes two
//! builders wait for each other instead of doing the work twice.

use std::fs::{self, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};

use crate::directory::{cache_root, digest};
use crate::failure::{Failure, OrFail};
use crate::report::{Report, Step};

/// Returns the directory of the entry `LABEL-HASH`, whether or not it was built.
pub(crate) fn entry(inputs: &[&[u8]], label: &str) -> Result<PathBuf, Failure> {
    Ok(cache_root()?.join(format!("{label}-{}", &digest(inputs)[..16])))
}

/// Returns the directory that `build` fills when it is given an empty one. Where it is there already, that is all;
/// else the building is a step of the report, called `what`.
///
/// `inputs` is everything that decides what is built; `label` says what it is, as in `coredns`.
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
        step.progress("waiting for another build of the same");
        lock.lock().or_fail(cannot())?;
    }
    // The other builder may have finished it meanwhile.
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
    fn builds_once_and_heals_what_was_left_half_built() {
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
