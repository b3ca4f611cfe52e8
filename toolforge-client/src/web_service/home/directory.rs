use std::path::{Path, PathBuf};

use toolforge_model::ToolName;
use toolforge_render::web_service::HomeFiles;

use crate::connect::{FileProblem, read_text};

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

    /// Returns the files that image types start from.
    #[must_use]
    pub fn files(&self) -> HomeFiles {
        let package = self.path.join("www/js/package.json");
        HomeFiles {
            public_html: self.path.join("public_html").is_dir(),
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
