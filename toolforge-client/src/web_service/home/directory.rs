use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use toolforge_model::ToolName;
use toolforge_render::job::FileFacts;
use toolforge_render::web_service::HomeFiles;

use crate::connect::{FileProblem, read_text};

/// How much of a file is read for its first line: a kernel reads 256 bytes (Linux, `BINPRM_BUF_SIZE`).
const FIRST_LINE: u64 = 256;

/// The home of one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolHome {
    path: PathBuf,
}

impl ToolHome {
    /// Returns a tool's home: `/data/project/NAME` if that directory exists, else `own`, the home of the current user.
    #[must_use]
    pub fn of(tool: &ToolName, own: Option<&Path>) -> Option<Self> {
        let shared = PathBuf::from(tool.home());
        let path = if shared.is_dir() { Some(shared) } else { own.map(Path::to_path_buf) };
        path.map(|path| Self { path })
    }

    /// Returns the home in a directory.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the facts about a path below the home; `None` if it cannot be examined.
    #[must_use]
    pub fn look(&self, relative: &str) -> Option<FileFacts> {
        let path = self.path.join(relative);
        let metadata = match path.metadata() {
            Ok(metadata) => metadata,
            // A link may lead to a program of the image, such as that of a virtual environment.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !path.is_symlink() => {
                return Some(FileFacts::Missing);
            }
            Err(_) => return None,
        };
        if metadata.is_dir() {
            return Some(FileFacts::Directory);
        }
        // Opening a pipe would wait for its writer.
        if !metadata.is_file() {
            return None;
        }
        let mut start = Vec::new();
        File::open(&path).ok()?.take(FIRST_LINE).read_to_end(&mut start).ok()?;
        let first_line = start.split(|byte| *byte == b'\n').next().unwrap_or_default().to_vec();
        let is_executable = metadata.permissions().mode() & 0o111 != 0;
        Some(FileFacts::File { is_executable, first_line })
    }

    /// Returns the files that image types start from.
    #[must_use]
    pub fn files(&self) -> HomeFiles {
        let package = self.path.join("www/js/package.json");
        let public_html = self.path.join("public_html").metadata().ok().filter(Metadata::is_dir);
        // The web server runs as the owner.
        let is_open = |metadata: &Metadata| metadata.mode() & 0o500 == 0o500;
        HomeFiles {
            public_html: public_html.is_some(),
            public_html_closed: public_html.is_some_and(|metadata| !is_open(&metadata)),
            lighttpd_conf: self.path.join(".lighttpd.conf").is_file(),
            python_source: self.path.join("www/python/src").is_dir(),
            package_json: match read_text(&package) {
                Ok(text) => Some(text),
                // An unreadable file counts as empty.
                Err(FileProblem::Missing) => None,
                Err(_) => Some(String::new()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_returns_type_mode_and_first_line() {
        let directory = std::env::temp_dir().join(format!("toolforge-home-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&directory);
        std::fs::create_dir_all(directory.join("logs")).unwrap();
        let script = directory.join("run.sh");
        std::fs::write(&script, "#!/bin/sh\r\nls\r\n").unwrap();
        let home = ToolHome::at(&directory);
        let first_line = b"#!/bin/sh\r".to_vec();
        for (mode, is_executable) in [(0o644, false), (0o755, true)] {
            std::fs::set_permissions(&script, std::fs::Permissions::from_mode(mode)).unwrap();
            let expected = FileFacts::File { is_executable, first_line: first_line.clone() };
            assert_eq!(home.look("run.sh"), Some(expected));
        }
        assert_eq!(home.look("logs"), Some(FileFacts::Directory));
        assert_eq!(home.look("none"), Some(FileFacts::Missing));
        std::os::unix::fs::symlink("/nonexistent/python3", directory.join("python")).unwrap();
        assert_eq!(home.look("python"), None);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
