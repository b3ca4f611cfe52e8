//! Files in directories that belong to a tool.
//!
//! A process of the tool, such as its web service, can put a symbolic link or a pipe anywhere in the tool's home. Root
//! must not follow it, so each directory and file is opened relative to its parent, and none may be a link.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, mkdirat, openat, renameat, unlinkat,
};
use rustix::io::Errno;

use crate::failure::{Failure, OrFail};

/// Maximum size of a file that is read, in bytes. Kubeconfigs have a few kilobytes.
const MAX_SIZE: u64 = 1 << 20;

/// Suffix of the temporary file that is renamed once it is complete.
const PARTIAL: &str = ".partial";

/// A tool's home, or a directory in it.
pub(super) struct OwnedDirectory {
    directory: File,
    /// Owner of the home and of everything created in it.
    owner: (Uid, Gid),
}

impl OwnedDirectory {
    /// Opens a tool's home. Only root can change the path of the home itself.
    pub(super) fn home(path: &Path) -> Result<Self, Failure> {
        let cannot = || format!("cannot open {}", path.display());
        let directory = openat(CWD, path, directory_flags(), Mode::empty()).or_fail(cannot())?;
        let found = fstat(&directory).or_fail(cannot())?;
        let owner = (Uid::from_raw(found.st_uid), Gid::from_raw(found.st_gid));
        Ok(Self { directory: directory.into(), owner })
    }

    /// Returns the open directory.
    pub(super) fn as_file(&self) -> &File {
        &self.directory
    }

    /// Opens a directory in this one. If there is none, creates it with these permissions, owned by the tool.
    pub(super) fn directory(&self, name: &str, mode: u32) -> Result<Self, Failure> {
        let cannot = || format!("cannot create the tool's directory {name}");
        match mkdirat(&self.directory, name, Mode::RWXU) {
            Ok(()) => {
                let directory = self.existing(name)?;
                directory.own(&directory.directory, mode).or_fail(cannot())?;
                Ok(directory)
            }
            Err(Errno::EXIST) => self.existing(name),
            Err(error) => Err(error).or_fail(cannot()),
        }
    }

    /// Opens an existing directory in this one.
    pub(super) fn existing(&self, name: &str) -> Result<Self, Failure> {
        let directory = openat(&self.directory, name, directory_flags(), Mode::empty())
            .or_fail(format!("cannot open the tool's directory {name}"))?;
        Ok(Self { directory: directory.into(), owner: self.owner })
    }

    /// Returns the text of a file in this directory, or `None` if it cannot be read.
    pub(super) fn read(&self, name: &str) -> Option<String> {
        // Nonblocking, because the file may be a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.directory, name, flags, Mode::empty()).ok()?);
        let is_short_file = file.metadata().is_ok_and(|found| found.is_file() && found.len() <= MAX_SIZE);
        let mut text = String::new();
        (is_short_file && file.take(MAX_SIZE).read_to_string(&mut text).is_ok()).then_some(text)
    }

    /// Writes a file in this directory with these permissions, owned by the tool. Readers never see it half-written.
    pub(super) fn write(&self, name: &str, bytes: &[u8], mode: u32) -> Result<(), Failure> {
        let partial = format!("{name}{PARTIAL}");
        let cannot = || format!("cannot write the tool's {name}");
        match unlinkat(&self.directory, &partial, AtFlags::empty()) {
            Err(error) if error != Errno::NOENT => return Err(error).or_fail(cannot()),
            _ => {}
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Not readable by others before it has content.
        let mut file = File::from(openat(&self.directory, &partial, flags, Mode::empty()).or_fail(cannot())?);
        file.write_all(bytes).or_fail(cannot())?;
        self.own(&file, mode).or_fail(cannot())?;
        renameat(&self.directory, &partial, &self.directory, name).or_fail(cannot())
    }

    fn own(&self, file: &File, mode: u32) -> Result<(), Errno> {
        let (user, group) = self.owner;
        fchown(file, Some(user), Some(group))?;
        fchmod(file, Mode::from_raw_mode(mode))
    }
}

/// Returns the flags for opening a directory, but not through a link.
fn directory_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::path::PathBuf;

    fn home(name: &str) -> (PathBuf, OwnedDirectory) {
        let path = std::env::temp_dir().join(format!("toolforge-owned-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        let home = OwnedDirectory::home(&path).unwrap();
        (path, home)
    }

    #[test]
    fn writes_with_the_given_permissions() {
        let (path, home) = home("plain");
        let directory = home.directory(".kube", 0o775).unwrap();
        directory.write("config", b"first", 0o600).unwrap();
        directory.write("config", b"text", 0o400).unwrap();
        assert_eq!(directory.read("config").as_deref(), Some("text"));
        assert_eq!(directory.read("nothing"), None);
        let mode = |file: &str| fs::metadata(path.join(file)).unwrap().permissions().mode() & 0o7777;
        assert_eq!((mode(".kube"), mode(".kube/config")), (0o775, 0o400));
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn follows_no_link_out_of_the_home() {
        let (path, home) = home("links");
        let (victim, elsewhere) = (path.join("victim"), path.join("elsewhere"));
        fs::write(&victim, "safe").unwrap();
        fs::create_dir(&elsewhere).unwrap();
        symlink(&elsewhere, path.join(".toolskube")).unwrap();
        assert!(home.existing(".toolskube").is_err());
        assert!(home.directory(".toolskube", 0o775).is_err());

        let directory = home.directory(".kube", 0o775).unwrap();
        symlink(&victim, path.join(".kube/config")).unwrap();
        symlink(&victim, path.join(".kube/config.partial")).unwrap();
        assert_eq!(directory.read("config"), None);
        directory.write("config", b"new", 0o600).unwrap();
        assert_eq!(fs::read_to_string(&victim).unwrap(), "safe");
        assert_eq!(directory.read("config").as_deref(), Some("new"));
        fs::remove_dir_all(path).unwrap();
    }
}
