use std::collections::BTreeMap;
use std::str::FromStr;

use toolforge_model::yaml::{self, YamlValue};
use toolforge_model::{Diagnostic, TypeName, Untrusted};

use crate::catalog_entry::{self, EntryProblem};
use crate::image_type::ImageType;

/// The types that are known without a cluster.
const BUNDLED: &str = include_str!("bundled.yaml");

/// The image catalog: every type, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    pub(crate) types: BTreeMap<TypeName, ImageType>,
    problems: Vec<EntryProblem>,
    bundled: bool,
}

/// Why a text is not a catalog.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The text has no entries.
    #[error("the image catalog is empty")]
    Empty,
    /// The text is not YAML.
    #[error("the image catalog cannot be read: {0}")]
    Syntax(Diagnostic),
    /// The text is YAML, but not a mapping from names to entries.
    #[error("the image catalog is {}, not a mapping from type names to images", found.escaped())]
    NotAMapping {
        /// The kind of the text.
        found: Untrusted,
    },
}

impl Catalog {
    /// Returns the catalog of a text, as it is published under `images-v1.yaml`.
    ///
    /// An entry that cannot be used is skipped and listed in [`problems`](Self::problems). An entry has `variants`
    /// (`webservice` and `jobs-framework`, each with an image), an `image` of its own, or both; an image of its own is
    /// for web services if its name has the word `web`. What an entry does not state follows from its family: `php` has
    /// the runner lighttpd, `perl` and `tcl` lighttpd-plain, `python` uwsgi-python, `node` nodejs, all others
    /// generic; `jdk` has 1Gi of memory, all others 512Mi.
    ///
    /// # Errors
    /// When the text is empty, not YAML, or not a mapping.
    pub fn parse(text: &str) -> Result<Self, CatalogError> {
        let document = yaml::parse(text).map_err(CatalogError::Syntax)?;
        let entries = match &document.value {
            YamlValue::Mapping(entries) if !entries.is_empty() => entries,
            YamlValue::Null | YamlValue::Mapping(_) => return Err(CatalogError::Empty),
            YamlValue::String(_) | YamlValue::Plain(_) | YamlValue::Sequence(_) => {
                return Err(CatalogError::NotAMapping { found: Untrusted::new(document.describe()) });
            }
        };
        let mut catalog = Self::default();
        for (key, entry) in entries {
            match catalog_entry::resolve(key, entry) {
                Ok(image_type) => drop(catalog.types.insert(image_type.name.clone(), image_type)),
                Err(problem) => catalog.problems.push(problem),
            }
        }
        Ok(catalog)
    }

    /// Returns the types that are known without a cluster: the sixteen types of the platform's page of 2020, most of
    /// them gone, and the types whose images the platform built in August 2025, with the states known then.
    #[must_use]
    pub fn bundled() -> Self {
        let catalog = Self::parse(BUNDLED).expect("the bundled catalog is read by a test");
        Self { bundled: true, ..catalog }
    }

    /// Returns whether this is the bundled catalog and not a cluster's.
    #[must_use]
    pub fn is_bundled(&self) -> bool {
        self.bundled
    }

    /// Iterates over the types, sorted by name.
    pub fn types(&self) -> impl Iterator<Item = &ImageType> {
        self.types.values()
    }

    /// Returns the entries that could not be used.
    #[must_use]
    pub fn problems(&self) -> &[EntryProblem] {
        &self.problems
    }
}

impl FromStr for Catalog {
    type Err = CatalogError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}
