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

/// The file that a command holds locked while it changes the manifest. It stays: whoever removed it could remove one
/// that another command has just locked.
const LOCK: &str = ".service.manifest.lock";

/// The new manifest, until it is whole and takes the old one's place.
const PARTIAL: &str = ".service.manifest.new";

/// How long the lock is waited for; a command holds it for milliseconds.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// The mode of a manifest that is new (webservice 0.98).
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
    /// It is no manifest.
    #[error("{} cannot be read: {mistake}", shown(path))]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong, and where.
        mistake: Diagnostic,
    },
    /// Another command changes it, and does not come to its end.
    #[error("{} is locked by another command", shown(path))]
    Locked {
        /// The file that is locked.
        path: PathBuf,
    },
    /// It cannot be written; what it held before still stands.
    #[error("{} cannot be written", shown(path))]
    NotWritten {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        #[source]
        source: io::Error,
    },
}

impl ToolHome {
    /// Returns what is remembered of the web service; nothing where there is no manifest.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn manifest(&self) -> Result<ServiceManifest, ManifestError> {
        let path = self.path().join(NAME);
        match read_text(&path) {
            Ok(text) => {
                ServiceManifest::parse(&text).map_err(|mistake| ManifestError::Broken { path, mistake })
            }
            Err(FileProblem::Missing | FileProblem::Empty) => Ok(ServiceManifest::default()),
            Err(problem) => Err(ManifestError::File { path, problem }),
        }
    }

    /// Changes what is remembered, and returns whether the file was written: only where something changes.
    ///
    /// Another command that does the same waits. The file is replaced as a whole, so that whoever reads it finds the
    /// old one or the new one, however this ends.
    ///
    /// # Errors
    /// When it cannot be read (it is not touched then), is locked for more than five seconds, or cannot be written.
    pub fn change_manifest(
        &self,
        change: impl FnOnce(ServiceManifest) -> ServiceManifest,
    ) -> Result<bool, ManifestError> {
        // Most changes change nothing, and need no lock.
        let before = self.manifest()?;
        let path = self.path().join(NAME);
        let _lock = self.lock()?;
        let standing = self.manifest()?;
        let changed = change(standing.clone());
        if changed == standing && (changed == before || path.exists()) {
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
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(MODE)
            .open(&path)
            .map_err(failed)?;
        let begun = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_PATIENCE => {
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(TryLockError::WouldBlock) => return Err(ManifestError::Locked { path }),
                // A file system without locks: two commands at once are rarer than such homes.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }
}

/// Replaces a file by one with these bytes, which is on the disk before it takes the name.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let mode = path.metadata().map_or(MODE, |found| found.permissions().mode() & 0o777);
    let partial = folder.join(PARTIAL);
    // Who holds the lock finds only what a command has left that was killed.
    match std::fs::remove_file(&partial) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&partial, bytes, mode).and_then(|()| std::fs::rename(&partial, path));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(&partial);
    }
    written?;
    // The new name, too, has to be on the disk; where a folder cannot be asked for that, it will be there soon.
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
    Ok(())
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().create_new(true).write(true).mode(mode).open(path)?;
    // What the umask took away.
    file.set_permissions(std::fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
pub(super) mod tests {
    use toolforge_model::Replicas;

    use super::*;

    /// A folder of a test's own, removed at its end.
    pub(in crate::web_service::home) struct Folder(PathBuf);

    impl Folder {
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

    impl Drop for Folder {
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
    fn a_change_is_written_once_and_leaves_no_other_file() {
        let folder = Folder::new("once");
        assert!(folder.home().change_manifest(typed("php8.2")).unwrap());
        let text = folder.read(NAME);
        assert!(
            text.starts_with("# This file is used by Toolforge infrastructure.\n")
                && text.contains("web: php8.2\n")
        );
        assert!(!folder.home().change_manifest(typed("php8.2")).unwrap());
        assert_eq!(folder.read(NAME), text);
        assert_eq!(folder.names(), [LOCK, NAME]);
        // What a killed command of the platform's tool or of ours has left is no obstacle.
        folder.write("service.manifest~", "half");
        folder.write(PARTIAL, "half");
        assert!(folder.home().change_manifest(typed("php8.4")).unwrap());
        assert_eq!(folder.names(), [LOCK, NAME, "service.manifest~"]);
    }

    #[test]
    fn many_writers_at_once_lose_nothing_of_each_other() {
        let folder = Folder::new("many");
        let home = folder.home();
        folder.write(NAME, "kept: 1\n");
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
        let text = folder.read(NAME);
        assert!(text.contains("replicas: 80\n") && text.contains("kept: 1\n"), "{text}");
    }

    #[test]
    fn a_broken_manifest_is_never_overwritten() {
        let folder = Folder::new("broken");
        for text in ["web: [", "- a list\n"] {
            folder.write(NAME, text);
            let error = folder.home().change_manifest(typed("php8.2")).unwrap_err();
            assert!(matches!(error, ManifestError::Broken { .. }), "{error}");
            assert_eq!(folder.read(NAME), text);
        }
        std::fs::remove_file(folder.0.join(NAME)).unwrap();
        std::fs::create_dir(folder.0.join(NAME)).unwrap();
        assert!(folder.home().change_manifest(typed("php8.2")).is_err());
    }

    #[test]
    fn a_file_that_cannot_be_written_stays_as_it_was() {
        let folder = Folder::new("full");
        folder.write(NAME, "web: php8.2\n");
        // A folder in the place of the new file stands for a disk that is full: root may write everywhere.
        std::fs::create_dir(folder.0.join(PARTIAL)).unwrap();
        let error = folder.home().change_manifest(typed("php8.4")).unwrap_err();
        assert!(error.to_string().ends_with("service.manifest cannot be written"), "{error}");
        assert_eq!(folder.read(NAME), "web: php8.2\n");
    }

    #[test]
    fn a_manifest_keeps_its_mode_and_a_link_is_not_written_through() {
        let folder = Folder::new("mode");
        folder.write(NAME, "web: php8.2\n");
        std::fs::set_permissions(folder.0.join(NAME), std::fs::Permissions::from_mode(0o660)).unwrap();
        folder.home().change_manifest(typed("php8.4")).unwrap();
        let mode = |name: &str| folder.0.join(name).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(NAME), 0o660);
        folder.write("elsewhere", "web: php8.2\n");
        std::fs::remove_file(folder.0.join(NAME)).unwrap();
        std::os::unix::fs::symlink("elsewhere", folder.0.join(NAME)).unwrap();
        folder.home().change_manifest(typed("php8.4")).unwrap();
        assert_eq!(folder.read("elsewhere"), "web: php8.2\n");
        assert!(folder.read(NAME).contains("php8.4"));
    }

    #[test]
    fn a_command_that_holds_the_lock_is_waited_for() {
        let folder = Folder::new("lock");
        let home = folder.home();
        let lock = home.lock().unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| home.change_manifest(typed("php8.2")));
            std::thread::sleep(Duration::from_millis(200));
            assert!(!folder.names().contains(&NAME.to_owned()));
            drop(lock);
            assert!(waiting.join().unwrap().unwrap());
        });
    }
}
