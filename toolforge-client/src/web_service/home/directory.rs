use std::path::{Path, PathBuf};

use toolforge_model::ToolName;
use toolforge_render::web_service::HomeFolder;

use crate::connect::{FileProblem, read_text};

/// The home of one tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolHome {
    path: PathBuf,
}

impl ToolHome {
    /// Returns a tool's home: `/data/project/NAME` where that folder exists, else the folder that is handed over, which
    /// is the user's own home where the user is the tool.
    #[must_use]
    pub fn of(tool: &ToolName, own: Option<&Path>) -> Option<Self> {
        let shared = PathBuf::from(tool.home());
        let path = if shared.is_dir() { Some(shared) } else { own.map(Path::to_path_buf) };
        path.map(|path| Self { path })
    }

    /// Returns the home in a folder.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Returns the folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns what of the home image types start from.
    #[must_use]
    pub fn folder(&self) -> HomeFolder {
        let package = self.path.join("www/js/package.json");
        HomeFolder {
            public_html: self.path.join("public_html").is_dir(),
            lighttpd_conf: self.path.join(".lighttpd.conf").is_file(),
            python_source: self.path.join("www/python/src").is_dir(),
            package_json: match read_text(&package) {
                Ok(text) => Some(text),
                // What is there and cannot be read is as good as empty.
                Err(FileProblem::Missing) => None,
                Err(_) => Some(String::new()),
            },
        }
    }
}
