//! Web services: a tool owner's request for one, and the files in the tool's home that contain it.

mod options;
mod request;
#[cfg(feature = "yaml")]
mod service_manifest;
#[cfg(feature = "yaml")]
mod service_template;
#[cfg(feature = "yaml")]
mod setting;

pub use options::{WebServiceOptions, WebServiceOptionsError};
pub use request::{HealthCheck, WebServiceImage, WebServiceRequest};
#[cfg(feature = "yaml")]
pub use service_manifest::ServiceManifest;
#[cfg(feature = "yaml")]
pub use service_template::ServiceTemplate;
#[cfg(feature = "yaml")]
pub use setting::{Backend, GridIsGone};
