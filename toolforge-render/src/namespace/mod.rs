//! A tool's namespace without its workloads: the project's settings, limits and quotas, and objects read from files.

mod documents;
mod facts;
mod limits;
mod platform;

pub use documents::{Documents, DocumentsError};
pub use facts::Namespace;
pub use limits::{LimitObjects, limit_range, limits, resource_quota};
pub use platform::{Platform, PublicScheme, PublicSchemeError};
