//! The manifest of an object in the tool's home, while `adopt` deletes the object and creates its job: a killed process cannot
//! create it again.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use k8s_openapi::jiff::Timestamp;
use toolforge_cli::{Failure, Session, not_written};
use toolforge_render::convert::as_created;
use toolforge_render::job::{JobObjects, WorkloadRef};

/// How the names of the files begin.
const COPY: &str = ".toolforge-adopt-";

/// A file with the manifest of an object.
pub(super) struct ManifestCopy {
    pub(super) path: PathBuf,
    /// When it was written.
    pub(super) written: Timestamp,
}

/// Writes the manifest of an object, and replaces an earlier copy of the same object.
///
/// # Errors
/// When it cannot be written; an earlier copy remains.
pub(super) fn write_copy(session: &Session, job: &JobObjects) -> Result<(), Failure> {
    let Some(home) = &session.home else { return Ok(()) };
    let path = home.path().join(file_name(job));
    replace(&path, &as_created(job).to_yaml()).map_err(|error| not_written(&path, &error))
}

/// Deletes the copy of an object that is not lost.
pub(super) fn remove_copy(session: &Session, job: &JobObjects) {
    if let Some(home) = &session.home {
        // It does not matter if it is left behind.
        let _ = fs::remove_file(home.path().join(file_name(job)));
    }
}

/// Deletes all copies of objects of this kind and name.
pub(super) fn remove_copies(session: &Session, name: &WorkloadRef) {
    for copy in copies(session, name) {
        // It does not matter if it is left behind.
        let _ = fs::remove_file(copy.path);
    }
}

/// Returns the newest copy of an object of this name.
pub(super) fn newest_copy(session: &Session, name: &WorkloadRef) -> Option<ManifestCopy> {
    copies(session, name).max_by_key(|copy| copy.written)
}

fn copies(session: &Session, name: &WorkloadRef) -> impl Iterator<Item = ManifestCopy> {
    let home = session.home.as_ref().and_then(|home| fs::read_dir(home.path()).ok());
    let files = home.into_iter().flatten().flatten();
    files.filter(|file| is_copy(&file.file_name().to_string_lossy(), name)).filter_map(|file| {
        let written = Timestamp::try_from(file.metadata().ok()?.modified().ok()?).ok()?;
        Some(ManifestCopy { path: file.path(), written })
    })
}

fn file_name(job: &JobObjects) -> String {
    let kind = job.workload.kind().as_str().to_lowercase();
    let uid = job.workload.metadata().uid.as_deref().unwrap_or("0");
    format!("{COPY}{kind}-{}.{uid}.yaml", job.name)
}

/// Returns whether a file is the copy of an object of this name, and of this kind if the name has one.
fn is_copy(file: &str, name: &WorkloadRef) -> bool {
    let parts = || {
        let (kind, rest) = file.strip_prefix(COPY)?.strip_suffix(".yaml")?.split_once('-')?;
        let (found, _uid) = rest.rsplit_once('.')?;
        Some((kind, found))
    };
    let is_kind = |kind: &str| name.kind.is_none_or(|wanted| wanted.as_str().eq_ignore_ascii_case(kind));
    parts().is_some_and(|(kind, found)| is_kind(kind) && found == name.name.as_str())
}

/// Replaces a file by a new one that only the tool can read: the environment may have secrets.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let partial = path.with_extension("yaml~");
    let _ = fs::remove_file(&partial);
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&partial)
        .and_then(|mut file| {
            file.write_all(text.as_bytes())?;
            file.sync_all()
        })
        .and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(&partial);
    }
    written
}
