//! Converts what tools used before `jobs.yaml`: manifests of Kubernetes objects, crontabs and lines of Grid Engine's `jsub`.
//!
//! [`Converter`] collects jobs from any number of files; [`Conversion::to_yaml`] writes them as a jobs file, with a comment for
//! everything that it could not convert.

mod adopt;
mod command_lines;
mod conversion;
mod converter;
mod dependent;
mod loss;
mod manifest;
mod note;
mod service;
mod shell_program;
mod unknown_field;
mod variables;
mod web_service;

pub use adopt::{Adoption, AdoptionError, as_created, plan_adoption, resume_adoption};
pub use conversion::{Conversion, ConvertedJob, ConvertedWebService, Unconverted};
pub use converter::Converter;
pub use manifest::with_current_version;
pub use note::ConversionNote;
