//! Placeholder.

use std::path::PathBuf;

use crate::failure::Failure;
use crate::report::Report;

/// Builds the images of the web services and returns the folder that the registry serves.
pub(crate) fn build(_report: &Report) -> Result<PathBuf, Failure> {
    let folder = crate::folder::cache_root()?.join("no-images");
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}
