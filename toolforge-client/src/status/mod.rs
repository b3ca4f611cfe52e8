//! Refusals of the API server: its `Status` documents, and what they mean.

mod api_status;
mod refusal;

pub use api_status::ApiStatus;
pub use refusal::{Denied, StatusKind};
pub use toolforge_render::pod::{AdmissionRefusal, Exceeded};
