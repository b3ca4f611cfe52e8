//! What is near a name: the type that replaces it, or the one that was meant.

use toolforge_model::TypeName;

use crate::catalog::Catalog;
use crate::image_type::{ImageType, State};

/// Below this similarity of Jaro and Winkler, a suggestion would be a guess; clap draws the line at 0.7, but
/// `php8.2` and `php5.6` already share that much.
const NEAR: f64 = 0.8;

/// Why a name stands for no image.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NoSuchType {
    /// The catalogue does not have the type, but the platform has or had it.
    #[error("type {name} is {}; {} replaces it", whereabouts(*was), successor(replacement.as_ref()))]
    #[non_exhaustive]
    Gone {
        /// The name.
        name: TypeName,
        /// The state in the bundled catalogue: a type that is there, but not in this cluster's catalogue, is not
        /// gone for good.
        was: State,
        /// The type to use instead; `None` where only the build service can make such an image.
        replacement: Option<TypeName>,
    },
    /// No type was ever called so.
    #[error("no image type \"{name}\"{}", suggestion(nearest.as_ref()))]
    #[non_exhaustive]
    Unknown {
        /// The name.
        name: TypeName,
        /// The type that was probably meant.
        nearest: Option<TypeName>,
    },
    /// The type has no image for web services.
    #[error("type {name} {}", if *has_job { "is for jobs only; it has no image for web services" } else { "has no image" })]
    #[non_exhaustive]
    NoWebVariant {
        /// The name.
        name: TypeName,
        /// Whether it has an image for jobs.
        has_job: bool,
    },
}

fn whereabouts(was: State) -> &'static str {
    match was {
        State::Gone => "gone from the platform",
        State::Current | State::Deprecated => "not in this cluster's catalogue",
    }
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
        let table = if catalog.is_bundled() {
            catalog
        } else {
            bundled = Catalog::bundled();
            &bundled
        };
        match catalog.known(name).or_else(|| table.known(name)) {
            Some(known) => Self::Gone {
                name: name.clone(),
                was: known.state,
                replacement: catalog.replacement_of(&known.name).map(|found| found.name.clone()),
            },
            None => Self::Unknown { name: name.clone(), nearest: nearest(catalog, name) },
        }
    }
}

/// Returns the newest current type of a family that has an image for web services and whose version begins with some
/// numbers.
pub(crate) fn newest<'a>(catalog: &'a Catalog, wanted: &str, beginning: &[u64]) -> Option<&'a ImageType> {
    catalog
        .types()
        .filter(|image_type| image_type.state == State::Current && image_type.web.is_some())
        .filter(|image_type| family(image_type.name.as_str()) == wanted)
        .map(|image_type| (version(image_type.name.as_str()), image_type))
        .filter(|(version, _)| version.starts_with(beginning))
        .max_by(|left, right| left.0.cmp(&right.0))
        .map(|(_, image_type)| image_type)
}

/// Returns the type that was probably meant: the newest one whose version begins as the given one (`python3` means
/// `python3.13`), else the one that is still there whose name is most like the given one.
fn nearest(catalog: &Catalog, name: &TypeName) -> Option<TypeName> {
    let asked = name.as_str().to_ascii_lowercase();
    if let Some(newest) = newest(catalog, family(&asked), &version(&asked)) {
        return Some(newest.name.clone());
    }
    let candidates = catalog.types().filter(|image_type| image_type.state != State::Gone);
    let build_service =
        ("buildservice".parse().ok()).map(|name: TypeName| (similarity(name.as_str(), &asked), true, name));
    candidates
        .map(|image_type| {
            let is_current = image_type.state == State::Current;
            (similarity(image_type.name.as_str(), &asked), is_current, image_type.name.clone())
        })
        .chain(build_service)
        .filter(|(similarity, _, _)| *similarity >= NEAR)
        .max_by(|left, right| {
            left.0.total_cmp(&right.0).then_with(|| (left.1, &left.2).cmp(&(right.1, &right.2)))
        })
        .map(|(_, _, name)| name)
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

/// Returns the numbers of a name. The platform writes two digits as two numbers in some families (`ruby27`), but
/// never both ways in one.
fn version(name: &str) -> Vec<u64> {
    name.split(|c: char| !c.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}
