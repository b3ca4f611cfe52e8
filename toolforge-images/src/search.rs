//! What is near a name: the type that replaces it, or the one that was meant.

use toolforge_model::TypeName;

use crate::catalog::Catalog;
use crate::image_type::State;

/// Below this similarity of Jaro and Winkler, a suggestion would be a guess; clap draws the line at 0.7, but
/// `php8.2` and `php5.6` already share that much.
const NEAR: f64 = 0.8;

/// Why a name stands for no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSuchType {
    /// The platform had the type once.
    #[error("type {name} is gone from the platform; {} replaces it", successor(replacement.as_ref()))]
    Gone {
        /// The name.
        name: TypeName,
        /// The type to use instead; `None` where only the build service can make such an image.
        replacement: Option<TypeName>,
    },
    /// No type was ever called so.
    #[error("no image type \"{name}\"{}", suggestion(nearest.as_ref()))]
    Unknown {
        /// The name.
        name: TypeName,
        /// The type that was probably meant.
        nearest: Option<TypeName>,
    },
    /// The type has an image for jobs only.
    #[error("type {name} is for jobs only; it has no image for web services")]
    NoWebVariant {
        /// The name.
        name: TypeName,
    },
}

fn successor(replacement: Option<&TypeName>) -> String {
    replacement
        .map_or_else(|| "an image of the build service (`buildservice`)".to_owned(), ToString::to_string)
}

fn suggestion(nearest: Option<&TypeName>) -> String {
    nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default()
}

impl NoSuchType {
    /// Returns why a catalogue has no type with a name.
    pub(crate) fn new(catalog: &Catalog, name: &TypeName) -> Self {
        let bundled;
        let known = if catalog.is_bundled() {
            catalog
        } else {
            bundled = Catalog::bundled();
            &bundled
        };
        if known.types().any(|image_type| image_type.name == *name || image_type.aliases.contains(name)) {
            let replacement = catalog.replacement(name).map(|found| found.name.clone());
            return Self::Gone { name: name.clone(), replacement };
        }
        Self::Unknown { name: name.clone(), nearest: nearest(catalog, name) }
    }
}

/// Returns the name or alias of a type that is still there which is most like the given one.
fn nearest(catalog: &Catalog, name: &TypeName) -> Option<TypeName> {
    let asked = name.as_str().to_ascii_lowercase();
    let candidates = catalog.types().filter(|image_type| image_type.state != State::Gone);
    let build_service =
        ("buildservice".parse().ok()).map(|name: TypeName| (similarity(name.as_str(), &asked), name));
    candidates
        .map(|image_type| (similarity(image_type.name.as_str(), &asked), image_type.name.clone()))
        .chain(build_service)
        .filter(|(similarity, _)| *similarity >= NEAR)
        .max_by(|left, right| left.0.total_cmp(&right.0).then_with(|| left.1.cmp(&right.1)))
        .map(|(_, name)| name)
}

fn similarity(name: &str, asked: &str) -> f64 {
    strsim::jaro_winkler(name, asked)
}

/// Returns the family of a type: the letters at the beginning of its name; `nodejs` is of the family `node`.
pub(crate) fn family(name: &str) -> &str {
    let end = name.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(name.len());
    let letters = &name[..end];
    if letters == "nodejs" { "node" } else { letters }
}

/// Returns whether the first name's version is above the second's, number by number.
pub(crate) fn is_newer(first: &str, second: &str) -> bool {
    version(first) > version(second)
}

/// Returns the numbers of a name. The platform writes two digits as two numbers in some families (`ruby27`), but
/// never both ways in one.
fn version(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}
