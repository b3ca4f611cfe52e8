use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use toolforge_model::Diagnostic;
use toolforge_model::ServiceManifest;

use crate::connect::{FileProblem, FileRole, read_text, shown};
use crate::web_service::home::ToolHome;

/// The name of the manifest.
const NAME: &str = "service.manifest";

/// The file that a command locks while it changes the manifest. It is not removed: another command might have just
/// locked it.
const LOCK: &str = ".service.manifest.lock";

/// The new manifest, until it is complete and replaces the old one.
const PARTIAL: &str = ".service.manifest.new";

/// How long to wait for the lock; a command holds it for milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// The mode of a new manifest (webservice 0.98).
const MODE: u32 = 0o644;

/// Why the manifest could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// It cannot be read.
    #[error("{role} {} {problem}", shown(path), role = FileRole::Manifest)]
    File {
        /// The file.
        path: PathBuf,
        /// Why it could not be read.
        problem: FileProblem,
    },
    /// It is not a valid manifest.
    #[error("{} cannot be read: {diagnostic}", shown(path))]
    Broken {
        /// The file.
        path: PathBuf,
        /// The error and its location.
        diagnostic: Diagnostic,
    },
    /// Another command has locked it for too long.
    #[error("{} is locked by another command", shown(path))]
    Locked {
        /// The locked file.
        path: PathBuf,
    },
    /// It cannot be written; its old contents are unchanged.
    #[error("{} cannot be written", shown(path))]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// The system's error.
        #[source]
        source: io::Error,
    },
}

impl ToolHome {
    /// Returns the manifest; empty if there is none.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn manifest(&self) -> Result<ServiceManifest, ManifestError> {
        let path = self.path().join(NAME);
        match read_text(&path) {
            Ok(text) => {
                ServiceManifest::parse(&text).map_err(|diagnostic| ManifestError::Broken { path, diagnostic })
            }
            Err(FileProblem::Missing | FileProblem::Empty) => Ok(ServiceManifest::default()),
            Err(problem) => Err(ManifestError::File { path, problem }),
        }
    }

    /// Changes the manifest, and returns whether the file was written, which it is only if something changes.
    ///
    /// Other commands wait. The file is replaced as a whole, so a reader finds the old one or the new one, never a part.
    ///
    /// # Errors
    /// When it cannot be read, is locked for more than five seconds, or cannot be written; it is unchanged then.
    pub fn change_manifest(
        &self,
        change: impl FnOnce(ServiceManifest) -> ServiceManifest,
    ) -> Result<bool, ManifestError> {
        // Most changes change nothing, and need no lock.
        let before = self.manifest()?;
        let path = self.path().join(NAME);
        let _lock = self.lock()?;
        let current = self.manifest()?;
        let changed = change(current.clone());
        if changed == current && (changed == before || path.exists()) {
            return Ok(false);
        }
        let moment = Timestamp::now().strftime("%a %b %e %H:%M:%S %Y").to_string();
        replace(&path, changed.to_yaml(&moment).as_bytes())
            .map_err(|source| ManifestError::NotWritten { path, source })?;
        Ok(true)
    }

    fn lock(&self) -> Result<File, ManifestError> {
        let path = self.path().join(LOCK);
        let failed = |source| ManifestError::NotWritten { path: path.clone(), source };
        // Opening a pipe would wait for its reader.
        if path.metadata().is_ok_and(|found| !found.is_file()) {
            return Err(failed(io::Error::other("it is not a regular file")));
        }
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(MODE)
            .open(&path)
            .map_err(failed)?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(TryLockError::WouldBlock) => return Err(ManifestError::Locked { path }),
                // A file system without locks: concurrent commands are rarer than such homes.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}

/// Replaces a file by one with these bytes, which is on disk before it gets the name.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mode = path.metadata().map_or(MODE, |found| found.permissions().mode() & 0o777);
    let partial = directory.join(PARTIAL);
    // Under the lock, this can only be a leftover of a command that was killed.
    match std::fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&partial, bytes, mode).and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to report.
        let _ = std::fs::remove_file(&partial);
    }
    written?;
    // The new name also has to be on disk; if a directory cannot be synced, it will be there soon.
    let _ = File::open(directory).and_then(|directory| directory.sync_all());
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(path)?;
    // The umask may have removed permissions.
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
pub(super) mod tests {
    use toolforge_model::Replicas;

    use super::*;

    /// A temporary directory, removed at the end of the test.
    pub(in crate::web_service::home) struct TempDirectory(PathBuf);

    impl TempDirectory {
        pub(in crate::web_service::home) fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("toolforge-home-{}-{name}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        pub(in crate::web_service::home) fn home(&self) -> ToolHome {
            ToolHome::at(&self.0)
        }

        pub(in crate::web_service::home) fn write(&self, name: &str, text: &str) {
            let path = self.0.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }

        fn read(&self, name: &str) -> String {
            std::fs::read_to_string(self.0.join(name)).unwrap()
        }

        fn names(&self) -> Vec<String> {
            let entries = std::fs::read_dir(&self.0).unwrap().flatten();
            let mut names: Vec<_> =
                entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
            names.sort();
            names
        }
    }

    impl Drop for TempDirectory {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn typed(name: &'static str) -> impl FnOnce(ServiceManifest) -> ServiceManifest {
        move |mut manifest| {
            manifest.options.type_name = Some(name.parse().unwrap());
            manifest
        }
    }

    #[test]
    fn manifest_change_is_written_once() {
        let directory = TempDirectory::new("once");
        assert!(directory.home().change_manifest(typed("php8.2")).unwrap());
        let text = directory.read(NAME);
        assert!(
            text.starts_with("# This file is used by Toolforge infrastructure.\n")
                && text.contains("web: php8.2\n")
        );
        assert!(!directory.home().change_manifest(typed("php8.2")).unwrap());
        assert_eq!(directory.read(NAME), text);
        assert_eq!(directory.names(), [LOCK, NAME]);
        // Leftovers of killed commands, of the platform's tool or ours, do not matter.
        directory.write("service.manifest~", "half");
        directory.write(PARTIAL, "half");
        assert!(directory.home().change_manifest(typed("php8.4")).unwrap());
        assert_eq!(directory.names(), [LOCK, NAME, "service.manifest~"]);
    }

    #[test]
    fn concurrent_manifest_changes_are_all_kept() {
        let directory = TempDirectory::new("many");
        let home = directory.home();
        directory.write(NAME, "kept: 1\n");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let change = |manifest: ServiceManifest| {
                            let count = manifest.options.replicas.map_or(0, Replicas::count);
                            let mut manifest = typed("php8.2")(manifest);
                            manifest.options.replicas = Some((count + 1).to_string().parse().unwrap());
                            manifest
                        };
                        assert!(home.change_manifest(change).unwrap());
                    }
                });
            }
        });
        let text = directory.read(NAME);
        assert!(text.contains("replicas: 80\n") && text.contains("kept: 1\n"), "{text}");
    }

    #[test]
    fn broken_manifest_is_not_overwritten() {
        let directory = TempDirectory::new("broken");
        for text in ["web: [", "- a list\n"] {
            directory.write(NAME, text);
            let error = directory.home().change_manifest(typed("php8.2")).unwrap_err();
            assert!(matches!(error, ManifestError::Broken { .. }), "{error}");
            assert_eq!(directory.read(NAME), text);
        }
        std::fs::remove_file(directory.0.join(NAME)).unwrap();
        std::fs::create_dir(directory.0.join(NAME)).unwrap();
        assert!(directory.home().change_manifest(typed("php8.2")).is_err());
    }

    #[test]
    fn failed_write_keeps_the_manifest() {
        let directory = TempDirectory::new("full");
        directory.write(NAME, "web: php8.2\n");
        // A directory in place of the new file simulates a full disk: root may write everywhere.
        std::fs::create_dir(directory.0.join(PARTIAL)).unwrap();
        let error = directory.home().change_manifest(typed("php8.4")).unwrap_err();
        assert!(error.to_string().ends_with("service.manifest cannot be written"), "{error}");
        assert_eq!(directory.read(NAME), "web: php8.2\n");
    }

    #[test]
    fn manifest_keeps_its_mode_and_replaces_links() {
        let directory = TempDirectory::new("mode");
        directory.write(NAME, "web: php8.2\n");
        std::fs::set_permissions(directory.0.join(NAME), std::fs::Permissions::from_mode(0o660)).unwrap();
        directory.home().change_manifest(typed("php8.4")).unwrap();
        let mode = |name: &str| directory.0.join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(NAME), 0o660);
        directory.write("elsewhere", "web: php8.2\n");
        std::fs::remove_file(directory.0.join(NAME)).unwrap();
        std::os::unix::fs::symlink("elsewhere", directory.0.join(NAME)).unwrap();
        directory.home().change_manifest(typed("php8.4")).unwrap();
        assert_eq!(directory.read("elsewhere"), "web: php8.2\n");
        assert!(directory.read(NAME).contains("php8.4"));
    }

    #[test]
    fn manifest_change_waits_for_the_lock() {
        let directory = TempDirectory::new("lock");
        let home = directory.home();
        let lock = home.lock().unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| home.change_manifest(typed("php8.2")));
            std::thread::sleep(Duration::from_millis(200));
            assert!(!directory.names().contains(&NAME.to_owned()));
            drop(lock);
            assert!(waiting.join().unwrap().unwrap());
        });
    }

    #[test]
    fn lock_that_is_a_pipe_is_refused() {
        let directory = TempDirectory::new("pipe");
        let pipe = directory.0.join(LOCK);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = directory.home().lock().unwrap_err();
        assert!(matches!(error, ManifestError::NotWritten { .. }), "{error:?}");
    }
}
