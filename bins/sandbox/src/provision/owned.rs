//! Files in directories that belong to a tool.
//!
//! What runs as the tool, its web service above all, can put a symbolic link or a pipe anywhere below the tool's home.
//! Root must not follow it: directories and files are opened one below the other, and none may be a link.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use rustix::fs::{
    AtFlags, CWD, Gid, Mode, OFlags, Uid, fchmod, fchown, fstat, mkdirat, openat, renameat, unlinkat,
};
use rustix::io::Errno;

use crate::failure::{Failure, OrFail};

/// The longest file that is read: kubeconfigs have a few kilobytes.
const LONGEST: u64 = 1 << 20;

/// Under this name a file is written before it takes its place.
const PARTIAL: &str = ".partial";

/// A directory of a tool's home, or the home itself.
pub(super) struct OwnedDirectory {
    directory: File,
    /// Whom the home belongs to, and all that is made in it.
    owner: (Uid, Gid),
}

impl OwnedDirectory {
    /// Opens a tool's home. Root alone can change the home's own path.
    pub(super) fn home(path: &Path) -> Result<Self, Failure> {
        let cannot = || format!("cannot open {}", path.display());
        let directory = openat(CWD, path, directory_flags(), Mode::empty()).or_fail(cannot())?;
        let found = fstat(&directory).or_fail(cannot())?;
        let owner = (Uid::from_raw(found.st_uid), Gid::from_raw(found.st_gid));
        Ok(Self { directory: directory.into(), owner })
    }

    /// Returns the directory itself.
    pub(super) fn as_file(&self) -> &File {
        &self.directory
    }

    /// Makes a directory in this one, if it is not there, owned by the tool with these permissions, and opens it.
    pub(super) fn directory(&self, name: &str, mode: u32) -> Result<Self, Failure> {
        let cannot = || format!("cannot make the tool's directory {name}");
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

    /// Opens a directory in this one.
    pub(super) fn existing(&self, name: &str) -> Result<Self, Failure> {
        let directory = openat(&self.directory, name, directory_flags(), Mode::empty())
            .or_fail(format!("cannot open the tool's directory {name}"))?;
        Ok(Self { directory: directory.into(), owner: self.owner })
    }

    /// Returns the text of a file in this directory; nothing where there is none that can be read.
    pub(super) fn read(&self, name: &str) -> Option<String> {
        // Without waiting: what stands there may be a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = File::from(openat(&self.directory, name, flags, Mode::empty()).ok()?);
        let is_short_file = file.metadata().is_ok_and(|found| found.is_file() && found.len() <= LONGEST);
        let mut text = String::new();
        (is_short_file && file.take(LONGEST).read_to_string(&mut text).is_ok()).then_some(text)
    }

    /// Writes a file in this directory, owned by the tool with these permissions; it is never seen half-written.
    pub(super) fn write(&self, name: &str, bytes: &[u8], mode: u32) -> Result<(), Failure> {
        let partial = format!("{name}{PARTIAL}");
        let cannot = || format!("cannot write the tool's {name}");
        match unlinkat(&self.directory, &partial, AtFlags::empty()) {
            Err(error) if error != Errno::NOENT => return Err(error).or_fail(cannot()),
            _ => {}
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        // Closed to all others before anything stands in it.
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

/// How directories are opened: for what is in them, and not through a link.
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
    fn writes_and_reads_back_with_the_permissions_asked_for() {
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
    fn no_link_leads_out_of_the_home() {
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
