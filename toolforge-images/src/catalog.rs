use std::collections::BTreeMap;

use serde_saphyr::{DuplicateKeyPolicy, NonFiniteFloatPolicy, UserMessageFormatter};
use toolforge_model::{TypeName, Untrusted};

use crate::entry;
use crate::image_type::{ImageType, State, WebImage, repository_and_tag};
use crate::node::Node;
use crate::search::{self, NoSuchType};

/// The types that are known without a cluster.
const BUNDLED: &str = include_str!("bundled.yaml");

/// The image catalogue: every type, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog {
    types: BTreeMap<TypeName, ImageType>,
    problems: Vec<EntryProblem>,
    bundled: bool,
}

/// Why a text is not a catalogue.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// The text holds nothing.
    #[error("the image catalogue is empty")]
    Empty,
    /// The text is not YAML.
    #[error("the image catalogue is not YAML{}: {}", at(*place), reason.escaped())]
    Syntax {
        /// Line and column of the mistake, from 1.
        place: Option<(u64, u64)>,
        /// What the reader says.
        reason: Untrusted,
    },
    /// The text is YAML, but not a mapping from names to entries.
    #[error(
        "the image catalogue is {}, not a mapping from the names of types to their images",
        found.escaped()
    )]
    NotAMapping {
        /// What the text holds instead.
        found: Untrusted,
    },
}

fn at(place: Option<(u64, u64)>) -> String {
    place.map(|(line, column)| format!(" (line {line}, column {column})")).unwrap_or_default()
}

/// One entry of the catalogue that cannot be used; the others can.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "type {} of the image catalogue is left out: its {field} is {}; allowed is {allowed}",
    name.quoted(), found.escaped()
)]
#[non_exhaustive]
pub struct EntryProblem {
    /// The entry's name.
    pub name: Untrusted,
    /// The field that is wrong, with the fields in which it stands: `variants.webservice.extra.wstype`.
    pub field: &'static str,
    /// What stands there: a text in quotes, or the name of its shape.
    pub found: Untrusted,
    /// What may stand there.
    pub allowed: &'static str,
}

impl EntryProblem {
    pub(crate) fn new(name: &str, field: &'static str, found: String, allowed: &'static str) -> Self {
        Self { name: Untrusted::new(name), field, found: Untrusted::new(found), allowed }
    }
}

impl Catalog {
    /// Returns the catalogue that a text holds, as it is published under `images-v1.yaml`.
    ///
    /// An entry that cannot be used is left out and named in [`problems`](Self::problems). An entry has `variants`
    /// (`webservice` and `jobs-framework`, each with an image), an `image` of its own, or both; an image of its own is
    /// for web services where its name has the word `web`. What an entry does not state, its family does: `php` has
    /// the runner lighttpd, `perl` and `tcl` lighttpd-plain, `python` uwsgi-python, `node` nodejs, all others
    /// generic; `jdk` has 1Gi of memory, all others 512Mi.
    ///
    /// # Errors
    /// When the text is empty, not YAML, or not a mapping.
    pub fn parse(yaml: &str) -> Result<Self, CatalogError> {
        let options = serde_saphyr::options! {
            // Of two entries with one name the last holds, as it does for the platform's own tools.
            duplicate_keys: DuplicateKeyPolicy::LastWins,
            // A value that no entry may have shall not take the other entries with it.
            non_finite_float_policy: NonFiniteFloatPolicy::AsString,
            ignore_binary_tag_for_string: true,
        };
        let entries = match serde_saphyr::from_str_with_options(yaml, options) {
            Ok(Node::Mapping(entries)) if !entries.is_empty() => entries,
            Ok(Node::Null | Node::Mapping(_)) => return Err(CatalogError::Empty),
            Ok(other @ (Node::Text(_) | Node::Scalar(_) | Node::List(_))) => {
                return Err(CatalogError::NotAMapping { found: Untrusted::new(other.shown()) });
            }
            Err(error) => {
                let place = error.location().map(|location| (location.line(), location.column()));
                let reason = error.without_snippet().render_with_formatter(&UserMessageFormatter);
                // The place is said once, by this error's own text.
                let reason = place.map_or(reason.as_str(), |(line, column)| {
                    reason.trim_end_matches(&format!(" at line {line}, column {column}"))
                });
                return Err(CatalogError::Syntax { place, reason: Untrusted::new(reason) });
            }
        };
        let mut catalog = Self::default();
        for (key, entry) in entries {
            match named(&key).and_then(|name| entry::resolve(&name, &entry)) {
                Ok(image_type) => drop(catalog.types.insert(image_type.name.clone(), image_type)),
                Err(problem) => catalog.problems.push(problem),
            }
        }
        Ok(catalog)
    }

    /// Returns what is known without a cluster: the sixteen types of the platform's page of 2020, most of them
    /// gone, and the types whose images the platform built in August 2025, with the states known then.
    #[must_use]
    pub fn bundled() -> Self {
        let catalog = Self::parse(BUNDLED).expect("the bundled catalogue is read by a test");
        Self { bundled: true, ..catalog }
    }

    /// Returns whether this is the bundled catalogue and not a cluster's.
    #[must_use]
    pub fn is_bundled(&self) -> bool {
        self.bundled
    }

    /// Returns the types, by name.
    pub fn types(&self) -> impl Iterator<Item = &ImageType> {
        self.types.values()
    }

    /// Returns the entries that could not be used.
    #[must_use]
    pub fn problems(&self) -> &[EntryProblem] {
        &self.problems
    }

    /// Returns the type with a name, or with an alias where no type has the name.
    ///
    /// # Errors
    /// When there is none: whether it is gone, and what is near.
    pub fn find(&self, name: &TypeName) -> Result<&ImageType, NoSuchType> {
        self.known(name)
            .filter(|image_type| image_type.state != State::Gone)
            .ok_or_else(|| NoSuchType::new(self, name))
    }

    /// Returns the type with a name or alias, and its image for web services.
    ///
    /// # Errors
    /// When there is no such type, or it has no image for web services.
    pub fn web(&self, name: &TypeName) -> Result<(&ImageType, &WebImage), NoSuchType> {
        let image_type = self.find(name)?;
        match &image_type.web {
            Some(web) => Ok((image_type, web)),
            None => Err(NoSuchType::NoWebVariant { name: name.clone(), has_job: image_type.job.is_some() }),
        }
    }

    /// Returns the types whose image for web services a reference names, with a tag or without one, and from
    /// whichever of the registries that the platform allows: all of them serve the same images.
    ///
    /// Several types may share an image, and a bundled type that is gone is found, too.
    pub fn with_web_image(&self, reference: &str) -> impl Iterator<Item = (&ImageType, &WebImage)> {
        let wanted = repository_and_tag(reference);
        let wanted = (wanted.0.to_owned(), wanted.1.to_owned());
        self.types()
            .filter_map(|image_type| Some((image_type, image_type.web.as_ref()?)))
            .filter(move |(_, web)| repository_and_tag(&web.image) == (&*wanted.0, &*wanted.1))
    }

    /// Returns the type to use instead of one: the newest current type of the same family with an image for web
    /// services, where the catalogue has another.
    ///
    /// A current type has none. The name may be an alias, and that of a type which is gone. Where a whole family is
    /// gone, as `golang` is, an image of the build service takes its place.
    #[must_use]
    pub fn replacement(&self, name: &TypeName) -> Option<&ImageType> {
        if let Some(known) = self.known(name) {
            return if known.state == State::Current { None } else { self.replacement_of(&known.name) };
        }
        let bundled = if self.bundled { Self::default() } else { Self::bundled() };
        self.replacement_of(bundled.known(name).map_or(name, |known| &known.name))
    }

    /// Returns the replacement of a type by its own name, not an alias.
    pub(crate) fn replacement_of(&self, name: &TypeName) -> Option<&ImageType> {
        search::newest(self, search::family(name.as_str()), &[])
    }

    /// Returns the type with a name or alias, one that is gone included where no other has it.
    pub(crate) fn known(&self, name: &TypeName) -> Option<&ImageType> {
        let aliased = || self.types().filter(|image_type| image_type.aliases.contains(name));
        let there = |image_type: &&ImageType| image_type.state != State::Gone;
        let by_name = self.types.get(name);
        by_name.filter(there).or_else(|| aliased().find(there)).or(by_name).or_else(|| aliased().next())
    }
}

/// Returns the name that a key of the catalogue is.
fn named(key: &Node) -> Result<TypeName, EntryProblem> {
    const ALLOWED: &str = "a text of 1 to 63 letters, digits, '.', '-' and '_'";
    match key {
        Node::Text(text) => text.parse().map_err(|_| EntryProblem::new(text, "name", key.shown(), ALLOWED)),
        Node::Null | Node::Scalar(_) | Node::List(_) | Node::Mapping(_) => {
            Err(EntryProblem::new(&key.shown(), "name", key.shown(), ALLOWED))
        }
    }
}
