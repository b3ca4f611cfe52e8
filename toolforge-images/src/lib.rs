//! The image catalog of Wikimedia Toolforge: the container image of each type name.
//!
//! The catalog is data: the cluster publishes it in the ConfigMap `image-config` of the namespace `tf-public`, under
//! the key `images-v1.yaml`, and [`Catalog::parse`] reads it. [`Catalog::bundled`] is the catalog that is known without
//! a cluster. For an unknown name the most similar one is suggested.
//!
//! It does not ask registries whether an image exists, and it does no I/O.
//!
//! ```
//! use toolforge_images::{Catalog, TypeLookupError, State};
//!
//! let catalog = Catalog::parse(
//!     "php8.2: {state: stable, aliases: [tf-php82], image: docker-registry.svc.toolforge.org/toolforge-php82-sssd-web}",
//! )?;
//! let (php, web) = catalog.web(&"tf-php82".parse()?)?;
//! assert_eq!(php.state, State::Current);
//! assert_eq!(web.runner.to_string(), "lighttpd");
//! assert_eq!(web.reference(), "docker-registry.svc.toolforge.org/toolforge-php82-sssd-web:latest");
//!
//! // A type that is gone has a replacement.
//! let gone = catalog.find(&"php5.6".parse()?).unwrap_err();
//! assert_eq!(gone.to_string(), "type php5.6 is gone from the platform; php8.2 replaces it");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod catalog;
mod catalog_entry;
mod image_contents;
mod image_type;
mod job_image;
mod lookup;
mod old_name;
mod similar;

pub use catalog::{Catalog, CatalogError};
pub use catalog_entry::EntryProblem;
pub use image_contents::{contents, lacks_program};
pub use image_type::{ImageType, Runner, RunnerError, State, WebImage};
pub use job_image::{FoundJobImage, ImageLookupError};
pub use lookup::TypeLookupError;
