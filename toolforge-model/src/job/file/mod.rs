//! `jobs.yaml`: the file that lists the jobs of a tool.

mod document_kind;
mod entry;
mod read;
mod write;

pub use document_kind::{DocumentKind, ExpectedDocument};
pub use entry::{FileJob, ImageCheck};
pub use read::{JobsFile, JobsFileFindings};
pub use write::write_jobs;
