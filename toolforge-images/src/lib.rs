//! Which container image the name of a type stands for on Wikimedia Toolforge.
//!
//! The catalogue is data: the cluster publishes it in the ConfigMap `image-config` of the namespace `tf-public`,
//! and [`Catalog::parse`] reads what stands there under the key `images-v1.yaml`. [`Catalog::bundled`] is what is
//! known without a cluster. A name that is in neither gets the nearest one suggested.
//!
//! It does not ask registries whether an image exists, and it does no I/O.
//!
//! ```
//! use toolforge_images::{Catalog, NoSuchType, State};
//!
//! let catalog = Catalog::parse(
//!     "php8.2: {state: stable, aliases: [tf-php82], image: docker-registry.svc.toolforge.org/toolforge-php82-sssd-web}",
//! )?;
//! let (php, web) = catalog.web(&"tf-php82".parse()?)?;
//! assert_eq!(php.state, State::Current);
//! assert_eq!(web.runner.to_string(), "lighttpd");
//! assert_eq!(web.reference(), "docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest");
//!
//! // A type of old is gone, and what replaces it is said.
//! let gone = catalog.find(&"php5.6".parse()?).unwrap_err();
//! assert_eq!(gone.to_string(), "type php5.6 is gone from the platform; php8.2 replaces it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod catalog;
mod contents;
mod entry;
mod image_type;
mod job_image;
mod node;
mod search;

pub use catalog::{Catalog, CatalogError, EntryProblem};
pub use contents::contents;
pub use image_type::{ImageType, Runner, State, WebImage};
pub use job_image::{FoundJobImage, NoSuchJobImage};
pub use search::NoSuchType;
